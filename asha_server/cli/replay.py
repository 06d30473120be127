"""`asha replay`: decides the history of an exported file anew and compares."""

from __future__ import annotations

from pathlib import Path

import click

from asha_server.cli.json_output import json_option, print_json
from asha_server.cli.refusal import Refusal
from asha_server.search.event import Decision, MetricReported
from asha_server.search.redecision import Difference, Redecision
from asha_server.store.history import encode
from asha_server.store.history_file import HistoryFile, HistoryFileError


@click.command(
    short_help="Decide an exported history anew.", epilog="Example: asha replay digits.jsonl"
)
@click.argument(
    "path", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@json_option
def command(path: Path, is_json: bool) -> None:
    """Decide the history of a file that `asha export` wrote anew, and compare.

    Every report, request and end is put to a fresh search, from the first on, and what it decides
    is compared with what was recorded. Needs no server. Exit status 1 and the first difference if
    anything is decided otherwise now: attach the file to a bug report.
    """
    try:
        with path.open("rb") as stream:
            file = HistoryFile(stream)
            redecision = Redecision(file.records())
            difference = redecision.run()
    except HistoryFileError as error:
        raise Refusal(f"{path}, {error}") from error
    except OSError as error:
        raise Refusal(f"{path} cannot be read: {error.strerror or error}") from error
    if is_json:
        _print_facts(file, redecision, difference)
    if difference is not None:
        raise Refusal(f"{path}, {_told(difference)}")
    if not is_json:
        click.echo(
            f"{file.header.experiment_id}: {redecision.event_count:,} events, all decided alike; "
            f"{redecision.decision_count:,} decisions on reports among them."
        )


def _print_facts(file: HistoryFile, redecision: Redecision, difference: Difference | None) -> None:
    facts: dict[str, object] = {
        "experiment_id": file.header.experiment_id,
        "events": redecision.event_count,
        "decisions": redecision.decision_count,
        "difference": None,
    }
    if difference is not None:
        expected, found = _sides(difference)
        facts["difference"] = {
            "line": _line(difference),
            "event": type(difference.record.event).__name__,
            "trial_number": getattr(difference.record.event, "trial_number", None),
            "step": getattr(difference.record.event, "step", None),
            "expected": expected,
            "found": found,
        }
    print_json(facts)


def _line(difference: Difference) -> int:
    """Line of the event in the file, whose first line is its header."""
    return difference.record.sequence + 1


def _told(difference: Difference) -> str:
    """The difference in words: where, what was expected, what was found."""
    event = difference.record.event
    where = [f"line {_line(difference)}: {type(event).__name__}"]
    for name, field in (("trial", "trial_number"), ("step", "step")):
        if hasattr(event, field):
            where.append(f"{name} {getattr(event, field)}")
    expected, found = _sides(difference)
    return f"{', '.join(where)}\n  expected: {expected}\n  found:    {found}"


def _sides(difference: Difference) -> tuple[str, str]:
    """What was recorded and what is decided now; the decisions alone where those differ."""
    record, found = difference.record, difference.found
    if found is record:
        return "the end of the history", f"{_json(record.event)} ({difference.why})"
    if found is None:
        return _json(record.event), f"nothing ({difference.why})"
    if isinstance(record.event, MetricReported) and isinstance(found.event, MetricReported):
        recorded, decided = record.event.decision, found.event.decision
        if recorded != decided:
            return _decision(recorded), _decision(decided)
    if record.event == found.event:
        return _json(record), _json(found)
    return _json(record.event), _json(found.event)


def _decision(decision: Decision) -> str:
    """A decision on one line, as `asha watch` has it and with its grounds."""
    words = [f"{decision.verdict} {decision.reason}", f"rung {decision.rung}"]
    if decision.rank is not None:
        words.append(f"rank {decision.rank} of {decision.competitors}")
    if decision.cutoff is not None:
        words.append(f"cutoff {decision.cutoff!r}")
    words.append(f"next decision at {decision.next_decision_step}")
    return ", ".join(words)


def _json(value: object) -> str:
    return encode(value).decode()

"""An experiment in sentences and tables: what `asha status` shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from asha_server.cli import wording
from asha_server.cli.table import Column, Part, Table
from asha_server.pb.experiment_pb2 import (
    Bracket,
    EndReason,
    Experiment,
    ExperimentState,
    Goal,
    RungSummary,
    TrialCounts,
)
from asha_server.pb.trial_pb2 import Trial

ENDED = frozenset(
    {ExperimentState.EXPERIMENT_STATE_COMPLETED, ExperimentState.EXPERIMENT_STATE_FAILED}
)
"""The states that nothing follows."""

_STANDINGS = (
    "running",
    "queued",
    "paused",
    "completed",
    "stopped",
    "failed",
    "infeasible",
    "cancelled",
)


def state(experiment: Experiment) -> str:
    """Where it stands, in one word."""
    return wording.word(ExperimentState, experiment.state)


def headline(experiment: Experiment) -> str:
    """Name, state and why it ended: `digits: completed (all trials ended)`."""
    text = f"{experiment.experiment_id}: {state(experiment)}"
    if experiment.end_reason:
        text += f" ({wording.word(EndReason, experiment.end_reason)})"
    return f"{text}: {experiment.end_message}" if experiment.end_message else text


def counts(trial_counts: TrialCounts) -> str:
    """How many trials stand where, leaving out zeros: `4 running, 3 paused`."""
    numbers = {name: int(getattr(trial_counts, name)) for name in _STANDINGS}
    return ", ".join(f"{number:,} {name}" for name, number in numbers.items() if number) or "none"


def progress_line(experiment: Experiment) -> str:
    """Progress in one line, for what cannot draw: `42.1 %  4 running, 3 paused  best 0.312`."""
    text = f"{state(experiment)}  {wording.percent(experiment.progress)}"
    text += f"  {counts(experiment.trial_counts)}"
    if experiment.HasField("incumbent"):
        text += f"  best {best(experiment.incumbent)}"
    return text


def best(trial: Trial) -> str:
    """A trial's best value and where it was measured: `0.312 at 81 (trial 17)`."""
    value = trial.best_rung_value if trial.HasField("best_rung_value") else None
    return f"{wording.number(value)} at {trial.best_rung_length:,} (trial {trial.trial_number})"


def listing(experiments: Iterable[Experiment]) -> Table:
    """Experiments, one a row."""
    table = Table(
        [
            Column("experiment"),
            Column("state"),
            Column("progress", is_number=True),
            Column("trials", is_number=True),
            Column("running", is_number=True),
            Column("best", is_number=True),
            Column("method", is_wide=True),
            Column("created"),
        ]
    )
    for experiment in experiments:
        trial_counts, incumbent = experiment.trial_counts, experiment.incumbent
        table.add(
            experiment.experiment_id,
            state(experiment),
            wording.percent(experiment.progress),
            f"{trial_counts.created:,}",
            f"{trial_counts.running:,}",
            wording.number(
                incumbent.best_rung_value if incumbent.HasField("best_rung_value") else None
            ),
            str(experiment.spec.WhichOneof("method")),
            wording.moment(experiment.create_time),
        )
    return table


def parts(experiment: Experiment) -> Iterator[Part]:
    """One experiment: facts, brackets, rungs."""
    yield headline(experiment)
    yield ""
    yield _facts(experiment)
    yield ""
    yield rung_table(experiment.brackets)


def _total(experiment: Experiment) -> int:
    """Trials that all brackets begin with."""
    return sum(bracket.max_trials for bracket in experiment.brackets)


def _facts(experiment: Experiment) -> str:
    spec, trial_counts = experiment.spec, experiment.trial_counts
    # Copies come on top of the trials that a bracket begins with; how many is not known before.
    total = "" if spec.HasField("pbt") else f" of {_total(experiment):,}"
    facts = {
        "method": wording.method(spec),
        "metric": f"{spec.metric.name} ({wording.word(Goal, spec.metric.goal)})",
        "progress": f"{wording.percent(experiment.progress)}, "
        f"{wording.units(experiment.total_length, spec)} trained in "
        f"{wording.duration(wording.seconds_of(experiment.wall_time))}",
        "trials": f"{trial_counts.created:,}{total}: {counts(trial_counts)}",
    }
    if experiment.HasField("incumbent"):
        incumbent = experiment.incumbent
        facts["best"] = f"{best(incumbent)} {wording.parameters(incumbent.parameters)}"
    facts["created"] = wording.moment(experiment.create_time)
    if experiment.HasField("end_time"):
        facts["ended"] = wording.moment(experiment.end_time)
    width = max(map(len, facts))
    return "\n".join(f"{name:<{width}}  {text}" for name, text in facts.items())


def rung_table(brackets: Iterable[Bracket]) -> Table:
    """The rungs of all brackets, one a row."""
    table = Table(
        [
            Column("bracket", is_number=True),
            Column("rung", is_number=True),
            Column("length", is_number=True),
            Column("entries", is_number=True),
            Column("promoted", is_number=True),
            Column("paused", is_number=True),
            Column("best", is_number=True),
            Column("cut-off", is_number=True),
            Column(""),
        ]
    )
    for bracket in brackets:
        for rung in bracket.rung_summaries:
            table.add(str(bracket.bracket), *_rung_cells(bracket, rung))
    return table


def _rung_cells(bracket: Bracket, rung: RungSummary) -> Iterator[str]:
    yield str(rung.rung)
    yield f"{rung.length:,}"
    yield f"{rung.entries:,}" + (f" of {bracket.max_trials:,}" if rung.rung == 0 else "")
    yield f"{rung.promoted:,}"
    yield f"{rung.paused:,}"
    yield wording.number(rung.best_value if rung.HasField("best_value") else None)
    yield wording.number(rung.cutoff if rung.HasField("cutoff") else None)
    yield "closed" if rung.closed else ""

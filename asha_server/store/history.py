"""Events as rows and as JSON lines, and back.

A report is a row of `report`, everything else a row of `event` with its body as JSON. One JSON
line of an export is `{"sequence":…,"time_us":…,"event":{"type":…,…}}`.

JSON has no NaN and no infinities: where a number is one, `{"non_finite": "NaN"}` stands for it
(or "Infinity", "-Infinity").
"""

from __future__ import annotations

import math
from typing import Any, cast

import msgspec

from asha_server.search.event import Decision, Event, MetricReported, Metrics, Record
from asha_server.search.rows import restored, stored
from asha_server.search.terms import DecisionReason, TrialEndReason, TrialState, Verdict

SEQUENCE_BITS = 40
"""A row's id is key << 40 | sequence: one clustered key for both, without a second index.
2^40 events an experiment are a thousand a second for 34 years; 2^23 experiments remain."""
SEQUENCE_MASK = (1 << SEQUENCE_BITS) - 1

REPORT_COLUMNS = (
    "id",
    "time_us",
    "trial",
    "attempt",
    "step",
    "value",
    "metrics",
    "checkpoint_uri",
    "verdict",
    "reason",
    "bracket",
    "rung",
    "rank",
    "competitors",
    "cutoff",
    "next_decision_step",
    "first_rung",
    "entered_count",
    "promoted_count",
    "trial_state",
    "end_reason",
    "previous",
)
EVENT_COLUMNS = ("id", "time_us", "trial", "type", "body")

Row = tuple[Any, ...]


def row_id(key: int, sequence: int) -> int:
    """The id of an experiment's event; of its trial, with the trial's number."""
    return key << SEQUENCE_BITS | sequence


def report_row(key: int, record: Record) -> Row:
    """The row of `report` for a MetricReported."""
    event = cast("MetricReported", record.event)
    decision = event.decision
    # Most reports carry the search metric alone: its value has a column of its own.
    is_plain = len(event.metrics) == 1 and event.value is not None
    return (
        row_id(key, record.sequence),
        record.time_us,
        event.trial_number,
        event.attempt,
        event.step,
        stored(event.value),
        None if is_plain else encode(event.metrics).decode(),
        event.checkpoint_uri or None,
        decision.verdict.value,
        decision.reason.value,
        decision.bracket,
        decision.rung,
        decision.rank,
        decision.competitors,
        decision.cutoff,
        decision.next_decision_step,
        event.first_rung,
        event.entered_count,
        event.promoted_count,
        event.trial_state.value,
        event.end_reason,
        event.previous,
    )


def event_row(key: int, record: Record) -> Row:
    """The row of `event` for anything but a MetricReported."""
    event = record.event
    return (
        row_id(key, record.sequence),
        record.time_us,
        getattr(event, "trial_number", None),
        type(event).__name__,
        encode(event).decode(),
    )


def record_of_report(row: Row, metric: str) -> Record:
    """The record of a row of `report`, its columns in order.

    Args:
        row: as `REPORT_COLUMNS`.
        metric: name of the experiment's search metric.
    """
    sequence, time_us = row[0] & SEQUENCE_MASK, row[1]
    value = restored(row[5])
    metrics: Metrics
    if row[6] is None:
        assert value is not None
        metrics = ((metric, value),)
    else:
        metrics = tuple((name, number) for name, number in plain(row[6].encode()))
    decision = Decision(
        verdict=Verdict(row[8]),
        reason=DecisionReason(row[9]),
        bracket=row[10],
        rung=row[11],
        rank=row[12],
        competitors=row[13],
        cutoff=row[14],
        next_decision_step=row[15],
        sequence=sequence,
        decided_us=time_us,
    )
    event = MetricReported(
        trial_number=row[2],
        attempt=row[3],
        step=row[4],
        metrics=metrics,
        value=value,
        checkpoint_uri=row[7] or "",
        decision=decision,
        first_rung=row[16],
        entered_count=row[17],
        promoted_count=row[18],
        trial_state=TrialState(row[19]),
        end_reason=TrialEndReason(row[20]) if row[20] else None,
        previous=row[21],
    )
    return Record(sequence, time_us, event)


def record_of_event(row: Row) -> Record:
    """The record of a row of `event`, its columns in order."""
    event = msgspec.convert(plain(row[4].encode()), Event)
    return Record(row[0] & SEQUENCE_MASK, row[1], event)


# -- JSON -------------------------------------------------------------------------------------


def encode(value: object) -> bytes:
    """Any value of the core as JSON, numbers that are not finite included."""
    builtins = msgspec.to_builtins(value)
    if _has_non_finite(builtins):
        builtins = _marked(builtins)
    return msgspec.json.encode(builtins)


def plain(text: bytes) -> Any:
    """JSON as `encode` wrote it, as dicts, lists and numbers."""
    decoded = msgspec.json.decode(text)
    return _unmarked(decoded) if b'"non_finite"' in text else decoded


def decode_record(line: bytes) -> Record:
    """A record from its JSON line.

    Raises:
        msgspec.ValidationError: it is not one.
    """
    return msgspec.convert(plain(line), Record)


_NAMES = {math.inf: "Infinity", -math.inf: "-Infinity"}


def _has_non_finite(value: Any) -> bool:
    if isinstance(value, float):
        return not math.isfinite(value)
    if isinstance(value, dict):
        return any(map(_has_non_finite, value.values()))
    return isinstance(value, list | tuple) and any(map(_has_non_finite, value))


def _marked(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return {"non_finite": _NAMES.get(value, "NaN")}
    if isinstance(value, dict):
        return {key: _marked(part) for key, part in value.items()}
    return [_marked(part) for part in value] if isinstance(value, list | tuple) else value


def _unmarked(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"non_finite"}:
            return float(value["non_finite"])
        return {key: _unmarked(part) for key, part in value.items()}
    return [_unmarked(part) for part in value] if isinstance(value, list) else value

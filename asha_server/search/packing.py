"""An attempt that is over, as a few bytes: most of a million trials are spoken of never again.

What it knows of its reports is left out; the store has them, and they are recalled when somebody
speaks of the attempt again.
"""

from __future__ import annotations

from typing import Any

import msgspec

from asha_server.search.event import Decision
from asha_server.search.terms import (
    AssignmentKind,
    AttemptEnd,
    DecisionReason,
    FailureKind,
    TrialState,
    Verdict,
)

PackedDecision = tuple[
    Verdict, DecisionReason, int, int, int | None, int, float | None, int, int, int
]
"""The fields of a `Decision`, in order."""


class PackedAttempt(msgspec.Struct, frozen=True, array_like=True):
    """An attempt but for its reports; the fields are those of `trial.Attempt`."""

    trial_number: int
    number: int
    kind: AssignmentKind
    worker_id: str
    incarnation_id: str
    request_id: str
    started_us: int
    start_step: int
    start_checkpoint_uri: str
    max_step: int
    units_trained: int
    last_report: int
    decision: PackedDecision | None
    end: AttemptEnd | None
    ended_us: int
    failure: FailureKind | None
    ended_state: TrialState | None
    message: str
    is_fenced: bool


FIELDS = PackedAttempt.__struct_fields__
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(PackedAttempt)


def pack(fields: list[Any], decision: Decision | None) -> bytes:
    """The bytes of an attempt.

    Args:
        fields: as `FIELDS`, whatever stands for the decision.
        decision: the latest on it.
    """
    index = FIELDS.index("decision")
    fields[index] = None if decision is None else msgspec.structs.astuple(decision)
    return _ENCODER.encode(fields)


def unpack(packed: bytes) -> dict[str, Any]:
    """Field -> value of a packed attempt."""
    found = msgspec.structs.asdict(_DECODER.decode(packed))
    decision = found["decision"]
    if decision is not None:
        found["decision"] = Decision(*decision)
    return found

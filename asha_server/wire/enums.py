"""Closed sets: the core's members and the numbers of the wire's enums, by name."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from asha_server.errors import ErrorReason
from asha_server.identity import Role
from asha_server.pb import (
    admin_service_pb2,
    error_pb2,
    event_pb2,
    experiment_pb2,
    suggestion_service_pb2,
    trial_pb2,
)
from asha_server.search import terms

if TYPE_CHECKING:
    from asha_server.wire.fields import Fields

Member = TypeVar("Member", bound=StrEnum)


class EnumMap(Generic[Member]):
    """One closed set, both ways.

    Args:
        members: the core's set; each member is the wire's name without its prefix.
        wire: the generated enum.

    Attributes:
        number: member -> number on the wire.
        member: number on the wire -> member; UNSPECIFIED and numbers of the future are not in it.
    """

    __slots__ = ("_names", "member", "number")

    def __init__(self, members: type[Member], wire: Any) -> None:
        prefix = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", wire.DESCRIPTOR.name).upper()
        self.number: dict[Member, int] = {m: wire.Value(f"{prefix}_{m}") for m in members}
        self.member: dict[int, Member] = {number: m for m, number in self.number.items()}
        self._names = ", ".join(f"{prefix}_{m}" for m in members)

    def of(self, member: Member | None) -> Any:
        """The number of a member; 0 (UNSPECIFIED) for None."""
        return 0 if member is None else self.number[member]

    def parse(self, fields: Fields, path: str, number: int) -> Member | None:
        """The member of a number; None where it is not set."""
        if number == 0:
            return None
        if number not in self.member:
            fields.refuse(path, f"must be one of {self._names}, not {number}")
            return None
        return self.member[number]

    def required(self, fields: Fields, path: str, number: int) -> Member | None:
        """The member of a number that has to be set; None only where a violation was noted."""
        if number == 0:
            fields.refuse(path, f"is required: one of {self._names}")
        return self.parse(fields, path, number)


VERDICT = EnumMap(terms.Verdict, trial_pb2.Verdict)
DECISION_REASON = EnumMap(terms.DecisionReason, trial_pb2.DecisionReason)
TRIAL_STATE = EnumMap(terms.TrialState, trial_pb2.TrialState)
TRIAL_END_REASON = EnumMap(terms.TrialEndReason, trial_pb2.TrialEndReason)
ASSIGNMENT_KIND = EnumMap(terms.AssignmentKind, trial_pb2.AssignmentKind)
ATTEMPT_END = EnumMap(terms.AttemptEnd, trial_pb2.AttemptEnd)
FAILURE_KIND = EnumMap(terms.FailureKind, suggestion_service_pb2.FailureKind)
WAIT_REASON = EnumMap(terms.WaitReason, suggestion_service_pb2.WaitReason)
GOAL = EnumMap(terms.Goal, experiment_pb2.Goal)
BRACKET_MODE = EnumMap(terms.BracketMode, experiment_pb2.BracketMode)
HALVING_VARIANT = EnumMap(terms.HalvingVariant, experiment_pb2.HalvingVariant)
RUNG_RULE = EnumMap(terms.RungRule, experiment_pb2.RungRule)
EXPERIMENT_STATE = EnumMap(terms.ExperimentState, experiment_pb2.ExperimentState)
END_REASON = EnumMap(terms.EndReason, experiment_pb2.EndReason)
TRIAL_STATE_CAUSE = EnumMap(terms.TrialStateCause, event_pb2.TrialStateCause)
ROLE = EnumMap(Role, admin_service_pb2.Role)
ERROR_REASON = EnumMap(ErrorReason, error_pb2.ErrorReason)

"""Everything that can go wrong, as two trees: refusals of the server, failures of the training.

AshaError                    the server, the network or this client; never becomes FailTrial
├── InvalidRequest           wrong whatever the state; `violations` lists every wrong field
├── NotFound                 no such experiment or trial
├── AlreadyExists            a name is taken
│   └── MetricConflict       a step was reported with another value (reports warn and go on)
├── FailedPrecondition       right in itself, not in this state
│   └── TrialEnded           the trial has ended otherwise
├── Aborted                  the caller's lease or etag is not the current one
│   └── LeaseLost            another attempt has the trial, or will have it
├── OutOfRange               a watch asks for events that are gone
├── ResourceExhausted        a limit is reached
├── NotImplementedYet        the API has it, this server has not
├── AccessDenied             the token is missing, unknown or not enough
├── Unavailable              the server could not be reached for as long as `retry_for` allows
├── ServerFault              a bug of the server; metadata may carry an incident_id
├── WorkerFailing            several assignments in a row failed here without a report
├── ForkedProcess            a forked child used the client of its parent
└── CheckpointMissing        a checkpoint function returned no name

TrialFailure                 raised by training code, to say which kind of failure it is
├── Infeasible               these hyperparameters cannot work: replaced, not retried
├── PermanentFailure         would fail again: FAILED
└── CheckpointUnreadable     the checkpoint cannot be read: from scratch, uncounted
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from asha_client.pb import error_pb2

DETAILS_KEY = "grpc-status-details-bin"


class FailureKind(StrEnum):
    """What kind of failure a trial's is: names of `asha.v1.FailureKind` without the prefix."""

    RETRYABLE = "RETRYABLE"
    PERMANENT = "PERMANENT"
    INFEASIBLE = "INFEASIBLE"
    CHECKPOINT_UNREADABLE = "CHECKPOINT_UNREADABLE"


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One field that is wrong.

    Attributes:
        field: proto path (`spec.parameters[2].double_range.max`).
        description: what is wrong with it and the way out.
    """

    field: str
    description: str


class AshaError(Exception):
    """A refusal by the server, or a failure of network or client.

    Args:
        message: what is wrong and the way out.
        reason: name of `asha.v1.ErrorReason` without its prefix; empty if the server gave none.
        code: name of the gRPC status code (`ABORTED`); empty for errors of this client.
        metadata: every dynamic part of the message, by stable key.
        violations: all wrong fields of the request.
        retry_after_s: seconds after which a retry is worthwhile; None if the server named none.
    """

    def __init__(
        self,
        message: str,
        *,
        reason: str = "",
        code: str = "",
        metadata: Mapping[str, str] | None = None,
        violations: Sequence[FieldViolation] = (),
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.code = code
        self.metadata = dict(metadata or {})
        self.violations = tuple(violations)
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        label = "/".join(part for part in (self.code, self.reason) if part)
        lines = [f"{self.message} [{label}]" if label else self.message]
        lines += [f"  {v.field}: {v.description}" for v in self.violations]
        return "\n".join(lines)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickles by state, so that an error can reach other ranks and processes."""
        return (_rebuilt, (type(self), self.message, self.__dict__))

    @property
    def is_retryable(self) -> bool:
        """Whether the same call may be sent again (api.md, "Meaning": retries)."""
        if self.code in {"UNAVAILABLE", "DEADLINE_EXCEEDED"}:
            return True
        return self.code == "RESOURCE_EXHAUSTED" and self.retry_after_s is not None


def _rebuilt(kind: type[AshaError], message: str, state: dict[str, object]) -> AshaError:
    """The unpickled error."""
    error = kind(message)
    error.__dict__.update(state)
    return error


class InvalidRequest(AshaError):
    """The request is wrong whatever the state; `violations` lists every wrong field."""


class NotFound(AshaError):
    """No such experiment or trial."""


class AlreadyExists(AshaError):
    """A name is taken."""


class MetricConflict(AlreadyExists):
    """Another value is recorded for that step; metadata carries it and its verdict."""


class FailedPrecondition(AshaError):
    """Right in itself, but not in the present state."""


class TrialEnded(FailedPrecondition):
    """The trial has ended otherwise."""


class Aborted(AshaError):
    """The caller's lease or etag is not the current one."""


class LeaseLost(Aborted):
    """The lease expired, was fenced or ended; another attempt has the trial, or will have it."""


class OutOfRange(AshaError):
    """A watch asks for events that are gone, or that are not there yet."""


class ResourceExhausted(AshaError):
    """A limit is reached."""


class NotImplementedYet(AshaError):
    """The API has it, this server has not."""


class AccessDenied(AshaError):
    """The token is missing, unknown, expired, or does not cover this call."""


class Unavailable(AshaError):
    """The server could not be reached, or did not answer in time, for as long as was allowed."""


class ServerFault(AshaError):
    """A bug of the server, or an answer that this client cannot read."""


class WorkerFailing(AshaError):
    """Several assignments in a row failed on this worker without one report."""


class ForkedProcess(AshaError):
    """A forked child used the client, or a trial, of its parent."""


class CheckpointMissing(AshaError):
    """A checkpoint function returned no name for what it saved."""


class TrialFailure(Exception):
    """Raised by training code to say what kind of failure it is.

    Attributes:
        kind: the FailureKind it is reported as.
    """

    kind = FailureKind.RETRYABLE


class Infeasible(TrialFailure):
    """These hyperparameters cannot work: the trial is replaced and does not count."""

    kind = FailureKind.INFEASIBLE


class PermanentFailure(TrialFailure):
    """The trial would fail again: it is FAILED without another attempt."""

    kind = FailureKind.PERMANENT


class CheckpointUnreadable(TrialFailure):
    """The checkpoint cannot be read: it is dropped and the trial starts from scratch."""

    kind = FailureKind.CHECKPOINT_UNREADABLE


_BY_REASON: dict[str, type[AshaError]] = {
    "METRIC_CONFLICT": MetricConflict,
    "TRIAL_ENDED": TrialEnded,
    "LEASE_LOST": LeaseLost,
}
_BY_CODE: dict[str, type[AshaError]] = {
    "INVALID_ARGUMENT": InvalidRequest,
    "NOT_FOUND": NotFound,
    "ALREADY_EXISTS": AlreadyExists,
    "FAILED_PRECONDITION": FailedPrecondition,
    "ABORTED": Aborted,
    "OUT_OF_RANGE": OutOfRange,
    "RESOURCE_EXHAUSTED": ResourceExhausted,
    "UNIMPLEMENTED": NotImplementedYet,
    "UNAUTHENTICATED": AccessDenied,
    "PERMISSION_DENIED": AccessDenied,
    "UNAVAILABLE": Unavailable,
    "DEADLINE_EXCEEDED": Unavailable,
}


def decode_error(error: grpc.RpcError) -> AshaError:
    """The typed error of a failed call, with the details of its trailer.

    Details that are missing or unreadable (a proxy answered, not our server) leave reason and
    metadata empty; the status code alone then decides the class.
    """
    code = error.code() if isinstance(error, (grpc.Call, grpc.aio.AioRpcError)) else None
    name = code.name if code is not None else "UNKNOWN"
    message = str(error.details() or name) if hasattr(error, "details") else str(error)
    reason, retry_after_s = "", None
    metadata: dict[str, str] = {}
    violations: list[FieldViolation] = []
    for detail in _details(error):
        info = error_details_pb2.ErrorInfo()
        bad = error_details_pb2.BadRequest()
        retry = error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            reason, metadata = info.reason, dict(info.metadata)
        elif detail.Unpack(bad):
            violations = [FieldViolation(v.field, v.description) for v in bad.field_violations]
        elif detail.Unpack(retry):
            delay = retry.retry_delay
            retry_after_s = delay.seconds + delay.nanos / 1e9
    return _typed(name, reason)(
        message,
        reason=reason,
        code=name,
        metadata=metadata,
        violations=violations,
        retry_after_s=retry_after_s,
    )


def decode_session_error(error: error_pb2.SessionError) -> AshaError:
    """The typed error of a request that was refused on a session, which goes on."""
    codes = (code.name for code in grpc.StatusCode if code.value[0] == error.code)
    name = next(codes, "UNKNOWN")
    try:
        reason = error_pb2.ErrorReason.Name(error.reason).removeprefix("ERROR_REASON_")
    except ValueError:
        reason = str(int(error.reason))  # of a newer server: text for people
    reason = "" if reason == "UNSPECIFIED" else reason
    delay = error.retry_delay
    return _typed(name, reason)(
        error.message or name,
        reason=reason,
        code=name,
        metadata=dict(error.metadata),
        violations=[FieldViolation(v.field, v.description) for v in error.field_violations],
        retry_after_s=delay.seconds + delay.nanos / 1e9 if error.HasField("retry_delay") else None,
    )


def _typed(code: str, reason: str) -> type[AshaError]:
    return _BY_REASON.get(reason) or _BY_CODE.get(code, ServerFault)


def _details(error: grpc.RpcError) -> list[Any]:
    """The Any messages of the google.rpc.Status in the trailer; empty if there is none."""
    trailer = error.trailing_metadata() if hasattr(error, "trailing_metadata") else None
    for key, value in cast("Iterable[tuple[str, bytes]]", trailer or ()):
        if key == DETAILS_KEY:
            try:
                return list(status_pb2.Status.FromString(bytes(value)).details)
            except DecodeError:
                return []
    return []

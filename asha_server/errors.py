"""Every refusal the server can give, as one tree of exceptions. Nothing here knows gRPC.

    AshaError
    ├── InvalidRequest        wrong whatever the state; carries all field violations
    ├── NotFound              no such experiment or trial
    ├── AlreadyExists         a name is taken, a step was reported with another value
    ├── FailedPrecondition    right in itself, not in this state
    ├── Aborted               the caller's lease or etag is not the current one
    ├── OutOfRange            a watch asks for events that are gone
    ├── ResourceExhausted     a limit is reached; retry only if `retry_after_us` is given
    ├── NotImplementedYet     the API has it, this server has not
    ├── Unavailable           going away, or the store failed; retry
    ├── Unauthenticated       no token, or none that holds
    └── PermissionDenied      the token does not cover this call

An error says what is wrong and the way out. Every dynamic part of the message is in `metadata`
too. Messages may change; reasons and metadata keys may not.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec


class ErrorReason(StrEnum):
    """Why a call was refused; the name of `asha.v1.ErrorReason` without its prefix."""

    INVALID_REQUEST = "INVALID_REQUEST"
    EXPERIMENT_NOT_FOUND = "EXPERIMENT_NOT_FOUND"
    TRIAL_NOT_FOUND = "TRIAL_NOT_FOUND"
    EXPERIMENT_EXISTS = "EXPERIMENT_EXISTS"
    METRIC_CONFLICT = "METRIC_CONFLICT"
    TRIAL_ENDED = "TRIAL_ENDED"
    EXPERIMENT_ENDED = "EXPERIMENT_ENDED"
    EXPERIMENT_RUNNING = "EXPERIMENT_RUNNING"
    REQUEST_ID_REUSED = "REQUEST_ID_REUSED"
    IMMUTABLE_FIELD = "IMMUTABLE_FIELD"
    LEASE_LOST = "LEASE_LOST"
    ETAG_MISMATCH = "ETAG_MISMATCH"
    WATCH_LAGGED = "WATCH_LAGGED"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    OVERLOADED = "OVERLOADED"
    NOT_IMPLEMENTED = "NOT_IMPLEMENTED"
    SHUTTING_DOWN = "SHUTTING_DOWN"
    STORE_FAILED = "STORE_FAILED"
    TOKEN_MISSING = "TOKEN_MISSING"
    TOKEN_INVALID = "TOKEN_INVALID"
    SCOPE_MISSING = "SCOPE_MISSING"
    TOKEN_NOT_FOUND = "TOKEN_NOT_FOUND"
    TOKEN_EXISTS = "TOKEN_EXISTS"
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"


class FieldViolation(msgspec.Struct, frozen=True):
    """One field that is wrong.

    Attributes:
        path: proto path of the field, as `spec.parameters[2].double_range.max`.
        message: what is wrong with it and what would be right.
    """

    path: str
    message: str


class AshaError(Exception):
    """A refusal with a stable reason.

    Args:
        reason: the machine-readable cause.
        message: what is wrong and the way out, for a person.
        metadata: every dynamic part of the message, by stable key.
    """

    def __init__(self, reason: ErrorReason, message: str, **metadata: object) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.metadata = {key: str(value) for key, value in metadata.items()}


class InvalidRequest(AshaError):
    """The request is wrong whatever the state; `violations` lists every wrong field."""

    def __init__(self, violations: Sequence[FieldViolation], message: str = "") -> None:
        self.violations = tuple(violations)
        text = message or "; ".join(f"{v.path}: {v.message}" for v in self.violations[:5])
        if not message and len(self.violations) > 5:
            text += f"; and {len(self.violations) - 5} more"
        super().__init__(ErrorReason.INVALID_REQUEST, text)

    @classmethod
    def of(cls, path: str, message: str) -> InvalidRequest:
        """The error for a single wrong field."""
        return cls([FieldViolation(path, message)])


class NotFound(AshaError):
    """No such experiment or trial."""


class AlreadyExists(AshaError):
    """A name is taken, or a step was reported with another value."""


class FailedPrecondition(AshaError):
    """Right in itself, but not in the present state."""


class Aborted(AshaError):
    """The caller's lease or etag is not the current one."""


class OutOfRange(AshaError):
    """A watch asks for events that are gone."""


class ResourceExhausted(AshaError):
    """A limit is reached.

    Attributes:
        retry_after_us: microseconds after which a retry can succeed; 0 where it cannot.
    """

    def __init__(
        self, reason: ErrorReason, message: str, *, retry_after_us: int = 0, **metadata: object
    ) -> None:
        super().__init__(reason, message, **metadata)
        self.retry_after_us = retry_after_us


class NotImplementedYet(AshaError):
    """The API has it, this server has not."""

    def __init__(self, message: str, **metadata: object) -> None:
        super().__init__(ErrorReason.NOT_IMPLEMENTED, message, **metadata)


class Unavailable(AshaError):
    """The server is going away or its store failed; retry the same call.

    Attributes:
        retry_after_us: microseconds after which a retry is worthwhile.
    """

    def __init__(
        self,
        reason: ErrorReason,
        message: str,
        *,
        retry_after_us: int = 1_000_000,
        **metadata: object,
    ) -> None:
        super().__init__(reason, message, **metadata)
        self.retry_after_us = retry_after_us


class Unauthenticated(AshaError):
    """No access token came, or none that holds."""


class PermissionDenied(AshaError):
    """The access token does not cover this call."""

"""A refusal as an answer of a session: the same facts that a refused call has in its trailer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.rpc import error_details_pb2, status_pb2

from asha_server.pb import error_pb2

if TYPE_CHECKING:
    from asha_server.status import WireStatus

_REASON = "ERROR_REASON_"


def session_error(status: WireStatus) -> error_pb2.SessionError:
    """The answer that says what a call would have ended with."""
    whole = status_pb2.Status.FromString(status.details)
    error = error_pb2.SessionError(code=whole.code, message=whole.message)
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    for detail in whole.details:
        if detail.Unpack(info):
            reason: Any = error_pb2.ErrorReason.Value(f"{_REASON}{info.reason}")
            error.reason = reason
            error.metadata.update(info.metadata)
        elif detail.Unpack(bad):
            for violation in bad.field_violations:
                error.field_violations.add(field=violation.field, description=violation.description)
        elif detail.Unpack(retry):
            error.retry_delay.CopyFrom(retry.retry_delay)
    return error

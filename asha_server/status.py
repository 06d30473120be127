"""Errors on the wire: `AshaError` to a gRPC status with its `google.rpc` details."""

from __future__ import annotations

from typing import NamedTuple

import grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2

from asha_server import errors

DOMAIN = "asha.v1"
DETAILS_BYTES_MAX = 4_096
"""Size of an error's details. Clients refuse trailers above 8 KiB in all by default, and details
grow by a third in base64; violations that do not fit are counted in a last one."""
TEXT_BYTES_MAX = 500
"""Size of each text in an error. A message stands in the trailers beside the details, where a byte
that is not plain ASCII takes three: 4096 · 4/3 + 3 · 500 leave a kilobyte for everything else."""
_METADATA_BYTES_MAX = 256

_CODES: tuple[tuple[type[errors.AshaError], grpc.StatusCode], ...] = (
    (errors.InvalidRequest, grpc.StatusCode.INVALID_ARGUMENT),
    (errors.NotFound, grpc.StatusCode.NOT_FOUND),
    (errors.AlreadyExists, grpc.StatusCode.ALREADY_EXISTS),
    (errors.FailedPrecondition, grpc.StatusCode.FAILED_PRECONDITION),
    (errors.Aborted, grpc.StatusCode.ABORTED),
    (errors.OutOfRange, grpc.StatusCode.OUT_OF_RANGE),
    (errors.ResourceExhausted, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (errors.NotImplementedYet, grpc.StatusCode.UNIMPLEMENTED),
    (errors.Unavailable, grpc.StatusCode.UNAVAILABLE),
    (errors.Unauthenticated, grpc.StatusCode.UNAUTHENTICATED),
    (errors.PermissionDenied, grpc.StatusCode.PERMISSION_DENIED),
)


class WireStatus(NamedTuple):
    """What a refused call ends with.

    Attributes:
        code: the status code.
        message: for a person.
        details: `google.rpc.Status`, serialized: the trailer grpc-status-details-bin.
    """

    code: grpc.StatusCode
    message: str
    details: bytes


def status_of(error: errors.AshaError) -> WireStatus:
    """The status of a refusal."""
    code = next(code for kind, code in _CODES if isinstance(error, kind))
    retry_after_us = 0
    violations: tuple[errors.FieldViolation, ...] = ()
    match error:
        case errors.ResourceExhausted() | errors.Unavailable():
            retry_after_us = error.retry_after_us
        case errors.InvalidRequest():
            violations = error.violations
    metadata = {k: _shortened(v, _METADATA_BYTES_MAX) for k, v in error.metadata.items()}
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=metadata)
    message = _shortened(error.message)
    status = status_pb2.Status(code=code.value[0], message=message)
    status.details.add().Pack(info)
    if retry_after_us:
        delay = Duration()
        delay.FromMicroseconds(retry_after_us)
        status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=delay))
    if violations:
        status.details.add().Pack(_bad_request(violations, DETAILS_BYTES_MAX - status.ByteSize()))
    return WireStatus(code, message, status.SerializeToString())


def internal_status(incident: str) -> WireStatus:
    """The status of a bug: an incident id, no inner text."""
    message = f"internal error; the server's log tells more under incident {incident}"
    status = status_pb2.Status(code=grpc.StatusCode.INTERNAL.value[0], message=message)
    status.details.add().Pack(
        error_details_pb2.ErrorInfo(
            reason="INTERNAL", domain=DOMAIN, metadata={"incident_id": incident}
        )
    )
    return WireStatus(grpc.StatusCode.INTERNAL, message, status.SerializeToString())


def _bad_request(
    violations: tuple[errors.FieldViolation, ...], bytes_max: int
) -> error_details_pb2.BadRequest:
    """Every violation, or as many as fit and how many there are beside them."""
    message = error_details_pb2.BadRequest()
    room = bytes_max - 256
    for index, violation in enumerate(violations):
        field = error_details_pb2.BadRequest.FieldViolation(
            field=_shortened(violation.path), description=_shortened(violation.message)
        )
        room -= field.ByteSize() + 4
        if room < 0:
            message.field_violations.add(
                field="", description=f"and {len(violations) - index} more violations"
            )
            break
        message.field_violations.append(field)
    return message


def _shortened(text: str, bytes_max: int = TEXT_BYTES_MAX) -> str:
    raw = text.encode()
    return text if len(raw) <= bytes_max else f"{raw[:bytes_max].decode(errors='ignore')}…"

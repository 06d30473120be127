"""What a scripted server can be told to answer, and what it writes down of a call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2


@dataclass(frozen=True)
class Refusal:
    """An error in place of an answer.

    Attributes:
        code: name of the status.
        reason: of ErrorInfo; empty = no details at all, as a proxy answers.
        metadata: of ErrorInfo.
        violations: field and description, of BadRequest.
        retry_after_s: of RetryInfo; None = none.
    """

    code: str
    reason: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    violations: tuple[tuple[str, str], ...] = ()
    retry_after_s: float | None = None


@dataclass(frozen=True)
class Silence:
    """No answer at all: the call is held until the client gives it up.

    Attributes:
        on_arrival: done when the call has come, as cutting its line.
    """

    on_arrival: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Late:
    """An answer, or a refusal, that takes its time.

    Attributes:
        answer: what comes; bytes are a message of a newer server, as it is on the wire.
        after_s: when, in seconds.
    """

    answer: Message | Refusal | bytes
    after_s: float


@dataclass(frozen=True)
class Carried:
    """A session is carried on: each message of it is answered by the script of its method."""


Answer = Message | Refusal | Silence | Late | Carried | bytes | Iterator[Message]


@dataclass(frozen=True)
class Received:
    """One call as it arrived.

    Attributes:
        method: its name.
        request: as it was sent.
        deadline_s: seconds until the client gives it up; None = never, or it came over a session.
        metadata: its headers, or those of its session.
        in_session: whether it came over one.
    """

    method: str
    request: Any
    deadline_s: float | None
    metadata: dict[str, str | bytes]
    in_session: bool = False


def refuse(context: grpc.ServicerContext, refusal: Refusal) -> None:
    """Ends the call with the refusal, its details in the trailer as our server sends them."""
    details: list[Message] = []
    if refusal.reason:
        details.append(
            error_details_pb2.ErrorInfo(
                reason=refusal.reason, domain="asha.v1", metadata=refusal.metadata
            )
        )
    if refusal.violations:
        details.append(
            error_details_pb2.BadRequest(
                field_violations=[
                    error_details_pb2.BadRequest.FieldViolation(field=f, description=d)
                    for f, d in refusal.violations
                ]
            )
        )
    if refusal.retry_after_s is not None:
        details.append(error_details_pb2.RetryInfo(retry_delay=duration(refusal.retry_after_s)))
    code = grpc.StatusCode[refusal.code]
    if details:
        status = status_pb2.Status(code=code.value[0], message="refused as scripted")
        for detail in details:
            packed = AnyMessage()
            packed.Pack(detail)
            status.details.append(packed)
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(code, "refused as scripted")


def duration(seconds: float) -> Duration:
    """A Duration."""
    message = Duration()
    message.FromNanoseconds(int(seconds * 1e9))
    return message

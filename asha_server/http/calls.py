"""Unary calls as JSON or protobuf over HTTP, by the Connect protocol."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import grpc
from connectrpc.code import Code
from connectrpc.codec import Codec
from connectrpc.compat import google_protobuf_binary_codec
from connectrpc.errors import ConnectError, ErrorDetail
from connectrpc.method import IdempotencyLevel, MethodInfo, StreamType
from connectrpc.request import RequestContext
from connectrpc.server import ConnectASGIApplication, Endpoint
from google.protobuf import json_format
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import status_pb2
from protobuf.wkt import Any as AnyDetail

_DETAILS = "grpc-status-details-bin"
_PASSED_ON = ("authorization", "traceparent", "tracestate")
"""Headers that go with the gRPC call."""
DEADLINE_MAX_S = 3_700.0
"""Of a call that names none: longer than the longest long poll. Seconds."""


class JsonCodec(Codec[Any, Any]):
    """Protobuf's JSON form: field names of the .proto files, zero values, unknown fields refused.

    64-bit integers are texts, as protobuf has them: browsers and R lose digits otherwise.
    """

    def name(self) -> str:
        """As in `application/json`."""
        return "json"

    def encode(self, message: Message) -> bytes:
        """The message as JSON."""
        return json_format.MessageToJson(
            message,
            preserving_proto_field_name=True,
            always_print_fields_with_no_presence=True,
            indent=None,
            ensure_ascii=False,
        ).encode()

    def decode(self, data: bytes | bytearray, message_class: type[Any]) -> Any:
        """The message of some JSON.

        Raises:
            ConnectError: INVALID_ARGUMENT, with what is wrong where.
        """
        try:
            return json_format.Parse(bytes(data) or b"{}", message_class())
        except (json_format.ParseError, UnicodeDecodeError, RecursionError) as error:
            raise ConnectError(
                Code.INVALID_ARGUMENT,
                f"the body is not a {message_class.DESCRIPTOR.name} in protobuf's JSON form: "
                f"{error}",
            ) from error


class Calls(ConnectASGIApplication[grpc.aio.Channel]):
    """The unary calls of one service.

    Args:
        service: its descriptor.
        channel: to the server's own port.
        request_bytes_max: of one request.
    """

    def __init__(
        self, service: ServiceDescriptor, channel: grpc.aio.Channel, request_bytes_max: int
    ) -> None:
        self._name = service.full_name
        endpoints = {
            f"/{self._name}/{method.name}": Endpoint.unary(
                method=_info(service, method), function=_call(service, method, channel)
            )
            for method in _unary(service)
        }
        super().__init__(
            service=channel,
            endpoints=lambda _: endpoints,
            read_max_bytes=request_bytes_max,
            codecs=[JsonCodec(), google_protobuf_binary_codec()],
        )

    @property
    def path(self) -> str:
        """What its URLs begin with."""
        return f"/{self._name}"


def _unary(service: ServiceDescriptor) -> Iterable[MethodDescriptor]:
    methods: list[Any] = list(service.methods)
    return [m for m in methods if not (m.client_streaming or m.server_streaming)]


def _info(service: ServiceDescriptor, method: MethodDescriptor) -> MethodInfo[Any, Any]:
    return MethodInfo(
        name=method.name,
        service_name=service.full_name,
        input=GetMessageClass(method.input_type),
        output=GetMessageClass(method.output_type),
        idempotency_level=IdempotencyLevel.UNKNOWN,
        stream_type=StreamType.UNARY,
    )


def _call(
    service: ServiceDescriptor, method: MethodDescriptor, channel: grpc.aio.Channel
) -> Callable[[Any, RequestContext[Any, Any]], Awaitable[Any]]:
    send: Any = channel.unary_unary(
        f"/{service.full_name}/{method.name}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=GetMessageClass(method.output_type).FromString,
    )

    async def call(request: Any, context: RequestContext[Any, Any]) -> Any:
        headers = context.request_headers
        metadata = [(name, headers[name]) for name in _PASSED_ON if name in headers]
        timeout_ms = context.timeout_ms
        timeout_s = DEADLINE_MAX_S if timeout_ms is None else timeout_ms / 1_000
        try:
            return await send(request, timeout=timeout_s, metadata=metadata)
        except grpc.aio.AioRpcError as error:
            raise _refusal(error) from error

    return call


def _refusal(error: grpc.aio.AioRpcError) -> ConnectError:
    """The same code, message and details."""
    trailers: dict[str, Any] = dict(error.trailing_metadata() or ())  # type: ignore[arg-type]  # pairs
    status = status_pb2.Status.FromString(trailers.get(_DETAILS, b""))
    details = [
        ErrorDetail(AnyDetail(type_url=detail.type_url, value=detail.value))
        for detail in status.details
    ]
    return ConnectError(Code[error.code().name], str(error.details()), details)

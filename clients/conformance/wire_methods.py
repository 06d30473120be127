"""The unary methods of the three services, by name, and messages as JSON and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import grpc
from asha_client.pb import admin_service_pb2, experiment_service_pb2, suggestion_service_pb2
from google.protobuf import json_format, message_factory
from google.protobuf.message import Message

SERVICES = (
    suggestion_service_pb2.DESCRIPTOR.services_by_name["SuggestionService"],
    experiment_service_pb2.DESCRIPTOR.services_by_name["ExperimentService"],
    admin_service_pb2.DESCRIPTOR.services_by_name["AdminService"],
)

METHODS: dict[str, Any] = {
    f"{service.full_name}/{method.name}": method
    for service in SERVICES
    for method in service.methods
    if not method.client_streaming and not method.server_streaming
}
"""Descriptors of the unary methods by `asha.v1.Service/Method`."""

SHORT_NAMES = {name.rpartition("/")[2]: name for name in METHODS}
"""Full names by the method's own: no two services have one of the same name."""


def request_of(method: str, content: Mapping[str, object]) -> Message:
    """The request of a method, from protobuf's JSON form."""
    kind = message_factory.GetMessageClass(METHODS[method].input_type)
    return json_format.ParseDict(dict(content), kind())


def response_of(method: str, content: Mapping[str, object]) -> Message:
    """The response of a method, from protobuf's JSON form.

    Raises:
        json_format.ParseError: the content does not have that form.
    """
    kind = message_factory.GetMessageClass(METHODS[method].output_type)
    return json_format.ParseDict(dict(content), kind())


def canonical(message: Message) -> dict[str, object]:
    """The canonical JSON form, as a driver is given it."""
    return json_format.MessageToDict(message)


def plain(message: Message) -> dict[str, Any]:
    """The form that cases are compared in: proto names, zero values printed."""
    return json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )


def call(
    channel: grpc.Channel, method: str, request: Message, timeout_s: float, token: str = ""
) -> Message:
    """One call of the suite's own, past every client.

    Raises:
        grpc.RpcError: it was refused.
    """
    send = channel.unary_unary(
        f"/{method}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=message_factory.GetMessageClass(
            METHODS[method].output_type
        ).FromString,
    )
    metadata = (("authorization", f"Bearer {token}"),) if token else None
    response: Message = send(request, timeout=timeout_s, metadata=metadata)
    return response


def enum_types() -> Iterator[Any]:
    """Every enum that a unary request or response can hold, and ErrorReason."""
    seen: dict[str, Any] = {}
    todo = [kind for m in METHODS.values() for kind in (m.input_type, m.output_type)]
    visited = set[str]()
    while todo:
        message = todo.pop()
        if message.full_name in visited:
            continue
        visited.add(message.full_name)
        for field in message.fields:
            if field.message_type is not None:
                todo.append(field.message_type)
            if field.enum_type is not None:
                seen[field.enum_type.full_name] = field.enum_type
    yield from seen.values()

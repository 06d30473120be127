"""The wire contract with its comments: what protos/asha/v1 says, element by element."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import grpc_tools  # type: ignore[import-untyped]  # ships no types
from google.protobuf import descriptor_pb2
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parents[2]
PROTOS = ROOT / "protos"
PACKAGE = ".asha.v1."

File = descriptor_pb2.FileDescriptorProto
Field = descriptor_pb2.FieldDescriptorProto

_SERVICE, _MESSAGE, _ENUM = 6, 4, 5
"""Field numbers of FileDescriptorProto: the first step of an element's path."""
_MEMBER = 2
"""Field number of methods in a service, fields in a message, values in an enum."""
_SYNTAX = (12,)
_TYPES = {
    Field.TYPE_DOUBLE: "double",
    Field.TYPE_INT64: "int64",
    Field.TYPE_UINT64: "uint64",
    Field.TYPE_INT32: "int32",
    Field.TYPE_UINT32: "uint32",
    Field.TYPE_BOOL: "bool",
    Field.TYPE_STRING: "string",
    Field.TYPE_BYTES: "bytes",
}


class Member(NamedTuple):
    """A field of a message or a value of an enum.

    Attributes:
        name: as written.
        type: scalar name, or full name of a message or enum; empty for an enum's value.
        label: `repeated`, `optional`, `map<string, string>`, or empty.
        oneof: the oneof it belongs to; empty: none.
        number: on the wire.
        comment: what the proto says.
    """

    name: str
    type: str
    label: str
    oneof: str
    number: int
    comment: str


class Element(NamedTuple):
    """A message or an enum.

    Attributes:
        name: without its package.
        is_enum: whether its members are values.
        comment: what the proto says.
        members: list[Member], in declared order.
    """

    name: str
    is_enum: bool
    comment: str
    members: list[Member]


class Method(NamedTuple):
    """One RPC.

    Attributes:
        name: without its service.
        request: name of its request message.
        response: name of its response message.
        is_client_stream: whether the client sends many.
        is_server_stream: whether the server answers many.
        comment: what the proto says.
    """

    name: str
    request: str
    response: str
    is_client_stream: bool
    is_server_stream: bool
    comment: str


class Service(NamedTuple):
    """A service.

    Attributes:
        name: without its package.
        comment: what the proto says.
        methods: list[Method], in declared order.
    """

    name: str
    comment: str
    methods: list[Method]


class Source(NamedTuple):
    """One proto file.

    Attributes:
        path: below protos/.
        comment: what its first lines say.
        services: list[Service].
        elements: list[Element], messages then enums of it, in declared order each.
    """

    path: str
    comment: str
    services: list[Service]
    elements: list[Element]


@functools.cache
def sources() -> tuple[Source, ...]:
    """Every file of the contract, by path.

    Raises:
        SystemExit: protoc refused a file; its own message is on standard error.
    """
    include = Path(grpc_tools.__file__).parent / "_proto"
    paths = sorted((PROTOS / "asha" / "v1").glob("*.proto"))
    with tempfile.TemporaryDirectory() as directory:
        target = Path(directory, "descriptors")
        arguments = [
            "protoc",
            f"-I{PROTOS}",
            f"-I{include}",
            "--include_source_info",
            f"--descriptor_set_out={target}",
            *(str(path.relative_to(PROTOS)) for path in paths),
        ]
        if protoc.main(arguments) != 0:
            raise SystemExit(1)
        found = descriptor_pb2.FileDescriptorSet.FromString(target.read_bytes())
    return tuple(_source(file) for file in found.file)


def elements() -> dict[str, Element]:
    """Name -> message or enum, of every file."""
    return {element.name: element for source in sources() for element in source.elements}


def _source(file: File) -> Source:
    comments = {
        tuple(place.path): place.leading_comments.strip()
        for place in file.source_code_info.location
    }
    first = [d for p in file.source_code_info.location if tuple(p.path) == _SYNTAX
             for d in (p.leading_comments, *p.leading_detached_comments)]  # fmt: skip
    services = [
        Service(
            service.name,
            comments[_SERVICE, index],
            [
                Method(
                    method.name,
                    method.input_type.removeprefix(PACKAGE),
                    method.output_type.removeprefix(PACKAGE),
                    method.client_streaming,
                    method.server_streaming,
                    comments[_SERVICE, index, _MEMBER, position],
                )
                for position, method in enumerate(service.method)
            ],
        )
        for index, service in enumerate(file.service)
    ]
    return Source(
        file.name,
        " ".join(first).strip(),
        services,
        [*_messages(file, comments), *_enums(file, comments)],
    )


def _messages(file: File, comments: dict[tuple[int, ...], str]) -> Iterator[Element]:
    for index, message in enumerate(file.message_type):
        maps = {nested.name: nested for nested in message.nested_type if nested.options.map_entry}
        members = [
            Member(
                field.name,
                _type(field),
                _label(field, maps),
                _oneof(message, field),
                field.number,
                comments[_MESSAGE, index, _MEMBER, position],
            )
            for position, field in enumerate(message.field)
        ]
        yield Element(message.name, False, comments[_MESSAGE, index], members)


def _enums(file: File, comments: dict[tuple[int, ...], str]) -> Iterator[Element]:
    for index, enum in enumerate(file.enum_type):
        members = [
            Member(value.name, "", "", "", value.number, comments[_ENUM, index, _MEMBER, position])
            for position, value in enumerate(enum.value)
        ]
        yield Element(enum.name, True, comments[_ENUM, index], members)


def _type(field: Field) -> str:
    return _TYPES.get(field.type) or field.type_name.removeprefix(PACKAGE).lstrip(".")


def _label(field: Field, maps: dict[str, descriptor_pb2.DescriptorProto]) -> str:
    entry = maps.get(field.type_name.rpartition(".")[2])
    if entry is not None:
        key, value = (_type(member) for member in entry.field)
        return f"map<{key}, {value}>"
    if field.label == Field.LABEL_REPEATED:
        return "repeated"
    return "optional" if field.proto3_optional else ""


def _oneof(message: descriptor_pb2.DescriptorProto, field: Field) -> str:
    if field.proto3_optional or not field.HasField("oneof_index"):
        return ""
    return message.oneof_decl[field.oneof_index].name

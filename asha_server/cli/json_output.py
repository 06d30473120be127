"""What `--json` prints: one JSON object a line, protobuf's JSON form with zero values.

Field names are those of the .proto files. Unlike over HTTP, 64-bit integers are numbers, so that
`jq 'select(.trial_number > 3)'` means what it says; every protobuf parser reads both.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import TypeVar, cast

import click
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

FunctionT = TypeVar("FunctionT", bound=Callable[..., object])

_INT64 = frozenset({FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT64})


def json_option(function: FunctionT) -> FunctionT:
    """Adds `--json`, given to the command as `is_json: bool`."""
    return click.option(
        "--json", "is_json", is_flag=True, help="Print JSON, one object a line, for programs."
    )(function)


def print_json(fact: Message | Mapping[str, object]) -> None:
    """Prints a fact as one line of JSON."""
    content = plain(fact) if isinstance(fact, Message) else fact
    click.echo(json.dumps(content, ensure_ascii=False, allow_nan=False))


def plain(message: Message) -> dict[str, object]:
    """A message as a dictionary ready for JSON, zero values included."""
    content: dict[str, object] = json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    _restore_integers(message.DESCRIPTOR, content)
    return content


def _restore_integers(descriptor: object, content: dict[str, object]) -> None:
    """Makes numbers of the texts that protobuf writes for 64-bit integers."""
    for field in cast("Descriptor", descriptor).fields:
        value = content.get(field.name)
        items: list[object] = value if isinstance(value, list) else [value]
        if value is None:
            continue
        if field.cpp_type in _INT64:
            numbers = [int(str(item)) for item in items]
            content[field.name] = numbers if isinstance(value, list) else numbers[0]
        elif field.message_type is not None and not field.message_type.GetOptions().map_entry:
            for item in items:
                if isinstance(item, dict):  # not the text of a duration or time
                    _restore_integers(field.message_type, item)


def json_number(number: float) -> float | str:
    """A number that JSON has, or the name protobuf gives it there."""
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return number

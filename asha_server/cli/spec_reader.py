"""Messages from YAML nodes, guided by their descriptors: the form of `experiment_file.py`."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, cast

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from asha_server.cli.yaml_document import Node
from asha_server.pb.experiment_pb2 import ParameterSpec
from asha_server.pb.trial_pb2 import ParameterValue
from asha_server.search.value import INT64_MAX, INT64_MIN

_VALUE_KINDS = frozenset(field.name for field in ParameterValue.DESCRIPTOR.fields)
_INTEGER = re.compile(r"-?[0-9]+")


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a field of the spec comes from.

    Attributes:
        place: file and line, or the option.
        path: as it is written there: `parameters.lr.double_range.max`.
    """

    place: str
    path: str


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a file.

    Attributes:
        spot: where.
        message: what, and the way out.
    """

    spot: Spot
    message: str

    def __str__(self) -> str:
        path = f" {self.spot.path}:" if self.spot.path else ""
        return f"{self.spot.place}:{path} {self.message}"


class SpecReader:
    """Fills messages from nodes, and collects every fault on the way.

    Attributes:
        faults: list[Fault], in the order of the file.
        spots: proto path -> where it stands.
    """

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.spots: dict[str, Spot] = {}

    def refuse(self, node: Node, path: str, message: str) -> None:
        """Notes a fault.

        Args:
            node: where.
            path: as written in the file.
            message: what is wrong and the way out.
        """
        self.faults.append(Fault(Spot(node.place, path), message))

    def read_message(self, message: Message, node: Node, field: str, path: str) -> None:
        """Fills a message from a mapping of its fields.

        Args:
            message: empty; becomes present even if it stays empty.
            node: what the file says.
            field: proto path of the message.
            path: as written in the file.
        """
        self.spots[field] = Spot(node.place, path)
        message.SetInParent()
        if isinstance(message, Duration):
            self._read_duration(message, node, path)
        elif isinstance(message, ParameterValue):
            self._read_value(message, node, path)
        elif isinstance(node.value, dict):
            self._read_fields(message, node.value, field, path)
        else:
            names = ", ".join(known.name for known in message.DESCRIPTOR.fields[:4])
            hint = f"of {names}, …" if names else "without members: {}"
            self.refuse(node, path, f"must be a mapping {hint}, not {_shown(node)}")

    def _read_fields(
        self, message: Message, members: Mapping[str, Node], field: str, path: str
    ) -> None:
        chosen: dict[str, str] = {}
        for key, node in members.items():
            written = f"{path}.{key}" if path else key
            known = message.DESCRIPTOR.fields_by_name.get(key)
            known = known or message.DESCRIPTOR.fields_by_camelcase_name.get(key)
            if known is None:
                self._refuse_unknown(message, node, written, key)
                continue
            choice = known.containing_oneof
            # A synthetic oneof stands for `optional` and holds one field only.
            if choice is not None and len(choice.fields) > 1:
                if choice.name in chosen:
                    other = chosen[choice.name]
                    self.refuse(node, written, f"excludes {other}: give one of them")
                    continue
                chosen[choice.name] = key
            self._read_field(
                message, cast("FieldDescriptor", known), node, f"{field}.{known.name}", written
            )

    def _refuse_unknown(self, message: Message, node: Node, path: str, key: str) -> None:
        names = [known.name for known in message.DESCRIPTOR.fields]
        near = difflib.get_close_matches(key, names, n=1)
        if near:
            way_out = f"did you mean {near[0]}?"
        elif names:
            way_out = f"there are: {', '.join(names)}"
        else:
            way_out = "there are none here"
        self.refuse(node, path, f"there is no such field; {way_out}")

    def _read_field(
        self, message: Message, known: FieldDescriptor, node: Node, field: str, path: str
    ) -> None:
        """Sets one field of a message."""
        self.spots[field] = Spot(node.place, path)
        target = getattr(message, known.name)
        if known.message_type is None and not known.is_repeated:
            value = self._scalar(known, node, path)
            if value is not None:
                setattr(message, known.name, value)
        elif known.message_type is not None and known.message_type.GetOptions().map_entry:
            self._read_texts(target, node, path)
        elif known.is_repeated:
            self._read_list(target, known, node, field, path)
        else:
            self.read_message(target, node, field, path)

    def _read_texts(self, target: dict[str, str], node: Node, path: str) -> None:
        """Fills a map of texts by text."""
        if not isinstance(node.value, dict):
            self.refuse(node, path, f"must be a mapping of texts, not {_shown(node)}")
            return
        for key, item in node.value.items():
            if isinstance(item.value, str):
                target[key] = item.value
            else:
                self.refuse(item, f"{path}.{key}", _not_a_text(item))

    def _read_list(
        self, target: _Repeated, known: FieldDescriptor, node: Node, field: str, path: str
    ) -> None:
        is_parameters = known.message_type is not None and (
            known.message_type.full_name == ParameterSpec.DESCRIPTOR.full_name
        )
        if is_parameters and isinstance(node.value, dict):
            self._read_named_parameters(target, node.value, field, path)
            return
        if not isinstance(node.value, list):
            kinds = "a list, or a mapping by name" if is_parameters else "a list"
            self.refuse(node, path, f"must be {kinds}, not {_shown(node)}")
            return
        for index, item in enumerate(node.value):
            written = f"{path}[{index}]"
            self.spots[f"{field}[{index}]"] = Spot(item.place, written)
            if known.message_type is not None:
                self.read_message(target.add(), item, f"{field}[{index}]", written)
            else:
                value = self._scalar(known, item, written)
                if value is not None:
                    target.append(value)

    def _read_named_parameters(
        self, target: _Repeated, members: Mapping[str, Node], field: str, path: str
    ) -> None:
        """Fills a list of parameters from a mapping by name."""
        for index, (name, node) in enumerate(members.items()):
            written = f"{path}.{name}"
            if isinstance(node.value, dict) and "name" in node.value:
                place = node.value["name"]
                self.refuse(place, f"{written}.name", "is the key already; leave it out here")
                continue
            parameter = target.add(name=name)
            self.read_message(parameter, node, f"{field}[{index}]", written)
            self.spots[f"{field}[{index}].name"] = Spot(node.place, written)

    def _scalar(self, known: FieldDescriptor, node: Node, path: str) -> object:
        """The value of a scalar field; None where a fault was noted."""
        value = node.value
        if known.enum_type is not None:
            return self._enum(known, node, path)
        match known.cpp_type:
            case FieldDescriptor.CPPTYPE_STRING:
                if isinstance(value, str):
                    return value
                self.refuse(node, path, _not_a_text(node))
            case FieldDescriptor.CPPTYPE_BOOL:
                if isinstance(value, bool):
                    return value
                self.refuse(node, path, f"must be true or false, not {_shown(node)}")
            case FieldDescriptor.CPPTYPE_INT64:
                return self._integer(node, path)
            case FieldDescriptor.CPPTYPE_DOUBLE:
                return self._double(node, path)
            case _:
                raise AssertionError(f"no spec has a field like {known.full_name}")
        return None

    def _integer(self, node: Node, path: str) -> int | None:
        value = node.value
        if isinstance(value, str) and _INTEGER.fullmatch(value):
            value = int(value)  # protobuf's JSON form of 64-bit integers
        if isinstance(value, float) and value.is_integer():
            value = int(value)  # 1e6 is a whole number to protobuf and to people
        if not isinstance(value, int) or isinstance(value, bool):
            self.refuse(node, path, f"must be a whole number, not {_shown(node)}")
            return None
        if not INT64_MIN <= value <= INT64_MAX:
            self.refuse(node, path, f"must fit into 64 bits, which {value} does not")
            return None
        return value

    def _double(self, node: Node, path: str) -> float | None:
        value = node.value
        if isinstance(value, str):
            try:
                return float(value)  # protobuf's JSON form of NaN and Infinity
            except ValueError:
                pass
        elif isinstance(value, int | float) and not isinstance(value, bool):
            try:
                return float(value)
            except OverflowError:
                self.refuse(node, path, "must fit into a double: at most about 1.8e308")
                return None
        self.refuse(node, path, f"must be a number, not {_shown(node)}")
        return None

    def _enum(self, known: FieldDescriptor, node: Node, path: str) -> int | None:
        assert known.enum_type is not None
        values = known.enum_type.values
        prefix = values[0].name.removesuffix("UNSPECIFIED")
        if isinstance(node.value, str):
            for choice in values:
                if node.value.upper() in {choice.name, choice.name.removeprefix(prefix)}:
                    return int(choice.number)
        names = ", ".join(choice.name.removeprefix(prefix).lower() for choice in values[1:])
        self.refuse(node, path, f"must be one of {names}, not {_shown(node)}")
        return None

    def _read_duration(self, message: Duration, node: Node, path: str) -> None:
        try:
            message.FromJsonString(node.value if isinstance(node.value, str) else "")
        except ValueError:
            self.refuse(node, path, f'must be in seconds, as "90s" or "0.5s", not {_shown(node)}')

    def _read_value(self, message: ParameterValue, node: Node, path: str) -> None:
        """A bare value, or protobuf's form of one."""
        match node.value:
            case bool():
                message.bool_value = node.value
            case int():
                if INT64_MIN <= node.value <= INT64_MAX:
                    message.int_value = node.value
                else:
                    way_out = f"write {node.value}.0 for a double"
                    self.refuse(node, path, f"does not fit into 64 bits; {way_out}")
            case float():
                message.double_value = node.value
            case str():
                message.string_value = node.value
            case dict() as members if len(members) == 1 and members.keys() <= _VALUE_KINDS:
                self._read_fields(message, members, "", path)
            case _:
                try:
                    message.json_value = json.dumps(
                        _json(node), sort_keys=True, separators=(",", ":"), allow_nan=False
                    )
                except ValueError:
                    self.refuse(node, path, "holds .nan or .inf, which JSON does not have")


class _Repeated(Protocol):
    """What is used of the list of a repeated field."""

    def add(self, **fields: object) -> Message:
        """Adds a message and returns it."""

    def append(self, value: object) -> None:
        """Adds a scalar."""


def _json(node: Node) -> object:
    """The node without its places."""
    match node.value:
        case dict() as members:
            return {key: _json(member) for key, member in members.items()}
        case list() as items:
            return [_json(item) for item in items]
    return node.value


def _not_a_text(node: Node) -> str:
    if isinstance(node.value, dict | list) or node.value is None:
        return f"must be a text, not {_shown(node)}"
    return f"must be a text, not {_shown(node)}; write it in quotes"


def _shown(node: Node) -> str:
    """A value of the file in a message."""
    match node.value:
        case None:
            return "nothing"
        case bool():
            return str(node.value).lower()
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case str() if len(node.value) > 40:
            return f"{node.value[:40]!r}…"
    return repr(node.value)

"""YAML 1.2 as a tree of values that know the line they stand at.

Scalars are read by the core schema of YAML 1.2 and nothing else: `yes`, `on` and `2024-05-01` are
texts, `010` is ten. A key stands once in its mapping. Anchors and aliases work; merge keys (`<<`)
belong to YAML 1.1 and do not.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import cast

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

Scalar = bool | int | float | str | None

_SCALARS: tuple[tuple[re.Pattern[str], Callable[[str], Scalar]], ...] = (
    (re.compile(r"~|null|Null|NULL|"), lambda _: None),
    (re.compile(r"true|True|TRUE"), lambda _: True),
    (re.compile(r"false|False|FALSE"), lambda _: False),
    (re.compile(r"[-+]?[0-9]+"), int),
    (re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+"), lambda text: int(text, 0)),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), float),
    (re.compile(r"[-+]?\.(inf|Inf|INF)"), lambda text: float(text.replace(".", ""))),
    (re.compile(r"\.(nan|NaN|NAN)"), lambda _: math.nan),
)
"""The core schema: a form of unquoted text and how it is read, the first that fits.

Source: YAML 1.2.2, section 10.3.2.
"""
_TAG = "tag:yaml.org,2002:"
_KINDS: dict[type, str] = {int: "int", float: "float", bool: "bool", type(None): "null"}
_DEPTH_MAX = 100
"""Collections within each other; protobuf allows no more."""


@dataclass(frozen=True, slots=True)
class Node:
    """A value of a YAML document.

    Attributes:
        value: a scalar, a list of nodes, or a mapping of nodes in the order of the document.
        place: where it stands, for a person: `digits.yaml:14`.
    """

    value: Scalar | list[Node] | dict[str, Node]
    place: str


class YamlError(Exception):
    """Text that is not one YAML document.

    Attributes:
        place: where, as in Node.
        message: what is wrong there and the way out.
    """

    def __init__(self, place: str, message: str) -> None:
        super().__init__(f"{place}: {message}")
        self.place = place
        self.message = message


def parse(text: str, name: str, *, has_lines: bool = True) -> Node:
    """The only document of a text.

    Args:
        text: YAML 1.2, JSON included.
        name: of the file; begins every place.
        has_lines: whether places name the line too.

    Raises:
        YamlError: not well-formed, empty, more than one document, a key twice.
    """
    reader = _Reader(text, name, has_lines)
    try:
        return reader.document()
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark is not None else 1
        message = " ".join(str(part) for part in (error.context, error.problem) if part)
        raise YamlError(reader.place(line), f"is not YAML: {message}") from error
    except YAMLError as error:
        message = str(error).splitlines()[0]
        raise YamlError(reader.place(1), f"is not YAML: {message}") from error


class _Reader:
    """Composes the parser's events into nodes."""

    def __init__(self, text: str, name: str, has_lines: bool) -> None:
        self._name = name
        self._has_lines = has_lines
        events = YAML(typ="safe", pure=True).parse(text)
        self._events = cast("Iterator[Event]", events)
        self._anchors: dict[str, Node | None] = {}

    def place(self, line: int) -> str:
        """Where a line is, for a person. Lines count from 1."""
        return f"{self._name}:{line}" if self._has_lines else self._name

    def document(self) -> Node:
        """The only document."""
        root: Node | None = None
        for event in self._events:
            if not isinstance(event, DocumentStartEvent):
                continue
            if root is not None:
                raise self._error(event, "begins a second document (---); one is allowed")
            root = self._node(next(self._events), 0)
        if root is None:
            raise YamlError(self.place(1), "is empty")
        return root

    def _node(self, event: Event, depth: int) -> Node:
        """The value that begins with an event."""
        if isinstance(event, AliasEvent):
            return self._alias(event)
        anchor = getattr(event, "anchor", None)
        if anchor is not None:
            self._anchors[anchor] = None  # not complete: an alias to it would hold itself
        if depth > _DEPTH_MAX:
            raise self._error(event, f"is nested more than {_DEPTH_MAX} deep")
        node = Node(self._value(event, depth), self._place_of(event))
        if anchor is not None:
            self._anchors[anchor] = node
        return node

    def _value(self, event: Event, depth: int) -> Scalar | list[Node] | dict[str, Node]:
        match event:
            case ScalarEvent():
                return self._scalar(event)
            case SequenceStartEvent():
                return [self._node(item, depth + 1) for item in self._until(SequenceEndEvent)]
            case MappingStartEvent():
                return self._mapping(depth)
        raise AssertionError(f"{event} begins no value")

    def _until(self, end: type[Event]) -> Iterator[Event]:
        """The first event of each item of a collection."""
        for event in self._events:
            if isinstance(event, end):
                return
            yield event

    def _mapping(self, depth: int) -> dict[str, Node]:
        members: dict[str, Node] = {}
        for event in self._until(MappingEndEvent):
            key = self._node(event, depth + 1).value
            place = self._place_of(event)
            if not isinstance(key, str):
                raise YamlError(place, "has a key that is not a text; write it in quotes")
            if key in members:
                first = members[key].place
                raise YamlError(place, f"has the key {key!r} a second time; the first is {first}")
            # Where a person looks for a member is its key's line, not the line its value begins.
            member = self._node(next(self._events), depth + 1)
            members[key] = dataclasses.replace(member, place=place)
        return members

    def _alias(self, event: AliasEvent) -> Node:
        if event.anchor not in self._anchors:
            raise self._error(event, f"refers to an anchor that there is not: *{event.anchor}")
        node = self._anchors[event.anchor]
        if node is None:
            raise self._error(event, f"contains itself by *{event.anchor}")
        return node

    def _scalar(self, event: ScalarEvent) -> Scalar:
        text, tag = str(event.value), event.tag
        if tag is None:
            return read_scalar(text) if event.implicit[0] else text
        kind = str(tag).removeprefix(_TAG)
        value = read_scalar(text)
        if kind in {"str", "!"}:
            return text
        if kind == "float" and type(value) is int:
            return float(value)
        if kind == _KINDS.get(type(value)):
            return value
        raise self._error(event, f"has the tag {tag}, which {text!r} does not fit")

    def _place_of(self, event: Event) -> str:
        mark = event.start_mark
        return self.place(mark.line + 1 if mark is not None else 1)

    def _error(self, event: Event, message: str) -> YamlError:
        return YamlError(self._place_of(event), message)


def read_scalar(text: str) -> Scalar:
    """The value of an unquoted scalar, by YAML's core schema."""
    return next((read(text) for form, read in _SCALARS if form.fullmatch(text)), text)

"""docs/reference/methods.md: the search methods and the fields of an experiment."""

# ruff: noqa: E501 - a sentence or a row is one line, here as on the page
from __future__ import annotations

import inspect
from enum import Enum
from typing import Any, get_args

import msgspec

from asha_server.search.spec import ExperimentSpec, Method
from docs.generator.contract import Element, Member, elements
from docs.generator.markdown import heading, link, sentences, table

INTRODUCTION = """\
An experiment's file names exactly one method; the others' fields are the same for all.
The file's form is that of [`asha create`](cli.md#asha-create), the message is [`ExperimentSpec`](rpc.md#experimentspec).
Which one to take: [choose a variant](../howto/choose-a-variant.md).
What they do: [ASHA](../explanation/asha.md)."""

OFF_AT_ZERO = ("max_wall_time_us", "max_total_length", "progress_timeout_us")
"""Fields of the core whose 0 stands for absent."""
DURATIONS = ("lease_ttl", "max_wall_time", "progress_timeout")
"""Fields that are a Duration on the wire and microseconds in the core."""


def page() -> str:
    """The page."""
    spec = elements()["ExperimentSpec"]
    methods: dict[str, type[msgspec.Struct]] = {
        kind.__struct_config__.tag: kind for kind in get_args(Method)
    }
    arms = [member for member in spec.members if member.oneof == "method"]
    lines = heading(
        "Methods",
        "the structs of `asha_server/search/spec.py` and its neighbours, and the contract's comments",
    )
    lines += [INTRODUCTION, "", "## All of them", ""]
    rows = [
        [link(arm.name, arm.name), arm.comment, elements()[arm.type].comment]
        for arm in arms
        if arm.name in methods
    ]
    missing = ", ".join(f"`{arm.name}`" for arm in arms if arm.name not in methods)
    lines += [*table(["method", "what", "more"], rows), ""]
    if missing:
        lines += [
            f"The contract knows {missing} too; this server answers them with `NOT_IMPLEMENTED`.",
            "",
        ]
    for arm in arms:
        if arm.name in methods:
            lines += _method(arm, methods[arm.name], elements()[arm.type])
    lines += ["## Fields of every experiment", ""]
    lines += [*_fields(ExperimentSpec, [m for m in spec.members if not m.oneof]), ""]
    lines += ["A duration is written as `90s`; enum values may be short and lower case.", ""]
    return "\n".join(lines).rstrip() + "\n"


def _method(arm: Member, kind: type[msgspec.Struct], message: Element) -> list[str]:
    lines = [
        f"## {arm.name}",
        "",
        *sentences(inspect.getdoc(kind) or ""),
        *sentences(message.comment),
    ]
    if message.members:
        return [*lines, "", *_fields(kind, message.members), ""]
    return [*lines, "It has no fields of its own.", ""]


def _fields(kind: type[msgspec.Struct], members: list[Member]) -> list[str]:
    defaults = {field.name: field for field in msgspec.structs.fields(kind)}
    rows = []
    for member in members:
        known = f"{member.name}_us" if member.name in DURATIONS else member.name
        shown = link(member.type, member.type, "rpc.md") if member.type in elements() else ""
        shown = shown or f"`{member.type.rpartition('.')[2]}`"
        if member.label.startswith("map"):
            shown = f"`{member.label}`"
        elif member.label == "repeated":
            shown = f"list of {shown}"
        rows.append([f"`{member.name}`", shown, _default(defaults[known]), member.comment])
    return table(["field", "type", "default", "meaning"], rows)


def _default(field: msgspec.structs.FieldInfo) -> str:
    """A default as it is written in a file; empty: none, or it follows from other fields."""
    value: Any = field.default
    if field.default_factory is not msgspec.NODEFAULT:
        return "empty"
    match value:
        case msgspec.NODEFAULT | None | msgspec.Struct():
            shown = ""
        case () | "":
            shown = "empty"
        case 0 if field.name in OFF_AT_ZERO:
            shown = "off"
        case bool() | Enum():
            shown = f"`{str(value).lower()}`"
        case int() if field.name.endswith("_us"):
            shown = f"`{value // 1_000_000}s`"
        case float():
            shown = f"`{value:g}`"
        case _:
            shown = f"`{value}`"
    return shown

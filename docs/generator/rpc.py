"""docs/reference/rpc.md: every service, call, message and enum of `asha.v1`."""

from __future__ import annotations

from docs.generator.contract import Element, Member, Method, Source, elements, sources
from docs.generator.markdown import heading, link, sentences, table
from docs.generator.served import is_served

NOT_SERVED = "**Not in this server yet**: refused with `UNIMPLEMENTED` / `NOT_IMPLEMENTED`."

INTRODUCTION = """\
Package `asha.v1`; the files lie in [protos/asha/v1](../../protos/asha/v1).
Every refusal carries a reason: [errors](errors.md).
Sizes have limits: [limits](limits.md).
Which call when, for whoever writes a worker: [write a worker](../howto/write-a-worker.md).
How one call goes through the server: [the life of a report](../explanation/life-of-a-report.md).

A field marked *optional* tells absent from zero; any other scalar that is absent is zero or empty.
`Timestamp` is UTC, `int64` is 64 bits signed, `double` is IEEE 754 with NaN and the infinities."""


def page() -> str:
    """The page."""
    lines = heading("The calls", "the comments of `protos/asha/v1/*.proto`")
    lines += [INTRODUCTION, "", "## Services", ""]
    files = sorted(sources(), key=lambda source: not source.services)
    for source in files:
        for service in source.services:
            rows = [
                [link(method.name, method.name), _summary(service.name, method)]
                for method in service.methods
            ]
            lines += [f"### {service.name}", "", *sentences(service.comment), ""]
            lines += [*table(["call", "what"], rows), ""]
    for source in files:
        for service in source.services:
            for method in service.methods:
                lines += _method(service.name, method)
    for source in files:
        lines += _file(source)
    return "\n".join(lines).rstrip() + "\n"


def _summary(service: str, method: Method) -> str:
    first = sentences(method.comment)[0]
    return first if is_served(service, method.name) else f"{first} (Not in this server yet.)"


def _method(service: str, method: Method) -> list[str]:
    request = f"{'stream ' * method.is_client_stream}{link(method.request, method.request)}"
    response = f"{'stream ' * method.is_server_stream}{link(method.response, method.response)}"
    return [
        f"## {method.name}",
        "",
        f"`asha.v1.{service}/{method.name}`: {request} → {response}",
        "",
        *sentences(method.comment),
        *([] if is_served(service, method.name) else [NOT_SERVED]),
        "",
    ]


def _file(source: Source) -> list[str]:
    lines = [f"## {source.path}", ""]
    if source.comment:
        lines += [*sentences(source.comment), ""]
    for element in source.elements:
        lines += [f"### {element.name}", "", *sentences(element.comment), ""]
        if element.members:
            lines += [*_members(element), ""]
    return lines


def _members(element: Element) -> list[str]:
    if element.is_enum:
        rows = [[f"`{m.name}`", str(m.number), m.comment] for m in element.members]
        return table(["value", "number", "meaning"], rows)
    rows = [[f"`{m.name}`", _type(m), str(m.number), m.comment] for m in element.members]
    return table(["field", "type", "number", "meaning"], rows)


def _type(member: Member) -> str:
    if member.label.startswith("map"):
        return f"`{member.label}`"
    shown = f"`{member.type.rpartition('.')[2]}`"
    if member.type in elements():
        shown = link(member.type, member.type)
    where = f", one of *{member.oneof}*" if member.oneof else ""
    return f"{member.label} {shown}{where}".strip()

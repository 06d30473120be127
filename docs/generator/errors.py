"""docs/reference/errors.md: why a call is refused, and what to do."""

# ruff: noqa: E501 - a sentence or a row is one line, here as on the page
from __future__ import annotations

import inspect
import re

import grpc

from asha_server import errors
from asha_server.status import DETAILS_BYTES_MAX, DOMAIN, TEXT_BYTES_MAX, status_of
from docs.generator.contract import elements, sources
from docs.generator.markdown import heading, link, sentences, table

PREFIX = "ERROR_REASON_"
_BY_CODE = re.compile(r"([A-Z_]+): (.*)", re.DOTALL)
RETRY: dict[grpc.StatusCode, str] = {
    grpc.StatusCode.INVALID_ARGUMENT: "no: mend the request",
    grpc.StatusCode.NOT_FOUND: "no",
    grpc.StatusCode.ALREADY_EXISTS: "no: the first one stands",
    grpc.StatusCode.FAILED_PRECONDITION: "no: the state is another",
    grpc.StatusCode.ABORTED: "no: drop the work, ask for a new suggestion (or read the etag again)",
    grpc.StatusCode.OUT_OF_RANGE: "no: watch again after the last sequence seen",
    grpc.StatusCode.RESOURCE_EXHAUSTED: "only with `RetryInfo`, after its delay",
    grpc.StatusCode.UNIMPLEMENTED: "no",
    grpc.StatusCode.UNAVAILABLE: "yes, the same call, with back-off",
    grpc.StatusCode.UNAUTHENTICATED: "no: give a token that holds",
    grpc.StatusCode.PERMISSION_DENIED: "no: ask for a token that covers it",
}
"""Whether a client sends the same call again."""


def page() -> str:
    """The page."""
    lines = heading(
        "Errors", "the comments of `protos/asha/v1/error.proto` and `asha_server/status.py`"
    )
    lines += [
        f'A refused call ends with a status code and, in the trailer `grpc-status-details-bin`, a '
        f'`google.rpc.Status` with `ErrorInfo{{reason, domain: "{DOMAIN}", metadata}}`.',
        "Act on the reason: reasons and metadata keys never change their meaning, messages may.",
        "`BadRequest` lists all field violations at once, by proto path; `RetryInfo` says when to try again.",
        f"Details end at {DETAILS_BYTES_MAX:,} bytes and messages at {TEXT_BYTES_MAX} bytes "
        "([ADR 0007](../adr/0007-errors-fit-into-trailers.md)).",
        "",
        "Which calls a worker sends again: [write a worker](../howto/write-a-worker.md#what-is-sent-again).",
        "The calls: [rpc.md](rpc.md).",
        "Why a repeated call counts once: [durability](../explanation/durability.md).",
        "",
        "## By reason",
        "",
        *table(["reason", "code", "meaning", "said by"], _reasons()),
        "",
        "## By code",
        "",
        *table(["code", "raised as", "what it says", "sent again"], _codes()),
        "",
        "Beside these, gRPC itself answers `DEADLINE_EXCEEDED` (send the same call again), "
        "`UNAVAILABLE` while nobody listens (likewise) and `INTERNAL` with an incident id for a bug "
        "of the server, whose traceback is in the server's log under that id.",
        "`UNKNOWN` is never sent.",
        "",
    ]  # fmt: skip
    return "\n".join(lines).rstrip() + "\n"


def _reasons() -> list[list[str]]:
    rows = []
    for value in elements()["ErrorReason"].members[1:]:
        name = value.name.removeprefix(PREFIX)
        found = _BY_CODE.match(value.comment)
        assert found is not None, f"{value.name}: the comment must begin with its code"
        code, meaning = found.groups()
        if name not in errors.ErrorReason.__members__ and name != "INTERNAL":
            meaning += " (Not sent by this server yet.)"
        rows.append([f"`{name}`", f"`{code}`", meaning, ", ".join(_named_by(name))])
    return rows


def _named_by(reason: str) -> list[str]:
    """Links to the services and calls whose comments, or whose request's, name a reason."""
    is_named = re.compile(rf"\b{reason}\b").search
    found: list[str] = []
    for source in sources():
        for service in source.services:
            calls = [m for m in service.methods if is_named(f"{m.comment} {_fields(m.request)}")]
            if is_named(service.comment) or len(calls) == len(service.methods):
                found.append(f"any call of {link(service.name, service.name, 'rpc.md')}")
            else:
                found += [link(method.name, method.name, "rpc.md") for method in calls]
    return found


def _fields(message: str) -> str:
    return " ".join(member.comment for member in elements()[message].members)


def _codes() -> list[list[str]]:
    rows = []
    for kind in errors.AshaError.__subclasses__():
        code = status_of(_specimen(kind)).code
        said = sentences(inspect.getdoc(kind) or "")[0]
        rows.append([f"`{code.name}`", f"`{kind.__name__}`", said, RETRY[code]])
    return rows


def _specimen(kind: type[errors.AshaError]) -> errors.AshaError:
    """An error of a kind, to see which status it becomes."""
    if kind is errors.InvalidRequest:
        return errors.InvalidRequest([])
    if kind is errors.NotImplementedYet:
        return errors.NotImplementedYet("")
    return kind(errors.ErrorReason.INVALID_REQUEST, "")

"""Cases made from the protos: every method with every field, enum value and kind of edge.

A message is filled in variants, after an empty one. In variant i every field is set; it takes the
i-th value of each enum (after the last one a value that has no name), the i-th edge of each scalar
and the i-th member of each oneof; within a member of a oneof of n, the (i / n)-th of everything.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import message_factory
from google.protobuf.message import Message

from .case import Case
from .wire_methods import METHODS, SHORT_NAMES, canonical, plain

UNNAMED_VALUE = 1_000_000
"""A value that no enum of the protos has a name for."""

EDGES: dict[str, list[Any]] = {
    "TYPE_DOUBLE": [
        float("nan"), float("inf"), float("-inf"), -0.0, 0.1, 5e-324, 1.7976931348623157e308,
    ],
    "TYPE_INT64": [2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63), 1],
    "TYPE_UINT64": [2**53 + 1, 2**64 - 1, 1],
    "TYPE_INT32": [2**31 - 1, -(2**31), 1],
    "TYPE_UINT32": [2**31 - 1, 2**32 - 1, 1],
    "TYPE_BOOL": [True],
    "TYPE_STRING": [
        "s3://bücket/Ж/模型/🎲.pt", 'quote " backslash \\ tab \t newline \n',
        "e\u0301 \u202e \u2028", "null",
    ],
    "TYPE_BYTES": [b"\x00\xff"],
}  # fmt: skip
"""Values by the field's type, in the order of variants."""

_TYPES = {
    1: "TYPE_DOUBLE", 3: "TYPE_INT64", 4: "TYPE_UINT64", 5: "TYPE_INT32", 8: "TYPE_BOOL",
    9: "TYPE_STRING", 12: "TYPE_BYTES", 13: "TYPE_UINT32",
}  # fmt: skip
DEPTH_MAX = 12
"""How deep messages that hold themselves (parameter groups) are filled."""


def wire_cases() -> list[Case]:
    """One case a method: its request arrives as given, its response as answered, after a retry."""
    return [_wire_case(name) for name in METHODS]


def _wire_case(method: str) -> Case:
    descriptor = METHODS[method]
    requests = variants(descriptor.input_type)
    responses = variants(descriptor.output_type)
    count = max(len(requests), len(responses))
    steps: list[dict[str, Any]] = []
    answers: list[dict[str, Any]] = [{"refuse": {"code": "UNAVAILABLE"}}]
    short = method.rpartition("/")[2]
    for index in range(count):
        request = requests[index % len(requests)]
        response = responses[index % len(responses)]
        answers.append({"answer": canonical(response)})
        steps.append(
            {
                "do": "call",
                "method": method,
                "request": canonical(request),
                "expect": {"ok": plain(response)},
                "exact": True,
            }
        )
    sent = [plain(requests[index % len(requests)]) for index in range(count)]
    sent.insert(0, sent[0])
    steps.append({"received": short, "count": count + 1, "requests": sent, "exact": True})
    return Case(
        name=f"wire-{short}",
        about=f"{short} is retried, and each of its fields arrives exactly, in both directions.",
        server="script",
        steps=steps,
        script={short: answers},
    )


def error_case(reasons: dict[str, str]) -> Case:
    """Every reason of the wire is decoded, with metadata, violations and a delay.

    Args:
        reasons: status codes by reason.
    """
    method = SHORT_NAMES["GetTrial"]
    metadata = {"trial_number": "9007199254740993", "label": "größe 模型"}
    violations = [["spec.parameters[2].double_range.max", "must be > min"], ["metric", "ü"]]
    refusals = [
        {
            "code": code,
            "reason": reason,
            "metadata": metadata,
            "violations": violations,
            "retry_after_s": 0.25,
        }
        for reason, code in reasons.items()
    ]
    expected = [
        {
            "code": refusal["code"],
            "reason": refusal["reason"],
            "message": {"$contains": "refused as scripted"},
            "metadata": metadata,
            "violations": violations,
            "retry_delay_s": 0.25,
        }
        for refusal in refusals
    ]
    return Case(
        name="errors-all-reasons",
        about="Every reason arrives with its code, metadata, violations and delay.",
        server="script",
        script={"GetTrial": [{"refuse": refusal} for refusal in refusals]},
        steps=[
            {
                "do": "call",
                "method": method,
                "request": {"experimentId": "e"},
                "give_up_after_s": 0,
                "expect": {"error": error},
            }
            for error in expected
        ],
    )


EXPECTED_OF_A_REPORT = {"LEASE_LOST", "TRIAL_ENDED", "METRIC_CONFLICT"}
"""Reasons that a loop takes for an answer to a report, not for an error."""


def refused_report_case(reasons: dict[str, str]) -> Case:
    """The error of every reason is the same when a session brings it, and the session goes on.

    Args:
        reasons: status codes by reason.
    """
    metadata = {"trial_number": "9007199254740993", "label": "größe 模型"}
    violations = [["metrics[0].value", "must be ü"], ["step", "must be >= 0"]]
    given = [(r, code) for r, code in reasons.items() if r not in EXPECTED_OF_A_REPORT]
    refusals: list[dict[str, Any]] = [
        {
            "code": code,
            "reason": reason,
            "metadata": metadata,
            "violations": violations,
            "retry_after_s": 0.25,
        }
        for reason, code in given
    ]
    refusals += [{"code": "NOT_FOUND"}, {"code": "RESOURCE_EXHAUSTED"}]
    report = {"do": "report", "step": 1, "metrics": {"val_loss": 0.5}}
    steps = [
        {
            **report,
            "expect": {
                "error": {
                    "code": refusal["code"],
                    "reason": refusal.get("reason", ""),
                    "message": {"$contains": "refused as scripted"},
                    "metadata": refusal.get("metadata", {}),
                    "violations": refusal.get("violations", []),
                    "retry_delay_s": refusal.get("retry_after_s"),
                }
            },
        }
        for refusal in refusals
    ]
    return Case(
        name="session-errors-all-reasons",
        about="A refusal on a session is the same error as of a unary call; the session goes on.",
        server="script",
        modes=["session"],
        connect={"give_up_after_s": 0},
        script={"ReportMetric": [{"refuse": refusal} for refusal in refusals]},
        steps=[
            {"do": "next_trial", "experiment_id": "digits"},
            *steps,
            {**report, "expect": {"ok": {"verdict": "CONTINUE", "reason": "BETWEEN_RUNGS"}}},
            {"received": "ReportMetric", "count": len(refusals) + 1},
            {"received": "TrainingSession", "count": 1},
        ],
    )


def variants(descriptor: Any) -> list[Message]:
    """Messages of one type that hold every field and enum value between them."""
    widest = _widest(descriptor, set())
    empty = message_factory.GetMessageClass(descriptor)()
    return [empty, *(_filled(descriptor, index, 0) for index in range(widest))]


def _widest(descriptor: Any, visited: set[str]) -> int:
    """How many variants it takes for each choice in a type to be made once."""
    if descriptor.full_name in visited:
        return 1
    visited.add(descriptor.full_name)
    sizes = []
    for field in descriptor.fields:
        if field.enum_type is not None:
            size = len(field.enum_type.values) + 1
        elif field.message_type is not None:
            size = _widest(field.message_type, visited)
        else:
            size = len(EDGES[_TYPES[field.type]])
        sizes.append(size * _choices(field))
    return max(sizes, default=1)


def _choices(field: Any) -> int:
    """How many members the field's oneof has; 1 without one."""
    return 1 if field.containing_oneof is None else len(field.containing_oneof.fields)


def _filled(descriptor: Any, index: int, depth: int) -> Message:
    """A message with every field set to its value of this variant."""
    message: Any = message_factory.GetMessageClass(descriptor)()
    if descriptor.full_name == "google.protobuf.Timestamp":
        message.FromJsonString("2026-11-24T15:30:00.123456Z")
        return message  # type: ignore[no-any-return]
    if descriptor.full_name == "google.protobuf.Duration":
        message.FromJsonString(["1.500s", "-1.250s", "3600s"][index % 3])
        return message  # type: ignore[no-any-return]
    if descriptor.full_name == "google.protobuf.FieldMask":
        message.paths.extend(["max_trials", "display_name"])
        return message  # type: ignore[no-any-return]
    chosen = {oneof.fields[index % len(oneof.fields)].name for oneof in descriptor.oneofs}
    for field in descriptor.fields:
        if field.containing_oneof is None or field.name in chosen:
            _set(message, field, index // _choices(field), depth)
    return message  # type: ignore[no-any-return]


def _set(message: Any, field: Any, index: int, depth: int) -> None:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        getattr(message, field.name).update({"team": "größe", "": "", "a b": "c"})
    elif field.message_type is not None:
        if depth >= DEPTH_MAX:
            return
        if field.is_repeated:
            for shift in range(2 if depth < 2 else 1):  # two, so that their order shows
                inner = _filled(field.message_type, index + shift, depth + 1)
                getattr(message, field.name).append(inner)
        else:
            inner = _filled(field.message_type, index, depth + 1)
            getattr(message, field.name).CopyFrom(inner)
    else:
        values = (
            [*(value.number for value in field.enum_type.values), UNNAMED_VALUE]
            if field.enum_type is not None
            else EDGES[_TYPES[field.type]]
        )
        value = values[index % len(values)]
        if field.is_repeated:
            getattr(message, field.name).extend([value, values[(index + 1) % len(values)]])
        else:
            setattr(message, field.name, value)

"""The search space of a spec: `ParameterSpec` both ways."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, assert_never

from asha_server.pb import experiment_pb2 as pb
from asha_server.search.parameter import (
    Categorical,
    Condition,
    Constant,
    DoubleRange,
    Group,
    IntRange,
    Kind,
    ParameterSpec,
)
from asha_server.wire.values import format_value, parse_value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asha_server.pb.trial_pb2 import ParameterValue
    from asha_server.search.value import Value
    from asha_server.wire.fields import Fields

_DEPTH_MAX = 64
"""Groups that are parsed within each other; the search space itself allows fewer."""


def parse_parameter_specs(
    fields: Fields, path: str, messages: Iterable[pb.ParameterSpec], depth: int = 0
) -> tuple[ParameterSpec, ...]:
    """The search space, as declared.

    Where a required part is missing, a violation is noted and something stands in for it.
    """
    return tuple(
        _parse_parameter(fields, f"{path}[{index}]", message, depth)
        for index, message in enumerate(messages)
    )


def _parse_parameter(
    fields: Fields, path: str, message: pb.ParameterSpec, depth: int
) -> ParameterSpec:
    condition = None
    if message.HasField("condition"):
        values = _parse_values(fields, f"{path}.condition.values", message.condition.values)
        condition = Condition(message.condition.parent, values)
    return ParameterSpec(message.name, _parse_kind(fields, path, message, depth), condition)


def _parse_kind(fields: Fields, path: str, message: pb.ParameterSpec, depth: int) -> Kind | None:
    arm = message.WhichOneof("kind")
    match arm:
        case None:
            return None
        case "double_range":
            return _parse_double(fields, f"{path}.double_range", message.double_range)
        case "int_range":
            return _parse_int(fields, f"{path}.int_range", message.int_range)
        case "categorical":
            values = message.categorical.values
            return Categorical(_parse_values(fields, f"{path}.categorical.values", values))
        case "constant":
            value = parse_value(fields, f"{path}.constant.value", message.constant.value)
            return Constant("" if value is None else value)
        case "group":
            members = message.group.parameters if depth < _DEPTH_MAX else ()
            return Group(
                parse_parameter_specs(fields, f"{path}.group.parameters", members, depth + 1)
            )
    assert_never(arm)


def _parse_double(fields: Fields, path: str, message: pb.DoubleRange) -> DoubleRange:
    for bound in ("min", "max"):
        if not message.HasField(bound):
            fields.refuse(f"{path}.{bound}", "is required")
    return DoubleRange(
        min=message.min if message.HasField("min") else math.nan,
        max=message.max if message.HasField("max") else math.nan,
        log=message.log,
        count=message.count if message.HasField("count") else None,
    )


def _parse_int(fields: Fields, path: str, message: pb.IntRange) -> IntRange:
    for bound in ("min", "max"):
        if not message.HasField(bound):
            fields.refuse(f"{path}.{bound}", "is required")
    least = message.min if message.HasField("min") else message.max
    return IntRange(
        min=least,
        max=message.max if message.HasField("max") else least,
        log=message.log,
        step=message.step if message.HasField("step") else None,
        count=message.count if message.HasField("count") else None,
    )


def _parse_values(
    fields: Fields, path: str, messages: Iterable[ParameterValue]
) -> tuple[Value, ...]:
    """Values in order; what stands in for a wrong one is unlike every other."""
    values: list[Value] = []
    for index, message in enumerate(messages):
        value = parse_value(fields, f"{path}[{index}]", message)
        values.append(f"\0{index}" if value is None else value)
    return tuple(values)


def format_parameter_specs(parameters: Iterable[ParameterSpec]) -> list[pb.ParameterSpec]:
    """The search space, as declared."""
    return [_format_parameter(parameter) for parameter in parameters]


def _format_parameter(parameter: ParameterSpec) -> pb.ParameterSpec:
    message = pb.ParameterSpec(name=parameter.name)
    if parameter.condition is not None:
        message.condition.parent = parameter.condition.parent
        message.condition.values.extend(map(format_value, parameter.condition.values))
    kind = parameter.kind
    match kind:
        case DoubleRange():
            message.double_range.CopyFrom(
                pb.DoubleRange(min=kind.min, max=kind.max, log=kind.log, count=kind.count)
            )
        case IntRange():
            message.int_range.CopyFrom(
                pb.IntRange(
                    min=kind.min, max=kind.max, log=kind.log, step=kind.step, count=kind.count
                )
            )
        case Categorical():
            message.categorical.values.extend(map(format_value, kind.values))
        case Constant():
            message.constant.value.CopyFrom(format_value(kind.value))
        case Group():
            message.group.parameters.extend(format_parameter_specs(kind.parameters))
            message.group.SetInParent()
        case None:
            raise AssertionError("a valid parameter has a kind")
        case _:
            assert_never(kind)
    return message

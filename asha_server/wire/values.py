"""Parameter values: the wire's `ParameterValue` and the core's `Value`, types included."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asha_server.pb.trial_pb2 import MetricValue, Parameter, ParameterValue
from asha_server.search.value import JsonValue, Value, canonical_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asha_server.search.event import Metrics
    from asha_server.search.parameter import Configuration
    from asha_server.wire.fields import Fields


def parse_value(  # noqa: PLR0911 - one a type
    fields: Fields, path: str, message: ParameterValue
) -> Value | None:
    """A value of the type that it was sent with; None only where a violation was noted."""
    match message.WhichOneof("kind"):
        case "double_value":
            return message.double_value
        case "int_value":
            return message.int_value
        case "string_value":
            return message.string_value
        case "bool_value":
            return message.bool_value
        case "json_value":
            try:
                return JsonValue(canonical_json(message.json_value))
            except ValueError as error:
                fields.refuse(f"{path}.json_value", str(error))
                return None
    fields.refuse(
        path,
        "must have a value: double_value, int_value, string_value, bool_value or json_value",
    )
    return None


def format_value(value: Value) -> ParameterValue:
    """A value with its type."""
    if isinstance(value, bool):  # before int, of which Python's bool is a kind
        return ParameterValue(bool_value=value)
    if isinstance(value, int):
        return ParameterValue(int_value=value)
    if isinstance(value, float):
        return ParameterValue(double_value=value)
    if isinstance(value, str):
        return ParameterValue(string_value=value)
    return ParameterValue(json_value=value.text)


def parse_parameters(
    fields: Fields, path: str, messages: Iterable[Parameter]
) -> tuple[tuple[str, Value], ...]:
    """A given configuration, in the order it was sent; each name once."""
    given: dict[str, Value] = {}
    for index, message in enumerate(messages):
        value = parse_value(fields, f"{path}[{index}].value", message.value)
        if message.name in given:
            fields.refuse(f"{path}[{index}].name", f"{message.name!r} is given twice")
        elif value is not None:
            given[message.name] = value
    return tuple(given.items())


def format_parameters(configuration: Configuration) -> list[Parameter]:
    """A configuration, ordered as declared."""
    return [Parameter(name=name, value=format_value(value)) for name, value in configuration]


def format_metrics(metrics: Metrics) -> list[MetricValue]:
    """Metrics in the order of the report."""
    return [MetricValue(name=name, value=value) for name, value in metrics]

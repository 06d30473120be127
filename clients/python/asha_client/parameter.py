"""Configurations: from the wire's parameters to Python values, and back for a spec's values."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from asha_client.pb import trial_pb2

Value = bool | int | float | str | None | list[object] | dict[str, object]
"""A parameter's value: a scalar, or what `json_value` decodes to (None, lists, maps)."""


def decode_parameters(parameters: Iterable[trial_pb2.Parameter]) -> dict[str, Value]:
    """Values by full path (`optimizer.momentum`), ordered as the experiment declares them."""
    return {parameter.name: decode_value(parameter.value) for parameter in parameters}


def decode_value(value: trial_pb2.ParameterValue) -> Value:
    """One value. A kind of a newer server that this client does not know reads None."""
    match value.WhichOneof("kind"):
        case "double_value":
            return value.double_value
        case "int_value":
            return value.int_value
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case "json_value":
            decoded: Value = json.loads(value.json_value)
            return decoded
        case _:
            return None


def nest(parameters: Mapping[str, Value]) -> dict[str, object]:
    """Dotted names as nested dictionaries: `{"optimizer": {"momentum": 0.9}}`.

    A name that is a group and a value at once keeps the value under its full dotted name.
    """
    nested: dict[str, object] = {}
    for path, value in parameters.items():
        *groups, name = path.split(".")
        place = nested
        for group in groups:
            inner = place.setdefault(group, {})
            if not isinstance(inner, dict):
                nested[path] = value
                break
            place = inner
        else:
            place[name] = value
    return nested

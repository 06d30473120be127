"""Facts of the wire in a person's words: numbers, times, states, parameters, methods."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from asha_server.pb.experiment_pb2 import (
    BracketMode,
    ExperimentSpec,
    HalvingVariant,
)
from asha_server.pb.trial_pb2 import Parameter, ParameterValue

if TYPE_CHECKING:
    from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper

NOTHING = "-"
"""Stands for what there is not, so that plain columns stay countable."""


def word(closed_set: EnumTypeWrapper, number: int) -> str:
    """A member of an enum, short and lower case: `rung cutoff`; the number if it is not known."""
    names = closed_set.DESCRIPTOR.values_by_number
    if number not in names:
        return str(number)
    prefix = closed_set.DESCRIPTOR.values_by_number[0].name.removesuffix("UNSPECIFIED")
    return str(names[number].name).removeprefix(prefix).replace("_", " ").lower()


def number(value: float | None) -> str:
    """A metric's value or another measured number, to six significant digits."""
    return NOTHING if value is None else f"{value:.6g}"


def count(value: float, noun: str) -> str:
    """A number of things: `1 trial`, `1,234 trials`."""
    return f"{value:,} {noun if value == 1 else noun + 's'}"


def units(value: int, spec: ExperimentSpec) -> str:
    """A length in the experiment's unit: `1,234 epochs`."""
    return f"{value:,} {spec.unit or 'units'}"


def seconds_of(value: Duration) -> float:
    """A duration in seconds."""
    return value.seconds + value.nanos / 1e9


def duration(seconds: float) -> str:
    """A time span in its two greatest units: `1 h 17 min`."""
    if seconds < 60:
        return f"{seconds:.3g} s"
    parts: list[str] = []
    rest = round(seconds)
    for name, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        whole, rest = divmod(rest, size)
        if whole or parts:
            parts.append(f"{whole} {name}")
        if len(parts) == 2:
            break
    return " ".join(part for part in parts if not part.startswith("0 "))


def moment(time: Timestamp) -> str:
    """A point in time on this machine's clock, to the minute."""
    return local_time(time).strftime("%Y-%m-%d %H:%M")


def local_time(time: Timestamp) -> datetime.datetime:
    """A point in time in this machine's time zone."""
    return time.ToDatetime(datetime.UTC).astimezone()


def percent(fraction: float) -> str:
    """A fraction as a percentage; 100 % only when it is all."""
    return f"{math.floor(fraction * 1000) / 10:g} %"


def value_text(value: ParameterValue) -> str:
    """A parameter's value as a person would write it."""
    match value.WhichOneof("kind"):
        case "double_value":
            return f"{value.double_value:.6g}"
        case "int_value":
            return str(value.int_value)
        case "bool_value":
            return str(value.bool_value).lower()
        case "string_value":
            return value.string_value
        case _:
            return value.json_value


def parameters(configuration: Iterable[Parameter]) -> str:
    """A configuration in one line."""
    return " ".join(f"{item.name}={value_text(item.value)}" for item in configuration) or NOTHING


def method(spec: ExperimentSpec) -> str:
    """The method and how it is set: `adaptive_asha (standard, promotion, divisor 4)`."""
    arm: str | None = spec.WhichOneof("method")
    if arm is None:
        return "no method"
    chosen = getattr(spec, arm)
    fields = chosen.DESCRIPTOR.fields_by_name
    details = []
    if "mode" in fields:
        given = "bracket_rungs" in fields and chosen.bracket_rungs
        mode = chosen.mode or BracketMode.BRACKET_MODE_STANDARD
        details.append("brackets given" if given else word(BracketMode, mode))
    if "num_rungs" in fields:
        details.append(count(chosen.num_rungs, "rung"))
    if "num_rounds" in fields:
        details.append(f"{count(chosen.num_rounds, 'round')} of {chosen.population_size:,}")
    if "variant" in fields:
        variant = chosen.variant or HalvingVariant.HALVING_VARIANT_PROMOTION
        details.append(word(HalvingVariant, variant))
    if "divisor" in fields:
        default = 3 if arm == "hyperband" else 4
        details.append(f"divisor {chosen.divisor if chosen.HasField('divisor') else default:g}")
    return f"{arm} ({', '.join(details)})" if details else arm

"""A parameter's value: its types, its equality, its form in JSON.

The core's counterpart of the wire's `ParameterValue`. Values are compared by type *and* value: the
integer 1, the double 1.0 and the truth value are three values, though Python's `==` takes them
for one. So use `same_value` or `value_key` wherever two values meet.
"""

from __future__ import annotations

import json
import math
from typing import NoReturn, TypeAlias

import msgspec

INT64_MIN = -(2**63)
INT64_MAX = 2**63 - 1
SHOWN_CHARACTERS = 80


class JsonValue(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"text": "json"}):
    """A null, list or map, as the text of its canonical JSON.

    In JSON it stands as `{"json": "[1,2]"}`: the text is kept, so that it comes back exactly.

    Attributes:
        text: JSON with sorted keys and no spaces, as `canonical_json` writes it.
    """

    text: str


# One value of a parameter: double, int64, string, truth value, or anything else as JSON.
Value: TypeAlias = float | int | str | bool | JsonValue
# What two equal values have in common and no others: hashable, for sets and dictionaries.
ValueKey: TypeAlias = tuple[str, Value]


def type_name(value: Value) -> str:
    """The name of a value's type as the wire has it: double, int, string, bool or json."""
    if isinstance(value, bool):  # before int, of which Python's bool is a kind
        return "bool"
    if isinstance(value, int):
        return "int"
    if isinstance(value, float):
        return "double"
    if isinstance(value, str):
        return "string"
    return "json"


def value_key(value: Value) -> ValueKey:
    """The key under which equal values, and only those, fall together in a set."""
    return type_name(value), value


def same_value(a: Value, b: Value) -> bool:
    """Whether two values are equal by type and value: 1, 1.0 and true are three values.

    0.0 and -0.0 are equal. NaN equals nothing, and is refused in every search space.
    """
    return value_key(a) == value_key(b)


def value_fault(value: Value) -> str | None:
    """Why this can be no parameter's value in any space; None if it can.

    Args:
        value: any value, of a categorical, a constant, a condition or a given configuration.

    Returns:
        A message for a field violation: a double that is not finite, an integer outside int64, JSON
        text that is not canonical, or that is only a scalar.
    """
    if isinstance(value, float):
        return None if math.isfinite(value) else "must be finite"
    if isinstance(value, int):
        return None if INT64_MIN <= value <= INT64_MAX else "must fit into 64 bits"
    if isinstance(value, JsonValue):
        try:
            canonical = canonical_json(value.text)
        except ValueError as error:
            return str(error)
        if canonical != value.text:
            return f"must be canonical JSON (sorted keys, no spaces): {_shortened(canonical)}"
    return None


def canonical_json(text: str) -> str:
    """The canonical form of the JSON text of a null, a list or a map.

    Sorted keys, no spaces, other characters than control ones unescaped. Canonical text comes back
    as it is.

    Raises:
        ValueError: it is not JSON, is a scalar (which has a type of its own), repeats a key, nests
            too deep, or holds a number that no double holds. The message is fit for a user.
    """
    try:
        parsed = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique_keys)
        canonical = json.dumps(
            parsed, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        )
        canonical.encode()  # a lone surrogate, "\ud800", is no text
    except RecursionError:
        raise ValueError("must be JSON; this nests too deep") from None
    except ValueError as error:
        raise ValueError(f"must be JSON: {error}") from None
    if isinstance(parsed, (bool, int, float, str)):
        raise ValueError("must be a null, a list or a map; give a scalar as a value of its type")
    return canonical


def encode_value(value: Value) -> object:
    """A value in the form in which rows, events and exports hold it, ready for any JSON encoder.

    Numbers, strings and truth values stand for themselves, so that a person can query them; a
    null, list or map is `{"json": "<canonical text>"}`. A double always has a point or an exponent
    (1.0, 1e+300) and an int never has: that is what tells them apart. msgspec, Python's json and
    SQLite's JSON functions all keep it. The specs of this package encode their values alike.

    Raises:
        ValueError: the double is not finite or the int is not 64 bits wide: JSON cannot carry it.
    """
    if isinstance(value, JsonValue):
        return {"json": value.text}
    fault = value_fault(value)
    if fault is not None:
        raise ValueError(f"{value!r} {fault}")
    return value


def decode_value(encoded: object) -> Value:
    """The value that `encode_value` put into this form, its type included.

    Raises:
        msgspec.ValidationError: (a ValueError) it is not of that form.
    """
    value: Value = msgspec.convert(encoded, Value)
    return value


def shown(value: Value) -> str:
    """The value as a message shows it: as JSON, at most `SHOWN_CHARACTERS` long and an ellipsis."""
    text = value.text if isinstance(value, JsonValue) else json.dumps(value, ensure_ascii=False)
    return _shortened(text)


def _shortened(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON number")


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    unique = dict(pairs)
    if len(unique) < len(pairs):
        raise ValueError("a key is repeated")
    return unique

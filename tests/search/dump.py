"""Every fact of an experiment as plain values, so that two experiments can be compared whole."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from fractions import Fraction

import msgspec

from asha_server.search.state import State

# What is no fact of its own: caches, what is left to write, and what follows from the spec.
LEFT_OUT = frozenset(
    {"changes", "deletable", "divisor", "grid", "sampler", "space", "spec_text", "unsettled"}
)

Plain = object


def facts(state: State) -> Plain:
    """Trials, attempts, rungs, queues, counts, clocks: all that an experiment remembers.

    Orders count: a dictionary is listed as it is iterated, because the queues are dictionaries.
    """
    return {name: _plain(value) for name, value in vars(state).items() if name not in LEFT_OUT}


def _plain(value: object) -> Plain:  # noqa: PLR0911 - one line a kind of value
    match value:
        case None | bool() | int() | str() | Fraction():
            return value
        case float():
            return repr(value)  # so that NaN equals NaN
        case msgspec.Struct():
            return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
        case dict():
            return [(_plain(key), _plain(held)) for key, held in value.items()]
        case list() | tuple() | deque():
            return [_plain(held) for held in value]
        case Iterator():
            raise AssertionError("an iterator is no fact")
        case Iterable() if not hasattr(value, "__slots__"):
            return [_plain(held) for held in value]
    return {name: _plain(getattr(value, name)) for name in type(value).__slots__}  # type: ignore[attr-defined]  # ours have slots

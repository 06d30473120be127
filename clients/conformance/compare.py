"""What a case expects against what came: matchers, variables, and differences in words.

A matcher is an object with one key that begins with `$`; `MATCHERS` has them all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

ABSENT = object()
"""Stands for a field that did not come."""

_VARIABLE = re.compile(r"\$\{(\w+)\}")

Variables = dict[str, Any]


def filled(value: Any, variables: Variables) -> Any:
    """The value with `${name}` replaced; a string that is one variable takes its type.

    Raises:
        KeyError: there is no such variable.
    """
    if isinstance(value, dict):
        return {key: filled(item, variables) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, variables) for item in value]
    if not isinstance(value, str):
        return value
    whole = _VARIABLE.fullmatch(value)
    if whole:
        return variables[whole.group(1)]
    return _VARIABLE.sub(lambda found: str(variables[found.group(1)]), value)


def differences(
    expected: Any, actual: Any, variables: Variables, path: str = "", *, exact: bool = False
) -> list[str]:
    """Each difference as `PATH: expected …, got …`; empty if the actual is as expected.

    Args:
        expected: of the case, variables filled in.
        actual: what came; `ABSENT` for nothing.
        variables: takes what `$save` saves.
        path: of the value, for the words.
        exact: whether fields that are not expected are differences too.
    """
    if isinstance(expected, dict):
        if len(expected) == 1 and next(iter(expected)).startswith("$"):
            name, argument = next(iter(expected.items()))
            return MATCHERS[name](argument, actual, variables, path)
        return _dict_differences(expected, actual, variables, path, exact)
    if isinstance(expected, list) and isinstance(actual, list):
        if len(expected) != len(actual):
            return [_words(path, expected, actual)]
        return [
            words
            for index, (one, other) in enumerate(zip(expected, actual, strict=True))
            for words in differences(one, other, variables, f"{path}[{index}]", exact=exact)
        ]
    return [] if _is_equal(expected, actual) else [_words(path, expected, actual)]


def _dict_differences(
    expected: dict[str, Any], actual: Any, variables: Variables, path: str, exact: bool
) -> list[str]:
    if actual is ABSENT and not expected:
        return []
    if not isinstance(actual, dict):
        return [_words(path, expected, actual)]
    found = [
        words
        for key, value in expected.items()
        for words in differences(
            value, actual.get(key, ABSENT), variables, f"{path}.{key}".lstrip("."), exact=exact
        )
    ]
    if exact:
        surplus = [key for key in actual if key not in expected]
        found += [_words(f"{path}.{key}".lstrip("."), ABSENT, actual[key]) for key in surplus]
    return found


def _is_equal(expected: Any, actual: Any) -> bool:
    """Whether two scalars are equal: 64 bits of integer may be a string, absent is zero."""
    if actual is ABSENT or actual is None:
        return expected is None or (
            isinstance(expected, (bool, int, float, str, list)) and not expected
        )
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    if isinstance(expected, (int, float)) and isinstance(actual, (int, float)):
        return expected == actual
    if isinstance(expected, int) or (isinstance(actual, int) and isinstance(expected, str)):
        return str(expected) == str(actual)
    return type(expected) is type(actual) and bool(expected == actual)


def _words(path: str, expected: Any, actual: Any) -> str:
    def shown(value: Any) -> str:
        return "nothing" if value is ABSENT else json.dumps(value, ensure_ascii=False, default=str)

    return f"{path or 'answer'}: expected {shown(expected)}, got {shown(actual)}"


# Matchers.


def _any(_: Any, actual: Any, __: Variables, path: str) -> list[str]:
    return [f"{path}: expected anything, got nothing"] if actual in (ABSENT, None, "") else []


def _save(name: Any, actual: Any, variables: Variables, path: str) -> list[str]:
    wrong = _any(None, actual, variables, path)
    if not wrong:
        variables[name] = actual
    return wrong


def _checked(
    words: str, holds: Callable[[Any, Any], bool]
) -> Callable[[Any, Any, Variables, str], list[str]]:
    """A matcher of a condition on argument and value."""

    def check(argument: Any, actual: Any, _: Variables, path: str) -> list[str]:
        try:
            is_met = actual is not ABSENT and holds(argument, actual)
        except (TypeError, ValueError):
            is_met = False
        return [] if is_met else [_words(path, f"{words} {argument}", actual)]

    return check


def _includes(argument: Any, actual: Any, variables: Variables, path: str) -> list[str]:
    """Each item of the argument equals some item of the list."""
    items = actual if isinstance(actual, list) else []
    return [
        f"{path}: expected an item {json.dumps(one)}, got {json.dumps(actual, default=str)}"
        for one in argument
        if all(differences(one, item, variables, path) for item in items)
    ]


MATCHERS: dict[str, Callable[[Any, Any, Variables, str], list[str]]] = {
    "$any": _any,
    "$save": _save,
    "$includes": _includes,
    "$contains": _checked("a text with", lambda a, v: a in v),
    "$regex": _checked("a text like", lambda a, v: re.fullmatch(a, v) is not None),
    "$length": _checked("the length", lambda a, v: len(v) == a),
    "$between": _checked("between", lambda a, v: a[0] <= float(v) <= a[1]),
    "$not": _checked("other than", lambda a, v: not _is_equal(a, v)),
    "$time": _checked("a time", lambda _, v: re.match(r"\d{4}-\d\d-\d\dT.*Z$", v) is not None),
}
"""By name; each takes its argument, the value, the variables and the path."""

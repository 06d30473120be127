"""The search space: configurations from unit numbers, from a grid, and from a person, checked.

Read this first; it is what the rest of the core uses, and it gives the names of the modules below
it as well: `value` (values and their equality), `parameter` (the declarations), `points` (one
parameter's points), `grid_product` (the grid), `violation` (what is wrong with declarations).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from graphlib import TopologicalSorter
from typing import assert_never

from asha_server.errors import FieldViolation
from asha_server.search.grid_product import (
    MAX_GRID_CASES,
    MAX_GRID_POINTS,
    GridProduct,
    GridTooLargeError,
)
from asha_server.search.parameter import (
    Categorical,
    Condition,
    Configuration,
    Constant,
    DoubleRange,
    Group,
    IntRange,
    Kind,
    Leaf,
    LeafCondition,
    LeafKind,
    ParameterSpec,
    leaves,
    refusal,
)
from asha_server.search.points import Axis, axis, draw
from asha_server.search.value import (
    INT64_MAX,
    INT64_MIN,
    JsonValue,
    Value,
    canonical_json,
    decode_value,
    encode_value,
    same_value,
    shown,
    value_key,
)
from asha_server.search.violation import (
    MAX_GROUP_DEPTH,
    MAX_PARAMETERS,
    validate_parameters,
)

__all__ = [
    "INT64_MAX",
    "INT64_MIN",
    "MAX_GRID_CASES",
    "MAX_GRID_POINTS",
    "MAX_GROUP_DEPTH",
    "MAX_PARAMETERS",
    "Axis",
    "Categorical",
    "Condition",
    "Configuration",
    "Constant",
    "DoubleRange",
    "FieldViolation",
    "GridTooLargeError",
    "Group",
    "IntRange",
    "JsonValue",
    "Kind",
    "Leaf",
    "LeafKind",
    "ParameterSpec",
    "SearchSpace",
    "Value",
    "axis",
    "canonical_json",
    "decode_value",
    "encode_value",
    "leaves",
    "same_value",
    "validate_parameters",
    "value_key",
]


class SearchSpace:
    """All configurations that an experiment may try.

    Immutable, but for the grid, which is worked out when first asked for.

    Args:
        parameters: valid ones: `validate_parameters` finds no fault in them.
    """

    def __init__(self, parameters: tuple[ParameterSpec, ...]) -> None:
        self._leaves = leaves(parameters)
        self._by_path = {leaf.path: leaf for leaf in self._leaves}
        self._draws = {leaf.path: draw(leaf.kind) for leaf in self._leaves}
        graph = {
            leaf.path: [condition.parent for condition in leaf.conditions] for leaf in self._leaves
        }
        # Parents first, so that conditions can be decided in one pass.
        self._order = [self._by_path[path] for path in TopologicalSorter(graph).static_order()]

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        """Every parameter that has a value, in declared order, depth first."""
        return self._leaves

    def configuration(
        self, unit: Callable[[str], float], given: Mapping[str, Value] = {}
    ) -> Configuration:
        """The configuration at a point of the unit cube.

        Args:
            unit: the number in [0, 1) of the parameter at a path. Only asked for active
                parameters that are not given, in an order that means nothing.
            given: values that win over the unit numbers, by path; inside the space
                (`validate_given`). One that turns out inactive is left out.
        """
        return self._assemble(lambda path: self._draws[path](unit(path)), given)

    def explored(
        self,
        parent: Configuration,
        unit: Callable[[str], float],
        is_resampled: Callable[[str], bool],
        perturb: Callable[[str, LeafKind, Value], Value],
    ) -> Configuration:
        """A configuration near another one.

        Args:
            parent: the other one.
            unit: the number in [0, 1) of the parameter at a path, where it is sampled.
            is_resampled: whether the parameter at a path is sampled anew. One that was inactive
                in `parent` and is active now always is.
            perturb: a value near the parent's, of the parameter at a path.
        """
        known = dict(parent)

        def choose(path: str) -> Value:
            if path not in known or is_resampled(path):
                return self._draws[path](unit(path))
            return perturb(path, self._by_path[path].kind, known[path])

        return self._assemble(choose, {})

    def _assemble(
        self, choose: Callable[[str], Value], given: Mapping[str, Value]
    ) -> Configuration:
        chosen: dict[str, Value] = {}
        for leaf in self._order:
            if all(_holds(condition, chosen) for condition in leaf.conditions):
                path = leaf.path
                chosen[path] = given[path] if path in given else choose(path)
        return tuple((leaf.path, chosen[leaf.path]) for leaf in self._leaves if leaf.path in chosen)

    def grid_size(self) -> int:
        """How many points the grid has, 1 to `MAX_GRID_POINTS`.

        Raises:
            GridTooLargeError: more. Never after `validate_parameters` with `needs_count`.
            ValueError: a numeric parameter has no `count`.
        """
        return len(self._grid)

    def grid_point(self, index: int, given: Mapping[str, Value] = {}) -> Configuration:
        """The grid's point at an index, found without the points before it.

        Args:
            index: 0-based, below `grid_size()`.
            given: values that win over those of the point, as in `configuration`. What only becomes
                active by them has the first value of its axis.

        Raises:
            IndexError: there is no such point.
        """
        return self._assemble(self._grid.values(index).__getitem__, given)

    def grid(self) -> Iterator[Configuration]:
        """All points of the grid in order, no two the same; made one at a time."""
        return (self.grid_point(index) for index in range(self.grid_size()))

    @cached_property
    def _grid(self) -> GridProduct:
        return GridProduct(self._leaves)

    def validate_given(
        self, given: Configuration, path: str = "parameters"
    ) -> list[FieldViolation]:
        """Every fault of a configuration that a person gives, perhaps in part.

        A value is refused where the parameter is inactive under its condition, and also where
        that depends on a parent which is left to be sampled: the value might be dropped in silence.

        Args:
            given: (dotted path, value), in any order. What is left out will be sampled.
            path: proto path of the list.

        Returns:
            The violations in the order of `given`; empty if there are none.
        """
        values: dict[str, Value] = {}
        for name, value in given:
            values.setdefault(name, value)
        violations = []
        seen: set[str] = set()
        for index, (name, value) in enumerate(given):
            leaf = self._by_path.get(name)
            if leaf is None:
                message = f"must be a parameter of the search space, not {shown(name)}"
                violations.append(FieldViolation(f"{path}[{index}].name", message))
            elif name in seen:
                message = f"must be given once; {name} is given more than once"
                violations.append(FieldViolation(f"{path}[{index}].name", message))
            else:
                seen.add(name)
                why = refusal(leaf.kind, value)
                if why is not None:
                    violations.append(FieldViolation(f"{path}[{index}].value", why))
                why = self._inactivity(leaf, values)
                if why is not None:
                    violations.append(FieldViolation(f"{path}[{index}].name", why))
        return violations

    def _inactivity(self, leaf: Leaf, values: Mapping[str, Value]) -> str | None:
        """Why a given leaf is not sure to be active beside these values; None if it is."""
        pending = [leaf]
        seen = {leaf.path}
        while pending:
            for condition in pending.pop().conditions:
                parent = self._by_path[condition.parent]
                if not _is_certain(parent.kind, condition):
                    wanted = " or ".join(sorted(shown(value) for _, value in condition.keys))
                    needs = f"{leaf.path} is active only if {parent.path} is {wanted}"
                    if parent.path not in values:
                        return f"must be left out, or {parent.path} given too: {needs}"
                    if not _holds(condition, values):
                        actual = shown(values[parent.path])
                        return f"must be left out: {needs}, and it is {actual}"
                if parent.path not in seen:  # a parent must be active itself
                    seen.add(parent.path)
                    pending.append(parent)
        return None


def _holds(condition: LeafCondition, values: Mapping[str, Value]) -> bool:
    """Whether the parent has one of the values; an absent one has none."""
    value = values.get(condition.parent)
    return value is not None and value_key(value) in condition.keys


def _is_certain(kind: LeafKind, condition: LeafCondition) -> bool:
    """Whether every value that the parent can have activates."""
    match kind:
        case Constant():
            return value_key(kind.value) in condition.keys
        case Categorical():
            return all(value_key(value) in condition.keys for value in kind.values)
        case IntRange():
            return len(condition.keys) == kind.size  # all of them are its values, by validation
        case DoubleRange():
            return False
        case _:
            assert_never(kind)

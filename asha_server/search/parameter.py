"""The parameters of a search space as an experiment declares them, and their flat list of leaves.

These are the values of `ExperimentSpec.parameters`; msgspec's JSON carries them both ways. What
they must fulfil stands in `violation.py`; everything else assumes that they do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias, assert_never

import msgspec

from asha_server.search.value import Value, ValueKey, same_value, shown, type_name, value_key

# How many members of a categorical a refusal names.
SHOWN_VALUES = 10


class DoubleRange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="double_range"):
    """Doubles from min to max.

    Attributes:
        min: the smallest value. Finite; > 0 if log.
        max: the greatest value, itself included. Finite, > min.
        log: uniform in the logarithm instead of in the value.
        count: points along a grid, >= 1, both ends among them; one point is the middle. None: not
            usable in a grid.
    """

    min: float
    max: float
    log: bool = False
    count: int | None = None


class IntRange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="int_range"):
    """Integers min, min + step, min + 2·step, ... up to max.

    Attributes:
        min: the smallest value, int64; >= 1 if log.
        max: the bound above, int64, >= min. Itself a value if (max - min) is a multiple of step.
        log: uniform in the logarithm instead of in the value.
        step: distance of neighbours, >= 1. None: 1.
        count: points along a grid, >= 1; None: not usable in a grid.
    """

    min: int
    max: int
    log: bool = False
    step: int | None = None
    count: int | None = None

    @property
    def spacing(self) -> int:
        """Distance of neighbouring values, >= 1: `step`, or 1 where it is absent."""
        return 1 if self.step is None else self.step

    @property
    def size(self) -> int:
        """How many values there are, >= 1; up to 2^64."""
        return (self.max - self.min) // self.spacing + 1

    @property
    def last(self) -> int:
        """The greatest value: <= max, and less than a step below it."""
        return self.min + (self.size - 1) * self.spacing


class Categorical(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="categorical"):
    """One of the given values, each equally likely.

    Attributes:
        values: at least one, no two the same by type and value, in the order of the grid.
    """

    values: tuple[Value, ...]


class Constant(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="constant"):
    """Always the same value.

    Attributes:
        value: that value.
    """

    value: Value


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="group"):
    """Parameters under a common name. Has no value of its own and may be empty.

    Attributes:
        parameters: the members, in declared order; their paths are `group.member`.
    """

    parameters: tuple[ParameterSpec, ...]


Kind: TypeAlias = DoubleRange | IntRange | Categorical | Constant | Group
LeafKind: TypeAlias = DoubleRange | IntRange | Categorical | Constant


class Condition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Makes a parameter active only where another one has one of some values.

    An inactive parent deactivates as well. The condition of a group covers all its members.

    Attributes:
        parent: absolute dotted path of a categorical, a constant or an int.
        values: values of the parent under which the parameter is active, at least one.
    """

    parent: str
    values: tuple[Value, ...]


class ParameterSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One declared parameter, or a group of them.

    Attributes:
        name: its name within its group, 1 to 128 of ASCII letters, digits, `_ - . /`.
        kind: what values it takes. None (nothing was given) is refused by `validate_parameters`.
        condition: when it is active; None: whenever its group is.
    """

    name: str
    kind: DoubleRange | IntRange | Categorical | Constant | Group | None
    condition: Condition | None = None


# (dotted path, value) of every active parameter, as declared, depth first. Groups only contribute
# their members; parameters inactive under their condition are absent.
Configuration: TypeAlias = tuple[tuple[str, Value], ...]


@dataclass(frozen=True, slots=True)
class LeafCondition:
    """One condition that a leaf lies under: its own, or that of a group around it.

    Attributes:
        parent: dotted path of the leaf that decides.
        keys: the `value_key` of each value that activates.
    """

    parent: str
    keys: frozenset[ValueKey]


@dataclass(frozen=True, slots=True)
class Leaf:
    """A parameter that has a value, wherever it is nested.

    Attributes:
        path: dotted path, unique.
        components: the names along the path, outermost first: what a grid is sorted by.
        kind: what values it takes.
        conditions: all must hold for it to be active; the outermost group's first.
    """

    path: str
    components: tuple[str, ...]
    kind: LeafKind
    conditions: tuple[LeafCondition, ...]


def leaves(parameters: tuple[ParameterSpec, ...]) -> tuple[Leaf, ...]:
    """Every parameter that has a value, in declared order, depth first.

    Args:
        parameters: valid ones (`validate_parameters`).
    """
    return tuple(_walk(parameters, (), ()))


def _walk(
    parameters: tuple[ParameterSpec, ...],
    outer: tuple[str, ...],
    inherited: tuple[LeafCondition, ...],
) -> Iterator[Leaf]:
    for parameter in parameters:
        components = (*outer, parameter.name)
        conditions = inherited
        if parameter.condition is not None:
            keys = frozenset(value_key(value) for value in parameter.condition.values)
            conditions = (*inherited, LeafCondition(parameter.condition.parent, keys))
        if isinstance(parameter.kind, Group):
            yield from _walk(parameter.kind.parameters, components, conditions)
        elif parameter.kind is not None:
            yield Leaf(".".join(components), components, parameter.kind, conditions)


def refusal(kind: LeafKind, value: Value) -> str | None:
    """Why a parameter of this kind cannot have this value; None if it can.

    O(1) for ranges and constants, O(values) for a categorical.

    Returns:
        A message for a field violation, naming what would be accepted.
    """
    match kind:
        case DoubleRange():
            return _double_refusal(kind, value)
        case IntRange():
            return _int_refusal(kind, value)
        case Categorical():
            if any(same_value(value, member) for member in kind.values):
                return None
            members = ", ".join(shown(member) for member in kind.values[:SHOWN_VALUES])
            more = "" if len(kind.values) <= SHOWN_VALUES else ", …"
            return f"must be one of {members}{more}, not the {type_name(value)} {shown(value)}"
        case Constant():
            if same_value(value, kind.value):
                return None
            expected = f"the {type_name(kind.value)} {shown(kind.value)}"
            return f"must be {expected}, not the {type_name(value)} {shown(value)}"
        case _:
            assert_never(kind)


def _double_refusal(kind: DoubleRange, value: Value) -> str | None:
    if not isinstance(value, float):
        return f"must be a double, not the {type_name(value)} {shown(value)}"
    if not kind.min <= value <= kind.max:  # NaN is nowhere
        return f"must be from {kind.min} to {kind.max}, not {value}"
    return None


def _int_refusal(kind: IntRange, value: Value) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return f"must be an int, not the {type_name(value)} {shown(value)}"
    if not kind.min <= value <= kind.max:
        return f"must be from {kind.min} to {kind.max}, not {value}"
    distance = (value - kind.min) % kind.spacing
    if distance:
        below = value - distance
        return f"must be {kind.min} plus a multiple of {kind.spacing}, such as {below}, not {value}"
    return None

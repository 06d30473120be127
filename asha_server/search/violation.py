"""What is wrong with a declared search space: all of it at once, each fault at its proto path."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from asha_server.errors import FieldViolation
from asha_server.search.grid_product import MAX_GRID_POINTS, GridProduct, GridTooLargeError
from asha_server.search.parameter import (
    Categorical,
    Condition,
    Constant,
    DoubleRange,
    Group,
    IntRange,
    ParameterSpec,
    leaves,
    refusal,
)
from asha_server.search.value import (
    INT64_MAX,
    INT64_MIN,
    Value,
    ValueKey,
    shown,
    type_name,
    value_fault,
    value_key,
)

# Parameters of one experiment, groups included.
MAX_PARAMETERS = 1_000
# Groups within each other; protobuf itself ends at 100 messages, and each group takes two.
MAX_GROUP_DEPTH = 32
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_\-./]{0,127}", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Place:
    """A declared parameter or group, and where it stands.

    Attributes:
        field: its proto path.
        path: its dotted path in the search space.
        spec: as declared.
        group: the dotted path of the group around it; None at the top.
    """

    field: str
    path: str
    spec: ParameterSpec
    group: str | None


def validate_parameters(
    parameters: tuple[ParameterSpec, ...], *, needs_count: bool, path: str = "spec.parameters"
) -> list[FieldViolation]:
    """Every fault of a search space; an empty list if there is none.

    A name may hold dots: what must be unique is the dotted path, so "a.b" beside a group "a" with
    a member "b" is refused, and so is a group beside a parameter of the same path. The size of
    the grid is only judged once all else is right.

    Args:
        parameters: as declared. No parameters at all are a valid space of one configuration.
        needs_count: whether they are to make a grid, where each numeric one needs its `count`.
        path: proto path of the list.

    Returns:
        The violations in declared order, those of conditions after the others.
    """
    places: list[_Place] = []
    violations = list(_collect(parameters, path, None, 1, places))
    if len(places) > MAX_PARAMETERS:
        message = f"must be at most {MAX_PARAMETERS} parameters in all, groups included"
        return [FieldViolation(path, message)]
    declared: dict[str, _Place] = {}
    for place in places:
        violations += _name_violations(place, declared.get(place.path))
        violations += _kind_violations(place, needs_count=needs_count)
        declared.setdefault(place.path, place)
    for place in places:
        if place.spec.condition is not None:
            violations += _condition_violations(place, place.spec.condition, declared)
    if needs_count and not violations:
        try:
            GridProduct(leaves(parameters))
        except GridTooLargeError as error:
            violations.append(FieldViolation(path, str(error)))
    return violations


def _collect(
    parameters: Sequence[ParameterSpec],
    field: str,
    group: str | None,
    depth: int,
    places: list[_Place],
) -> Iterator[FieldViolation]:
    """Puts all parameters into places, and stops soon after there are too many of them."""
    for index, spec in enumerate(parameters):
        if len(places) > MAX_PARAMETERS:
            return
        path = spec.name if group is None else f"{group}.{spec.name}"
        place = _Place(f"{field}[{index}]", path, spec, group)
        places.append(place)
        if not isinstance(spec.kind, Group):
            continue
        if depth > MAX_GROUP_DEPTH:
            message = f"must be within at most {MAX_GROUP_DEPTH - 1} other groups"
            yield FieldViolation(f"{place.field}.group", message)
            continue
        members = f"{place.field}.group.parameters"
        yield from _collect(spec.kind.parameters, members, path, depth + 1, places)


def _name_violations(place: _Place, namesake: _Place | None) -> Iterator[FieldViolation]:
    if NAME.fullmatch(place.spec.name) is None:
        message = (
            "must be 1 to 128 of ASCII letters, digits, '_', '-', '.', '/', "
            "the first a letter or digit"
        )
        yield FieldViolation(f"{place.field}.name", message)
    elif namesake is not None:
        message = f"must be unique; {place.path} is already declared at {namesake.field}"
        yield FieldViolation(f"{place.field}.name", message)


def _kind_violations(place: _Place, *, needs_count: bool) -> Iterator[FieldViolation]:
    kind = place.spec.kind
    match kind:
        case None:
            message = (
                "must have one of double_range, int_range, categorical, constant, group "
                f"({place.path or 'it'} has none)"
            )
            yield FieldViolation(place.field, message)
        case DoubleRange():
            yield from _double_violations(kind, f"{place.field}.double_range", needs_count)
        case IntRange():
            yield from _int_violations(kind, f"{place.field}.int_range", needs_count)
        case Categorical():
            field = f"{place.field}.categorical.values"
            yield from _values_violations(kind.values, field)
        case Constant():
            fault = value_fault(kind.value)
            if fault is not None:
                yield FieldViolation(f"{place.field}.constant.value", fault)
        case Group():
            return
        case _:
            assert_never(kind)


def _double_violations(
    kind: DoubleRange, field: str, needs_count: bool
) -> Iterator[FieldViolation]:
    finite = True
    for name, bound in (("min", kind.min), ("max", kind.max)):
        if not math.isfinite(bound):
            finite = False
            yield FieldViolation(f"{field}.{name}", "must be finite")
    ordered = finite and kind.min < kind.max
    if finite and not ordered:
        message = f"must be greater than min, which is {kind.min}; for one value use constant"
        yield FieldViolation(f"{field}.max", message)
    positive = not kind.log or kind.min > 0
    if math.isfinite(kind.min) and not positive:
        yield FieldViolation(f"{field}.min", "must be greater than 0 for log")
    missing = _count_violation(kind.count, field, needs_count)
    if missing is not None:
        yield missing
    elif needs_count and ordered and positive and not _has_room(kind, kind.count or 1):
        message = "must be less: so many points do not lie between min and max"
        yield FieldViolation(f"{field}.count", message)


def _has_room(kind: DoubleRange, count: int) -> bool:
    """Whether neighbouring points are clearly different doubles, so that no two fall together."""
    if count <= 2:
        return True
    if kind.log:
        return (math.log(kind.max) - math.log(kind.min)) / (count - 1) >= 2.0**-46
    gap = kind.max / (count - 1) - kind.min / (count - 1)
    return gap >= 4 * math.ulp(max(abs(kind.min), abs(kind.max)))


def _int_violations(kind: IntRange, field: str, needs_count: bool) -> Iterator[FieldViolation]:
    for name, bound in (("min", kind.min), ("max", kind.max)):
        if not INT64_MIN <= bound <= INT64_MAX:
            yield FieldViolation(f"{field}.{name}", "must fit into 64 bits")
    if kind.min > kind.max:
        yield FieldViolation(f"{field}.max", f"must be at least min, which is {kind.min}")
    if kind.log and kind.min < 1:
        yield FieldViolation(f"{field}.min", "must be at least 1 for log")
    if kind.step is not None and not 1 <= kind.step <= INT64_MAX:
        yield FieldViolation(f"{field}.step", "must be at least 1")
    missing = _count_violation(kind.count, field, needs_count)
    if missing is not None:
        yield missing


def _count_violation(count: int | None, field: str, needs_count: bool) -> FieldViolation | None:
    if count is None and needs_count:
        return FieldViolation(f"{field}.count", "must be given for a grid")
    if count is not None and count < 1:
        return FieldViolation(f"{field}.count", "must be at least 1")
    if count is not None and count > MAX_GRID_POINTS:
        return FieldViolation(f"{field}.count", f"must be at most {MAX_GRID_POINTS}")
    return None


def _values_violations(values: Sequence[Value], field: str) -> Iterator[FieldViolation]:
    """At least one value, each possible by itself, none twice."""
    if not values:
        yield FieldViolation(field, "must have at least one value")
    first: dict[ValueKey, int] = {}
    for index, value in enumerate(values):
        fault = value_fault(value)
        if fault is None and first.setdefault(value_key(value), index) != index:
            earlier = first[value_key(value)]
            fault = f"must be unique; {type_name(value)} {shown(value)} is value {earlier} too"
        if fault is not None:
            yield FieldViolation(f"{field}[{index}]", fault)


def _condition_violations(
    place: _Place, condition: Condition, declared: Mapping[str, _Place]
) -> Iterator[FieldViolation]:
    field = f"{place.field}.condition"
    values_violations = list(_values_violations(condition.values, f"{field}.values"))
    yield from values_violations
    parent = declared.get(condition.parent)
    if parent is None:
        message = (
            f"must be the full dotted path of a declared parameter, not {shown(condition.parent)}"
        )
        yield FieldViolation(f"{field}.parent", message)
        return
    kind = parent.spec.kind
    if not isinstance(kind, (Categorical, Constant, IntRange)):
        message = f"must be a categorical, a constant or an int_range; {parent.path} is not"
        yield FieldViolation(f"{field}.parent", message)
        return
    if _depends_on(parent, place, declared):
        message = f"must not depend on {place.path} itself, as {parent.path} does"
        yield FieldViolation(f"{field}.parent", message)
    if values_violations or next(_kind_violations(parent, needs_count=False), None) is not None:
        return  # whether the parent can have them is no question yet
    for index, value in enumerate(condition.values):
        why = refusal(kind, value)
        if why is not None:
            message = f"{why}: {parent.path} never has that value"
            yield FieldViolation(f"{field}.values[{index}]", message)


def _depends_on(parent: _Place, child: _Place, declared: Mapping[str, _Place]) -> bool:
    """Whether the parent's being active depends on the child: a cycle.

    A parameter depends on the parent of its condition and on the group around it, each of which
    may have a condition in turn. So a group conditioned on its own member is a cycle too.
    """
    seen: set[str] = set()
    pending = [parent.path]
    while pending:
        path = pending.pop()
        if path == child.path:
            return True
        place = declared.get(path)
        if place is None or path in seen:
            continue
        seen.add(path)
        if place.group is not None:
            pending.append(place.group)
        if place.spec.condition is not None:
            pending.append(place.spec.condition.parent)
    return False

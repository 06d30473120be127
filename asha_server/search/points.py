"""The points of one parameter: the one at a unit number, and those along an axis of a grid.

Everything here gives the same bits on every platform: linear interpolation is exact or plain IEEE
arithmetic, and logarithms go through `decimal`, whose `ln` and `exp` are correctly rounded, not
through the C library, whose last bit differs from one system to the next.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from typing import TypeAlias, assert_never

from asha_server.search.parameter import Categorical, Constant, DoubleRange, IntRange, LeafKind
from asha_server.search.value import Value, ValueKey, value_key

# Digits computed and digits kept of a geometric interpolation: an int64 has 19, and the rounding
# errors of ln, × and exp stay within the digits that are dropped.
WORKING_DIGITS = 38
KEPT_DIGITS = 28
# A unit number has 53 bits.
UNIT_BITS = 53

# The value of a parameter at a unit number in [0, 1).
Draw: TypeAlias = Callable[[float], Value]


@dataclass(frozen=True, slots=True)
class Axis:
    """The points of one parameter in a grid, computed when asked for.

    Attributes:
        size: how many, >= 1, no two the same.
        point: the one at an index in [0, size); ascending for a numeric parameter.
    """

    size: int
    point: Callable[[int], Value]


def draw(kind: LeafKind) -> Draw:
    """How this parameter's value follows from a unit number u in [0, 1).

    - double: min + u·(max - min); log: min·(max/min)^u. Never outside [min, max].
    - int, of n values: the value number floor(u·n), exactly. Every value is reached if n <= 2^53.
    - int, log: x = min·((last + step)/min)^u, rounded down to a value. So a value v has the
      probability ln((v + step)/v) / ln((last + step)/min): log-uniform, both ends included.
    - categorical, of n values: the value number floor(u·n). Constant: its value.
    """
    match kind:
        case DoubleRange():
            return _draw_log_double(kind) if kind.log else _draw_double(kind)
        case IntRange():
            return _draw_log_int(kind) if kind.log else _draw_int(kind)
        case Categorical():
            values = kind.values
            return lambda unit: values[_unit_index(unit, len(values))]
        case Constant():
            constant = kind.value
            return lambda _: constant
        case _:
            assert_never(kind)


def _unit_index(unit: float, size: int) -> int:
    """floor(unit·size), exactly: always < size, which the product of floats may reach."""
    return (int(math.ldexp(unit, UNIT_BITS)) * size) >> UNIT_BITS


def _draw_double(kind: DoubleRange) -> Draw:
    low, high = float(kind.min), float(kind.max)
    width = high - low

    def at(unit: float) -> float:
        if math.isinf(width):  # wider than a double can say: interpolate in halves
            value = (low / 2 + unit * (high / 2 - low / 2)) * 2
        else:
            value = low + unit * width
        return min(max(value, low), high)

    return at


def _draw_log_double(kind: DoubleRange) -> Draw:
    low, high = float(kind.min), float(kind.max)
    interpolate = _geometric(Decimal(low), Decimal(high))
    return lambda unit: min(max(float(interpolate(Decimal(unit))), low), high)


def _draw_int(kind: IntRange) -> Draw:
    low, spacing, size = kind.min, kind.spacing, kind.size
    return lambda unit: low + spacing * _unit_index(unit, size)


def _draw_log_int(kind: IntRange) -> Draw:
    low, spacing, size = kind.min, kind.spacing, kind.size
    interpolate = _geometric(Decimal(low), Decimal(kind.last + spacing))

    def at(unit: float) -> int:
        index = int((interpolate(Decimal(unit)) - low) / spacing)
        return low + spacing * min(max(index, 0), size - 1)

    return at


def _geometric(low: Decimal, high: Decimal) -> Callable[[Decimal], Decimal]:
    """Low·(high/low)^share, to `KEPT_DIGITS`, as a function of share. Low and high > 0."""
    working = Context(prec=WORKING_DIGITS, rounding=ROUND_HALF_EVEN, traps=[])
    kept = Context(prec=KEPT_DIGITS, rounding=ROUND_HALF_EVEN, traps=[])
    start = working.ln(low)
    width = working.subtract(working.ln(high), start)

    def interpolate(share: Decimal) -> Decimal:
        return kept.plus(working.exp(working.fma(share, width, start)))

    return interpolate


def axis(kind: LeafKind) -> Axis:
    """The points of this parameter in a grid.

    - numeric, `count` points, equally spaced from the first value to the last (log: by equal
      ratios). One point is the middle (log: the geometric mean). An int is rounded to the nearest
      value of its range, half away from zero; points that fall together (log) are one. A range
      of no more than `count` ints has each once.
    - categorical, constant: its values as given.

    Raises:
        ValueError: the numeric parameter has no `count`.
    """
    match kind:
        case DoubleRange():
            return _double_axis(kind, _required(kind.count))
        case IntRange():
            return _int_axis(kind, _required(kind.count))
        case Categorical():
            return Axis(len(kind.values), kind.values.__getitem__)
        case Constant():
            return Axis(1, (kind.value,).__getitem__)
        case _:
            assert_never(kind)


def indices_on_axis(kind: LeafKind, keys: frozenset[ValueKey]) -> frozenset[int]:
    """Where on its grid axis this categorical, constant or int has one of these values."""
    points = axis(kind)
    if isinstance(kind, (Categorical, Constant)):
        return frozenset(i for i in range(points.size) if value_key(points.point(i)) in keys)
    found = set()
    for _, value in keys:
        index = bisect_left(range(points.size), value, key=points.point)  # type: ignore[type-var]  # ints, by validation
        if index < points.size and value_key(points.point(index)) in keys:
            found.add(index)
    return frozenset(found)


def _required(count: int | None) -> int:
    if count is None:
        raise ValueError("a grid needs the count of every numeric parameter")
    return count


def _share(index: int, count: int) -> Fraction:
    """How far along its range the point stands, from 0 to 1; a single one in the middle."""
    return Fraction(1, 2) if count == 1 else Fraction(index, count - 1)


def _decimal_share(index: int, count: int) -> Decimal:
    share = _share(index, count)
    return Context(prec=WORKING_DIGITS, rounding=ROUND_HALF_EVEN, traps=[]).divide(
        Decimal(share.numerator), Decimal(share.denominator)
    )


def _double_axis(kind: DoubleRange, count: int) -> Axis:
    low, high = float(kind.min), float(kind.max)

    def linear(index: int) -> float:
        start = Fraction(low)
        return float(start + _share(index, count) * (Fraction(high) - start))

    interpolate = _geometric(Decimal(low), Decimal(high)) if kind.log else None

    def geometric(index: int) -> float:
        assert interpolate is not None
        value = float(interpolate(_decimal_share(index, count)))
        return min(max(value, low), high)

    return Axis(count, geometric if kind.log else linear)


def _int_axis(kind: IntRange, count: int) -> Axis:
    low, spacing, size = kind.min, kind.spacing, kind.size
    if count >= size:
        return Axis(size, lambda index: low + index * spacing)
    if kind.log:
        return _log_int_axis(kind, count)

    def linear(index: int) -> int:
        position = _share(index, count) * (size - 1)  # in steps from the first value
        rounded = math.floor(position)
        rest = position - rounded
        away = low + position * spacing >= 0  # away from zero is upwards
        if rest > Fraction(1, 2) or (rest == Fraction(1, 2) and away):
            rounded += 1
        return low + rounded * spacing

    return Axis(count, linear)


def _log_int_axis(kind: IntRange, count: int) -> Axis:
    """The axis of a log int with fewer points than values, without computing all of them.

    The points' distances grow. As long as they are below one step no value is left out, so the
    distinct points are all the values there; from then on no two fall together.
    """
    low, spacing, size = kind.min, kind.spacing, kind.size
    interpolate = _geometric(Decimal(low), Decimal(kind.last))
    exact = Context(prec=WORKING_DIGITS, rounding=ROUND_FLOOR, traps=[])

    def position(index: int) -> Decimal:
        distance = exact.subtract(interpolate(_decimal_share(index, count)), Decimal(low))
        return exact.divide(distance, Decimal(spacing))

    def rounded(index: int) -> int:
        nearest = int(position(index).to_integral_value(ROUND_HALF_UP))
        return min(max(nearest, 0), size - 1)

    def is_sparse(index: int) -> bool:
        return position(index + 1) - position(index) >= 1

    dense = bisect_left(range(count - 1), True, key=is_sparse)  # points 0..dense: dense
    dense_last = rounded(dense)  # the index among the values, of the last of them
    first = rounded(0) if count == 1 else 0

    def point(index: int) -> int:
        if first + index <= dense_last:
            return low + (first + index) * spacing
        return low + rounded(index - (dense_last - first) + dense) * spacing

    return Axis(dense_last - first + 1 + (count - 1 - dense), point)

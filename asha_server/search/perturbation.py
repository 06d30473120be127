"""A value near another one: how population-based training explores.

Source: Jaderberg et al. 2017, arXiv:1711.09846, section 3 (perturb); Determined AI's `pbt`.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import assert_never

from asha_server.search.parameter import Categorical, Constant, DoubleRange, IntRange, LeafKind
from asha_server.search.value import Value


def perturbed(kind: LeafKind, value: Value, factor: float, *, is_raised: bool) -> Value:
    """The value times 1 + factor or 1 - factor, kept inside the range.

    An int is rounded away from where it was, to a value of its range; so it moves unless it is at
    the end. What has no order (categorical, constant) stays, and so does 0.

    Args:
        kind: the parameter.
        value: of its range.
        factor: 0 to 1.
        is_raised: whether it is multiplied by 1 + factor.
    """
    match kind:
        case DoubleRange():
            assert isinstance(value, float)
            moved = value * (1 + factor if is_raised else 1 - factor)
            return min(max(moved, float(kind.min)), float(kind.max))
        case IntRange():
            assert isinstance(value, int)
            return _perturbed_int(kind, value, factor, is_raised=is_raised)
        case Categorical() | Constant():
            return value
        case _:
            assert_never(kind)


def _perturbed_int(kind: IntRange, value: int, factor: float, *, is_raised: bool) -> int:
    share = Fraction(repr(factor))  # the decimal that was written
    moved = value * (1 + share if is_raised else 1 - share)
    place = (moved - kind.min) / kind.spacing
    index = math.ceil(place) if moved > value else math.floor(place)
    return kind.min + kind.spacing * min(max(index, 0), kind.size - 1)

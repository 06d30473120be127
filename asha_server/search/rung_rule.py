"""Which of a rung's entries go on, in the stopping variant, by the rule of the user's choice.

| rule          | an entry goes on if                                                       |
| ------------- | ------------------------------------------------------------------------- |
| TOP_K         | it is among the best max(floor(n / d), 1) of n entries, itself included   |
| PERCENTILE    | it is no worse than the (1 - 1/d) percentile of the values before it      |
| RANK_FRACTION | its 0-based rank r among n entries, itself included, has r / n <= 1/d     |

The first is the paper's; the others are those of Ray Tune's and of Syne Tune's schedulers, for
users who come from there. Of 27 distinct values in random order and d = 3 they let some 34 %,
40 % and 43 % go on: a rung's first entries are judged by few others, and the rules differ there.
What is not a finite number never goes on, and is no earlier value to compare with.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from asha_server.search.rung import raw_value
from asha_server.search.terms import Goal, RungRule

if TYPE_CHECKING:
    from asha_server.search.bracket import Divisor
    from asha_server.search.rung import RankKey, Rung


class Place(NamedTuple):
    """How a value stands in a rung that it is about to enter.

    Attributes:
        goes_on: whether it is among those who go on.
        cutoff: the worst value that goes on; None where there is none, or it is not finite.
    """

    goes_on: bool
    cutoff: float | None


def place_of(
    rule: RungRule, rung: Rung, key: RankKey, rank: int, divisor: Divisor, goal: Goal
) -> Place:
    """Judges a finite value by a rule. O(log n).

    Args:
        rule: which.
        rung: without the value.
        key: of the value.
        rank: 0-based, that it will take.
        divisor: d.
        goal: the direction in which values improve.
    """
    if rule is RungRule.PERCENTILE:
        limit = percentile(rung, divisor)
        return Place(limit is None or key[1] <= limit, shown(limit, goal))
    places = place_count(rule, len(rung) + 1, divisor)
    return Place(rank < places, cutoff_with(rung, key, rank, places, goal))


def place_count(rule: RungRule, count: int, divisor: Divisor) -> int:
    """How many of so many entries go on by TOP_K or RANK_FRACTION; 1 <= result.

    r / n <= 1/d holds for r = 0 .. floor(n / d): one place more than TOP_K has.
    """
    if rule is RungRule.RANK_FRACTION:
        return min(divisor.share_of(count) + 1, max(count, 1))
    return max(divisor.share_of(count), 1)


def present_cutoff(rule: RungRule, rung: Rung, divisor: Divisor, goal: Goal) -> float | None:
    """The worst value among those that go on, by the entries that are there now."""
    if rule is RungRule.PERCENTILE:
        limit = percentile(rung, divisor)
        return shown(limit, goal)
    return rung.value_at(place_count(rule, len(rung), divisor) - 1, goal)


def percentile(rung: Rung, divisor: Divisor) -> float | None:
    """The (1 - 1/d) percentile of a rung's finite values, best last; None if there are none.

    Linear interpolation between the two values around it, as NumPy's default.

    Returns:
        A ranked value (smaller is better): `raw_value` makes it the metric's.
    """
    count = rung.finite_count()
    if not count:
        return None
    # From the best: 1/d of the way to the worst.
    place = (count - 1) / divisor.fraction
    below = int(place)
    better = float(rung.entries[below][1])
    if below + 1 == count:
        return better
    worse = float(rung.entries[below + 1][1])
    return better + float(place - below) * (worse - better) if worse > better else better


def shown(limit: float | None, goal: Goal) -> float | None:
    """A percentile as the metric's value; None where it is not finite."""
    return raw_value(limit, goal) if limit is not None and math.isfinite(limit) else None


def cutoff_with(rung: Rung, key: RankKey, rank: int, places: int, goal: Goal) -> float | None:
    """The value at the last place that goes on, with `key` counted in; None if not finite."""
    place = places - 1
    if place == rank:
        not_finite, value, _, _ = key
        return None if not_finite else raw_value(value, goal)
    return rung.value_at(place if place < rank else place - 1, goal)

"""The three rules of the stopping variant, each against its obvious form."""

from __future__ import annotations

import math
import statistics
from random import Random

import pytest

from asha_server.search.bracket import Divisor
from asha_server.search.rung import Rung, rank_key
from asha_server.search.rung_rule import Place, place_of, present_cutoff
from asha_server.search.terms import Goal, RungRule


def enter(
    rule: RungRule, values: list[float], divisor: float = 3.0, goal: Goal = Goal.MINIMIZE
) -> list[Place]:
    """What the rule says of each value in turn, as it arrives at one rung."""
    rung = Rung(1)
    said: list[Place] = []
    for arrival, value in enumerate(values):
        key = rank_key(value, goal, arrival, arrival)
        said.append(place_of(rule, rung, key, rung.rank(key), Divisor(divisor), goal))
        rung.entries.add(key)
    return said


def obvious(rule: RungRule, earlier: list[float], value: float, d: float) -> bool:
    """The rule by sorting everything again; smaller is better."""
    ranked = sorted([*earlier, value])
    rank, n = ranked.index(value), len(ranked)
    if rule is RungRule.TOP_K:
        return rank < max(math.floor(n / d), 1)
    if rule is RungRule.RANK_FRACTION:
        return rank / n <= 1 / d + 1e-12
    if not earlier:
        return True
    if len(earlier) == 1:
        return value <= earlier[0]
    place = (len(earlier) - 1) / d
    low = sorted(earlier)[math.floor(place)]
    high = sorted(earlier)[math.ceil(place)]
    return value <= low + (place - math.floor(place)) * (high - low)


@pytest.mark.parametrize("rule", RungRule)
@pytest.mark.parametrize("divisor", [2.0, 3.0, 4.0])
def test_each_arrival_is_judged_as_the_obvious_rule_says(rule: RungRule, divisor: float) -> None:
    random = Random(5)
    for _ in range(30):
        values = [float(v) for v in random.sample(range(1000), 30)]
        for index, (goes_on, _) in enumerate(enter(rule, values, divisor)):
            assert goes_on == obvious(rule, values[:index], values[index], divisor)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [(RungRule.TOP_K, 0.343), (RungRule.PERCENTILE, 0.399), (RungRule.RANK_FRACTION, 0.432)],
)
def test_the_share_that_goes_on_is_the_rules_own(rule: RungRule, expected: float) -> None:
    """27 distinct values in 200 random orders, d = 3; a share of 27 has a deviation below 0.005."""
    random = Random(11)
    shares = []
    for _ in range(200):
        values = [float(v) for v in random.sample(range(27), 27)]
        shares.append(statistics.mean(goes_on for goes_on, _ in enter(rule, values)))

    assert statistics.mean(shares) == pytest.approx(expected, abs=0.015)


@pytest.mark.parametrize("rule", RungRule)
def test_maximizing_is_minimizing_the_negative(rule: RungRule) -> None:
    values = [float(v) for v in Random(3).sample(range(100), 20)]

    least = enter(rule, values)
    most = enter(rule, [-v for v in values], goal=Goal.MAXIMIZE)

    assert [said[0] for said in most] == [said[0] for said in least]
    assert [said[1] for said in most] == [None if c is None else -c for _, c in least]


def test_the_percentile_is_interpolated_between_two_values() -> None:
    """Of 10, 20, 30, 40 a third of the way from the best is 10 + 1 · 10 = 20."""
    said = enter(RungRule.PERCENTILE, [10.0, 40.0, 20.0, 30.0, 20.0, 20.5])

    assert said[0] == (True, None)
    assert said[1] == (False, 10.0)
    assert said[4] == (True, 20.0)
    # Of 10, 20, 20, 30, 40: place 4/3, so 20 + 1/3 · 0 = 20.
    assert said[5] == (False, 20.0)


def test_values_that_are_not_finite_are_nothing_to_compare_with() -> None:
    said = enter(RungRule.PERCENTILE, [math.nan, math.inf, 5.0, 5.0, 6.0])

    assert said[2] == (True, None)
    assert said[3] == (True, 5.0)
    assert said[4] == (False, 5.0)


def test_the_present_cutoff_is_of_the_entries_that_are_there() -> None:
    rung = Rung(1)
    for arrival, value in enumerate([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]):
        rung.entries.add(rank_key(value, Goal.MINIMIZE, arrival, arrival))

    # floor(6 / 3) = 2 places; one more by rank; a third of the way from 1 to 6 is 1 + 5/3.
    assert present_cutoff(RungRule.TOP_K, rung, Divisor(3.0), Goal.MINIMIZE) == 2.0
    assert present_cutoff(RungRule.RANK_FRACTION, rung, Divisor(3.0), Goal.MINIMIZE) == 3.0
    assert present_cutoff(RungRule.PERCENTILE, rung, Divisor(3.0), Goal.MINIMIZE) == (
        pytest.approx(1 + 5 / 3)
    )
    assert present_cutoff(RungRule.PERCENTILE, Rung(1), Divisor(3.0), Goal.MINIMIZE) is None


def test_the_example_of_the_docs() -> None:
    """docs/explanation/asha.md, "By another tool's rule"."""
    arrivals = [0.89, 0.69, 0.79, 0.59, 0.49, 0.94, 0.39, 0.84, 0.64]

    def row(rule: RungRule) -> str:
        return " ".join(
            f"{'**' if goes_on else ''}{'none' if cutoff is None else f'{cutoff:.3g}'[1:]}"
            for goes_on, cutoff in enter(rule, arrivals)
        )

    assert row(RungRule.TOP_K) == "**.89 **.69 .69 **.59 **.49 .59 **.49 .49 .59"
    assert row(RungRule.PERCENTILE) == "**none **.89 .757 **.757 **.69 .623 **.657 .59 .623"
    assert row(RungRule.RANK_FRACTION) == "**.89 **.69 **.79 **.69 **.59 .69 **.59 .59 **.64"

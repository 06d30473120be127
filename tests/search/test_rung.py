"""The order of one rung's entries, and who is promotable."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asha_server.search.bracket import Divisor
from asha_server.search.rung import Closing, RankKey, Rung, closing_after, rank_key
from asha_server.search.terms import Goal

NAN, INF = math.nan, math.inf


def rung_of(values: list[float | None], goal: Goal = Goal.MINIMIZE) -> tuple[Rung, list[RankKey]]:
    """A rung into which trial i brought value i, in this order; all wait."""
    rung = Rung(length=1)
    keys = [rank_key(value, goal, i, i) for i, value in enumerate(values)]
    rung.entries.update(keys)
    for key in keys:
        rung.waiting.add(key)
    return rung, keys


@pytest.mark.parametrize(
    ("goal", "order"),
    [(Goal.MINIMIZE, [4, 2, 0, 1, 3, 5, 6, 7]), (Goal.MAXIMIZE, [0, 1, 2, 4, 3, 5, 6, 7])],
)
def test_entries_are_ordered_by_value_then_arrival_the_others_behind(
    goal: Goal, order: list[int]
) -> None:
    rung, _ = rung_of([0.5, 0.5, 0.2, NAN, -0.1, -INF, None, INF], goal)

    assert [trial for _, _, _, trial in rung.entries] == order


def test_below_d_entries_nobody_is_a_candidate() -> None:
    rung, _ = rung_of([0.1, 0.2])

    assert rung.candidate_count(Divisor(3)) == 0
    assert rung.promotable(Divisor(3)) is None


def test_the_best_waiting_entry_is_promotable_only_among_the_candidates() -> None:
    rung, keys = rung_of([0.1, 0.2, 0.3, 0.4])
    assert rung.promotable(Divisor(2)) == keys[0]

    rung.waiting.remove(keys[0])
    assert rung.promotable(Divisor(2)) == keys[1]

    rung.waiting.remove(keys[1])
    # 0.3 ranks third of four, with two places.
    assert rung.promotable(Divisor(2)) is None
    assert rung.best_waiting() == keys[2]


def test_what_is_not_finite_is_never_promotable() -> None:
    rung, _ = rung_of([NAN, INF, None])

    assert rung.candidate_count(Divisor(2)) == 1
    assert rung.promotable(Divisor(2)) is None
    assert rung.best_waiting() is None


def test_the_value_at_a_place_is_absent_where_there_is_none_or_it_is_not_finite() -> None:
    rung, _ = rung_of([0.5, NAN], Goal.MAXIMIZE)

    values = [rung.value_at(place, Goal.MAXIMIZE) for place in (-1, 0, 1, 2)]

    assert values == [None, 0.5, None, None]


def test_a_paused_entry_is_stopped_by_the_first_close_out_after_it() -> None:
    closings = [Closing(10, 100), Closing(20, 200)]

    found = [closing_after(closings, arrival) for arrival in (5, 10, 11, 20, 21)]

    assert found == [closings[0], closings[0], closings[1], closings[1], None]


@given(st.lists(st.sampled_from([0.1, 0.2, 0.3, NAN, INF]), min_size=1), st.sampled_from([2, 2.5]))
def test_as_many_are_promotable_in_turn_as_are_finite_among_the_best(
    values: list[float], divisor: float
) -> None:
    rung, _ = rung_of(list(values))
    places = math.floor(len(values) / divisor)

    promoted = []
    while (key := rung.promotable(Divisor(divisor))) is not None:
        rung.waiting.remove(key)
        promoted.append(values[key[3]])

    assert promoted == sorted(value for value in values if math.isfinite(value))[:places]

"""What a search will cost when it runs, simulated."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from asha_server.search.forecast import Forecast, forecast, places
from asha_server.search.parameter import IntRange, ParameterSpec
from asha_server.search.preview import preview
from asha_server.search.spec import (
    AdaptiveAsha,
    AdaptiveSimple,
    AsyncHalving,
    ExperimentSpec,
    GridSearch,
    Hyperband,
    Method,
    Metric,
    Pbt,
    RandomSearch,
    SingleTrial,
    SyncHalving,
    validate,
)
from asha_server.search.terms import BracketMode, Goal, HalvingVariant, RungRule

STOPPING = HalvingVariant.STOPPING
NINE = AsyncHalving(num_rungs=3, divisor=3.0)
"""Nine trials on rungs 1, 3 and 9: nominally 6 end at 1, 2 at 3 and 1 at 9, 21 units."""
INT64_MAX = 2**63 - 1


def search(method: Method, **fields: Any) -> ExperimentSpec:
    spec = ExperimentSpec(metric=Metric("loss", Goal.MINIMIZE), method=method, **fields)
    assert validate(spec) == []
    return spec


def found(
    spec: ExperimentSpec, workers: int | None = None, seconds_per_unit: float | None = None
) -> Forecast:
    result = forecast(spec, workers, seconds_per_unit)
    assert result is not None
    return result


# -- nominal --------------------------------------------------------------------------------------

PLANNED = [
    search(NINE, max_length=9, max_trials=9),
    search(msgspec.structs.replace(NINE, variant=STOPPING), max_length=9, max_trials=9),
    search(AdaptiveAsha(), max_length=81, max_trials=100),
    search(AdaptiveAsha(divisor=2.2, mode=BracketMode.CONSERVATIVE), max_length=99, max_trials=99),
    search(AdaptiveAsha(variant=STOPPING), max_length=81, max_trials=100),
    search(AdaptiveAsha(variant=STOPPING, divisor=2.2), max_length=81, max_trials=300),
    search(
        AdaptiveAsha(variant=STOPPING, rung_rule=RungRule.PERCENTILE), max_length=81, max_trials=99
    ),
    search(
        AdaptiveAsha(variant=STOPPING, rung_rule=RungRule.RANK_FRACTION),
        max_length=81,
        max_trials=99,
    ),
    search(SyncHalving(num_rungs=3, total_length=1_000), max_length=64),
    search(AdaptiveSimple(), max_length=64, max_trials=50),
    search(Hyperband(), max_length=27),
    search(Pbt(population_size=10, num_rounds=4, length_per_round=3)),
    search(RandomSearch(), max_length=9, max_trials=9),
    search(SingleTrial(), max_length=9),
]


@pytest.mark.parametrize("workers", [1, 5, None])
@pytest.mark.parametrize("spec", PLANNED, ids=lambda spec: spec.method.arm)
def test_the_nominal_search_trains_exactly_the_plan(
    spec: ExperimentSpec, workers: int | None
) -> None:
    plan = preview(spec)

    nominal = found(spec, workers).nominal

    assert nominal is not None
    assert nominal.units == plan.units
    assert nominal.trials_by_length == plan.trials_by_length


@pytest.mark.parametrize(
    "method",
    [
        # Both brackets begin at 3: which of them a trial is of cannot be told from its reports.
        AdaptiveAsha(divisor=3.0, bracket_rungs=(2, 2), variant=STOPPING),
        # Two trials in the one rung below the top: nobody is promoted, and nothing closes it out.
        AsyncHalving(num_rungs=2, divisor=30.0, guarantee_full_length=False),
    ],
    ids=["brackets alike", "no close-out"],
)
def test_there_is_no_nominal_search_where_no_order_trains_the_plan(method: Method) -> None:
    result = found(search(method, max_length=9, max_trials=20))

    assert result.nominal is None
    assert result.expected.units > 0


# -- worst ----------------------------------------------------------------------------------------


def test_at_worst_all_but_the_first_few_of_a_rung_are_promoted() -> None:
    """9 enter the first rung, the third to the ninth go on, and of those 7 again all but two.

    9 x 1 + 7 x 2 + 5 x 6 = 53 units, where training all in full would be 81.
    """
    worst = found(search(NINE, max_length=9, max_trials=9)).worst

    assert worst.trials_by_length == ((1, 2), (3, 2), (9, 5))
    assert worst.units == 53


def test_at_worst_the_stopping_variant_trains_all_in_full() -> None:
    method = msgspec.structs.replace(NINE, variant=STOPPING)

    worst = found(search(method, max_length=9, max_trials=9)).worst

    assert worst.trials_by_length == ((9, 9),)
    assert worst.units == 81


# -- expected -------------------------------------------------------------------------------------


def test_expected_is_what_ranks_in_random_order_give() -> None:
    """The n-th of a rung goes on with probability max(floor(n / 4), 1) / n; length 1, then 4.

    Of 1,000 some 255 go on: the median of 21 searches is within 3 % of it.
    """
    method = AsyncHalving(num_rungs=2, divisor=4.0, variant=STOPPING)
    going_on = sum(max(n // 4, 1) / n for n in range(1, 1_001))

    result = found(search(method, max_length=4, max_trials=1_000), workers=1)

    assert result.expected.units == pytest.approx(1_000 + 3 * going_on, rel=0.03)


def test_a_search_is_expected_to_promote_more_than_its_plan() -> None:
    result = found(search(AdaptiveAsha(divisor=3.0), max_length=81, max_trials=200), workers=8)

    assert result.nominal is not None
    assert result.nominal.units < result.units.low <= result.expected.units <= result.units.high
    assert result.units.high < result.worst.units


def test_the_expected_search_is_one_whose_parts_fit_each_other() -> None:
    expected = found(search(AdaptiveAsha(), max_length=81, max_trials=100)).expected

    assert sum(count for _, count in expected.trials_by_length) == 100
    assert sum(length * count for length, count in expected.trials_by_length) == expected.units


def test_the_same_search_has_the_same_forecast() -> None:
    spec = search(AdaptiveAsha(), max_length=81, max_trials=50)

    assert found(spec, 3, 2.0) == found(spec, 3, 2.0)


def test_neither_goal_nor_target_nor_seed_nor_parameters_matter() -> None:
    spec = search(AdaptiveAsha(), max_length=81, max_trials=50)
    other = msgspec.structs.replace(
        spec,
        parameters=(ParameterSpec("a", IntRange(1, 3)),),
        metric=Metric("accuracy", Goal.MAXIMIZE),
        target=-1e9,
        seed=77,
    )

    assert found(other) == found(spec)


# -- certain --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spec",
    [spec for spec in PLANNED if not isinstance(spec.method, AdaptiveAsha | AsyncHalving)],
    ids=lambda spec: spec.method.arm,
)
def test_where_values_decide_nothing_one_search_tells_all(spec: ExperimentSpec) -> None:
    result = found(spec, 3, 2.0)

    assert result.is_certain
    assert result.search_count == 1
    assert result.nominal == result.expected == result.worst


def test_an_asynchronous_search_is_not_certain() -> None:
    result = found(search(NINE, max_length=9, max_trials=9))

    assert not result.is_certain
    assert result.search_count == 21


def test_a_grid_costs_its_points() -> None:
    parameters = (
        ParameterSpec("a", IntRange(1, 3, count=3)),
        ParameterSpec("b", IntRange(1, 2, count=2)),
    )

    result = found(search(GridSearch(), max_length=5, parameters=parameters))

    assert result.expected.trials_by_length == ((5, 6),)


# -- time -----------------------------------------------------------------------------------------


def test_the_last_trials_of_a_search_leave_workers_idle() -> None:
    """5 trials of 10 units on 2 workers: three rounds of 30 s, the last with one of them idle."""
    result = found(search(RandomSearch(), max_length=10, max_trials=5), 2, 3.0)

    assert result.expected.seconds == 90


def test_a_barrier_leaves_workers_idle() -> None:
    """9 trials to 1, then 3 to 3, then 1 to 9, on 4 workers: 3 + 2 + 6 s.

    On 4 workers that always have work 21 units would take 5.25 s.
    """
    spec = search(SyncHalving(num_rungs=3, divisor=3.0, total_length=21), max_length=9)
    assert preview(spec).units == 21

    assert found(spec, 4, 1.0).expected.seconds == 11


def test_more_workers_than_can_have_work_are_not_simulated() -> None:
    spec = search(RandomSearch(), max_length=10, max_trials=50, max_concurrent_trials=5)

    result = found(spec, 10**18, 1.0)

    assert result.workers == 5
    assert result.expected.seconds == 100


@pytest.mark.parametrize(("limit", "workers"), [(5, 5), (0, 50), (60, 50)])
def test_without_workers_as_many_are_simulated_as_can_have_work(limit: int, workers: int) -> None:
    spec = search(RandomSearch(), max_length=10, max_trials=50, max_concurrent_trials=limit)

    assert found(spec).workers == workers


def test_no_length_and_no_time_is_too_great() -> None:
    spec = search(NINE, max_length=INT64_MAX, max_trials=9)

    result = found(spec, 2, 1e300)

    assert result.worst.units == INT64_MAX
    assert result.worst.seconds > 1e300


# -- budgets --------------------------------------------------------------------------------------


def test_max_total_length_ends_the_search_but_not_its_plan() -> None:
    """200 trials of nominally 1,254 units; eight workers overshoot by what they report at once."""
    method = AdaptiveAsha(divisor=3.0)
    spec = search(method, max_length=81, max_trials=200, max_total_length=500)

    result = found(spec, 8)

    assert result.nominal is not None
    assert result.nominal.units == 1_254
    assert 500 <= result.expected.units < 700
    assert 500 <= result.worst.units < 700


def test_max_wall_time_ends_the_search_where_seconds_per_unit_are_known() -> None:
    """5 trials of 10 units one after the other: at 3 s a unit four of them end within 130 s."""
    spec = search(RandomSearch(), max_length=10, max_trials=5, max_wall_time_us=130_000_000)

    assert found(spec, 1, 3.0).expected == (40, 130, ((10, 4),))
    assert found(spec, 1).expected.units == 50


# -- how large ------------------------------------------------------------------------------------


def test_a_search_of_fifty_thousand_places_is_simulated_and_no_larger_one() -> None:
    largest = search(RandomSearch(), max_length=1, max_trials=50_000)
    larger = search(RandomSearch(), max_length=1, max_trials=50_001)
    deep = search(AsyncHalving(num_rungs=3, divisor=2.0), max_length=9, max_trials=16_667)

    assert found(largest).expected.units == 50_000
    assert forecast(larger, 1, None) is None
    assert places(preview(deep)) == 50_001  # three rungs each
    assert forecast(deep, 1, None) is None


@pytest.mark.parametrize(("trials", "searches"), [(2_500, 21), (2_501, 5)])
def test_of_a_search_above_five_thousand_places_few_are_simulated(
    trials: int, searches: int
) -> None:
    """Two rungs a trial; the budget ends each of the searches soon."""
    spec = search(AsyncHalving(num_rungs=2), max_length=4, max_trials=trials, max_total_length=100)

    assert found(spec, 4).search_count == searches

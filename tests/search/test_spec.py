"""The specification: every violation at once, and the defaults that follow from other fields."""

from __future__ import annotations

import math

import pytest

from asha_server.search.space import IntRange, ParameterSpec
from asha_server.search.spec import (
    AdaptiveAsha,
    AsyncHalving,
    ExperimentSpec,
    GridSearch,
    Method,
    Metric,
    RandomSearch,
    SingleTrial,
    validate,
)
from asha_server.search.terms import Goal, HalvingVariant, RungRule

LOSS = Metric("loss", Goal.MINIMIZE)
GRID = (ParameterSpec("x", IntRange(1, 3, count=3)), ParameterSpec("y", IntRange(1, 2, count=2)))


def paths(spec: ExperimentSpec) -> list[str]:
    return [violation.path for violation in validate(spec)]


@pytest.mark.parametrize(
    "spec",
    [
        ExperimentSpec(metric=LOSS, method=AdaptiveAsha(), max_length=1, max_trials=1),
        ExperimentSpec(metric=LOSS, method=AsyncHalving(num_rungs=1), max_length=1, max_trials=1),
        ExperimentSpec(metric=LOSS, method=RandomSearch(), max_length=2**63 - 1, max_trials=1),
        ExperimentSpec(metric=LOSS, method=SingleTrial(), max_length=1),
        ExperimentSpec(metric=LOSS, method=GridSearch(), parameters=GRID, max_length=1),
        ExperimentSpec(
            metric=LOSS,
            method=AdaptiveAsha(
                divisor=1.01, variant=HalvingVariant.STOPPING, rung_rule=RungRule.PERCENTILE
            ),
            max_length=9,
            max_trials=9,
            max_concurrent_trials=0,
            max_restarts=0,
            max_infeasible=0,
            seed=0,
            lease_ttl_us=1_000_000,
            target=0.0,
        ),
    ],
    ids=["adaptive", "halving", "random", "single", "grid", "smallest numbers"],
)
def test_the_least_that_can_be_run_is_accepted(spec: ExperimentSpec) -> None:
    assert validate(spec) == []


def test_an_empty_spec_lacks_all_that_is_required() -> None:
    # max_trials is only asked for by a method.
    assert paths(ExperimentSpec()) == [
        "spec.metric.name",
        "spec.metric.goal",
        "spec.method",
        "spec.max_length",
    ]


def test_all_violations_come_at_once_in_the_order_of_the_fields() -> None:
    spec = ExperimentSpec(
        display_name="ü" * 129,  # 258 bytes
        labels={"-": "", "k": "v" * 400},
        metric=Metric("a b", Goal.MAXIMIZE),
        method=AdaptiveAsha(
            divisor=1.0, max_rungs=0, bracket_rungs=(2, 0, 101), rung_rule=RungRule.PERCENTILE
        ),
        max_length=0,
        max_trials=0,
        max_concurrent_trials=-1,
        seed=-1,
        lease_ttl_us=999_999,
        target=math.nan,
        max_restarts=-1,
        max_infeasible=-1,
        max_wall_time_us=-1,
        max_total_length=-1,
        progress_timeout_us=-1,
        worker_failure_limit=-1,
    )

    assert paths(spec) == [
        "spec.display_name",
        "spec.labels['-']",
        "spec.labels['k']",
        "spec.metric.name",
        "spec.max_trials",
        "spec.adaptive_asha.divisor",
        "spec.adaptive_asha.rung_rule",
        "spec.adaptive_asha.max_rungs",
        "spec.adaptive_asha.bracket_rungs[1]",
        "spec.adaptive_asha.bracket_rungs[2]",
        "spec.max_length",
        "spec.max_concurrent_trials",
        "spec.seed",
        "spec.lease_ttl",
        "spec.target",
        "spec.max_restarts",
        "spec.max_infeasible",
        "spec.max_wall_time",
        "spec.max_total_length",
        "spec.progress_timeout",
        "spec.worker_failure_limit",
    ]


@pytest.mark.parametrize("method", [SingleTrial(), GridSearch()])
def test_a_method_that_fixes_the_trials_refuses_their_number(method: Method) -> None:
    spec = ExperimentSpec(metric=LOSS, method=method, parameters=GRID, max_length=9, max_trials=3)

    assert paths(spec) == ["spec.max_trials"]


@pytest.mark.parametrize("divisor", [1.0, 0.5, -2.0, math.nan, math.inf])
def test_a_divisor_must_be_above_one(divisor: float) -> None:
    method = AsyncHalving(num_rungs=2, divisor=divisor)
    spec = ExperimentSpec(metric=LOSS, method=method, max_length=9, max_trials=9)

    assert paths(spec) == ["spec.async_halving.divisor"]


@pytest.mark.parametrize("num_rungs", [None, 0, 101])
def test_a_halving_needs_a_possible_number_of_rungs(num_rungs: int | None) -> None:
    method = AsyncHalving(num_rungs=num_rungs)
    spec = ExperimentSpec(metric=LOSS, method=method, max_length=9, max_trials=9)

    assert paths(spec) == ["spec.async_halving.num_rungs"]


def test_as_many_infeasible_trials_in_a_row_are_borne_as_there_are_trials() -> None:
    spec = ExperimentSpec(metric=LOSS, method=GridSearch(), parameters=GRID, max_length=9)

    assert spec.completed(seed=5).max_infeasible == 6  # 3 values of x, 2 of y
    assert spec.completed(seed=5).seed == 5


def test_what_is_given_is_not_filled_in() -> None:
    spec = ExperimentSpec(
        metric=LOSS, method=RandomSearch(), max_length=9, max_trials=9, seed=0, max_infeasible=0
    )

    assert spec.completed(seed=5) == spec

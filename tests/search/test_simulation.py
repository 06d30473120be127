"""Simulated searches: the server's own decisions under a virtual clock."""

from __future__ import annotations

from typing import Any

import pytest

from asha_server.search.curves import RecordedCurves, SyntheticCurves
from asha_server.search.experiment import Experiment
from asha_server.search.rows import all_rows
from asha_server.search.simulation import Conditions, Outcome, simulate
from asha_server.search.spec import (
    AdaptiveAsha,
    AsyncHalving,
    ExperimentSpec,
    Method,
    Metric,
    RandomSearch,
)
from asha_server.search.terms import ExperimentState, Goal, HalvingVariant, TrialState

CURVES = SyntheticCurves(Goal.MINIMIZE)


def spec_of(method: Method, **changes: Any) -> ExperimentSpec:
    fields = {"max_length": 64, "max_trials": 100, "max_concurrent_trials": 0, "seed": 1}
    return ExperimentSpec(
        metric=Metric("loss", Goal.MINIMIZE), method=method, **{**fields, **changes}
    )


def proven(outcome: Outcome) -> Outcome:
    """The outcome, its experiment checked and replayed from its history."""
    outcome.experiment.check()
    replayed = Experiment.replay(outcome.records)
    assert all_rows(replayed.state) == all_rows(outcome.experiment.state)
    return outcome


def test_random_search_takes_what_arithmetic_says() -> None:
    """100 trials of 64 units on 10 workers at 2 s a unit: 10 rounds of 128 s, nobody idle."""
    outcome = proven(simulate(spec_of(RandomSearch()), CURVES, Conditions(10, 2.0)))

    assert outcome.elapsed_s == 1280
    assert outcome.busy_s == 12_800
    assert [outcome.full_length_s.count(128.0 * n) for n in range(1, 11)] == [10] * 10
    assert outcome.experiment.state.state is ExperimentState.COMPLETED


def test_one_worker_is_never_idle() -> None:
    outcome = proven(simulate(spec_of(AdaptiveAsha()), CURVES, Conditions(1)))

    assert outcome.busy_s == outcome.elapsed_s == outcome.experiment.state.total_length


@pytest.mark.parametrize("variant", HalvingVariant)
@pytest.mark.parametrize("workers", [1, 16, 1000])
def test_any_number_of_workers_ends_the_search(variant: HalvingVariant, workers: int) -> None:
    """With stragglers and lost jobs; every trial ends, and the best is worth its length."""
    spec = spec_of(AdaptiveAsha(variant=variant), max_trials=500, max_restarts=50)
    conditions = Conditions(workers, straggler_deviation=0.5, drop_probability=0.01)

    outcome = proven(simulate(spec, CURVES, conditions))

    state = outcome.experiment.state
    assert state.state is ExperimentState.COMPLETED
    assert state.counts[TrialState.COMPLETED] + state.counts[TrialState.STOPPED] == 500
    assert outcome.dropped_count > 0
    assert len(outcome.full_length_s) == state.counts[TrialState.COMPLETED]
    assert outcome.incumbents[-1][1] < 0.1


def test_more_workers_are_faster_and_need_not_train_more() -> None:
    """Nearly perfect scaling while there is enough to do: 8 workers take less than a sixth."""
    spec = spec_of(AsyncHalving(num_rungs=4), max_trials=2_000)

    one, eight = (simulate(spec, CURVES, Conditions(workers)) for workers in (1, 8))

    assert eight.elapsed_s < one.elapsed_s / 6
    assert eight.experiment.state.total_length < 1.2 * one.experiment.state.total_length


def test_the_same_arguments_give_the_same_history() -> None:
    conditions = Conditions(7, straggler_deviation=0.3, drop_probability=0.01, seed=5)

    first, second = (simulate(spec_of(AdaptiveAsha()), CURVES, conditions) for _ in range(2))

    assert first.records == second.records


def test_a_time_limit_ends_the_looking() -> None:
    """64 units a trial: in 100 s each of 4 workers finishes one and is at 36 of another."""
    outcome = proven(simulate(spec_of(RandomSearch()), CURVES, Conditions(4, time_limit_s=100)))

    assert outcome.elapsed_s == 100
    assert outcome.full_length_s == [64.0] * 4
    assert outcome.busy_s == 400
    assert outcome.experiment.state.state is ExperimentState.RUNNING


def test_stragglers_take_longer_and_never_less() -> None:
    spec = spec_of(RandomSearch())

    usual = simulate(spec, CURVES, Conditions(1))
    slow = simulate(spec, CURVES, Conditions(1, straggler_deviation=1.0))

    # E(1 + |z|) = 1 + sqrt(2 / pi) = 1.798
    assert 1.6 < slow.elapsed_s / usual.elapsed_s < 2.0


def test_the_concurrency_limit_holds_for_virtual_workers() -> None:
    spec = spec_of(RandomSearch(), max_concurrent_trials=2)

    outcome = simulate(spec, CURVES, Conditions(10))

    assert outcome.elapsed_s == 100 * 64 / 2


def test_recorded_curves_decide() -> None:
    """Two curves in turns; the second is the better one, and keeps its last value."""
    curves = RecordedCurves([[0.5, 0.4], [0.6, 0.1]])
    spec = spec_of(RandomSearch(), max_trials=4, max_length=5)

    outcome = simulate(spec, curves, Conditions(1))

    incumbent = outcome.experiment.state.incumbent()
    assert incumbent is not None
    assert (incumbent.number, outcome.incumbents) == (1, [(5.0, 0.4), (10.0, 0.1)])

"""Simulations repeated, and the figures of the paper."""

from __future__ import annotations

import math

from asha_server.search.curves import RecordedCurves, SyntheticCurves
from asha_server.search.repetition import Runs, repeat
from asha_server.search.simulation import Conditions
from asha_server.search.spec import AsyncHalving, ExperimentSpec, Metric, RandomSearch
from asha_server.search.terms import Goal

SPEC = ExperimentSpec(
    metric=Metric("loss", Goal.MINIMIZE),
    method=RandomSearch(),
    max_length=8,
    max_trials=32,
    max_concurrent_trials=0,
    seed=1,
)


def runs(spec: ExperimentSpec, conditions: Conditions, count: int = 1) -> Runs:
    return repeat(spec, lambda seed: SyntheticCurves(Goal.MINIMIZE, seed), conditions, count)


def test_scaling_is_perfect_where_the_work_divides_evenly() -> None:
    """32 trials of 8 s: 256 s on one worker, 16 s on 16, and again 8 s on 64: half of them idle."""
    one, some, many = (runs(SPEC, Conditions(workers)) for workers in (1, 16, 64))

    assert (some.speed_up(one), some.efficiency(one)) == (16.0, 1.0)
    assert (many.speed_up(one), many.efficiency(one)) == (32.0, 0.5)


def test_where_the_limit_cuts_off_scaling_is_that_of_trials_trained_in_full() -> None:
    """In 16 s one worker trains 2 trials, four train 8."""
    one, four = (runs(SPEC, Conditions(workers, time_limit_s=16)) for workers in (1, 4))

    assert not four.is_ended
    assert four.speed_up(one) == 4.0


def test_every_run_has_a_seed_of_its_own() -> None:
    found = runs(SPEC, Conditions(4, straggler_deviation=1.0, seed=5), 3)

    assert [run.seed for run in found.runs] == [5, 6, 7]
    times = sorted(run.elapsed_s for run in found.runs)
    assert len(set(times)) == 3
    assert found.median(lambda run: run.elapsed_s) == times[1]
    assert found.mean(lambda run: run.elapsed_s) == sum(times) / 3


def test_a_run_is_the_search_that_its_seed_makes_alone() -> None:
    conditions = Conditions(4, straggler_deviation=1.0, seed=5)

    assert runs(SPEC, conditions, 1).runs[0] == runs(SPEC, conditions, 3).runs[0]


def test_a_first_trial_that_never_came_is_infinitely_late() -> None:
    found = runs(SPEC, Conditions(1, time_limit_s=5), 2)

    assert math.isinf(found.median(lambda run: run.first_s))
    assert math.isinf(found.mean(lambda run: run.first_s))
    assert found.runs[0].best is None


def test_recorded_curves_are_dealt_out_anew_for_further_runs() -> None:
    curves = [[float(number)] for number in range(20)]

    def values(seed: int | None) -> list[float]:
        dealt = RecordedCurves(curves, seed)
        return [dealt.value(trial, (), 1) for trial in range(20)]

    assert values(None) == [float(number) for number in range(20)]
    assert values(1) != values(2)
    assert sorted(values(1)) == values(None)


def test_a_thousand_workers_cost_little_more_than_one() -> None:
    """Decisions asked for grow with the jobs, not with jobs times idle workers."""
    spec = ExperimentSpec(
        metric=Metric("loss", Goal.MINIMIZE), method=AsyncHalving(num_rungs=4), max_length=64,
        max_trials=500, max_concurrent_trials=0, seed=1,
    )  # fmt: skip

    one, many = (runs(spec, Conditions(workers)).runs[0] for workers in (1, 1024))

    assert many.trial_count == one.trial_count == 500
    assert many.elapsed_s < one.elapsed_s / 10

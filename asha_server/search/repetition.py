"""The same search simulated again and again, and what its runs have in common.

Each run has seeds of its own: other configurations, other curves, other stragglers and losses.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean, median
from typing import TYPE_CHECKING

import msgspec

from asha_server.search.simulation import Conditions, simulate
from asha_server.search.spec import INT64_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from asha_server.search.simulation import Curve, Outcome
    from asha_server.search.spec import ExperimentSpec
    from asha_server.search.terms import ExperimentState

WITHOUT_FIRST = math.inf
"""When the first trial has trained in full where none did."""


@dataclass(frozen=True, slots=True)
class Run:
    """One simulated search in figures.

    Attributes:
        seed: of its curves, stragglers and losses.
        state: of the experiment in the end.
        elapsed_s: virtual time until its end, or the limit. Seconds.
        full_length_s: tuple[float, ...], when each trial that trained to R did so. Seconds,
            ascending.
        incumbents: tuple[(seconds, value), ...], whenever a better trial was the incumbent.
        busy_share: share of worker time spent training, 0 to 1.
        trial_count: trials begun.
        total_length: units trained over all trials, retraining included.
        dropped_count: jobs that were dropped.
        limit: C', most trials training at one time; None: no limit.
    """

    seed: int
    state: ExperimentState
    elapsed_s: float
    full_length_s: tuple[float, ...]
    incumbents: tuple[tuple[float, float], ...]
    busy_share: float
    trial_count: int
    total_length: int
    dropped_count: int
    limit: int | None

    @property
    def first_s(self) -> float:
        """When the first trial has trained in full; infinite if none did. Seconds."""
        return self.full_length_s[0] if self.full_length_s else WITHOUT_FIRST

    @property
    def best(self) -> float | None:
        """The incumbent's value in the end; None if there is none."""
        return self.incumbents[-1][1] if self.incumbents else None


@dataclass(frozen=True, slots=True)
class Runs:
    """The runs of one method under the same conditions.

    Attributes:
        workers: virtual workers, >= 1.
        runs: Sequence[Run], by seed; at least one.
    """

    workers: int
    runs: Sequence[Run]

    @property
    def is_ended(self) -> bool:
        """Whether every search came to its end, the limit aside."""
        return all(run.state.is_ended for run in self.runs)

    def median(self, figure: Callable[[Run], float]) -> float:
        """The middle of a figure over the runs."""
        return _finite_or(median, [figure(run) for run in self.runs])

    def mean(self, figure: Callable[[Run], float]) -> float:
        """The mean of a figure over the runs."""
        return _finite_or(fmean, [figure(run) for run in self.runs])

    def speed_up(self, slower: Runs) -> float:
        """How many times as fast as others, in the median.

        In time until the end; where the limit cut searches off, in trials trained in full.
        """
        if self.is_ended and slower.is_ended:
            return _ratio(slower.median(_elapsed), self.median(_elapsed))
        return _ratio(self.median(_full_length_count), slower.median(_full_length_count))

    def efficiency(self, slower: Runs) -> float:
        """Scaling efficiency: `speed_up` over how many times as many workers there are."""
        return self.speed_up(slower) * slower.workers / self.workers


def repeat(
    spec: ExperimentSpec,
    curve_of: Callable[[int], Curve],
    conditions: Conditions,
    count: int = 1,
) -> Runs:
    """Simulates a search under `count` seeds: the given ones, and those that follow them.

    Args:
        spec: valid.
        curve_of: seed -> what training measures.
        conditions: of the first run.
        count: runs, >= 1.
    """
    runs = []
    for offset in range(count):
        seed = conditions.seed + offset
        own = msgspec.structs.replace(spec, seed=((spec.seed or 0) + offset) % INT64_MAX)
        outcome = simulate(
            own,
            curve_of(seed),
            Conditions(
                conditions.workers,
                conditions.seconds_per_unit,
                conditions.straggler_deviation,
                conditions.drop_probability,
                conditions.time_limit_s,
                seed,
            ),
        )
        runs.append(run_of(outcome, conditions.workers, seed))
    return Runs(conditions.workers, runs)


def run_of(outcome: Outcome, workers: int, seed: int) -> Run:
    """The figures of an outcome."""
    state = outcome.experiment.state
    return Run(
        seed=seed,
        state=state.state,
        elapsed_s=outcome.elapsed_s,
        full_length_s=tuple(outcome.full_length_s),
        incumbents=tuple(outcome.incumbents),
        busy_share=_ratio(outcome.busy_s, outcome.elapsed_s * workers),
        trial_count=len(state.trials),
        total_length=state.total_length,
        dropped_count=outcome.dropped_count,
        limit=state.limit,
    )


def _elapsed(run: Run) -> float:
    return run.elapsed_s


def _full_length_count(run: Run) -> float:
    return len(run.full_length_s)


def _finite_or(average: Callable[[Sequence[float]], float], values: Sequence[float]) -> float:
    """An average that is infinite rather than undefined where values are."""
    found = average(values)
    return math.inf if math.isnan(found) else found


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0

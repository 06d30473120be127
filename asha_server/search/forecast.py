"""What a search will cost when it really runs: the search itself, simulated in three orders.

The nominal plan (`preview.py`) is arithmetic. A search under way promotes more than it plans,
because a trial that is among the best of a rung now may be pushed down later; how many more
depends on the order in which values arrive. So the search's own code (`simulation.py`) is run with
values made up to bring about

| order    | the value of each report                      | the search then                       |
| -------- | --------------------------------------------- | ------------------------------------- |
| nominal  | as many win as are planned                    | trains exactly the nominal plan       |
| expected | drawn for each trial and length on its own    | is one of many; the median is told    |
| worst    | better than every earlier one                 | promotes whoever can be promoted      |

All workers train at the same speed and none fails. Times are those of the virtual clock, so
workers that idle at a barrier, at the end of a bracket or behind the last trial are in it.

The search space and the target do not matter to this and are left out. The budgets of the spec end
the expected and the worst search as they would end the real one: `max_total_length`, and
`max_wall_time` where it is known how long a unit takes.

Source: search.md section 10 (preview); Li et al. 2018, arXiv:1810.05934, section 3 (trials that are
promoted and would not be in hindsight).
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from asha_server.search.preview import preview
from asha_server.search.sampler import uniform
from asha_server.search.simulation import Conditions, simulate
from asha_server.search.spec import INT64_MAX, SECOND_US, GridSearch, Metric, RandomSearch
from asha_server.search.terms import Goal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asha_server.search.bracket import Geometry
    from asha_server.search.parameter import Configuration
    from asha_server.search.preview import Preview
    from asha_server.search.simulation import Curve
    from asha_server.search.spec import ExperimentSpec

PLACES_MAX = 50_000
"""Most places in rungs that a search may have to be simulated: some 10 s for the largest."""
PLACES_FOR_ALL = 5_000
"""Up to so many places all searches are simulated, above it a few."""
SEARCH_COUNT = 21
"""Searches with random values: odd, so that one is the median."""
SEARCH_COUNT_LARGE = 5
"""The same for large searches, which differ less from each other."""


class Cost(NamedTuple):
    """What one simulated search cost.

    Attributes:
        units: trained over all trials.
        seconds: virtual time from its beginning to its end.
        trials_by_length: (length, trials that ended there), ascending.
    """

    units: int
    seconds: float
    trials_by_length: tuple[tuple[int, int], ...]


class Range(NamedTuple):
    """Where the middle 80 % of the searches lie: from the 10th to the 90th percentile."""

    low: float
    high: float


class Forecast(NamedTuple):
    """What a search will cost.

    Attributes:
        workers: that were simulated: no more than can have work at one time.
        search_count: searches with random values that were simulated.
        nominal: of the order that trains exactly the plan; None where no such order is known
            (a stopping variant whose brackets share their lowest length, a close-out that does
            not promote).
        expected: the median search, by units and then by time.
        units: of the searches with random values.
        seconds: of the searches with random values, each measure on its own.
        worst: where each report is better than all before.
        is_certain: every order costs the same, so all that is told is of one search.
    """

    workers: int
    search_count: int
    nominal: Cost | None
    expected: Cost
    units: Range
    seconds: Range
    worst: Cost
    is_certain: bool


def places(plan: Preview) -> int:
    """Places in rungs that the trials of a plan can take at most: what a simulation takes."""
    return sum(len(bracket.rung_lengths) * bracket.max_trials for bracket in plan.brackets)


def forecast(
    spec: ExperimentSpec, workers: int | None, seconds_per_unit: float | None
) -> Forecast | None:
    """Simulates a search; None for one that has more than `PLACES_MAX` places in its rungs.

    Args:
        spec: a valid one.
        workers: that train at one time, >= 1; None: as many as can have work.
        seconds_per_unit: > 0, finite; None: 1, and `max_wall_time` is not looked at.

    Complexity: O(p · log p) of the places p.
    """
    plan = preview(spec)
    if places(plan) > PLACES_MAX:
        return None
    able = min(plan.concurrency_limit or plan.trial_count, plan.trial_count)
    rehearsal = _Rehearsal(spec, plan, min(workers or able, able), seconds_per_unit)
    # The nominal plan knows no budget, so neither does the order that is to bring it about.
    order: Curve = _InTurn(1) if spec.chosen.pauses else _ByQuota(plan.brackets)
    planned = rehearsal.cost(order, has_budgets=False)
    is_certain = _is_certain(spec, plan)
    if is_certain:
        costs, worst = [planned], planned
    else:
        count = SEARCH_COUNT if places(plan) <= PLACES_FOR_ALL else SEARCH_COUNT_LARGE
        costs = sorted(rehearsal.cost(_Independent(seed)) for seed in range(count))
        worst = rehearsal.cost(_InTurn(-1))
    return Forecast(
        workers=rehearsal.workers,
        search_count=len(costs),
        nominal=planned if planned.units == min(plan.units, INT64_MAX) else None,
        expected=costs[len(costs) // 2],
        units=_middle([cost.units for cost in costs]),
        seconds=_middle([cost.seconds for cost in costs]),
        worst=worst,
        is_certain=is_certain,
    )


def _is_certain(spec: ExperimentSpec, plan: Preview) -> bool:
    """Whether no value that is reported changes what a search costs."""
    compares = any(len(bracket.rung_lengths) > 1 for bracket in plan.brackets)
    has_budget = bool(spec.max_total_length or spec.max_wall_time_us)
    return (spec.chosen.has_fixed_plan or not compares) and not has_budget


def _middle(values: Sequence[float]) -> Range:
    """The 10th and the 90th percentile, each the nearest value."""
    ordered = sorted(values)
    last = len(ordered) - 1
    return Range(ordered[round(last * 0.1)], ordered[round(last * 0.9)])


class _Rehearsal:
    """A search made ready to be simulated again and again.

    Args:
        spec: the search.
        plan: its plan.
        workers: to simulate.
        seconds_per_unit: as known.
    """

    def __init__(
        self,
        spec: ExperimentSpec,
        plan: Preview,
        workers: int,
        seconds_per_unit: float | None,
    ) -> None:
        self.workers = workers
        self._scale = seconds_per_unit or 1.0
        # What a configuration is decides nothing here, and drawing a large one takes long. The
        # trials of a grid are as many as its points, so they are kept as a number.
        self._spec = msgspec.structs.replace(
            spec, metric=Metric("value", Goal.MINIMIZE), parameters=(), target=None
        )
        if isinstance(spec.method, GridSearch):
            self._spec = msgspec.structs.replace(
                self._spec, method=RandomSearch(), max_trials=plan.trial_count
            )
        self._time_limit: float | None = None
        if spec.max_wall_time_us and seconds_per_unit:
            self._time_limit = spec.max_wall_time_us / SECOND_US / seconds_per_unit

    def cost(self, order: Curve, *, has_budgets: bool = True) -> Cost:
        """What the search costs where values come as an order says.

        The virtual clock counts units and not seconds: no time is then too great for it.
        """
        spec, time_limit = self._spec, self._time_limit
        if not has_budgets:
            spec, time_limit = msgspec.structs.replace(spec, max_total_length=0), None
        outcome = simulate(spec, order, Conditions(self.workers, time_limit_s=time_limit))
        state = outcome.experiment.state
        lengths = Counter(trial.last_step for trial in state.trials if trial.last_step)
        return Cost(
            state.total_length, outcome.elapsed_s * self._scale, tuple(sorted(lengths.items()))
        )


class _Independent:
    """Every trial has a value at every length that tells nothing of its others.

    Uniform and drawn from a seed: the ranks of a rung are a random order of its arrivals.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def value(self, trial_number: int, configuration: Configuration, step: int) -> float:
        """The value of a report."""
        del configuration
        return uniform(self._seed, trial_number, str(step))


class _InTurn:
    """Each report is better than all before it, or each is worse.

    Better: the later trials keep winning. Worse: the earlier ones do; in the promotion variant
    then as many go on as are planned, and no other trial ever takes their places.

    Args:
        sign: -1 better, 1 worse; the smallest value is the best.
    """

    def __init__(self, sign: int) -> None:
        self._sign = sign
        self._count = 0

    def value(self, trial_number: int, configuration: Configuration, step: int) -> float:
        """The value of a report."""
        del trial_number, configuration, step
        self._count += 1
        return float(self._sign * self._count)


class _ByQuota:
    """Of the reports at a rung the first is the best, then each that makes the plan's next one.

    In the stopping variant exactly the best so far go on, so this trains the plan. A bracket is
    known by its lowest length, at which each of its trials reports first.

    Args:
        brackets: of the plan.
    """

    def __init__(self, brackets: Sequence[Geometry]) -> None:
        self._brackets = {bracket.rung_lengths[0]: bracket for bracket in brackets}
        self._lowest: dict[int, int] = {}
        self._arrived: Counter[tuple[int, int]] = Counter()
        self._count = 0

    def value(self, trial_number: int, configuration: Configuration, step: int) -> float:
        """The value of a report."""
        del configuration
        lowest = self._lowest.setdefault(trial_number, step)
        bracket = self._brackets[lowest]
        rung = bracket.rung_lengths.index(step)
        here, further = (*bracket.entries, 0)[rung : rung + 2]
        self._arrived[lowest, step] += 1
        arrived = self._arrived[lowest, step]
        before, now = (max(count * further // here, 1) for count in (arrived - 1, arrived))
        self._count += 1
        wins = arrived == 1 or now > before
        return math.copysign(self._count, -1 if wins else 1)

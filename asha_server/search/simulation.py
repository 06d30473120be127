"""A search with virtual workers and a virtual clock: real experiments, no training.

`simulate` drives an `Experiment` as a server's workers would: each asks, trains to the next
decision, reports, and goes on, lets go or asks again. Only time and losses are made up, so what it
says of brackets, promotions and cost is what the search does. Pure and seeded: the same arguments
give the same history.

What a job meets with depends on its trial and its rung alone, not on when it runs: two methods
simulated under the same conditions have the same slow and lost jobs as far as they train the same.

Stragglers and dropped jobs are those of the ASHA paper's appendix: a job takes its expected time
times 1 + |z|, z normal with a given deviation, and is dropped with a given probability per unit; a
dropped job is retried.

Source: Li et al. 2018, arXiv:1810.05934, appendix A.1 (simulated workloads).
"""

from __future__ import annotations

import heapq
import math
from collections import Counter, deque
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import TYPE_CHECKING, Protocol

import msgspec

from asha_server.search.command import (
    Answer,
    Assignment,
    FailTrial,
    Finished,
    GetSuggestion,
    Reply,
    ReportMetric,
)
from asha_server.search.experiment import Experiment
from asha_server.search.sampler import uniform
from asha_server.search.terms import FailureKind, Goal, Verdict

if TYPE_CHECKING:
    from asha_server.search.event import Record
    from asha_server.search.parameter import Configuration
    from asha_server.search.spec import ExperimentSpec

SECOND_US = 1_000_000
_NORMAL = NormalDist()


class Curve(Protocol):
    """What training would measure."""

    def value(self, trial_number: int, configuration: Configuration, step: int) -> float:
        """The search metric of a trial after so many units.

        Args:
            trial_number: 0-based.
            configuration: what it trains with.
            step: units, >= 1.
        """


@dataclass(frozen=True, slots=True)
class Conditions:
    """Under which a search is simulated.

    Attributes:
        workers: virtual workers, >= 1.
        seconds_per_unit: expected time of a unit. Seconds, > 0.
        straggler_deviation: of z; a job takes 1 + |z| times as long. 0: none is slow.
        drop_probability: per unit, that a job is dropped, 0 <= p < 1.
        time_limit_s: when to stop looking; None: at the end of the search. Seconds.
        seed: of stragglers and drops, int64; the experiment's own seed is in its spec.
    """

    workers: int
    seconds_per_unit: float = 1.0
    straggler_deviation: float = 0.0
    drop_probability: float = 0.0
    time_limit_s: float | None = None
    seed: int = 0


@dataclass(slots=True)
class Outcome:
    """What came of it.

    Attributes:
        experiment: as it was in the end.
        elapsed_s: virtual time until the end of the search, or the limit. Seconds.
        full_length_s: list[float], when each trial that trained to R did so. Seconds, ascending.
        incumbents: list[(seconds, value)], whenever a better trial was the incumbent.
        busy_s: worker time spent training. Seconds.
        dropped_count: jobs that were dropped.
        records: the history.
    """

    experiment: Experiment
    elapsed_s: float = 0.0
    full_length_s: list[float] = field(default_factory=list)
    incumbents: list[tuple[float, float]] = field(default_factory=list)
    busy_s: float = 0.0
    dropped_count: int = 0
    records: list[Record] = field(default_factory=list)


@dataclass(order=True, slots=True)
class _Job:
    """A stretch of training that is under way; ordered by its end, then by its start.

    Attributes:
        end_s: when it ends.
        number: of all jobs.
        worker: who trains.
        given: what was handed out.
        step: units trained at its end.
        is_dropped: it ends without a report.
    """

    end_s: float
    number: int
    worker: str = field(compare=False)
    given: Assignment = field(compare=False)
    step: int = field(compare=False)
    is_dropped: bool = field(compare=False)


def simulate(spec: ExperimentSpec, curve: Curve, conditions: Conditions) -> Outcome:
    """Runs a whole search. O(jobs · log n).

    Args:
        spec: valid; its `max_concurrent_trials` holds as on a server.
        curve: what training measures.
        conditions: how many workers, how fast, how reliable.
    """
    # A virtual worker that lost several jobs in a row is not at fault for it.
    trusting = msgspec.structs.replace(spec, worker_failure_limit=0)
    experiment, created = Experiment.create("simulated", trusting, spec.seed or 0, 0)
    outcome = Outcome(experiment, records=[created])
    simulation = _Simulation(outcome, curve, conditions)
    simulation.run()
    return outcome


class _Simulation:
    def __init__(self, outcome: Outcome, curve: Curve, conditions: Conditions) -> None:
        self._outcome = outcome
        self._experiment = outcome.experiment
        self._curve = curve
        self._conditions = conditions
        self._jobs: list[_Job] = []
        self._job_count = 0
        # (trial, step) -> how often its job towards that step was dropped.
        self._drops: Counter[tuple[int, int]] = Counter()
        # (-length, value with smaller better) of the incumbent.
        self._best = (0, math.inf)
        self._now_s = 0.0
        self._idle = deque(f"worker-{index}" for index in range(conditions.workers))

    def run(self) -> None:
        limit_s = self._conditions.time_limit_s
        self._hand_out()
        while self._jobs and not self._experiment.state.state.is_ended:
            if limit_s is not None and self._jobs[0].end_s > limit_s:
                self._now_s = limit_s
                break
            job = heapq.heappop(self._jobs)
            self._now_s = job.end_s
            self._finish(job)
            self._hand_out()
        self._outcome.elapsed_s = self._now_s

    def _decide(self, command: GetSuggestion | ReportMetric | FailTrial) -> Reply:
        outcome = self._experiment.decide(command, int(self._now_s * SECOND_US))
        self._outcome.records += outcome.records
        self._experiment.state.take_changes()
        return outcome.reply

    def _hand_out(self) -> None:
        """Idle workers ask, those idle longest first, until one is told to wait."""
        while self._idle:
            reply = self._decide(GetSuggestion(self._idle[0]))
            if not isinstance(reply, Assignment):
                if isinstance(reply, Finished):
                    self._idle.clear()
                return
            self._begin(self._idle.popleft(), reply, reply.start_step)

    def _begin(self, worker: str, given: Assignment, from_step: int) -> None:
        """Starts to train a trial from a step to its next decision."""
        trial = self._experiment.state.trials[given.trial_number]
        step = max(self._experiment.state.next_decision_step(trial), from_step)
        units = step - from_step
        length_s = units * self._conditions.seconds_per_unit
        deviation = self._conditions.straggler_deviation
        if deviation:
            chance = max(self._uniform("straggler", trial.number, step), 2.0**-53)
            length_s *= 1 + abs(_NORMAL.inv_cdf(chance)) * deviation
        lost_after = self._units_until_drop(trial.number, step)
        is_dropped = lost_after < units
        if is_dropped:
            length_s *= lost_after / units
        self._job_count += 1
        job = _Job(self._now_s + length_s, self._job_count, worker, given, step, is_dropped)
        heapq.heappush(self._jobs, job)
        limit_s = self._conditions.time_limit_s
        ends_s = job.end_s if limit_s is None else min(job.end_s, limit_s)
        self._outcome.busy_s += ends_s - self._now_s

    def _units_until_drop(self, trial_number: int, step: int) -> float:
        """Units that a job trains before it would be dropped: geometric, continuous."""
        chance = self._conditions.drop_probability
        if not chance:
            return math.inf
        return math.log1p(-self._uniform("drop", trial_number, step)) / math.log1p(-chance)

    def _uniform(self, purpose: str, trial_number: int, step: int) -> float:
        """A draw for a trial's job towards a step; another one each time it is tried again."""
        tries = self._drops[trial_number, step]
        return uniform(self._conditions.seed, trial_number, f"{purpose}/{step}/{tries}")

    def _finish(self, job: _Job) -> None:
        """A job's end: a report and what follows of it, or nothing but a lost worker."""
        given = job.given
        if job.is_dropped:
            self._outcome.dropped_count += 1
            self._drops[given.trial_number, job.step] += 1
            self._decide(
                FailTrial(given.trial_number, given.attempt, FailureKind.RETRYABLE, "dropped")
            )
            self._idle.append(job.worker)
            return
        state = self._experiment.state
        number = given.trial_number
        value = self._curve.value(number, given.configuration, job.step)
        report = ReportMetric(
            number, given.attempt, job.step,
            ((state.spec.metric.name, value),), f"trial-{number}-step-{job.step}",
        )  # fmt: skip
        reply = self._decide(report)
        assert isinstance(reply, Answer)
        self._note_incumbent(job.step, value)
        if job.step >= state.spec.chosen.full_length(state.spec):
            self._outcome.full_length_s.append(self._now_s)
        if reply.decision.verdict is Verdict.CONTINUE:
            self._begin(job.worker, given, job.step)
        else:
            self._idle.append(job.worker)

    def _note_incumbent(self, step: int, value: float) -> None:
        """Every report of a simulation is one at a rung, and no entry ever leaves. O(1)."""
        if not math.isfinite(value):
            return
        found = (-step, value if self._experiment.state.goal is Goal.MINIMIZE else -value)
        if found < self._best:
            self._best = found
            self._outcome.incumbents.append((self._now_s, value))

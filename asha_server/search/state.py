"""Everything that is true of one experiment now, with the questions the rules ask of it.

`evolve.py` is the only writer. What an event does to many trials at once (a close-out, the end of
the experiment) is kept as one fact here and read through `State.state_of`; the rows of those
trials are settled in chunks later (`State.settle`).
"""

from __future__ import annotations

import math
from collections import Counter, deque
from typing import TYPE_CHECKING

from asha_server.search.rung import Closing, RankKey, Rung, closing_after, rank_key
from asha_server.search.sampler import GridSampler, RandomSampler, trial_seed
from asha_server.search.space import SearchSpace
from asha_server.search.spec import GridSearch
from asha_server.search.terms import (
    EndReason,
    ExperimentState,
    Goal,
    TrialEndReason,
    TrialState,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from asha_server.search.bracket import Geometry
    from asha_server.search.space import Configuration
    from asha_server.search.spec import ExperimentSpec
    from asha_server.search.stored_attempts import StoredAttempts
    from asha_server.search.trial import Attempt, Entry, Trial

HOUR_US = 3_600_000_000
FREEING = frozenset(
    {TrialState.STOPPED, TrialState.FAILED, TrialState.INFEASIBLE, TrialState.CANCELLED}
)
"""States of a trial that will not go on and whose last checkpoint nobody wants."""


class Bracket:
    """One bracket at work.

    Attributes:
        index: 0-based, most rungs first.
        max_trials: n_b, valid trials it will have.
        share: active trials it has a claim to.
        rungs: list[Rung], lowest first.
        heading: list[int], per rung: its trials active or queued on their way to that rung.
        created_count: its trials that count towards n_b; infeasible ones left.
        active_count: its trials that a worker holds.
        nominal: m_i, trials planned to reach each rung.
    """

    __slots__ = (
        "active_count",
        "created_count",
        "heading",
        "index",
        "max_trials",
        "nominal",
        "rungs",
        "share",
    )

    def __init__(self, index: int, geometry: Geometry) -> None:
        self.index = index
        self.max_trials = geometry.max_trials
        self.share = geometry.share
        self.rungs = [Rung(length) for length in geometry.rung_lengths]
        self.heading = [0] * len(self.rungs)
        self.created_count = 0
        self.active_count = 0
        self.nominal = geometry.entries

    @property
    def is_full(self) -> bool:
        """Whether all its trials are created."""
        return self.created_count >= self.max_trials

    @property
    def is_closed_out(self) -> bool:
        """Whether it is full and none of its trials lives: no trial is added to it any more."""
        return self.is_full and not any(self.heading) and not any(r.waiting for r in self.rungs)

    def units_between(self, rung: int) -> int:
        """u_i - u_(i-1): units a trial trains on its way from the rung below."""
        return self.rungs[rung].length - (self.rungs[rung - 1].length if rung else 0)

    def nominal_units(self) -> int:
        """Units the bracket nominally trains in all."""
        return sum(m * self.units_between(rung) for rung, m in enumerate(self.nominal))

    def nominal_units_done(self) -> int:
        """Those of `nominal_units` that its entries stand for."""
        return sum(
            min(len(rung), m) * self.units_between(index)
            for index, (rung, m) in enumerate(zip(self.rungs, self.nominal, strict=True))
        )

    def resize(self, entries: tuple[int, ...], share: int) -> None:
        """Takes a raised n_b, what follows from it per rung, and a changed share."""
        self.max_trials, self.nominal, self.share = entries[0], entries, share


class WorkerRecord:
    """A worker's assignments in a row that failed or expired without a report.

    Attributes:
        failures: how many, >= 1.
        failed_us: when the last did; wall clock, microseconds.
    """

    __slots__ = ("failed_us", "failures")

    def __init__(self, failures: int, failed_us: int) -> None:
        self.failures = failures
        self.failed_us = failed_us

    def blocked_until_us(self, limit: int, term_us: int) -> int:
        """Until when it gets nothing: one lease term, doubling up to an hour; 0 if it may."""
        if not limit or self.failures < limit:
            return 0
        doublings = min(self.failures - limit, 32)
        return self.failed_us + min(term_us << doublings, max(HOUR_US, term_us))


class Changes:
    """Which rows the store has to write: what changed since they were last taken.

    Attributes:
        created: numbers of new trials.
        trials: numbers of changed trials, new ones included.
        attempts: (trial, attempt) -> Attempt.
        trained: trial -> its Attempt, where a report changed nothing but how far they came.
        entries: (bracket, rung, trial) -> its Entry, or None where it left the rung.
        brackets: indexes of changed brackets.
        workers: ids of workers whose record changed.
    """

    __slots__ = ("attempts", "brackets", "created", "entries", "trained", "trials", "workers")

    def __init__(self) -> None:
        self.created: set[int] = set()
        self.trials: set[int] = set()
        self.attempts: dict[tuple[int, int], Attempt] = {}
        self.trained: dict[int, Attempt] = {}
        self.entries: dict[tuple[int, int, int], Entry | None] = {}
        self.brackets: set[int] = set()
        self.workers: set[str] = set()

    def attempt(self, attempt: Attempt) -> None:
        """Marks an attempt as changed."""
        self.attempts[attempt.trial_number, attempt.number] = attempt


class State:
    """One experiment. Fields are described where they are set."""

    def __init__(
        self,
        experiment_id: str,
        spec: ExperimentSpec,
        created_us: int,
        geometry: tuple[Geometry, ...] | None = None,
    ) -> None:
        self.experiment_id = experiment_id
        self.spec = spec
        self.created_us = created_us
        # The spec as JSON, encoded when a row of it is first wanted.
        self.spec_text = ""
        self.create_request_id = ""
        self.divisor = spec.divisor
        assert spec.metric.goal is not None
        self.goal: Goal = spec.metric.goal
        self.brackets = [
            Bracket(index, bracket) for index, bracket in enumerate(geometry or spec.geometry())
        ]
        # Sequence of the latest event; events are numbered from 1 without gaps.
        self.sequence = 0
        self.state = ExperimentState.RUNNING
        self.end_reason: EndReason | None = None
        self.end_message = ""
        # When the spec or the state last changed, and when the experiment ended; wall clock.
        self.updated_us = created_us
        self.ended_us = 0
        # Wall time spent running: `elapsed_us` up to the last pause, plus what came since.
        self.elapsed_us = 0
        self.running_since_us = created_us
        self.trials: list[Trial] = []
        self.counts = dict.fromkeys(TrialState, 0)
        # Trial numbers in order: those a worker holds, those to be retried (oldest first), and
        # given configurations that wait for their turn.
        self.active: dict[int, None] = {}
        self.retries: dict[int, None] = {}
        self.given: dict[int, None] = {}
        # worker id -> the trial it holds; worker id -> its failures in a row.
        self.holding: dict[str, int] = {}
        # worker id -> the trial it is overdue with and may still come back to.
        self.overdue: dict[str, int] = {}
        self.workers: dict[str, WorkerRecord] = {}
        # request id -> what it created: (trial, attempt) by GetSuggestion, trial by CreateTrial.
        self.assigned_by: dict[str, tuple[int, int]] = {}
        self.created_by: dict[str, int] = {}
        self.infeasible_in_a_row = 0
        # Grid points handed out so far, infeasible ones included: they are not replaced.
        self.grid_cursor = 0
        # Trials that started from another one's weights.
        self.copy_count = 0
        # Units trained over all trials, retraining included.
        self.total_length = 0
        # Nominal work done and planned, and the high-water mark of progress in [0, 1].
        self.nominal_done = 0
        self.nominal_total = sum(bracket.nominal_units() for bracket in self.brackets)
        self.progress = 0.0
        self.changes = Changes()
        # What recalls attempts that are not in memory; None where all of them are.
        self.stored_attempts: StoredAttempts | None = None
        # Trials ended in bulk whose rows are not written yet, and checkpoints to be deleted that
        # no answer has named yet: (trial, uri). Neither is a fact of its own.
        self.unsettled: deque[Iterator[int]] = deque()
        self.deletable: deque[tuple[int, str]] = deque()
        # Checkpoint -> trials that started from it and would resume from it; follows from them.
        self.inherited: Counter[str] = Counter()
        self.space = SearchSpace(spec.parameters)
        assert spec.seed is not None
        self.sampler = RandomSampler(self.space, spec.seed)
        self.grid = GridSampler(self.space) if isinstance(spec.method, GridSearch) else None

    # -- what is so ---------------------------------------------------------------------------

    @property
    def limit(self) -> int | None:
        """C': the most trials active at one time; None = no limit."""
        return self.spec.chosen.concurrency_limit(self.spec, len(self.brackets))

    @property
    def has_free_slot(self) -> bool:
        """Whether one more trial may be active."""
        limit = self.limit
        return limit is None or len(self.active) < limit

    def state_of(self, trial: Trial) -> TrialState:
        """The trial's state, close-outs and the experiment's end included. O(1)."""
        return self.standing_of(trial)[0]

    def end_reason_of(self, trial: Trial) -> TrialEndReason | None:
        """Why the trial ended; None while it lives. O(1)."""
        return self.standing_of(trial)[1]

    def standing_of(self, trial: Trial) -> tuple[TrialState, TrialEndReason | None, int]:
        """The trial's state, why it ended and when; None and 0 while it lives. O(1).

        When: wall clock, microseconds.
        """
        own = trial.own_state
        if own.is_terminal:
            return own, trial.end_reason, trial.ended_us
        closing = self._closing(trial)
        if closing is not None:
            return TrialState.STOPPED, TrialEndReason.NOT_PROMOTED, closing.time_us
        if self.state.is_ended:
            return TrialState.STOPPED, TrialEndReason.EXPERIMENT_ENDED, self.ended_us
        return own, None, 0

    def _closing(self, trial: Trial) -> Closing | None:
        """The close-out that stopped a trial whose own state says paused; None if none did."""
        if trial.own_state is not TrialState.PAUSED:
            return None
        closings = self.brackets[trial.bracket].rungs[trial.rung - 1].closings
        return closing_after(closings, trial.entries[-1].arrival) if closings else None

    def is_live(self, trial: Trial, attempt: int) -> bool:
        """Whether that attempt holds the trial's lease."""
        return (
            trial.own_state is TrialState.RUNNING
            and trial.attempt_number == attempt
            and not self.state.is_ended
        )

    def configuration(self, trial: Trial) -> Configuration:
        """What the trial trains with: given, or the sampler's, a pure function of its number."""
        if trial.given is not None:
            return trial.given
        return self.sampler.propose(trial.number)

    def trial_seed(self, trial: Trial) -> int:
        """0 to 2^31 - 1; a pure function of the experiment's seed and the trial's number."""
        assert self.spec.seed is not None
        return trial_seed(self.spec.seed, trial.number)

    def key_of(self, trial: Trial, rung: int) -> RankKey:
        """The key under which the trial's entry is ranked in a rung."""
        entry = trial.entry(rung)
        return rank_key(entry.value, self.goal, entry.arrival, trial.number)

    def recall_reports(self, trial: Trial) -> None:
        """Has the trial's latest attempt know its reports again."""
        assert self.stored_attempts is not None, "what was left to a store is recalled from it"
        self.stored_attempts.recall_reports(trial)

    def next_decision_step(self, trial: Trial) -> int:
        """The length at which the trial is compared next; 0 if at none, or in no bracket yet."""
        if trial.bracket < 0:
            return 0
        rungs = self.brackets[trial.bracket].rungs
        return rungs[trial.rung].length if trial.rung < len(rungs) else 0

    def incumbent(self) -> Trial | None:
        """The best finite value at the greatest rung length that has one. O(rungs)."""
        best: tuple[int, float, int, int] | None = None
        for bracket in self.brackets:
            for rung in bracket.rungs:
                if rung.entries and not rung.entries[0][0]:
                    _, value, arrival, number = rung.entries[0]
                    found = (-rung.length, value, arrival, number)
                    best = found if best is None else min(best, found)
        return self.trials[best[3]] if best else None

    def running_us(self, now_us: int) -> int:
        """Wall time spent running, pauses not counted. Microseconds."""
        if self.state is not ExperimentState.RUNNING:
            return self.elapsed_us
        return self.elapsed_us + max(now_us - self.running_since_us, 0)

    def open_places(self) -> int:
        """Trials that can still be created, those given beforehand included."""
        return sum(max(b.max_trials - b.created_count, 0) for b in self.brackets)

    def reaches_target(self, value: float | None) -> bool:
        """Whether a value is finite and at least as good as the target."""
        target = self.spec.target
        if value is None or target is None or not math.isfinite(value):
            return False
        return value <= target if self.goal is Goal.MINIMIZE else value >= target

    # -- what is left to write --------------------------------------------------------------------

    def take_changes(self) -> Changes:
        """The changes since the last call; the store writes them in the same transaction."""
        taken, self.changes = self.changes, Changes()
        return taken

    def leave_unsettled(self, trials: Iterable[int]) -> None:
        """Notes trials that one event ended: their rows are written by `settle`. O(1)."""
        self.unsettled.append(iter(trials))

    def crumble(self, most: int) -> bool:
        """Lets go of up to `most` of each thing that a deleted search may have very many of.

        To free a million trials at once takes a second, in which nobody is answered.

        Returns:
            Whether some are left. The state is of no use any more.
        """
        del self.trials[-most:]
        left = len(self.trials)
        for bracket in self.brackets:
            for rung in bracket.rungs:
                left += rung.crumble(most)
        for named in (self.assigned_by, self.created_by):
            for _ in range(min(most, len(named))):
                named.popitem()
            left += len(named)
        return left > 0

    def settle(self, most: int) -> bool:
        """Marks up to `most` trials that were ended in bulk as changed.

        Returns:
            Whether some are left.
        """
        while self.unsettled and most > 0:
            number = next(self.unsettled[0], None)
            if number is None:
                self.unsettled.popleft()
                continue
            trial = self.trials[number]
            self.changes.trials.add(number)
            self.let_go_of_checkpoint(trial)
            most -= 1
        return bool(self.unsettled)

    def let_go_of_checkpoint(self, trial: Trial) -> None:
        """The trial will not resume from its checkpoint any more. Call before it has another."""
        if trial.inherits_checkpoint:
            self.inherited[trial.checkpoint_uri] -= 1
            self.deletable.append((trial.parent, trial.checkpoint_uri))
        elif trial.checkpoint_uri:
            self.deletable.append((trial.number, trial.checkpoint_uri))

    def is_member(self, trial: Trial) -> bool:
        """Whether the trial counts towards n_b of its bracket: one that was replaced does not."""
        if trial.parent >= 0:
            return False
        is_infeasible = trial.own_state is TrialState.INFEASIBLE
        return not (is_infeasible and self.spec.replaces_infeasible and not trial.rung)

    def _line_of(self, trial: Trial) -> Iterator[Trial]:
        """The trial, the one that it is a copy of, and so on: a copy may be copied in its turn."""
        yield trial
        while trial.parent >= 0:
            trial = self.trials[trial.parent]
            yield trial

    def take_deletable(self, most: int) -> tuple[str, ...]:
        """Up to `most` checkpoints that can never be resumed from again.

        The incumbent's are kept back until another is the incumbent, those that its copies started
        from too. One that a copy starts from is dropped: it comes back when the copy lets go of it.
        A name that was superseded and is in use again (two files taken in turns) is dropped: it
        comes back when it may go.
        """
        if not self.deletable:
            return ()
        incumbent = self.incumbent()
        taken: list[str] = []
        for _ in range(min(len(self.deletable), 2 * most)):
            number, uri = self.deletable.popleft()
            line = list(self._line_of(self.trials[number]))
            if incumbent and (incumbent in line or uri == incumbent.checkpoint_uri):
                self.deletable.append((number, uri))
            elif self.inherited[uri] or uri in taken:
                continue
            elif all(uri != t.checkpoint_uri or self.state_of(t) in FREEING for t in line):
                taken.append(uri)
            if len(taken) == most:
                break
        return tuple(taken)

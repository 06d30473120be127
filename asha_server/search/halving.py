"""Successive halving: trials pause at rungs and go on from them.

What the asynchronous and the synchronous methods share: the order in which work is handed out, how
a value is compared at every rung that its step has reached, and the close-out of rungs that nothing
will enter any more. They differ in which entries of a rung go on, and when.

Source: search.md sections 3 and 4.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from asha_server.search.event import RungClosed
from asha_server.search.rung import rank_key
from asha_server.search.terms import (
    DecisionReason,
    TrialEndReason,
    TrialState,
    Verdict,
    WaitReason,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from asha_server.search.rung import RankKey
    from asha_server.search.state import Bracket, State
    from asha_server.search.trial import Trial


class Choice(msgspec.Struct, frozen=True):
    """What to hand out.

    Attributes:
        bracket: the bracket it is of.
        promoted: the paused trial that goes on; None: a new trial.
        parent: the trial that the new one starts from; None: from scratch.
        rung: the rung that the new one trains towards.
    """

    bracket: int
    promoted: int | None = None
    parent: int | None = None
    rung: int = 0


class Judgement(msgspec.Struct, frozen=True):
    """What a value of the search metric means.

    Attributes:
        verdict: what the worker does next.
        reason: why.
        rung: the last rung compared at.
        rank: 0-based, among the competitors.
        competitors: entries of that rung, this one included.
        cutoff: the worst value among those that go on, if finite and there is one.
        entered_count: rungs entered, from the trial's next one upward; >= 1.
        promoted_count: of those entries, how many are promoted, from the lowest; 0 in the
            stopping variant.
        trial_state: the trial's state from now on.
        end_reason: why it ended, if it did.
    """

    verdict: Verdict
    reason: DecisionReason
    rung: int
    rank: int
    competitors: int
    cutoff: float | None
    entered_count: int
    promoted_count: int
    trial_state: TrialState
    end_reason: TrialEndReason | None = None


class Place(NamedTuple):
    """What a rung says to a value that is about to enter it.

    Attributes:
        goes_on: why it goes on; None: it does not, now.
        cutoff: the worst value among those that go on, if finite and there is one.
    """

    goes_on: DecisionReason | None
    cutoff: float | None


class Halving(ABC):
    """Any number of brackets, each trial in one of them."""

    @abstractmethod
    def promotable(self, state: State, bracket: Bracket) -> Sequence[RankKey | None]:
        """Per rung but the top one: the paused entry that goes on next; None if there is none."""

    @abstractmethod
    def place(
        self, state: State, bracket: Bracket, key: RankKey, rank: int, first: int, index: int
    ) -> Place:
        """Whether a finite value that is about to enter a rung below the top goes on from it.

        Args:
            state: before the value is recorded.
            bracket: of the trial.
            key: the value's.
            rank: 0-based, among the entries of that rung.
            first: the lowest rung that the value enters; it goes on from all up to `index`.
            index: the rung.
        """

    @abstractmethod
    def places(self, state: State, bracket: Bracket, index: int) -> int:
        """How many of the best entries of a rung below the top go on by their rank now, >= 0."""

    @abstractmethod
    def closable(self, state: State, bracket: Bracket) -> Iterator[int]:
        """Final rungs from which nobody goes on, lowest first; each is closed before the next."""

    def wait_reason(self, state: State) -> WaitReason:
        """Why a worker waits while there is nothing to hand out."""
        return WaitReason.AWAITING_RESULTS

    def suggest(self, state: State) -> Choice | None:
        """A promotable trial, highest rung first, else a new one. O(rungs · log n)."""
        return self._promotion(state) or self._new_trial(state)

    def _promotion(self, state: State) -> Choice | None:
        best: tuple[int, int, RankKey, int] | None = None
        for bracket in state.brackets:
            for index, key in enumerate(self.promotable(state, bracket)):
                if key is not None:
                    # Most rungs first, then the best value: brackets may have equally many.
                    found = (-index, -len(bracket.rungs), key, bracket.index)
                    best = found if best is None else min(best, found)
        return Choice(best[3], promoted=best[2][3]) if best is not None else None

    def _new_trial(self, state: State) -> Choice | None:
        """The first bracket within its share that has trials to start, else any that has."""
        unfilled = [bracket for bracket in state.brackets if not bracket.is_full]
        for bracket in unfilled:
            if bracket.active_count < bracket.share:
                return Choice(bracket.index)
        return Choice(unfilled[0].index) if unfilled else None

    def judge(self, state: State, trial: Trial, step: int, value: float) -> Judgement:
        """Compares a value at every rung its step has reached. O(rungs passed · log n).

        Args:
            state: the experiment.
            trial: held by a worker, on its way to the rung `trial.rung`.
            step: >= the length of that rung.
            value: may be NaN or infinite.
        """
        bracket = state.brackets[trial.bracket]
        first, last = trial.rung, len(bracket.rungs) - 1
        key = rank_key(value, state.goal, state.sequence + 1, trial.number)
        for index in range(first, last + 1):
            judgement = self._compare(state, bracket, key, value, first, index)
            goes_on = judgement.verdict is Verdict.CONTINUE
            if not goes_on or step < bracket.rungs[index + 1].length:
                return judgement
        raise AssertionError("the top rung always answers STOP")

    def _compare(
        self, state: State, bracket: Bracket, key: RankKey, value: float, first: int, index: int
    ) -> Judgement:
        """One rung's word on a value that is about to enter it."""
        rung, pauses = bracket.rungs[index], state.spec.chosen.pauses
        rank = rung.rank(key)
        end_reason: TrialEndReason | None = None
        cutoff: float | None = None
        if index == len(bracket.rungs) - 1:
            verdict, reason = Verdict.STOP, DecisionReason.MAX_LENGTH
            trial_state, end_reason = TrialState.COMPLETED, TrialEndReason.MAX_LENGTH
        else:
            goes_on, cutoff = self.place(state, bracket, key, rank, first, index)
            if goes_on is not None and math.isfinite(value):
                verdict, reason, trial_state = Verdict.CONTINUE, goes_on, TrialState.RUNNING
            elif pauses:
                verdict, trial_state = Verdict.PAUSE, TrialState.PAUSED
                reason = DecisionReason.AWAITING_PROMOTION
            else:
                verdict, trial_state = Verdict.STOP, TrialState.STOPPED
                reason, end_reason = DecisionReason.RUNG_CUTOFF, TrialEndReason.RUNG_CUTOFF
            if not math.isfinite(value):
                reason = DecisionReason.NON_FINITE
                end_reason = end_reason and TrialEndReason.NON_FINITE
        return Judgement(
            verdict=verdict,
            reason=reason,
            rung=index,
            rank=rank,
            competitors=len(rung) + 1,
            cutoff=cutoff,
            entered_count=index - first + 1,
            promoted_count=index - first + (verdict is Verdict.CONTINUE) if pauses else 0,
            trial_state=trial_state,
            end_reason=end_reason,
        )

    def settle(self, state: State) -> Iterator[RungClosed]:
        """Closes out every final rung in which nobody can be promoted, from the lowest upward.

        The caller applies each event before it asks for the next.
        """
        for bracket in state.brackets:
            for index in self.closable(state, bracket):
                rung = bracket.rungs[index]
                if rung.waiting:
                    places = self.places(state, bracket, index)
                    yield RungClosed(
                        bracket.index,
                        index,
                        len(rung.waiting),
                        len(rung),
                        rung.value_at(places - 1, state.goal),
                    )

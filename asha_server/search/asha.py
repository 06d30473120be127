"""Asynchronous successive halving: promotion and stopping.

A trial is compared at the rungs of its bracket. In the promotion variant it pauses at a rung
unless it is among the best 1/d, and is resumed once it is; in the stopping variant it goes on
unless it is outside the best 1/d, by the rule that `rung_rule.py` tells.

Source: Li et al. 2018, "A System for Massively Parallel Hyperparameter Tuning", arXiv:1810.05934,
Algorithm 2; Determined AI's `adaptive_asha`; search.md sections 3 to 5.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from asha_server.search.event import RungClosed
from asha_server.search.rung import RankKey, Rung, rank_key
from asha_server.search.rung_rule import cutoff_with, place_of
from asha_server.search.terms import (
    DecisionReason,
    HalvingVariant,
    TrialEndReason,
    TrialState,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asha_server.search.bracket import Divisor
    from asha_server.search.state import Bracket, State
    from asha_server.search.trial import Trial


class Choice(msgspec.Struct, frozen=True):
    """What to hand out.

    Attributes:
        bracket: the bracket it is of.
        promoted: the paused trial that goes on; None: a new trial.
    """

    bracket: int
    promoted: int | None = None


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


class AsynchronousHalving:
    """ASHA over any number of brackets, each trial in one of them."""

    def suggest(self, state: State) -> Choice | None:
        """A promotable trial, highest rung first, else a new one. O(rungs · log n)."""
        return self._promotion(state) or self._new_trial(state)

    def _promotion(self, state: State) -> Choice | None:
        if state.spec.variant is not HalvingVariant.PROMOTION:
            return None
        at_close_out = [_close_out_rung(state, bracket) for bracket in state.brackets]
        for index in reversed(range(max(len(b.rungs) for b in state.brackets))):
            # Most rungs first, then the best value: brackets may have equally many.
            found: list[tuple[int, RankKey, int]] = []
            for bracket, final_rung in zip(state.brackets, at_close_out, strict=True):
                if index >= len(bracket.rungs):
                    continue
                rung = bracket.rungs[index]
                best = rung.promotable(state.divisor)
                if best is None and index == final_rung:
                    best = rung.best_waiting()
                if best is not None:
                    found.append((-len(bracket.rungs), best, bracket.index))
            if found:
                _, best, bracket_index = min(found)
                return Choice(bracket_index, promoted=best[3])
        return None

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
        rung, divisor, goal = bracket.rungs[index], state.divisor, state.goal
        rank, competitors = rung.rank(key), len(rung) + 1
        is_top = index == len(bracket.rungs) - 1
        is_stopping = state.spec.variant is HalvingVariant.STOPPING
        if is_stopping:
            goes_on, cutoff = place_of(state.spec.rung_rule, rung, key, rank, divisor, goal)
        else:
            places = divisor.share_of(competitors)
            goes_on, cutoff = rank < places, cutoff_with(rung, key, rank, places, goal)
        end_reason: TrialEndReason | None = None
        if is_top:
            verdict, reason, cutoff = Verdict.STOP, DecisionReason.MAX_LENGTH, None
            trial_state, end_reason = TrialState.COMPLETED, TrialEndReason.MAX_LENGTH
        elif not math.isfinite(value):
            verdict, reason = Verdict.PAUSE, DecisionReason.NON_FINITE
            trial_state, end_reason = TrialState.PAUSED, TrialEndReason.NON_FINITE
        elif goes_on:
            verdict, trial_state = Verdict.CONTINUE, TrialState.RUNNING
            reason = DecisionReason.TOP_FRACTION if is_stopping else DecisionReason.PROMOTED
        elif not is_stopping and _is_best_of_final(state, bracket, key, first, index):
            verdict, trial_state = Verdict.CONTINUE, TrialState.RUNNING
            reason = DecisionReason.PROMOTED_AT_CLOSE_OUT
        else:
            verdict, reason = Verdict.PAUSE, DecisionReason.AWAITING_PROMOTION
            trial_state, end_reason = TrialState.PAUSED, TrialEndReason.RUNG_CUTOFF
        if verdict is Verdict.PAUSE and is_stopping:
            verdict, trial_state = Verdict.STOP, TrialState.STOPPED
            if reason is DecisionReason.AWAITING_PROMOTION:
                reason = DecisionReason.RUNG_CUTOFF
        return Judgement(
            verdict=verdict,
            reason=reason,
            rung=index,
            rank=rank,
            competitors=competitors,
            cutoff=cutoff,
            entered_count=index - first + 1,
            promoted_count=0 if is_stopping else index - first + (verdict is Verdict.CONTINUE),
            trial_state=trial_state,
            end_reason=end_reason if trial_state.is_terminal else None,
        )

    def settle(self, state: State) -> Iterator[RungClosed]:
        """Closes out every final rung in which nobody can be promoted, from the lowest upward.

        The caller applies each event before it asks for the next.
        """
        if state.spec.variant is not HalvingVariant.PROMOTION:
            return
        for bracket in state.brackets:
            for index in _final_rungs(state, bracket):
                rung = bracket.rungs[index]
                if rung.waiting and not _promotes_at_close_out(state, rung):
                    places = rung.candidate_count(state.divisor)
                    yield RungClosed(
                        bracket.index,
                        index,
                        len(rung.waiting),
                        len(rung),
                        rung.value_at(places - 1, state.goal),
                    )


def _final_rungs(state: State, bracket: Bracket) -> Iterator[int]:
    """Rungs that nothing will enter any more and rank promotes nobody from, lowest first.

    A rung is final once all trials of the bracket are created and in rung 0, none is on its way
    to this rung or a lower one, and none is promotable in a lower one.

    Source: search.md section 4, close-out.
    """
    if not bracket.is_full:
        return
    for index, rung in enumerate(bracket.rungs[:-1]):
        if bracket.heading[index] or rung.promotable(state.divisor) is not None:
            return
        yield index
        if _promotes_at_close_out(state, rung):
            return


def _promotes_at_close_out(state: State, rung: Rung) -> bool:
    """Whether a final rung promotes its best all the same: nobody else ever went on from it."""
    return (
        state.spec.guarantee_full_length
        and not rung.promoted_count
        and rung.best_waiting() is not None
    )


def _close_out_rung(state: State, bracket: Bracket) -> int:
    """The final rung whose best is promotable at close-out; -1 if there is none."""
    for index in _final_rungs(state, bracket):
        if _promotes_at_close_out(state, bracket.rungs[index]):
            return index
    return -1


def _is_best_of_final(state: State, bracket: Bracket, key: RankKey, first: int, index: int) -> bool:
    """Whether the value about to enter a rung makes it final and is the best waiting there."""
    rung = bracket.rungs[index]
    best = rung.best_waiting()
    # The trial itself is the one still counted as heading for the first rung it enters.
    return (
        state.spec.guarantee_full_length
        and bracket.is_full
        and not rung.promoted_count
        and (best is None or key < best)
        and sum(bracket.heading[: index + 1]) == 1
        and not any(
            _promotes_after(lower, key if number >= first else None, state.divisor)
            for number, lower in enumerate(bracket.rungs[:index])
        )
    )


def _promotes_after(rung: Rung, key: RankKey | None, divisor: Divisor) -> bool:
    """Whether rank would promote somebody waiting in a rung once `key` has entered it."""
    if key is None:
        return rung.promotable(divisor) is not None
    best = rung.best_waiting()
    if best is None:
        return False
    return rung.rank(best) + (key < best) < divisor.share_of(len(rung) + 1)

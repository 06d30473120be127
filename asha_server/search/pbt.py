"""Population-based training: who makes way after a round, and who is copied.

A population trains a round and pauses at its rung. Once all are there the best go on; the worst,
`truncate_fraction` of the population, are stopped, and as many copies of the best take their
places: new trials that start from a best one's checkpoint, with its configuration in part sampled
anew and else perturbed. Whoever failed, was cancelled or has no finite value makes way too, so each
round begins with a whole population again, as long as there is a best one to copy.

Copies are handed out before the trials that go on, so that they start from the weights of the end
of the round. One that turns out infeasible is replaced by another copy.

Source: Jaderberg et al. 2017, arXiv:1711.09846; Determined AI's `pbt`; ADR 0012.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from asha_server.search.halving import Choice, Halving, Place
from asha_server.search.pbt_spec import Pbt
from asha_server.search.rung_rule import cutoff_with
from asha_server.search.terms import TrialState, WaitReason

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from asha_server.search.rung import RankKey
    from asha_server.search.state import Bracket, State


class Round(NamedTuple):
    """What is next in the round that is under way, or has just ended.

    Attributes:
        rung: where its trials pause; the lowest that somebody is heading for or waits in.
        parent: the trial to be copied next; None if there is none.
        copy_rung: the rung that the copy trains towards.
        best: the paused entry that goes on next; None while there is none.
        is_over: nobody is to come, to be copied or to go on any more.
    """

    rung: int
    parent: int | None = None
    copy_rung: int = 0
    best: RankKey | None = None
    is_over: bool = False


class PopulationBasedTraining(Halving):
    """One bracket; all of its population enter each rung."""

    def suggest(self, state: State) -> Choice | None:
        """A copy of one of the best, else one of those that go on, else a new trial."""
        for bracket in state.brackets:
            current = _round(state, bracket)
            if current.parent is not None:
                return Choice(bracket.index, parent=current.parent, rung=current.copy_rung)
        return super().suggest(state)

    def promotable(self, state: State, bracket: Bracket) -> Sequence[RankKey | None]:
        """The best one of those that do not make way, once the round has ended."""
        current = _round(state, bracket)
        return [*[None] * current.rung, current.best]

    def place(
        self, state: State, bracket: Bracket, key: RankKey, rank: int, first: int, index: int
    ) -> Place:
        """Everybody waits for the end of the round."""
        rung, places = bracket.rungs[index], self.places(state, bracket, index)
        return Place(None, cutoff_with(rung, key, rank, places, state.goal))

    def places(self, state: State, bracket: Bracket, index: int) -> int:
        """The population less those that make way."""
        return _survivor_count(state, bracket)

    def closable(self, state: State, bracket: Bracket) -> Iterator[int]:
        """The rung of a round that is over."""
        current = _round(state, bracket)
        if current.is_over:
            yield current.rung

    def wait_reason(self, state: State) -> WaitReason:
        """A barrier, if somebody is paused before one."""
        if state.counts[TrialState.PAUSED]:
            return WaitReason.BARRIER
        return WaitReason.AWAITING_RESULTS


def _round(state: State, bracket: Bracket) -> Round:
    """The round that is under way. O(population) while it hands on, else O(rounds)."""
    rungs, heading = bracket.rungs, bracket.heading
    if not bracket.is_full:
        return Round(0)
    for index, rung in enumerate(rungs[:-1]):
        if heading[index] or rung.waiting:
            break
    else:
        top = len(rungs) - 1
        parent = _parent(state, bracket, top - 1, missing=_missing(bracket, top, 0))
        return Round(top, parent, top)
    has_begun = heading[index + 1] or len(rungs[index + 1]) or rung.promoted_count
    if index and not has_begun:
        # Somebody of this round was infeasible: another copy in its place.
        parent = _parent(state, bracket, index - 1, missing=_missing(bracket, index, 0))
        if parent is not None:
            return Round(index, parent, index)
    if heading[index]:
        return Round(index)
    best = rung.best_waiting()
    survivors = _survivors_waiting(state, bracket, index)
    missing = _missing(bracket, index + 1, survivors)
    parent = _parent(state, bracket, index, missing=missing)
    goes_on = best if parent is None and survivors else None
    is_over = parent is None and goes_on is None
    return Round(index, parent, index + 1, goes_on, is_over)


def _survivor_count(state: State, bracket: Bracket) -> int:
    method = state.spec.chosen
    assert isinstance(method, Pbt)
    return bracket.max_trials - method.truncated_count


def _survivors_waiting(state: State, bracket: Bracket, index: int) -> int:
    """How many of a rung's best wait to go on."""
    rung = bracket.rungs[index]
    best = islice(rung.entries, _survivor_count(state, bracket))
    return sum(not key[0] and key in rung.waiting for key in best) if rung.waiting else 0


def _missing(bracket: Bracket, index: int, to_come: int) -> int:
    """How many the population of a round is short of."""
    return bracket.max_trials - len(bracket.rungs[index]) - bracket.heading[index] - to_come


def _parent(state: State, bracket: Bracket, index: int, missing: int) -> int | None:
    """Whom to copy from a rung into the next one: its best in turn, while they live.

    A trial whose checkpoint lies at the end of the next round already is no start for it.
    """
    method = state.spec.chosen
    assert isinstance(method, Pbt)
    if missing <= 0 or index < 0:
        return None
    length = bracket.rungs[index + 1].length
    parents = []
    for not_finite, _, _, number in islice(
        bracket.rungs[index].entries, max(method.truncated_count, 1)
    ):
        trial = state.trials[number]
        lives = not state.state_of(trial).is_terminal
        if lives and not not_finite and trial.checkpoint_step < length:
            parents.append(number)
    return parents[state.copy_count % len(parents)] if parents else None

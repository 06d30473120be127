"""Asynchronous successive halving: promotion and stopping.

A trial is compared at the rungs of its bracket. In the promotion variant it pauses at a rung
unless it is among the best 1/d, and is resumed once it is; in the stopping variant it goes on
unless it is outside the best 1/d, by the rule that `rung_rule.py` tells.

Source: Li et al. 2018, "A System for Massively Parallel Hyperparameter Tuning", arXiv:1810.05934,
Algorithm 2; Determined AI's `adaptive_asha`; search.md sections 3 to 5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asha_server.search.halving import Halving, Place
from asha_server.search.rung_rule import cutoff_with, place_count, place_of
from asha_server.search.terms import DecisionReason

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from asha_server.search.bracket import Divisor
    from asha_server.search.rung import RankKey, Rung
    from asha_server.search.state import Bracket, State


class AsynchronousHalving(Halving):
    """ASHA: who goes on is decided whenever somebody enters, by whoever is there."""

    def promotable(self, state: State, bracket: Bracket) -> Sequence[RankKey | None]:
        """The best entry among the best 1/d, or at close-out the best of all."""
        if not state.spec.chosen.pauses:
            return ()
        found = [rung.promotable(state.divisor) for rung in bracket.rungs[:-1]]
        for index in _final_rungs(state, bracket):
            if _promotes_at_close_out(state, bracket.rungs[index]):
                found[index] = bracket.rungs[index].best_waiting()
        return found

    def place(
        self, state: State, bracket: Bracket, key: RankKey, rank: int, first: int, index: int
    ) -> Place:
        """By rank, or by the rung rule of the stopping variant."""
        rung, divisor, goal = bracket.rungs[index], state.divisor, state.goal
        if not state.spec.chosen.pauses:
            goes_on, cutoff = place_of(state.spec.rung_rule, rung, key, rank, divisor, goal)
            return Place(DecisionReason.TOP_FRACTION if goes_on else None, cutoff)
        places = divisor.share_of(len(rung) + 1)
        cutoff = cutoff_with(rung, key, rank, places, goal)
        if rank < places:
            return Place(DecisionReason.PROMOTED, cutoff)
        if _is_best_of_final(state, bracket, key, first, index):
            return Place(DecisionReason.PROMOTED_AT_CLOSE_OUT, cutoff)
        return Place(None, cutoff)

    def places(self, state: State, bracket: Bracket, index: int) -> int:
        """floor(n / d); by the rule of the stopping variant at least one."""
        rung = bracket.rungs[index]
        if state.spec.chosen.pauses:
            return rung.candidate_count(state.divisor)
        return place_count(state.spec.rung_rule, len(rung), state.divisor)

    def closable(self, state: State, bracket: Bracket) -> Iterator[int]:
        """Final rungs in which nobody is promotable."""
        if not state.spec.chosen.pauses:
            return
        for index in _final_rungs(state, bracket):
            if not _promotes_at_close_out(state, bracket.rungs[index]):
                yield index


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

"""Synchronous successive halving: a rung lets its best go on once it is certain which those are.

Of the m_i trials that enter rung i the best m_(i+1) go on. An entry goes on as soon as nobody still
to come could push it out of them: its rank is below m_(i+1) less those still to come. So the first
go on before the last have arrived, and when nobody is to come any more all m_(i+1) have. Who comes
is counted anew each time: a trial that failed has come, one whose worker died comes back when its
lease is over, an infeasible one is replaced. Nothing hangs, and nothing is promoted that the full
set would not promote.

Source: Jamieson, Talwalkar 2016, arXiv:1502.07943; Determined AI 0.12, `sync_halving`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from asha_server.search.halving import Halving, Place
from asha_server.search.rung_rule import cutoff_with
from asha_server.search.terms import DecisionReason, TrialState, WaitReason

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from asha_server.search.rung import RankKey, Rung
    from asha_server.search.state import Bracket, State


class Barrier(NamedTuple):
    """What a rung waits for.

    Attributes:
        coming: most entries that may still come, >= 0.
        places: how many of the best are certain to go on; may be negative.
        best: the paused entry that goes on next; None if there is none.
    """

    coming: int
    places: int
    best: RankKey | None


class SynchronousHalving(Halving):
    """Brackets with a fixed plan: m_i trials enter rung i."""

    def promotable(self, state: State, bracket: Bracket) -> Sequence[RankKey | None]:
        """The best entry that is certain to be among the best m_(i+1) of the full set."""
        return [barrier.best for barrier in _barriers(bracket)]

    def place(
        self, state: State, bracket: Bracket, key: RankKey, rank: int, first: int, index: int
    ) -> Place:
        """By rank, as if the value had entered the rungs from `first` up to this one."""
        rung = bracket.rungs[index]
        barrier = _barriers(bracket, key, first)[index]
        cutoff = cutoff_with(rung, key, rank, barrier.places, state.goal)
        if rank < barrier.places:
            return Place(DecisionReason.PROMOTED, cutoff)
        best = rung.best_waiting()
        is_final = not barrier.coming and not rung.promoted_count
        if is_final and (best is None or key < best):
            return Place(DecisionReason.PROMOTED_AT_CLOSE_OUT, cutoff)
        return Place(None, cutoff)

    def places(self, state: State, bracket: Bracket, index: int) -> int:
        """m_(i+1) less those still to come."""
        return max(_barriers(bracket)[index].places, 0)

    def closable(self, state: State, bracket: Bracket) -> Iterator[int]:
        """Rungs whose set is full and whose best have all gone on."""
        for index, barrier in enumerate(_barriers(bracket)):
            if not barrier.coming and barrier.best is None:
                yield index

    def wait_reason(self, state: State) -> WaitReason:
        """A barrier, if somebody is paused before one."""
        if state.counts[TrialState.PAUSED]:
            return WaitReason.BARRIER
        return WaitReason.AWAITING_RESULTS


def _barriers(bracket: Bracket, key: RankKey | None = None, first: int = -1) -> list[Barrier]:
    """What each rung but the top one waits for. O(rungs · log n).

    Args:
        bracket: as it is.
        key: of a value that is about to enter the rungs from `first` upward and, so far as it is
            asked about, to go on from each; None: of no value.
        first: the rung that the value's trial is heading for.
    """
    barriers: list[Barrier] = []
    promotions = max(bracket.max_trials - bracket.created_count, 0)
    for index, rung in enumerate(bracket.rungs[:-1]):
        enters = key is not None and index >= first
        coming = promotions + bracket.heading[index] - (enters and index == first)
        planned = bracket.nominal[index + 1]
        places = planned - coming
        best = _best(rung, places, coming, key if enters else None)
        barriers.append(Barrier(coming, places, best))
        promoted = rung.promoted_count + enters
        # At least one while somebody may go on: a bound, exact once the rung is exhausted.
        promotions = max(planned - promoted, 1) if coming or best is not None else 0
    return barriers


def _best(rung: Rung, places: int, coming: int, key: RankKey | None) -> RankKey | None:
    """The paused entry that goes on next, with `key` among the entries and gone on already."""
    best = rung.best_waiting()
    if best is None:
        return None
    rank = rung.rank(best) + (key is not None and key < best)
    if rank < places:
        return best
    # Nobody of the best can go on (they were cancelled, say): the best that can does.
    nobody_went_on = not rung.promoted_count and key is None
    return best if nobody_went_on and not coming else None

"""One rung: where trials of a bracket are compared at one length.

Entries are ordered best first by (value, arrival): of equal values the one that arrived earlier
ranks better. What is not a finite number, and a failed trial's place, ranks after every finite
value, by arrival, in either direction of optimisation.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

from sortedcontainers import SortedList

from asha_server.search.terms import Goal
from asha_server.search.waiting_entries import WaitingEntries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asha_server.search.bracket import Divisor

RankKey = tuple[bool, float, int, int]
"""(is not finite, value with smaller better, arrival, trial number): sorts best first."""


def rank_key(value: float | None, goal: Goal, arrival: int, trial_number: int) -> RankKey:
    """The key under which an entry is ranked.

    Args:
        value: the reported value; None is the place of a trial that failed on its way here.
        goal: the direction in which values improve.
        arrival: sequence of the event that brought the entry; unique within a rung.
        trial_number: the trial whose entry it is.
    """
    if value is None or not math.isfinite(value):
        return (True, 0.0, arrival, trial_number)
    return (False, value if goal is Goal.MINIMIZE else -value, arrival, trial_number)


def raw_value(ranked: float, goal: Goal) -> float:
    """The reported value of a finite key's second part."""
    return ranked if goal is Goal.MINIMIZE else -ranked


class Closing(NamedTuple):
    """A close-out of a rung.

    Attributes:
        sequence: of its event.
        time_us: wall clock, microseconds.
    """

    sequence: int
    time_us: int


def closing_after(closings: Sequence[Closing], arrival: int) -> Closing | None:
    """The close-out that stops a paused entry; None if none did. O(log of their number)."""
    index = bisect_left(closings, arrival, key=lambda closing: closing.sequence)
    return closings[index] if index < len(closings) else None


class Rung:
    """The entries of one rung.

    Attributes:
        length: units trained at which trials are compared here, >= 1.
        entries: SortedList[RankKey], best first; every entry, promoted ones included.
        waiting: the entries of paused trials not yet promoted.
        promoted_count: entries that were promoted, 0 <= promoted_count <= len(entries).
        closings: list[Closing], oldest first; more than one where an infeasible trial was replaced
            after the first. Paused entries that arrived before one are stopped by it.
    """

    __slots__ = ("closings", "entries", "length", "promoted_count", "waiting")

    def __init__(self, length: int) -> None:
        self.length = length
        self.entries: SortedList[RankKey] = SortedList()
        self.waiting = WaitingEntries()
        self.promoted_count = 0
        self.closings: list[Closing] = []

    def __len__(self) -> int:
        return len(self.entries)

    def crumble(self, most: int) -> bool:
        """Lets go of up to `most` entries of a search that is gone; whether some are left."""
        del self.entries[-most:]
        return self.waiting.crumble(most) or bool(self.entries)

    def finite_count(self) -> int:
        """How many entries have a finite value; they come first. O(log n)."""
        return int(self.entries.bisect_left((True, -math.inf, -1, -1)))

    def rank(self, key: RankKey) -> int:
        """0-based rank of an entry, or the rank a new entry would take. O(log n)."""
        return int(self.entries.bisect_left(key))

    def candidate_count(self, divisor: Divisor) -> int:
        """How many of the best entries are candidates for promotion now: floor(n / d).

        n counts every entry, promoted ones included. Below d entries it is 0: nobody is promoted
        for having no rivals. Not a bound on promotions over time: a promoted trial can later be
        displaced from the candidates.

        Source: Li et al. 2018, arXiv:1810.05934, Algorithm 2 (get_job).
        """
        return divisor.share_of(len(self.entries))

    def best_waiting(self) -> RankKey | None:
        """The best paused, finite, unpromoted entry, whatever its rank. O(1)."""
        best = self.waiting.best()
        return best if best is not None and not best[0] else None

    def promotable(self, divisor: Divisor) -> RankKey | None:
        """The best entry that rank alone promotes now. O(log n).

        If any eligible entry ranks among the candidates, so does the best eligible one.
        """
        best = self.best_waiting()
        if best is not None and self.rank(best) < self.candidate_count(divisor):
            return best
        return None

    def value_at(self, place: int, goal: Goal) -> float | None:
        """The value at a 0-based place, None where there is none or it is not finite. O(log n)."""
        if not 0 <= place < len(self.entries):
            return None
        not_finite, value, _, _ = self.entries[place]
        if not_finite:
            return None
        return raw_value(value, goal)

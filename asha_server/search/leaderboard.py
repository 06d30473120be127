"""The best trials of a search, by what it knows of them so far."""

from __future__ import annotations

from heapq import merge
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asha_server.search.rung import RankKey, Rung
    from asha_server.search.state import State


def best_trials(state: State, limit: int) -> list[int]:
    """Trial numbers, best first: longest rung length reached first, then value, then arrival.

    A trial counts at the greatest length at which it has a finite value; one without any is left
    out, and so is an infeasible one, which has left the rungs. O(limit · rungs).
    """
    rungs = [rung for bracket in state.brackets for rung in bracket.rungs]
    by_length = sorted(rungs, key=lambda rung: rung.length, reverse=True)
    best: dict[int, None] = {}
    for _, same_length in groupby(by_length, key=lambda rung: rung.length):
        for _, _, _, number in merge(*map(_finite, same_length)):
            best.setdefault(number)
            if len(best) == limit:
                return list(best)
    return list(best)


def _finite(rung: Rung) -> Iterator[RankKey]:
    """The entries with a finite value, best first."""
    for key in rung.entries:
        if key[0]:
            return
        yield key

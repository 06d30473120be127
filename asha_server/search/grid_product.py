"""The grid of a search space: the product of its axes, point by point, conditions observed.

The order is that of nested loops over the parameters sorted by path component, the first one
slowest. A parameter that is inactive under its condition contributes one point, its absence;
a configuration that the loops would give again is dropped.

How it counts and finds point i without going through the points before it: of all index tuples
that give the same configuration the first is the one with index 0 wherever a parameter is inactive.
So the grid is the ordered set of tuples in which *an index above 0 implies active*. Going through
the axes in order, what has been chosen matters to the rest only by its `State`: which later axes
are known inactive, and which indices later parents must take because a child with an index above 0
needs them. The states of each level form a small graph; counting its paths gives the size, and
descending by those counts the point. Without conditions each level has one state, and this is
mixed-radix counting.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from asha_server.search.parameter import Leaf
from asha_server.search.points import Axis, axis, indices_on_axis
from asha_server.search.value import Value

# The most points a grid may have: each is a trial, and a million trials is what a server holds.
MAX_GRID_POINTS = 1_000_000
# The most cases told apart, each counted with the parameters it depends on; bounds the work of
# counting. Only many conditions whose parents sort far from their children come near it.
MAX_GRID_CASES = 262_144

# Indices of one axis that a parent may take.
Indices: TypeAlias = frozenset[int]
# (later axes known inactive, {later axis: indices it must be among}, sorted by axis)
State: TypeAlias = tuple[frozenset[int], tuple[tuple[int, Indices], ...]]


class GridTooLargeError(ValueError):
    """The grid has more than `MAX_GRID_POINTS` points, or than `MAX_GRID_CASES` cases to count."""


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring indices of one axis after which everything that follows is the same.

    Attributes:
        start: the first index.
        length: how many, >= 1.
        state: of the next level.
    """

    start: int
    length: int
    state: State


class GridProduct:
    """All points of a grid, in order, by index.

    Building it is O(axes + states); a point costs O(axes · runs).

    Raises:
        GridTooLargeError: when built.
        ValueError: a numeric parameter has no `count`.
    """

    def __init__(self, leaves: Sequence[Leaf]) -> None:
        ordered = sorted(leaves, key=lambda leaf: leaf.components)
        self._paths = [leaf.path for leaf in ordered]
        self._axes: list[Axis] = [axis(leaf.kind) for leaf in ordered]
        self._requirements = _requirements(ordered)
        self._dependents: list[list[tuple[int, Indices]]] = [[] for _ in ordered]
        mentioned: list[set[int]] = [set() for _ in ordered]
        for child, required in enumerate(self._requirements):
            for parent, indices in required.items():
                mentioned[parent] |= indices
                if parent < child:
                    self._dependents[parent].append((child, indices))
        # Where the indices of an axis must be told apart: 0 from the rest, and each one mentioned.
        self._starts = [
            sorted({0, 1} | indices | {index + 1 for index in indices}) for indices in mentioned
        ]
        # levels[k][state]: the runs of axis k in that state; counts[k][state]: points below it.
        self._levels: list[dict[State, list[Run]]] = []
        self._root: State = (frozenset(), ())
        self._explore()
        self._counts = self._count()

    def __len__(self) -> int:
        """How many points, 1 (no parameters: the empty configuration) to `MAX_GRID_POINTS`."""
        return self._counts[0][self._root]

    def values(self, index: int) -> Mapping[str, Value]:
        """Every parameter's value at this point, by path.

        The inactive ones are there too, with the first value of their axis: what is active follows
        from the values and is not decided here.

        Raises:
            IndexError: the index is not in [0, len).
        """
        if not 0 <= index < len(self):
            raise IndexError(f"grid point {index} of {len(self)}")
        chosen: dict[str, Value] = {}
        state = self._root
        for level, runs in enumerate(self._levels):
            for run in runs[state]:
                below = self._counts[level + 1][run.state]
                if index < run.length * below:
                    steps, index = divmod(index, below)
                    chosen[self._paths[level]] = self._axes[level].point(run.start + steps)
                    state = run.state
                    break
                index -= run.length * below
        return chosen

    def _explore(self) -> None:
        """Finds the states of every level and stops as soon as the grid proves too large.

        ways[state] counts the beginnings of points that lead there. Each can be completed, so
        their sum never exceeds the number of points.
        """
        ways = {self._root: 1}
        cases = 0
        for level in range(len(self._axes)):
            following: dict[State, int] = {}
            runs_of: dict[State, list[Run]] = {}
            beginnings = 0
            for state, count in ways.items():
                runs_of[state] = list(self._runs(level, state))
                for run in runs_of[state]:
                    if run.state not in following:
                        cases += 1 + len(run.state[0]) + len(run.state[1])
                    following[run.state] = following.get(run.state, 0) + count * run.length
                    beginnings += count * run.length
                if beginnings > MAX_GRID_POINTS:
                    raise GridTooLargeError(
                        f"the grid has more than {MAX_GRID_POINTS} points; "
                        "lower the counts, or use random_search"
                    )
                if cases > MAX_GRID_CASES:
                    raise GridTooLargeError(
                        f"the grid's conditions leave more than {MAX_GRID_CASES} cases to tell "
                        "apart; use fewer conditional parameters, or random_search"
                    )
            self._levels.append(runs_of)
            ways = following
        self._last = ways

    def _count(self) -> list[dict[State, int]]:
        counts: list[dict[State, int]] = [dict.fromkeys(self._last, 1)]
        for runs_of in reversed(self._levels):
            below = counts[-1]
            counts.append(
                {
                    state: sum(run.length * below[run.state] for run in runs)
                    for state, runs in runs_of.items()
                }
            )
        counts.reverse()
        return counts

    def _runs(self, level: int, state: State) -> Iterator[Run]:
        """The indices that this axis may take in this state, ascending, as runs."""
        inactive, musts = state
        must = dict(musts)
        allowed = must.pop(level, None)
        size = self._axes[level].size
        starts = [start for start in self._starts[level] if start < size]
        for start, end in zip(starts, [*starts[1:], size], strict=True):
            if allowed is not None and start not in allowed:
                continue
            needed = must
            if start > 0:
                if level in inactive:
                    return
                merged = self._merged(level, must)
                if merged is None:
                    continue
                needed = merged
            gone = {later for later in inactive if later > level}
            gone.update(child for child, indices in self._dependents[level] if start not in indices)
            yield Run(start, end - start, (frozenset(gone), tuple(sorted(needed.items()))))

    def _merged(self, level: int, must: Mapping[int, Indices]) -> dict[int, Indices] | None:
        """What later parents must be if this axis is to be active as well; None if it cannot be."""
        merged = dict(must)
        for parent, indices in self._requirements[level].items():
            if parent > level:
                merged[parent] = merged.get(parent, indices) & indices
                if not merged[parent]:
                    return None
        return merged


def _requirements(ordered: Sequence[Leaf]) -> list[dict[int, Indices]]:
    """For each axis, what indices other axes must have for it to be active.

    Transitive: a parent's requirements are its child's too.
    """
    number = {leaf.path: position for position, leaf in enumerate(ordered)}
    own = [
        [
            (parent, indices_on_axis(ordered[parent].kind, condition.keys))
            for condition in leaf.conditions
            for parent in (number[condition.parent],)
        ]
        for leaf in ordered
    ]
    result: list[dict[int, Indices]] = []
    for start in range(len(ordered)):
        required: dict[int, Indices] = {}
        seen = {start}
        pending = [start]
        while pending:
            for parent, indices in own[pending.pop()]:
                required[parent] = required.get(parent, indices) & indices
                if parent not in seen:
                    seen.add(parent)
                    pending.append(parent)
        result.append(required)
    return result

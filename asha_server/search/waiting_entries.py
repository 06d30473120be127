"""The entries of a rung whose trials are paused and wait for their promotion, best first.

Only the best one is ever asked for, so they stand in a heap: an entry costs a few comparisons
where a sorted list costs a search. One that leaves from the middle is dropped from the members at
once and from the heap when it comes up.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asha_server.search.rung import RankKey


class WaitingEntries:
    """Keys of waiting entries. Iterates in no order."""

    __slots__ = ("_heap", "_members")

    def __init__(self) -> None:
        self._heap: list[RankKey] = []
        self._members: set[RankKey] = set()

    def add(self, key: RankKey) -> None:
        """Takes an entry that is not there. O(1) on average, O(log n) at worst."""
        heapq.heappush(self._heap, key)
        self._members.add(key)

    def fill(self, keys: list[RankKey]) -> None:
        """Takes many entries at once, where there are none. O(their number)."""
        self._heap = keys
        self._members = set(keys)
        heapq.heapify(keys)

    def remove(self, key: RankKey) -> None:
        """Lets an entry go that is there. O(1)."""
        self._members.remove(key)

    def discard(self, key: RankKey) -> None:
        """Lets an entry go, if it is there. O(1)."""
        self._members.discard(key)

    def best(self) -> RankKey | None:
        """The best entry; None if there is none. O(1), but for those that left before it."""
        heap, members = self._heap, self._members
        while heap and heap[0] not in members:
            heapq.heappop(heap)
        return heap[0] if heap else None

    def __contains__(self, key: RankKey) -> bool:
        return key in self._members

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[RankKey]:
        return iter(self._members)

    def crumble(self, most: int) -> bool:
        """Lets go of up to `most` entries of a search that is gone; whether some are left."""
        del self._heap[-most:]
        for _ in range(min(most, len(self._members))):
            self._members.pop()
        return bool(self._heap or self._members)

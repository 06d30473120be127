"""Committed events of one experiment on their way to those who watch it.

A watcher reads at its own pace from the few latest events kept here and, where it fell behind,
from the store; nothing is kept for it, and nothing is kept where nobody watches.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asha_server.search.event import Record

KEPT = 1_024
"""Latest events kept in memory for watchers; older ones are read from the store."""


class Feed:
    """The latest committed events, and who waits for the next.

    Attributes:
        watchers: how many watch.
    """

    __slots__ = ("_closed", "_latest", "_waiters", "watchers")

    def __init__(self) -> None:
        self.watchers = 0
        self._latest: deque[Record] = deque(maxlen=KEPT)
        self._waiters: list[asyncio.Future[None]] = []
        self._closed: Exception | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is kept: what there is, is in the store."""
        return not self._latest

    def publish(self, records: list[Record]) -> None:
        """Shows committed events to the watchers. O(events) where somebody watches."""
        if not self.watchers:
            self._latest.clear()
            return
        self._latest.extend(records)
        self._wake()

    def close(self, error: Exception) -> None:
        """Ends every watch with an error."""
        self._closed = error
        self._wake()

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def after(self, sequence: int) -> list[Record] | None:
        """The kept events after a sequence; None where some of them are only in the store.

        Raises:
            Exception: what the feed was closed with.
        """
        if self._closed is not None:
            raise self._closed
        if not self._latest or self._latest[0].sequence > sequence + 1:
            return None
        return [record for record in self._latest if record.sequence > sequence]

    async def wait(self) -> None:
        """Until something is published or the feed is closed."""
        if self._closed is not None:
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        await waiter

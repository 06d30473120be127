"""A clock that stands still until a test moves it."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from itertools import count

SECOND_US = 1_000_000
WALL_AHEAD_US = 1_700_000_000 * SECOND_US


class VirtualTimer:
    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback = callback
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True


class VirtualClock:
    """Time for one engine, which sets a timer whenever it has nothing to do."""

    def __init__(self) -> None:
        self._now_us = 1_000 * SECOND_US
        self._wall_ahead_us = WALL_AHEAD_US
        self._timers: list[tuple[int, int, VirtualTimer]] = []
        self._numbers = count()
        self._was_set = asyncio.Event()

    def monotonic_us(self) -> int:
        return self._now_us

    def wall_us(self) -> int:
        return self._now_us + self._wall_ahead_us

    def set_wall(self, seconds: float) -> None:
        """Somebody sets the machine's clock, forwards or backwards; no time passes."""
        self._wall_ahead_us += int(seconds * SECOND_US)

    def stand_still(self, seconds: float) -> None:
        """That much time passes within what runs at the moment."""
        self._now_us += int(seconds * SECOND_US)

    def call_later(self, delay_us: int, callback: Callable[[], object]) -> VirtualTimer:
        timer = VirtualTimer(callback)
        heapq.heappush(self._timers, (self._now_us + delay_us, next(self._numbers), timer))
        self._was_set.set()
        return timer

    async def advance(self, seconds: float) -> None:
        """Lets time pass; every timer is called in time, and the engine acts on it."""
        until_us = self._now_us + int(seconds * SECOND_US)
        while True:
            while not self._timers:
                await self._next_timer()
            due_us, _, timer = self._timers[0]
            if timer.is_cancelled:
                heapq.heappop(self._timers)
                continue
            if due_us > until_us:
                break
            self._now_us = max(due_us, self._now_us)
            await self._fire()
        self._now_us = until_us

    async def jump(self, seconds: float) -> None:
        """The machine stands still for that time; then the first timer is called, late."""
        self._now_us += int(seconds * SECOND_US)
        while not self._timers or self._timers[0][2].is_cancelled:
            if self._timers:
                heapq.heappop(self._timers)
            else:
                await self._next_timer()
        await self._fire()

    async def _fire(self) -> None:
        """Calls the first timer; returns once the engine has nothing to do again."""
        _, _, timer = heapq.heappop(self._timers)
        self._was_set.clear()
        timer.callback()
        await self._was_set.wait()

    async def _next_timer(self) -> None:
        self._was_set.clear()
        await self._was_set.wait()

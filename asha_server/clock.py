"""Time as the engine sees it: a clock that cannot jump, the wall clock, and timers.

The tests give the engine a clock of their own, so that a lease runs out without anybody waiting.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

SECOND_US = 1_000_000


class Timer(Protocol):
    """A call that is to come."""

    def cancel(self) -> None:
        """Calls it off; idempotent."""


class Clock(Protocol):
    """What tells the engine the time."""

    def monotonic_us(self) -> int:
        """A clock that cannot jump. Microseconds."""

    def wall_us(self) -> int:
        """Wall clock, microseconds since the epoch; for display and wall-time budgets."""

    def call_later(self, delay_us: int, callback: Callable[[], object]) -> Timer:
        """Calls back on the event loop once that much monotonic time has passed."""


class SystemClock:
    """The machine's."""

    def monotonic_us(self) -> int:
        """A clock that cannot jump. Microseconds."""
        return monotonic_us()

    def wall_us(self) -> int:
        """Wall clock, microseconds since the epoch."""
        return time.time_ns() // 1000

    def call_later(self, delay_us: int, callback: Callable[[], object]) -> Timer:
        """Calls back on the running event loop."""
        return asyncio.get_running_loop().call_later(delay_us / SECOND_US, callback)


def monotonic_us() -> int:
    """The machine's clock that cannot jump. Microseconds."""
    return time.monotonic_ns() // 1000

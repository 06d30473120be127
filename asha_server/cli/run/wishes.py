"""What the user of a command wants of its workers, told by signals."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from dataclasses import dataclass, field

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(slots=True)
class Wishes:
    """What the user wants of all workers.

    Attributes:
        leave: set: end programs and release trials.
        hurry: set: without grace.
        signal: the one that set `leave`; None = none came.
    """

    leave: asyncio.Event = field(default_factory=asyncio.Event)
    hurry: asyncio.Event = field(default_factory=asyncio.Event)
    signal: signal.Signals | None = None

    def take_signals(self, announce: Callable[[str], None]) -> None:
        """Makes SIGINT, SIGTERM and SIGHUP ours: the first is `leave`, the next `hurry`.

        Args:
            announce: hears the name of the first.
        """

        def hear(number: signal.Signals) -> None:
            if self.leave.is_set():
                self.hurry.set()
                return
            self.signal = number
            announce(number.name)
            self.leave.set()

        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
                loop.add_signal_handler(number, hear, number)

"""Makes small what is over: attempts that nobody has spoken of for a while.

A worker may repeat its last report after a lost answer, so an attempt keeps its reports in memory
until so many others have ended after it.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asha_server.hosted import Hosted
    from asha_server.search.state import Changes

ENDED_MAX = 1_000
"""Attempts that ended last and are kept as they are."""


class EndedAttempts:
    """The attempts that ended last, of all experiments."""

    def __init__(self) -> None:
        self._ended: deque[tuple[Hosted, int]] = deque()

    def note(self, hosted: Hosted, changes: Changes) -> None:
        """Takes note of attempts that ended with this batch."""
        for attempt in changes.attempts.values():
            if attempt.end is not None:
                self._ended.append((hosted, attempt.trial_number))

    def pack(self) -> None:
        """Packs those that ended long ago; everything of them must be durable."""
        while len(self._ended) > ENDED_MAX:
            hosted, number = self._ended.popleft()
            trials = hosted.experiment.state.trials
            if number < len(trials):  # not of an experiment that was deleted meanwhile
                trials[number].pack()

"""Leaves to the store what is over: attempts that nobody has spoken of for a while.

A worker may repeat its last report after a lost answer, so a trial keeps its attempts in memory
until so many others have ended, or were recalled, after it.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asha_server.search.state import State
    from asha_server.search.stored_attempts import StoredAttempts
    from asha_server.search.trial import Trial

REMEMBERED_MAX = 1_000
"""Trials whose attempts are over and kept in memory all the same."""


class EndedAttempts:
    """The trials whose attempts ended or were recalled last, of all experiments."""

    def __init__(self) -> None:
        self._trials: deque[tuple[Trial, StoredAttempts]] = deque()

    def note(self, state: State) -> None:
        """Takes note of attempts that ended since changes were last taken."""
        if state.stored_attempts is None:
            return
        for attempt in state.changes.attempts.values():
            if attempt.end is not None:
                self.note_trial(state.trials[attempt.trial_number], state.stored_attempts)

    def note_trial(self, trial: Trial, stored: StoredAttempts) -> None:
        """Takes note of a trial that may leave its attempts to the store."""
        self._trials.append((trial, stored))

    def forget(self) -> None:
        """Lets go of those that ended long ago; everything of them must be durable."""
        while len(self._trials) > REMEMBERED_MAX:
            trial, stored = self._trials.popleft()
            trial.leave_to(stored)

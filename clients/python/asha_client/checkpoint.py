"""When a trial needs a checkpoint, and the training code's function that saves it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from asha_client import errors
from asha_client.flow import Flow, Invoke

CheckpointFunction = Callable[..., object]
"""Saves what would resume here and returns its name; takes no arguments, may be a coroutine."""


@dataclass(frozen=True, slots=True)
class CheckpointPolicy:
    """When a checkpoint function is called beside decisions.

    Attributes:
        every_steps: at the latest after so many steps; None = no such rule.
        every_s: at the latest after so many seconds, at a report; None = no such rule.
    """

    every_steps: int | None = None
    every_s: float | None = None


class Checkpoints:
    """What is known of an attempt's checkpoints, by its policy.

    Attributes:
        last_step: step of the last one, in units; the start step before the first.
        is_requested: whether rank 0 asked every rank to save at the next report.
    """

    def __init__(self, policy: CheckpointPolicy, start_step: int) -> None:
        self.last_step = start_step
        self.is_requested = False
        self._policy = policy
        self._saved_at = time.monotonic()

    def is_due_at(self, step: int) -> bool:
        """Whether a report at this step carries one; every rank comes to the same answer."""
        every = self._policy.every_steps
        return self.is_requested or (every is not None and step - self.last_step >= every)

    def is_due_now(self) -> bool:
        """Whether one is due by this process's clock."""
        every_s = self._policy.every_s
        return every_s is not None and time.monotonic() - self._saved_at >= every_s

    def note_saved(self, step: int) -> None:
        """One was saved that would resume at this step."""
        self.last_step, self._saved_at = step, time.monotonic()


def saving(saver: CheckpointFunction, *, is_named: bool) -> Flow[str]:
    """The name of a checkpoint that the training code saves now.

    Args:
        saver: the training code's function.
        is_named: whether it must return a name; on ranks that do not talk to the server, it
            need not.

    Raises:
        CheckpointMissing: it returned no name.
    """
    uri = yield Invoke(saver)
    if isinstance(uri, os.PathLike):
        uri = os.fspath(uri)
    if isinstance(uri, str) and uri:
        return uri
    if not is_named:
        return ""
    raise errors.CheckpointMissing(
        f"the checkpoint function {getattr(saver, '__qualname__', saver)!r} returned {uri!r}; it "
        "must return the path or URI that it saved to, as a string"
    )

"""The callback form: reports for training loops that are not ours."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Self, SupportsFloat

from asha_client.checkpoint import CheckpointFunction
from asha_client.decision import Decision
from asha_client.trial import Trial


class StopTraining(Exception):  # a message to the loop, not an error
    """Raised by a reporter to leave a training loop that has no way to be told to stop."""


class Reporter:
    """Reports from a framework's callback.

        with asha.Reporter(trial, checkpoint=save, raises=True) as reporter:
            framework.fit(model, epochs=trial.max_length, on_epoch_end=reporter)

    Called with metrics (and a step, if the loop counts as the search does) it answers whether the
    training goes on. What cannot be read as a number is left out. As a context manager it ends the
    trial as `Trial` does, and takes its own StopTraining as a normal end.

    Args:
        trial: the trial.
        checkpoint: as for `Trial.report`.
        raises: raise StopTraining on STOP and PAUSE instead of answering False.
        every: report only each so many calls, and the last that a decision needs; default 1.
    """

    def __init__(
        self,
        trial: Trial,
        *,
        checkpoint: str | CheckpointFunction | None = None,
        raises: bool = False,
        every: int = 1,
    ) -> None:
        self.trial = trial
        self.decision: Decision | None = None
        self._checkpoint = checkpoint
        self._raises = raises
        self._every = max(every, 1)
        self._step = trial.start_step
        self._lock = threading.Lock()

    def __call__(self, metrics: Mapping[str, object], step: int | None = None) -> bool:
        """Reports one step's metrics; whether the training goes on.

        Args:
            metrics: values by name.
            step: units trained so far; default: one more than the last, from start_step on.

        Raises:
            StopTraining: the training is over, if `raises`.
        """
        trial = self.trial
        with self._lock:
            self._step = step = self._step + 1 if step is None else step
            values = _numbers(metrics)
            is_due = (
                step % self._every == 0
                or step >= trial.next_decision_step
                or step >= trial.max_length
            )
            if values and is_due:
                self.decision = trial.report(step, values, self._checkpoint)
        is_over = not trial.may_step(step + 1)
        if is_over and self._raises:
            raise StopTraining(f"trial {trial.number} ends at step {step}: {self.decision}")
        return not is_over

    def __enter__(self) -> Self:
        self.trial.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if isinstance(error, StopTraining):
            self.trial.__exit__(None, None, None)
            return True
        return self.trial.__exit__(kind, error, trace)


def _numbers(metrics: Mapping[str, object]) -> dict[str, float]:
    """The metrics that are numbers, tensors of one element included."""
    values: dict[str, float] = {}
    for name, value in metrics.items():
        if isinstance(value, SupportsFloat):
            with contextlib.suppress(TypeError, ValueError, RuntimeError):  # of many elements
                values[name] = float(value)
    return values

"""A trial in the training code's hands, blocking calls."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from types import CodeType, TracebackType
from typing import Self, TypeVar

from asha_client import errors
from asha_client.attempt import Attempt
from asha_client.checkpoint import CheckpointFunction, CheckpointPolicy
from asha_client.connection import Connection, drive, perform
from asha_client.decision import Decision
from asha_client.flow import Flow
from asha_client.loop_exit import find_exit, looping_code
from asha_client.pb import suggestion_service_pb2 as pb
from asha_client.ranks import Ranks

ResultT = TypeVar("ResultT")


class Trial(Attempt):
    """One trial as it was handed to this worker; see `Attempt` for what is known about it.

    As a context manager it ends the trial as its block ends: normally without a verdict it is
    complete, an exception of the training code fails it and goes on, `Infeasible`,
    `PermanentFailure` and `CheckpointUnreadable` fail it and are taken as dealt with, anything
    else releases it and goes on. Threads may share a trial.
    """

    def __init__(
        self,
        assignment: pb.Assignment,
        connection: Connection,
        ranks: Ranks,
        policy: CheckpointPolicy,
        is_dying: Callable[[], bool],
    ) -> None:
        super().__init__(assignment, connection, ranks, policy, is_dying)
        self._calls = threading.RLock()

    def steps(self) -> Steps:
        """The steps to train, from the last reported (or start_step) + 1 to max_length.

        Ends by itself on STOP and PAUSE, at the next step also when a verdict arrives by the
        keep-alive. With several ranks only what a report or `should_stop` told every rank ends it.
        """
        return Steps(self)

    def report(
        self,
        step: int,
        metrics: Mapping[str, float],
        checkpoint: str | CheckpointFunction | None = None,
        *,
        wait: bool = True,
    ) -> Decision:
        """Reports metrics and answers what was decided, once both are durable.

        With several ranks a collective: every rank calls it with the same step.

        Args:
            step: units trained so far.
            metrics: values by name; the search metric among them, else nothing is decided.
            checkpoint: what would resume at this step: its name, or a function without arguments
                that saves it and returns its name (a path or URI). The function runs only where a
                checkpoint is needed: before a report that can be decided, or one that
                checkpoint_every, SIGTERM or a pause calls for.
            wait: False for very short steps: a report that nothing is decided by is sent by a
                thread, within a twentieth of a second, and the newest decision known is answered.
                A decision that is due is waited for all the same. What was not sent when the
                process dies was not reported. With several ranks every report is waited for.

        Raises:
            CheckpointMissing: the function returned no name.
            AshaError: what the server refused for good. A lost lease and a repeated step are no
                errors: the one ends `steps()`, the other warns and goes on.
        """
        with self._calls:
            return self._run(self.reporting(step, metrics, checkpoint, wait=wait))

    def should_stop(self) -> bool:
        """Asks the server whether to leave off. With several ranks a collective."""
        with self._calls:
            return self._run(self.polling())

    def save_checkpoint(self, step: int, uri: str) -> None:
        """Tells the server of a complete checkpoint that would resume at this step."""
        with self._calls:
            self._run(self.storing(step, uri))

    def complete(self) -> None:
        """The training ended by itself, before max_length, and is over."""
        self._run(self.completing())

    def fail(self, message: str, kind: errors.FailureKind = errors.FailureKind.RETRYABLE) -> None:
        """The training failed.

        Args:
            message: what happened, for people.
            kind: `asha.FailureKind`: RETRYABLE, PERMANENT, INFEASIBLE or CHECKPOINT_UNREADABLE.
        """
        self._run(self.failing(message, kind))

    def release(self, reason: str = "") -> None:
        """Lets the trial go; another worker goes on from the last checkpoint, uncounted."""
        self._run(self.releasing(reason))

    def end_for(self, error: BaseException) -> None:
        """Ends the trial as this exception demands: failed, or released."""
        self._run(self.ending_for(error))

    def _run(self, flow: Flow[ResultT]) -> ResultT:
        ranks = self._ranks
        return drive(flow, lambda effect: perform(effect, self._connection, ranks.broadcast))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if error is None:
            self._run(self.leaving())
            return False
        self.end_now(self.ending_for(error, None if isinstance(error, Exception) else 5.0))
        return isinstance(error, errors.TrialFailure)


class Steps:
    """The steps of one trial; an iterator that ends with a verdict."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._step = attempt.first_step()
        self._code: CodeType | None = None
        attempt.raised_at = None

    def __iter__(self) -> Steps:
        return self

    def __next__(self) -> int:
        self._code = looping_code()
        step = self._step
        if not self._attempt.may_step(step):
            self._code = None
            raise StopIteration
        self._step += 1
        return step

    def __del__(self) -> None:
        if self._code is not None:
            self._attempt.raised_at = find_exit(self._code).place or None

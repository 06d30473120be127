"""A worker: asks for one trial after the other, without I/O (flows)."""

from __future__ import annotations

import logging
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypedDict

from google.protobuf.duration_pb2 import Duration

from asha_client import errors, identity
from asha_client.attempt import Attempt
from asha_client.checkpoint import CheckpointPolicy
from asha_client.connection import check_process
from asha_client.flow import CALL_DEADLINE_S, GET_SUGGESTION, Flow, Sleep, call
from asha_client.pb import suggestion_service_pb2 as pb
from asha_client.ranks import Broadcast, Ranks, share

log = logging.getLogger("asha_client")

LONG_POLL_S = 20.0
"""How long one ask is held open by the server, in seconds."""

FAILURE_LIMIT = 3
"""Assignments in a row that may fail without a report before the worker gives up (api.md)."""


class WorkerSettings(TypedDict, total=False):
    """The settings of `Experiment.trials`, handed on by `run`."""

    max_idle: float | None
    checkpoint_every: int | None
    checkpoint_every_seconds: float | None
    rank: int
    broadcast: Broadcast | None
    sigterm_grace: float


@dataclass(slots=True)
class Worker:
    """One worker's place in one experiment.

    Attributes:
        experiment_id: the experiment.
        worker_id: its name; empty = not yet claimed (the platform's name).
        ranks: this process among the ranks of a trial.
        policy: when checkpoints are saved beside decisions.
        max_idle_s: how long it waits for work before it ends, in seconds; None = for ever.
        grace_s: how long SIGTERM lets a trial go on to its next report, in seconds.
        is_dying: whether SIGTERM has come: no more trials are taken.
        long_poll_s: how long one ask is held open, in seconds.
    """

    experiment_id: str
    worker_id: str
    ranks: Ranks
    policy: CheckpointPolicy
    max_idle_s: float | None
    grace_s: float
    is_dying: Callable[[], bool]
    long_poll_s: float = LONG_POLL_S
    _failures: int = 0
    _is_claimed: bool = False
    _pid: int = field(default_factory=os.getpid)

    def advancing(self, current: Attempt | None) -> Flow[pb.Assignment | None]:
        """Leaves the current trial and takes the next; None when there will be no more.

        Raises:
            WorkerFailing: three assignments in a row failed without a report.
            AshaError: what the server refused.
        """
        check_process(self._pid)
        if current is not None:
            yield from current.leaving()
            self._count(current)
        data = yield from share(self.ranks, self._asking)
        return None if data is None else pb.Assignment.FromString(data)

    def _count(self, current: Attempt) -> None:
        """Counts failures in a row; an infeasible configuration says nothing of this worker."""
        if current.failure_kind is errors.FailureKind.INFEASIBLE:
            return
        failed = current.failure_kind is not None and not current.has_reported
        self._failures = self._failures + 1 if failed else 0

    def _asking(self) -> Flow[bytes | None]:
        """The next assignment, serialised so that every rank can be given it."""
        if self.is_dying():
            return None
        if self._failures >= FAILURE_LIMIT:
            raise errors.WorkerFailing(
                f"{self._failures} assignments in a row failed on worker {self.worker_id} without "
                "a report; look at the failures' messages (asha trials), mend this machine or the "
                "training code, and start the worker again",
                metadata={"worker_id": self.worker_id, "failures": str(self._failures)},
            )
        self._claim()
        idle = Idleness(self.max_idle_s)
        long_poll_s = self.long_poll_s
        while True:
            wait_s = min(long_poll_s, idle.left_s())
            request = pb.GetSuggestionRequest(
                experiment_id=self.experiment_id,
                worker_id=self.worker_id,
                incarnation_id=identity.incarnation_id(),
                request_id=secrets.token_hex(16),
                max_wait=_duration(wait_s),
            )
            asked_at = time.monotonic()
            try:
                response = yield from call(
                    GET_SUGGESTION,
                    request,
                    wait_s=wait_s,
                    retry_for_s=idle.patience_s(),
                )
            except errors.LeaseLost:
                yield Sleep(0.1)  # a retry came so late that its attempt is over: ask anew
                continue
            except errors.ResourceExhausted as error:
                if error.reason != "LIMIT_EXCEEDED" or not wait_s:
                    raise
                log.warning(
                    "the server holds no more waiting calls, asking now and then: %s", error
                )
                long_poll_s = 0.0
                response = pb.GetSuggestionResponse()
            match response.WhichOneof("result"):
                case "assignment":
                    return response.assignment.SerializeToString()
                case "finished":
                    _log_end(self.experiment_id, response.finished)
                    return None
                case _:
                    wait = response.wait
            idle.note(_wait_reason(wait))
            if idle.is_over():
                log.warning("no work for %.0f s (max_idle): this worker ends", idle.elapsed_s())
                return None
            was_held = wait_s > 0 and time.monotonic() - asked_at >= wait_s / 2
            if not was_held:
                pause_s = wait.retry_after.ToNanoseconds() / 1e9 or 1.0
                yield Sleep(min(pause_s, idle.left_s()))

    def _claim(self) -> None:
        """Takes the worker's name; the platform's is made unique on this machine."""
        if not self._is_claimed:
            self._is_claimed = True
            if not self.worker_id:
                self.worker_id = identity.claim(identity.default_worker_id())

    def close(self) -> None:
        """Gives the worker's name back."""
        if os.getpid() == self._pid:
            identity.unclaim(self.worker_id)


class Idleness:
    """How long a worker has waited in vain, and what is to be said about it.

    Args:
        max_idle_s: the limit, in seconds; None = none.
    """

    def __init__(self, max_idle_s: float | None) -> None:
        self._max_idle_s = max_idle_s
        self._began = time.monotonic()
        self._warn_after_s = 60.0
        self._reason = ""

    def elapsed_s(self) -> float:
        """Seconds waited so far."""
        return time.monotonic() - self._began

    def left_s(self) -> float:
        """Seconds left of the limit, >= 0; infinite without one."""
        if self._max_idle_s is None:
            return float("inf")
        return max(self._max_idle_s - self.elapsed_s(), 0.0)

    def patience_s(self) -> float | None:
        """How long a server that does not answer is asked again, in seconds; None = for ever."""
        return None if self._max_idle_s is None else max(self.left_s(), CALL_DEADLINE_S)

    def is_over(self) -> bool:
        """Whether the limit is reached."""
        return self.left_s() <= 0

    def note(self, reason: str) -> None:
        """Hears why there is no work; says so when it begins to matter."""
        if reason != self._reason:
            self._reason = reason
            if reason == "WORKER_FAILING":
                log.warning(
                    "this worker's last assignments all failed without a report; the server lets "
                    "it wait. Look at the failures' messages before you restart it"
                )
            elif reason == "EXPERIMENT_PAUSED":
                log.info("the experiment is paused; waiting")
        if self.elapsed_s() >= self._warn_after_s:
            self._warn_after_s = 2 * self.elapsed_s()
            if reason == "CONCURRENCY_LIMIT":
                log.warning(
                    "idle for %.0f s: max_concurrent_trials of the experiment are training, "
                    "more workers than that stay idle. Raise max_concurrent_trials, start fewer "
                    "workers, or give them max_idle",
                    self.elapsed_s(),
                )
            else:
                log.info("idle for %.0f s: %s", self.elapsed_s(), reason)


def _wait_reason(wait: pb.Wait) -> str:
    """The reason without its prefix; a newer server's unknown reason as its number."""
    try:
        return pb.WaitReason.Name(wait.reason).removeprefix("WAIT_REASON_")
    except ValueError:
        return str(int(wait.reason))


def _log_end(experiment_id: str, finished: pb.Finished) -> None:
    log.info("experiment %s has ended: %s", experiment_id, finished.end_message or "no more work")


def _duration(seconds: float) -> Duration:
    whole = int(seconds)
    return Duration(seconds=whole, nanos=int((seconds - whole) * 1e9))

"""An experiment and its trials, blocking calls: the five-line loop begins here."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable
from types import CodeType, TracebackType
from typing import Self, Unpack

from asha_client import failure
from asha_client.checkpoint import CheckpointPolicy
from asha_client.connection import Connection, drive, perform
from asha_client.custody import custody
from asha_client.flow import (
    GET_BEST_TRIALS,
    GET_EXPERIMENT,
    STOP_EXPERIMENT,
)
from asha_client.loop_exit import ExitKind, find_exit, looping_code
from asha_client.pb import experiment_pb2, trial_pb2
from asha_client.pb import experiment_service_pb2 as experiments
from asha_client.ranks import Broadcast, Ranks
from asha_client.trial import Trial
from asha_client.worker import Worker, WorkerSettings

log = logging.getLogger("asha_client")


class Experiment:
    """One experiment of a server."""

    def __init__(self, experiment_id: str, connection: Connection) -> None:
        self.id = experiment_id
        self._connection = connection

    def __repr__(self) -> str:
        return f"<experiment {self.id} at {self._connection.target.address}>"

    def trials(
        self,
        worker_id: str | None = None,
        *,
        max_idle: float | None = None,
        checkpoint_every: int | None = None,
        checkpoint_every_seconds: float | None = None,
        rank: int = 0,
        broadcast: Broadcast | None = None,
        sigterm_grace: float = 0.0,
    ) -> Trials:
        """Trials to train, one after the other, until the search is finished.

        Leaving a trial's turn of the loop without a verdict completes it; `break` and `return`
        release it; an exception fails it (see the README for the fine print).

        Args:
            worker_id: the worker's name, one trial at a time each; default: by platform.
            max_idle: end after waiting so long for work, in seconds; default: wait for ever.
            checkpoint_every: call the reports' checkpoint function at the latest after so many
                steps, so that a lost worker costs no more.
            checkpoint_every_seconds: the same by the clock.
            rank: this process's rank within the trial; only rank 0 talks to the server.
            broadcast: with several ranks: returns rank 0's object on every rank.
            sigterm_grace: how long SIGTERM lets a trial go on to its next report, to save a
                checkpoint there, in seconds; default: release it at once.
        """
        worker = Worker(
            experiment_id=self.id,
            worker_id=worker_id or "",
            ranks=Ranks(rank, broadcast),
            policy=CheckpointPolicy(checkpoint_every, checkpoint_every_seconds),
            max_idle_s=max_idle,
            grace_s=sigterm_grace,
            is_dying=lambda: custody.is_dying,
        )
        return Trials(worker, self._connection)

    def run(
        self,
        function: Callable[[Trial], object],
        worker_id: str | None = None,
        **settings: Unpack[WorkerSettings],
    ) -> int:
        """Trains every trial with a function; its exceptions fail the trial, and it goes on.

        Args:
            function: trains one trial.
            worker_id: as for `trials`.
            settings: as for `trials`.

        Returns:
            How many trials were handed to the function.

        Raises:
            WorkerFailing: three assignments in a row failed without a report.
            AshaError: what the server refused for good.
        """
        count = 0
        with self.trials(worker_id, **settings) as trials:
            for trial in trials:
                count += 1
                try:
                    function(trial)
                except Exception as error:
                    if failure.kind_of(error) is None:
                        raise
                    log.exception("trial %d failed", trial.number)
                    trial.end_for(error)
        return count

    def get(self) -> experiment_pb2.Experiment:
        """The experiment: its spec, and what became of it."""
        request = experiments.GetExperimentRequest(experiment_id=self.id)
        call = self._connection.call
        return call(GET_EXPERIMENT, request).experiment

    def stop(self, reason: str = "") -> experiment_pb2.Experiment:
        """Stops the experiment: every active trial is answered STOP."""
        request = experiments.StopExperimentRequest(experiment_id=self.id, reason=reason)
        call = self._connection.call
        return call(STOP_EXPERIMENT, request).experiment

    def best_trials(self, limit: int = 1) -> list[trial_pb2.Trial]:
        """The best trials, best first."""
        request = experiments.GetBestTrialsRequest(experiment_id=self.id, limit=limit)
        call = self._connection.call
        return list(call(GET_BEST_TRIALS, request).trials)


class Trials:
    """The trials of one worker; an iterator. As a context manager it sees exceptions exactly."""

    def __init__(self, worker: Worker, connection: Connection) -> None:
        self._worker = worker
        self._connection = connection
        self._current: Trial | None = None
        self._code: CodeType | None = None
        self._pid = os.getpid()

    @property
    def worker_id(self) -> str:
        """The worker's name; empty before the first ask where the platform's is taken."""
        return self._worker.worker_id

    def __iter__(self) -> Trials:
        return self

    def __next__(self) -> Trial:
        self._code = looping_code()
        worker, current = self._worker, self._current
        if current is None:
            custody.install(worker.grace_s)
            custody.settle_orphans(threading.get_ident())
        assignment = drive(worker.advancing(current), self._perform)
        if current is not None:
            custody.drop(current)
        self._current = None
        if assignment is None:
            self.close()
            raise StopIteration
        trial = Trial(assignment, self._connection, worker.ranks, worker.policy, worker.is_dying)
        self._current = trial
        custody.hold(trial)
        return trial

    def _perform(self, effect: object) -> object:
        return perform(effect, self._connection, self._worker.ranks.broadcast)  # type: ignore[arg-type]  # drive() passes effects only

    def close(self, error: BaseException | None = None) -> None:
        """Lets the current trial go, and this worker's name."""
        current, self._current = self._current, None
        self._worker.close()
        if current is not None and os.getpid() == self._pid:
            if error is None:
                current.end_now(current.releasing("the loop was left", 5.0))
            else:
                current.end_now(current.ending_for(error, 5.0))
            custody.drop(current)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close(error)

    def __del__(self) -> None:
        current, code = self._current, self._code
        if current is None or os.getpid() != self._pid or sys.is_finalizing():
            return
        if code is None:
            return  # taken by hand with next(): it is ended by hand, or when the process ends
        way_out = find_exit(code)
        if way_out.kind is ExitKind.LEFT or not current.is_held:
            self.close()
            return
        self._current = None
        self._worker.close()
        custody.orphan(current, way_out)

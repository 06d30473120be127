"""The client and its experiments, blocking calls: the five-line loop begins here."""

from __future__ import annotations

import logging
import os
import secrets
import sys
from collections.abc import Callable, Mapping
from types import CodeType, TracebackType
from typing import Self

import grpc
from google.protobuf import json_format

from asha_client import errors, failure
from asha_client.attempt import CheckpointPolicy
from asha_client.connection import Connection, Target, drive, perform
from asha_client.custody import custody
from asha_client.flow import (
    CALL_DEADLINE_S,
    CREATE_EXPERIMENT,
    GET_BEST_TRIALS,
    GET_EXPERIMENT,
    STOP_EXPERIMENT,
)
from asha_client.loop_exit import find_exit
from asha_client.pb import experiment_pb2, trial_pb2
from asha_client.pb import experiment_service_pb2 as experiments
from asha_client.ranks import Broadcast, Ranks
from asha_client.trial import Trial
from asha_client.worker import Worker

log = logging.getLogger("asha_client")

DEFAULT_ADDRESS = "localhost:50051"


def connect(
    address: str | None = None,
    *,
    credentials: grpc.ChannelCredentials | None = None,
    token: str | None = None,
    retry_for: float | None = None,
    max_backoff: float = 20.0,
    options: tuple[tuple[str, int | str], ...] = (),
) -> Client:
    """A client of one server. Does no I/O: the first call connects.

    Args:
        address: `host:port` or `unix:path`; default: the environment's ASHA_SERVER, then
            `localhost:50051`.
        credentials: for TLS (`grpc.ssl_channel_credentials(…)`); default: plaintext.
        token: an access token; default: the environment's ASHA_TOKEN, then none.
        retry_for: how long a call is retried while network or server fail, in seconds; default:
            for ever, with a warning per growing interval.
        max_backoff: longest pause between two attempts, in seconds.
        options: further options of the gRPC channel.
    """
    return Client(make_target(address, credentials, token, retry_for, max_backoff, options))


def make_target(
    address: str | None,
    credentials: grpc.ChannelCredentials | None,
    token: str | None,
    retry_for: float | None,
    max_backoff: float,
    options: tuple[tuple[str, int | str], ...],
) -> Target:
    """The target as `connect` describes it."""
    return Target(
        address or os.environ.get("ASHA_SERVER") or DEFAULT_ADDRESS,
        credentials,
        token or os.environ.get("ASHA_TOKEN") or None,
        retry_for,
        max_backoff,
        options,
    )


def make_spec(
    spec: experiment_pb2.ExperimentSpec | Mapping[str, object],
) -> experiment_pb2.ExperimentSpec:
    """The spec as a message, from protobuf's JSON form if it is a mapping.

    Raises:
        InvalidRequest: the mapping does not have that form.
    """
    if isinstance(spec, experiment_pb2.ExperimentSpec):
        return spec
    try:
        return json_format.ParseDict(dict(spec), experiment_pb2.ExperimentSpec())
    except json_format.ParseError as error:
        raise errors.InvalidRequest(
            f"the spec is not an ExperimentSpec in protobuf's JSON form: {error}",
            reason="INVALID_REQUEST",
        ) from error


class Client:
    """A client of one server; threads may share it. See `connect`."""

    def __init__(self, target: Target) -> None:
        self._connection = Connection(target)

    def __repr__(self) -> str:
        return f"<asha client of {self._connection.target.address}>"

    def experiment(self, experiment_id: str) -> Experiment:
        """An experiment by its id. Does no I/O."""
        return Experiment(experiment_id, self._connection)

    def create_experiment(
        self,
        spec: experiment_pb2.ExperimentSpec | Mapping[str, object],
        experiment_id: str = "",
        request_id: str = "",
    ) -> Experiment:
        """Creates an experiment.

        Args:
            spec: a message, or a mapping in protobuf's JSON form.
            experiment_id: its id; default: the server generates one.
            request_id: the same id again gives the same experiment; default: a random one.

        Raises:
            InvalidRequest: the spec is wrong; `violations` lists everything at once.
            AlreadyExists: another experiment has that id.
        """
        request = experiments.CreateExperimentRequest(
            experiment_id=experiment_id,
            spec=make_spec(spec),
            request_id=request_id or secrets.token_hex(16),
        )
        response = self._connection.call(CREATE_EXPERIMENT, request, deadline_s=CALL_DEADLINE_S)
        return self.experiment(response.experiment.experiment_id)

    def close(self) -> None:
        """Closes the connection; a later call opens another one."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


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
        )
        return Trials(worker, self._connection)

    def run(
        self,
        function: Callable[[Trial], object],
        worker_id: str | None = None,
        *,
        max_idle: float | None = None,
        checkpoint_every: int | None = None,
        checkpoint_every_seconds: float | None = None,
        rank: int = 0,
        broadcast: Broadcast | None = None,
        sigterm_grace: float = 0.0,
    ) -> int:
        """Trains every trial with a function; its exceptions fail the trial, and it goes on.

        Arguments as for `trials`. After three failures in a row without a report it gives up.

        Returns:
            How many trials were handed to the function.

        Raises:
            WorkerFailing: three assignments in a row failed without a report.
            AshaError: what the server refused for good.
        """
        count = 0
        for trial in self.trials(
            worker_id,
            max_idle=max_idle,
            checkpoint_every=checkpoint_every,
            checkpoint_every_seconds=checkpoint_every_seconds,
            rank=rank,
            broadcast=broadcast,
            sigterm_grace=sigterm_grace,
        ):
            count += 1
            try:
                function(trial)
            except BaseException as error:
                if failure.kind_of(error) is None:
                    trial.end_now(trial.ending_for(error, 5.0))
                    raise
                log.exception("trial %d failed", trial.number)
                trial.end_for(error)
        return count

    def get(self) -> experiment_pb2.Experiment:
        """The experiment: its spec, and what became of it."""
        request = experiments.GetExperimentRequest(experiment_id=self.id)
        call = self._connection.call
        return call(GET_EXPERIMENT, request, deadline_s=CALL_DEADLINE_S).experiment

    def stop(self, reason: str = "") -> experiment_pb2.Experiment:
        """Stops the experiment: every active trial is answered STOP."""
        request = experiments.StopExperimentRequest(experiment_id=self.id, reason=reason)
        call = self._connection.call
        return call(STOP_EXPERIMENT, request, deadline_s=CALL_DEADLINE_S).experiment

    def best_trials(self, limit: int = 1) -> list[trial_pb2.Trial]:
        """The best trials, best first."""
        request = experiments.GetBestTrialsRequest(experiment_id=self.id, limit=limit)
        call = self._connection.call
        return list(call(GET_BEST_TRIALS, request, deadline_s=CALL_DEADLINE_S).trials)


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
        self._code = sys._getframe(1).f_code
        worker, current = self._worker, self._current
        if worker.ranks.is_speaker and current is None:
            custody.install(worker.grace_s)
            custody.settle_orphans()
        assignment = drive(worker.advancing(current), self._perform)
        if current is not None:
            custody.drop(current)
        self._current = None
        if assignment is None:
            self.close()
            raise StopIteration
        trial = Trial(
            assignment, self._connection, worker.ranks, worker.policy, lambda: custody.is_dying
        )
        self._current = trial
        if worker.ranks.is_speaker:
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
        current = self._current
        if current is None or os.getpid() != self._pid or sys.is_finalizing():
            return
        raised = find_exit(self._code)
        if raised is None or not current.is_held or not self._worker.ranks.is_speaker:
            self.close()
            return
        self._current = None
        self._worker.close()
        custody.orphan(current, raised.place, may_be_caught=raised.may_be_caught)

"""An experiment and its trials, for asyncio."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from collections.abc import Awaitable, Callable
from types import CodeType, TracebackType
from typing import Self, Unpack

from asha_client import failure
from asha_client.aio.connection import AsyncConnection
from asha_client.aio.trial import Trial
from asha_client.attempt import EMERGENCY_RETRY_S
from asha_client.checkpoint import CheckpointPolicy
from asha_client.custody import custody
from asha_client.flow import GET_BEST_TRIALS, GET_EXPERIMENT, STOP_EXPERIMENT, call
from asha_client.loop_exit import ExitKind, find_exit, looping_code
from asha_client.pb import experiment_pb2, trial_pb2
from asha_client.pb import experiment_service_pb2 as experiments
from asha_client.ranks import Broadcast, Ranks
from asha_client.worker import Worker, WorkerSettings

log = logging.getLogger("asha_client")


class Experiment:
    """One experiment of a server. See `asha_client.Experiment`."""

    def __init__(self, experiment_id: str, connection: AsyncConnection) -> None:
        self.id = experiment_id
        self._connection = connection

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
        """Trials to train, one after the other; arguments as for the blocking client."""
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

    async def run(
        self,
        function: Callable[[Trial], Awaitable[object]],
        worker_id: str | None = None,
        **settings: Unpack[WorkerSettings],
    ) -> int:
        """Trains every trial with a coroutine function; as the blocking client's."""
        count = 0
        async with self.trials(worker_id, **settings) as trials:
            async for trial in trials:
                count += 1
                try:
                    await function(trial)
                except Exception as error:
                    if failure.kind_of(error) is None:
                        raise
                    log.exception("trial %d failed", trial.number)
                    await trial.end_for(error)
        return count

    async def get(self) -> experiment_pb2.Experiment:
        """The experiment: its spec, and what became of it."""
        request = experiments.GetExperimentRequest(experiment_id=self.id)
        return (await self._connection.run(call(GET_EXPERIMENT, request))).experiment

    async def stop(self, reason: str = "") -> experiment_pb2.Experiment:
        """Stops the experiment: every active trial is answered STOP."""
        request = experiments.StopExperimentRequest(experiment_id=self.id, reason=reason)
        return (await self._connection.run(call(STOP_EXPERIMENT, request))).experiment

    async def best_trials(self, limit: int = 1) -> list[trial_pb2.Trial]:
        """The best trials, best first."""
        request = experiments.GetBestTrialsRequest(experiment_id=self.id, limit=limit)
        return list((await self._connection.run(call(GET_BEST_TRIALS, request))).trials)


class Trials:
    """The trials of one worker; an async iterator, and an async context manager."""

    def __init__(self, worker: Worker, connection: AsyncConnection) -> None:
        self._worker = worker
        self._connection = connection
        self._current: Trial | None = None
        self._code: CodeType | None = None
        self._pid = os.getpid()

    def __aiter__(self) -> Trials:
        return self

    def __anext__(self) -> Awaitable[Trial]:
        self._code = looping_code()
        return self._advance()

    async def _advance(self) -> Trial:
        worker, current = self._worker, self._current
        if current is None:
            custody.install(worker.grace_s)
            if custody.has_orphans:
                await asyncio.to_thread(custody.settle_orphans, threading.get_ident())
        assignment = await self._connection.run(worker.advancing(current), worker.ranks.broadcast)
        if current is not None:
            custody.drop(current)
        self._current = None
        if assignment is None:
            self._worker.close()
            raise StopAsyncIteration
        trial = Trial(assignment, self._connection, worker.ranks, worker.policy, worker.is_dying)
        self._current = trial
        custody.hold(trial)
        return trial

    async def close(self, error: BaseException | None = None) -> None:
        """Lets the current trial go, and this worker's name."""
        current, self._current = self._current, None
        self._worker.close()
        if current is not None:
            flow = (
                current.releasing("the loop was left", EMERGENCY_RETRY_S)
                if error is None
                else current.ending_for(error, EMERGENCY_RETRY_S)
            )
            await asyncio.shield(asyncio.to_thread(current.end_now, flow))
            custody.drop(current)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close(error)

    def __del__(self) -> None:
        current = self._current
        if current is None or os.getpid() != self._pid or sys.is_finalizing():
            return
        if self._code is None:
            return  # taken by hand with anext(): it is ended by hand, or when the process ends
        way_out = find_exit(self._code)
        self._current = None
        self._worker.close()
        if not current.is_held:
            custody.drop(current)
        elif way_out.kind is ExitKind.LEFT or _is_cancelled():
            flow = current.releasing("the loop was left", EMERGENCY_RETRY_S)
            threading.Thread(target=current.end_now, args=(flow,), name="asha-release").start()
            custody.drop(current)
        else:
            custody.orphan(current, way_out)


def _is_cancelled() -> bool:
    """Whether the running task is being cancelled: nobody's failure."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return False
    return task is not None and task.cancelling() > 0

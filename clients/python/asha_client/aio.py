"""The asyncio twin: the same names, the same rules, awaited.

    from asha_client import aio as asha

    experiment = asha.connect("localhost:50051").experiment("digits")
    async for trial in experiment.trials():
        async for step in trial.steps():
            await trial.report(step, {"val_loss": await train(...)}, checkpoint=model.save)

Checkpoint functions and broadcasts may be coroutine functions. The keep-alive is a thread here
too, so that training code that holds the event loop up does not lose its lease; what a dying
process still has to say (SIGTERM, an exception) goes over a blocking connection of its own.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import secrets
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping
from types import CodeType, TracebackType
from typing import Self, TypeVar

import grpc
from google.protobuf.message import Message

from asha_client import errors
from asha_client.attempt import Attempt, CheckpointFunction, CheckpointPolicy
from asha_client.connection import (
    Backoff,
    Connection,
    Target,
    check_process,
)
from asha_client.custody import EMERGENCY_RETRY_S, custody
from asha_client.decision import Decision
from asha_client.experiment import make_spec, make_target
from asha_client.flow import (
    CREATE_EXPERIMENT,
    GET_BEST_TRIALS,
    GET_EXPERIMENT,
    STOP_EXPERIMENT,
    Call,
    Effect,
    Flow,
    Invoke,
    Share,
    Sleep,
    call,
)
from asha_client.loop_exit import find_exit
from asha_client.pb import experiment_pb2, trial_pb2
from asha_client.pb import experiment_service_pb2 as experiments
from asha_client.pb import suggestion_service_pb2 as pb
from asha_client.ranks import Broadcast, Ranks
from asha_client.worker import Worker

ResultT = TypeVar("ResultT")


def connect(
    address: str | None = None,
    *,
    credentials: grpc.ChannelCredentials | None = None,
    token: str | None = None,
    retry_for: float | None = None,
    max_backoff: float = 20.0,
    options: tuple[tuple[str, int | str], ...] = (),
) -> Client:
    """An asyncio client of one server; arguments as for `asha_client.connect`. Does no I/O."""
    return Client(make_target(address, credentials, token, retry_for, max_backoff, options))


class AsyncConnection:
    """A grpc.aio channel with the deadlines and retries of the blocking connection.

    Belongs to the event loop and the process of its first call.

    Attributes:
        blocking: for the keep-alive and for last words; opened only when they call.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self.blocking = Connection(target)
        self._channel: grpc.aio.Channel | None = None
        self._pid = os.getpid()

    def _open(self) -> grpc.aio.Channel:
        check_process(self._pid)
        if self._channel is None:
            target = self.target
            options = target.channel_options
            self._channel = (
                grpc.aio.insecure_channel(target.address, options=options)
                if target.credentials is None
                else grpc.aio.secure_channel(target.address, target.credentials, options=options)
            )
        return self._channel

    async def send(self, effect: Call) -> Message:
        """Sends a request until it is answered; raises AshaError as `Connection.call` does."""
        backoff = Backoff(self.target, effect.method.path, effect.retry_for_s)
        send = self._open().unary_unary(
            effect.method.path,
            request_serializer=_serialize,
            response_deserializer=effect.method.response.FromString,
        )
        while True:
            try:
                response: Message = await send(
                    effect.request, timeout=effect.deadline_s, metadata=self.target.metadata
                )
            except grpc.RpcError as error:
                refusal = errors.decode_error(error)
            else:
                return response
            await asyncio.sleep(backoff.pause_after(refusal))

    async def perform(self, effect: Effect, broadcast: Broadcast | None = None) -> object:
        """Performs one effect, awaiting what can be awaited."""
        match effect:
            case Call():
                return await self.send(effect)
            case Sleep():
                await asyncio.sleep(effect.seconds)
                return None
            case Invoke():
                result = effect.function()
            case Share():
                assert broadcast is not None
                result = broadcast(effect.value)
        return await result if inspect.isawaitable(result) else result

    async def run(self, flow: Flow[ResultT], broadcast: Broadcast | None = None) -> ResultT:
        """Runs a flow to its end and returns its value."""
        try:
            effect = next(flow)
            while True:
                try:
                    result = await self.perform(effect, broadcast)
                except BaseException as error:
                    effect = flow.throw(error)
                else:
                    effect = flow.send(result)
        except StopIteration as done:
            value: ResultT = done.value
            return value

    async def close(self) -> None:
        """Closes both channels."""
        channel, self._channel = self._channel, None
        if channel is not None and os.getpid() == self._pid:
            await channel.close()
        self.blocking.close()


class Client:
    """An asyncio client of one server. See `asha_client.Client`."""

    def __init__(self, target: Target) -> None:
        self._connection = AsyncConnection(target)

    def experiment(self, experiment_id: str) -> Experiment:
        """An experiment by its id. Does no I/O."""
        return Experiment(experiment_id, self._connection)

    async def create_experiment(
        self,
        spec: experiment_pb2.ExperimentSpec | Mapping[str, object],
        experiment_id: str = "",
        request_id: str = "",
    ) -> Experiment:
        """Creates an experiment; arguments as for the blocking client."""
        request = experiments.CreateExperimentRequest(
            experiment_id=experiment_id,
            spec=make_spec(spec),
            request_id=request_id or secrets.token_hex(16),
        )
        response = await self._connection.run(call(CREATE_EXPERIMENT, request))
        return self.experiment(response.experiment.experiment_id)

    async def close(self) -> None:
        """Closes the connection; a later call opens another one."""
        await self._connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()


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
        )
        return Trials(worker, self._connection)

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
        self._code = sys._getframe(1).f_code
        return self._advance()

    async def _advance(self) -> Trial:
        worker, current = self._worker, self._current
        if worker.ranks.is_speaker and current is None:
            custody.install(worker.grace_s)
        assignment = await self._connection.run(worker.advancing(current), worker.ranks.broadcast)
        if current is not None:
            custody.drop(current)
        self._current = None
        if assignment is None:
            self._worker.close()
            raise StopAsyncIteration
        trial = Trial(
            assignment, self._connection, worker.ranks, worker.policy, lambda: custody.is_dying
        )
        self._current = trial
        if worker.ranks.is_speaker:
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
        raised = find_exit(self._code)
        self._current = None
        self._worker.close()
        if not current.is_held or not self._worker.ranks.is_speaker:
            return
        if raised is None or _is_cancelled():
            flow = current.releasing("the loop was left", EMERGENCY_RETRY_S)
            threading.Thread(target=current.end_now, args=(flow,), name="asha-release").start()
        else:
            custody.orphan(current, raised.place, may_be_caught=raised.may_be_caught)


def _is_cancelled() -> bool:
    """Whether the running task is being cancelled: nobody's failure."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return False
    return task is not None and task.cancelling() > 0


class Trial(Attempt):
    """One trial as it was handed to this worker; `asha_client.Trial` with awaited calls."""

    def __init__(
        self,
        assignment: pb.Assignment,
        connection: AsyncConnection,
        ranks: Ranks,
        policy: CheckpointPolicy,
        is_dying: Callable[[], bool],
    ) -> None:
        super().__init__(assignment, connection.blocking, ranks, policy, is_dying)
        self._async_connection = connection
        self._calls = asyncio.Lock()

    def steps(self) -> Steps:
        """The steps to train, for `async for`; as the blocking client's."""
        return Steps(self)

    async def report(
        self,
        step: int,
        metrics: Mapping[str, float],
        checkpoint: str | CheckpointFunction | None = None,
    ) -> Decision:
        """Reports metrics and answers what was decided; as the blocking client's."""
        async with self._calls:
            decision = await self._run(self.reporting(step, metrics, checkpoint))
            saved = not callable(checkpoint) or self._saved_step >= step
            custody.after_report(self, saved=saved)
            return decision

    async def should_stop(self) -> bool:
        """Asks the server whether to leave off. With several ranks a collective."""
        async with self._calls:
            return await self._run(self.polling())

    async def save_checkpoint(self, step: int, uri: str) -> None:
        """Tells the server of a complete checkpoint that would resume at this step."""
        async with self._calls:
            await self._run(self.storing(step, uri))

    async def complete(self) -> None:
        """The training ended by itself, before max_length, and is over."""
        await self._run(self.completing())

    async def fail(
        self, message: str, kind: errors.FailureKind = errors.FailureKind.RETRYABLE
    ) -> None:
        """The training failed."""
        await self._run(self.failing(message, kind))

    async def release(self, reason: str = "") -> None:
        """Lets the trial go; another worker goes on from the last checkpoint, uncounted."""
        await self._run(self.releasing(reason))

    async def end_for(self, error: BaseException) -> None:
        """Ends the trial as this exception demands: failed, or released."""
        await self._run(self.ending_for(error))

    async def _run(self, flow: Flow[ResultT]) -> ResultT:
        return await self._async_connection.run(flow, self._ranks.broadcast)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if error is None:
            await self._run(self.leaving())
            return False
        retry_for_s = None if isinstance(error, Exception) else EMERGENCY_RETRY_S
        flow = self.ending_for(error, retry_for_s)
        await asyncio.shield(asyncio.to_thread(self.end_now, flow))
        return isinstance(error, errors.TrialFailure)


class Steps:
    """The steps of one trial; an async iterator that ends with a verdict."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._step = attempt.first_step()
        self._code: CodeType | None = None
        attempt.raised_at = None

    def __aiter__(self) -> Steps:
        return self

    def __anext__(self) -> Awaitable[int]:
        self._code = sys._getframe(1).f_code
        return self._advance()

    async def _advance(self) -> int:
        step = self._step
        if not self._attempt.may_step(step):
            self._code = None
            raise StopAsyncIteration
        self._step += 1
        return step

    def __del__(self) -> None:
        raised = find_exit(self._code)
        if raised is not None:
            self._attempt.raised_at = raised.place


def _serialize(message: Message) -> bytes:
    return message.SerializeToString()

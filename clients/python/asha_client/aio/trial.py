"""A trial in the training code's hands, awaited calls."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import CodeType, TracebackType
from typing import Self, TypeVar

from asha_client import errors
from asha_client.aio.connection import AsyncConnection
from asha_client.attempt import EMERGENCY_RETRY_S, Attempt
from asha_client.checkpoint import CheckpointFunction, CheckpointPolicy
from asha_client.decision import Decision
from asha_client.flow import Flow
from asha_client.loop_exit import find_exit, looping_code
from asha_client.pb import suggestion_service_pb2 as pb
from asha_client.ranks import Ranks

ResultT = TypeVar("ResultT")


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
            return await self._run(self.reporting(step, metrics, checkpoint))

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
        self._code = looping_code()
        return self._advance()

    async def _advance(self) -> int:
        step = self._step
        if not self._attempt.may_step(step):
            self._code = None
            raise StopAsyncIteration
        self._step += 1
        return step

    def __del__(self) -> None:
        if self._code is not None:
            self._attempt.raised_at = find_exit(self._code).place or None

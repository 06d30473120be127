"""The asyncio connection: the deadlines and retries of the blocking one, awaited."""

from __future__ import annotations

import asyncio
import inspect
import os
from typing import TypeVar

import grpc
from google.protobuf.message import Message

from asha_client import errors
from asha_client.connection import Backoff, Connection, Target, check_process, register
from asha_client.flow import Call, Effect, Flow, Invoke, Share, Sleep
from asha_client.ranks import Broadcast

ResultT = TypeVar("ResultT")


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
        register(self)

    def open(self) -> grpc.aio.Channel:
        """The channel, opened if need be; connects with the first call.

        Raises:
            ForkedProcess: this process is a fork of the one that made the connection.
        """
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
        backoff = Backoff(self.target, effect.method.name, effect.retry_for_s)
        send = self.open().unary_unary(
            effect.method.path,
            request_serializer=_serialize,
            response_deserializer=effect.method.response.FromString,
        )
        timeout_s = self.target.attempt_s(effect.deadline_s, effect.wait_s)
        while True:
            try:
                response: Message = await send(
                    effect.request, timeout=timeout_s, metadata=self.target.metadata
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

    def abandon(self) -> grpc.aio.Channel | None:
        """Gives the inherited channel away in a forked child, where it must not be touched."""
        channel, self._channel = self._channel, None
        return channel

    async def close(self) -> None:
        """Closes both channels."""
        channel, self._channel = self._channel, None
        if channel is not None and os.getpid() == self._pid:
            await channel.close(None)
        self.blocking.close()


def _serialize(message: Message) -> bytes:
    return message.SerializeToString()

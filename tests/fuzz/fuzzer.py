"""Sends requests that are nearly right, random or mangled, at every call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from random import Random
from typing import Any

import grpc
from google.protobuf.message import Message

from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import suggestion_service_pb2 as s
from tests.server.calls import path_of, raw_call
from tests.server.random_requests import GOOD, Dice, disturbed, random_message

from .judgement import Answer, Broken, Tally
from .mangled import mangled

PATIENCE_S = 60.0
"""A call without an answer for so long hangs."""
WAIT_S = 1.0
"""For calls that may have been mangled into waiting for something."""
BURST = 50
"""Requests of one session."""
_IN_SESSIONS: list[Any] = list(s.TrainingSessionRequest.DESCRIPTOR.oneofs_by_name["request"].fields)
_GOOD_BY_TYPE = {type(good).DESCRIPTOR: good for _, _, good in GOOD}


class Fuzzer:
    """One source of requests.

    Args:
        channel: to the server.
        seed: of what it sends.
        tokens: of three trials that train, kept up to date by somebody else.
        exported: an export, to be mangled for imports.
        tally: counts.
    """

    def __init__(
        self,
        channel: grpc.aio.Channel,
        seed: int,
        tokens: dict[str, str],
        exported: bytes,
        tally: Tally,
    ) -> None:
        self._channel = channel
        self._chance = Dice(Random(seed))
        self._tokens = tokens
        self._exported = exported
        self._tally = tally

    async def run(self, requests_max: int) -> None:
        """Sends until the tally has so many."""
        while self._tally.requests < requests_max:
            kind = self._chance.number(999)
            if kind < 850:
                await self._unary()
            elif kind < 980:
                await self._session()
            elif kind < 990:
                await self._stream("WatchExperiment", e.WatchExperimentRequest)
            elif kind < 998:
                await self._stream("ExportExperiment", e.ExportExperimentRequest)
            else:
                await self._import()

    async def _unary(self) -> None:
        stub, method, good = self._chance.of(GOOD)
        message = self._message(good)
        if isinstance(message, e.PreviewExperimentRequest) and self._chance.number(99):
            message.with_forecast = False  # which takes a process and seconds
        raw, is_mangled = self._bytes(message)
        call = raw_call(self._channel, path_of(stub, method))
        async with Answer(self._tally, method, raw, has_fault=is_mangled):
            await call(raw, timeout=WAIT_S if is_mangled else PATIENCE_S)

    def _message(self, good: Message) -> Any:
        is_near = self._chance.number(4)
        message = (
            disturbed(self._chance, good) if is_near else random_message(self._chance, type(good))
        )
        if "lease_token" in message.DESCRIPTOR.fields_by_name:
            message.lease_token = self._tokens.get(message.lease_token, message.lease_token)
        return message

    def _bytes(self, message: Message) -> tuple[bytes, bool]:
        """The message on the wire, mangled one time in four."""
        raw = message.SerializeToString()
        if self._chance.number(3):
            return raw, False
        return mangled(self._chance, raw), True

    async def _stream(self, method: str, kind: type[Message]) -> None:
        """A few messages of a stream of answers, then it is cancelled."""
        raw, _ = self._bytes(random_message(self._chance, kind))
        path = path_of("experiments", method)
        call = self._channel.unary_stream(path, lambda sent: sent, lambda came: came)(
            raw, timeout=WAIT_S
        )
        async with Answer(self._tally, method, raw, has_fault=True):
            async for _ in _first(call, self._chance.number(5)):
                pass
        call.cancel()

    async def _import(self) -> None:
        """An export in pieces, mangled."""
        raw = mangled(self._chance, self._exported)
        size = 1 + self._chance.number(4_000)
        pieces = [raw[start : start + size] for start in range(0, len(raw), size)]
        requests = [e.ImportExperimentRequest(chunk=piece) for piece in pieces[:200]]
        async with Answer(self._tally, "ImportExperiment", raw, has_fault=False):
            await self._channel.stream_unary(
                path_of("experiments", "ImportExperiment"),
                e.ImportExperimentRequest.SerializeToString,
                e.ImportExperimentResponse.FromString,
            )(iter(requests), timeout=PATIENCE_S)

    async def _session(self) -> None:
        """Many requests on one session, and an answer to each of them."""
        chance, sent, raws, is_mangled = self._chance, set(), [], False
        for number in range(1, 1 + BURST):
            request = s.TrainingSessionRequest(request_number=number)
            option = chance.of(_IN_SESSIONS)
            inner = self._session_part(option)
            if inner is not None:
                getattr(request, option.name).CopyFrom(inner)
            raw = request.SerializeToString()
            if not chance.number(999):
                raw, is_mangled = mangled(chance, raw), True
            raws.append(raw)
            sent.add(number)
        path = path_of("suggestions", "TrainingSession")
        open_stream: Any = self._channel.stream_stream(
            path, lambda raw: raw, s.TrainingSessionResponse.FromString
        )
        call = open_stream(timeout=PATIENCE_S)
        answered: set[int] = set()
        async with Answer(self._tally, path, b"|".join(raws), has_fault=is_mangled) as answer:
            sending = asyncio.create_task(_send(call, raws))
            while (response := await call.read()) is not grpc.aio.EOF:  # type: ignore[attr-defined]  # not in the stubs
                answered.add(response.request_number)
                answer.judge_part(response)
            await sending
            if not is_mangled and answered - {0} != sent:
                raise Broken(f"a session left {sent - answered} unanswered of {raws}")

    def _session_part(self, option: Any) -> Any:
        """The request inside; None: left out."""
        if not self._chance.number(49):
            return None
        if option.message_type.name != "ReportMetricsRequest":
            return self._message(_GOOD_BY_TYPE[option.message_type])
        good = _GOOD_BY_TYPE[s.ReportMetricRequest.DESCRIPTOR]
        reports = [self._message(good) for _ in range(self._chance.number(4))]
        return s.ReportMetricsRequest(reports=reports)


async def _first(stream: Any, most: int) -> AsyncIterator[Any]:
    """Up to so many messages of a stream."""
    for _ in range(most):
        message = await stream.read()
        if message is grpc.aio.EOF:  # type: ignore[attr-defined]  # not in the stubs
            return
        yield message


async def _send(call: Any, raws: list[bytes]) -> None:
    """Writes them all, or until the server has ended the stream."""
    with suppress(asyncio.InvalidStateError, grpc.aio.AioRpcError):
        for raw in raws:
            await call.write(raw)
        await call.done_writing()

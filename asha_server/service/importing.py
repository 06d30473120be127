"""Imports: an export comes in as a stream of chunks, and an experiment is there at its end."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from asha_server.errors import InvalidRequest
from asha_server.identity import caller
from asha_server.interceptor import Unreadable
from asha_server.wire import control

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from asha_server.config import Limits
    from asha_server.engine import Engine
    from asha_server.pb import experiment_service_pb2 as pb
    from asha_server.reader.importing import Importer, Intake


class Importing:
    """Takes in exported experiments.

    Args:
        engine: owns the experiments.
        importer: reads and proves the files, in processes of their own.
        limits: what the server bears.
    """

    def __init__(self, engine: Engine, importer: Importer, limits: Limits) -> None:
        self._engine = engine
        self._importer = importer
        self._limits = limits

    async def run(self, requests: AsyncIterator[Any]) -> str:
        """One import; the id of the experiment, which is there and durable.

        Raises:
            InvalidRequest: it is no whole export; the message names the line.
            AlreadyExists: EXPERIMENT_EXISTS.
            ResourceExhausted: LIMIT_EXCEEDED, or OVERLOADED: too many imports run.
        """
        first = await anext(requests, None)
        if first is None:
            raise InvalidRequest.of("chunk", "there is none; send the file of an export")
        experiment_id = control.parse_import_experiment(_readable(first), self._limits)
        async with self._importer.intake(experiment_id) as intake:
            feeding = asyncio.create_task(intake.feed(self._chunks(first, requests)))
            try:
                return await self._take_in(intake)
            except Exception:
                if feeding.done() and feeding.exception() is not None:
                    feeding.result()  # what was wrong with the stream tells more
                raise
            finally:
                feeding.cancel()
                await asyncio.wait([feeding])

    async def _chunks(self, first: Any, requests: AsyncIterator[Any]) -> AsyncIterator[bytes]:
        yield first.chunk
        async for request in requests:
            control.parse_import_experiment(_readable(request), self._limits)
            yield request.chunk

    async def _take_in(self, intake: Intake) -> str:
        """What the intake process lets through, piece by piece; whole, or not at all."""
        experiment_id = control.parse_experiment_id(await intake.name())
        caller.get().check_covers(experiment_id)
        arrival = await self._engine.announce(experiment_id)
        is_whole = False
        try:
            async with aclosing(intake.pieces()) as pieces:
                async for records in pieces:
                    await self._engine.take_in(arrival, records)
            await self._engine.complete(arrival)
            is_whole = True
        finally:
            if not is_whole:
                self._engine.give_up(arrival)
        return experiment_id


def _readable(request: Any) -> pb.ImportExperimentRequest:
    """A message of the stream, if it is one.

    Raises:
        InvalidRequest: its bytes are no message, or too many.
    """
    if isinstance(request, Unreadable):
        raise request.error
    message: pb.ImportExperimentRequest = request
    return message

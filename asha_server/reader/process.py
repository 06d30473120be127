"""The serving process's end of the reader: questions out, answers in, in order."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections import deque
from typing import TYPE_CHECKING

import msgspec

from asha_server.errors import ErrorReason, NotFound, ResourceExhausted, Unavailable
from asha_server.reader.export import GONE
from asha_server.reader.importing import Importer, end_process
from asha_server.reader.questions import LENGTH_BYTES, Question, Reply, frame

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from asha_server.config import Limits

log = logging.getLogger(__name__)

SECOND_US = 1_000_000
FORECASTS_MAX = 2
"""Forecasts simulated at one time; more wait for their turn."""

_replies = msgspec.msgpack.Decoder(Reply)


class ReaderBug(Exception):
    """A query failed; the text is the reader's traceback."""


class Reader:
    """A child process that reads one file; started by the first question.

    Args:
        path: the database.
        limits: what the server bears.

    Attributes:
        export_count: exports that run.
        forecast_count: forecasts that run or wait for their turn.
        importer: reads exports that are imported, in processes of its own.
    """

    def __init__(self, path: Path, limits: Limits) -> None:
        self._path = path
        self._limits = limits
        self._process: asyncio.subprocess.Process | None = None
        self._listening: asyncio.Task[None] | None = None
        self._asked: deque[asyncio.Future[Reply]] = deque()
        self.importer = Importer(path)
        self.export_count = 0
        self._exporting: set[asyncio.subprocess.Process] = set()
        self.forecast_count = 0
        self._forecasting: set[asyncio.subprocess.Process] = set()
        self._forecast_turn = asyncio.Semaphore(FORECASTS_MAX)
        self._starting = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        """The child process; None while there is none."""
        return self._process.pid if self._process is not None else None

    @property
    def forecast_pids(self) -> list[int]:
        """The processes that simulate."""
        return [process.pid for process in self._forecasting]

    async def ask(self, question: Question) -> list[bytes]:
        """The answer to a question, as messages.

        Raises:
            NotFound: EXPERIMENT_NOT_FOUND, it was deleted meanwhile.
            ResourceExhausted: OVERLOADED, too many questions wait.
            Unavailable: the reader died; ask again.
            ReaderBug: the query failed.
        """
        stdin = await self._stdin()
        if len(self._asked) >= self._limits.reads_max:
            raise ResourceExhausted(
                ErrorReason.OVERLOADED,
                f"{self._limits.reads_max} reads wait already; the same call again in a moment",
                retry_after_us=SECOND_US,
            )
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._asked.append(future)
        stdin.write(frame(question))
        reply = await future
        if reply.is_gone:
            raise _gone()
        if reply.failure:
            raise ReaderBug(reply.failure)
        return reply.messages

    async def _stdin(self) -> asyncio.StreamWriter:
        async with self._starting:
            if self._process is None or self._process.returncode is not None:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", "asha_server.reader.child", str(self._path),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    start_new_session=True,
                )  # fmt: skip
                self._listening = asyncio.create_task(self._listen(self._process))
        assert self._process.stdin is not None
        return self._process.stdin

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        try:
            while True:
                head = await process.stdout.readexactly(LENGTH_BYTES)
                body = await process.stdout.readexactly(int.from_bytes(head, "big"))
                future = self._asked.popleft()
                if not future.done():
                    future.set_result(_replies.decode(body))
        except (asyncio.IncompleteReadError, ConnectionError):
            returncode = await process.wait()
            if self._process is process:
                self._process = None
            if self._asked:
                log.error("reader_died", extra={"returncode": returncode})
            lost, self._asked = self._asked, deque()
            for future in lost:
                if not future.done():
                    future.set_exception(
                        Unavailable(
                            ErrorReason.STORE_FAILED, "the reading process ended; the same call"
                        )
                    )

    async def export(self, key: int) -> AsyncGenerator[bytes, None]:
        """An experiment's history as JSON lines, in chunks.

        Raises:
            NotFound: EXPERIMENT_NOT_FOUND, it was deleted meanwhile.
            ResourceExhausted: OVERLOADED, too many exports run.
            ReaderBug: it failed; what came is not whole.
        """
        if self.export_count >= self._limits.exports_max:
            raise ResourceExhausted(
                ErrorReason.OVERLOADED,
                f"{self.export_count} exports run already; the same call again when one is done",
                retry_after_us=10 * SECOND_US,
            )
        self.export_count += 1
        process: asyncio.subprocess.Process | None = None
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "asha_server.reader.export", str(self._path), str(key),
                stdout=asyncio.subprocess.PIPE,
                start_new_session=True,
            )  # fmt: skip
            self._exporting.add(process)
            assert process.stdout is not None
            while chunk := await process.stdout.read(self._limits.chunk_bytes_max):
                yield chunk
            returncode = await process.wait()
            if returncode == GONE:
                raise _gone()
            if returncode:
                raise ReaderBug(f"the export process ended with status {returncode}")
        finally:
            self.export_count -= 1
            if process is not None:
                self._exporting.discard(process)
                await end_process(process)

    async def forecast(self, request: bytes) -> bytes:
        """A preview with its forecast, by a process that ends with the call.

        Args:
            request: a PreviewExperimentRequest, checked.

        Returns:
            The PreviewExperimentResponse.

        Raises:
            ResourceExhausted: OVERLOADED, too many wait for their turn, or the process was killed
                (by whoever was short of memory, mostly).
            ReaderBug: it failed.
        """
        if self.forecast_count >= FORECASTS_MAX + self._limits.reads_max:
            raise ResourceExhausted(
                ErrorReason.OVERLOADED,
                f"{self._limits.reads_max} forecasts wait already; the same call again in a "
                "moment, or without the forecast",
                retry_after_us=10 * SECOND_US,
            )
        self.forecast_count += 1
        try:
            async with self._forecast_turn:
                return await self._simulate(request)
        finally:
            self.forecast_count -= 1

    async def _simulate(self, request: bytes) -> bytes:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "asha_server.reader.forecast",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip
        self._forecasting.add(process)
        try:
            answer, _ = await process.communicate(request)
        finally:
            self._forecasting.discard(process)
            await end_process(process)
        if process.returncode and process.returncode < 0:
            raise ResourceExhausted(
                ErrorReason.OVERLOADED,
                "the forecasting process was killed; the same call again in a moment, or without "
                "the forecast",
                retry_after_us=10 * SECOND_US,
            )
        if process.returncode:
            raise ReaderBug(f"the forecast process ended with status {process.returncode}")
        return answer

    async def close(self) -> None:
        """Ends every child process."""
        await self.importer.close()
        for process in [*self._exporting, *self._forecasting]:
            await end_process(process)
        reading, listening = self._process, self._listening
        if reading is not None and listening is not None:
            assert reading.stdin is not None
            reading.stdin.close()
            await listening


def _gone() -> NotFound:
    return NotFound(ErrorReason.EXPERIMENT_NOT_FOUND, "the experiment was deleted")

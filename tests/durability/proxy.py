"""A network between a client and its server that does to connections what networks do.

It knows nothing of what it carries: bytes go through, late, in part, or not at all.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

CHUNK_BYTES = 64 * 1024


class Direction:
    """The bytes that go one way.

    Attributes:
        open: cleared, bytes are read by nobody, so that the sender's window fills.
        is_swallowing: bytes are read and thrown away.
        delay_s: by which each piece is late, in seconds.
        piece_bytes: most bytes of one piece.
        left_bytes: after so many more, connections break; None: never.
        line_bytes: after so many of its own, each connection breaks; None: never.
        passed_bytes: how many got through so far.
    """

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()
        self.is_swallowing = False
        self.delay_s = 0.0
        self.piece_bytes = CHUNK_BYTES
        self.left_bytes: int | None = None
        self.line_bytes: int | None = None
        self.passed_bytes = 0

    async def carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """Carries bytes until one of the two ends, or the line is to break."""
        carried = 0
        while self.line_bytes is None or carried < self.line_bytes:
            await self.open.wait()
            piece = await source.read(self.piece_bytes)
            if not piece:
                return
            await self.open.wait()
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            if self.is_swallowing:
                continue
            if self.left_bytes is not None:
                piece = piece[: self.left_bytes]
                self.left_bytes -= len(piece)
            sink.write(piece)
            await sink.drain()
            self.passed_bytes += len(piece)
            carried += len(piece)
            if self.left_bytes == 0:
                return


class Proxy:
    """A TCP proxy in front of one server.

    Args:
        upstream: `HOST:PORT` of the server.

    Attributes:
        address: where clients connect.
        requests: the way to the server.
        answers: the way back.
        is_deaf: new connections are accepted and never answered.
        accepted: connections so far.
    """

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self.address = ""
        self.requests = Direction()
        self.answers = Direction()
        self.is_deaf = False
        self.accepted = 0
        self._lines: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Begins to accept, on a free port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        self.address = f"{host}:{port}"

    async def stop(self) -> None:
        """Breaks every connection and accepts no more."""
        assert self._server is not None
        self._server.close()
        await self.break_connections()

    async def break_connections(self) -> int:
        """Resets every connection as it stands; how many there were."""
        broken = len(self._lines)
        for writer in list(self._writers):
            writer.transport.abort()
        for line in list(self._lines):
            line.cancel()
        await asyncio.gather(*self._lines, return_exceptions=True)
        return broken

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = asyncio.current_task()
        assert line is not None
        self.accepted += 1
        self._lines.add(line)
        self._writers.add(writer)
        try:
            if self.is_deaf:
                await asyncio.Event().wait()
            async with self._dialled() as (server_reader, server_writer):
                ways = [
                    asyncio.create_task(self.requests.carry(reader, server_writer)),
                    asyncio.create_task(self.answers.carry(server_reader, writer)),
                ]
                try:
                    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for way in ways:
                        way.cancel()
                    await asyncio.gather(*ways, return_exceptions=True)
        except (asyncio.CancelledError, OSError):
            pass  # the connection was broken; a handler's task is nobody's to await
        finally:
            writer.transport.abort()
            self._writers.discard(writer)
            self._lines.discard(line)

    @asynccontextmanager
    async def _dialled(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        host, _, port = self._upstream.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            yield reader, writer
        finally:
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

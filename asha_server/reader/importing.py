"""The serving process's end of an import: an export's bytes out, its events in."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shutil
import sys
from typing import TYPE_CHECKING

import msgspec

from asha_server.errors import ErrorReason, InvalidRequest, ResourceExhausted
from asha_server.reader.questions import LENGTH_BYTES, Word

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator
    from pathlib import Path

    from asha_server.search.event import Record

IMPORTS_MAX = 2
"""Imports at one time; each is a process."""
_SECOND_US = 1_000_000

_words = msgspec.msgpack.Decoder(Word)


class IntakeBug(Exception):
    """The intake process failed; its traceback is on stderr."""


class Importer:
    """Starts an intake process for each import, and ends what is left of them.

    Args:
        path: the database, locked by this process. Scratch folders lie beside it while an import
            runs, for it is this disk that is to hold what comes; those of a machine that went
            down in the middle are removed here.

    Attributes:
        import_count: imports that run.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._processes: set[asyncio.subprocess.Process] = set()
        self.import_count = 0
        self._is_idle = asyncio.Event()
        self._is_idle.set()
        for folder in path.parent.iterdir():
            if folder.name.startswith(self._scratch_prefix):
                shutil.rmtree(folder, ignore_errors=True)

    @property
    def _scratch_prefix(self) -> str:
        return f".{self._path.name}.import-"

    @contextlib.asynccontextmanager
    async def intake(self, experiment_id: str) -> AsyncIterator[Intake]:
        """The process that reads one export; it ends with the block.

        Args:
            experiment_id: the experiment's new name; "": as exported.

        Raises:
            ResourceExhausted: OVERLOADED, too many run.
        """
        if self.import_count >= IMPORTS_MAX:
            raise ResourceExhausted(
                ErrorReason.OVERLOADED,
                f"{self.import_count} imports run already; the same call again when one is done",
                retry_after_us=10 * _SECOND_US,
            )
        self.import_count += 1
        self._is_idle.clear()
        folder = self._path.with_name(self._scratch_prefix + secrets.token_hex(4))
        process: asyncio.subprocess.Process | None = None
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "asha_server.reader.intake", str(folder), experiment_id,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                start_new_session=True,
            )  # fmt: skip
            self._processes.add(process)
            yield Intake(process)
        finally:
            if process is not None:
                self._processes.discard(process)
                await end_process(process)
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            self.import_count -= 1
            if not self.import_count:
                self._is_idle.set()

    async def close(self) -> None:
        """Ends every process, and with it every import."""
        for process in list(self._processes):
            await end_process(process)
        await self._is_idle.wait()


class Intake:
    """One export on its way in.

    Args:
        process: that reads it.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def feed(self, chunks: AsyncIterator[bytes]) -> None:
        """Hands over the file, as fast as it is read; stops where the process wants no more.

        Raises:
            Exception: what the chunks end with.
        """
        stdin = self._process.stdin
        assert stdin is not None
        try:
            async for chunk in chunks:
                stdin.write(chunk)
                await stdin.drain()
        except ConnectionError:
            return  # the process has said why
        except BaseException:
            self._kill()  # so that it does not take what came for a file that ends too early
            raise
        stdin.close()

    def _kill(self) -> None:
        if self._process.returncode is None:
            self._process.kill()

    async def name(self) -> str:
        """The name that the experiment is to have.

        Raises:
            InvalidRequest: the file does not begin like an export.
        """
        return (await self._word()).experiment_id

    async def pieces(self) -> AsyncGenerator[list[Record], None]:
        """The events, once all of them are read and proved; in order.

        Raises:
            InvalidRequest: the file is no whole and possible history; the message names the line.
        """
        while not (word := await self._word()).is_end:
            yield word.records

    async def _word(self) -> Word:
        stdout = self._process.stdout
        assert stdout is not None
        try:
            head = await stdout.readexactly(LENGTH_BYTES)
            word = _words.decode(await stdout.readexactly(int.from_bytes(head, "big")))
        except asyncio.IncompleteReadError:
            raise await self._death() from None
        if word.refusal:
            raise InvalidRequest.of("chunk", word.refusal)
        return word

    async def _death(self) -> Exception:
        returncode = await self._process.wait()
        if returncode < 0:  # by whoever was short of memory, mostly
            return ResourceExhausted(
                ErrorReason.OVERLOADED,
                "the process that reads the file was killed; the same call again in a moment",
                retry_after_us=10 * _SECOND_US,
            )
        return IntakeBug(f"the intake process ended with status {returncode}")


async def end_process(process: asyncio.subprocess.Process) -> None:
    """Ends a process that nobody listens to any more; nothing to do for one that is done."""
    if process.returncode is None:
        process.kill()
    assert process.stdout is not None
    with contextlib.suppress(RuntimeError):  # somebody else is reading it to its end
        await process.stdout.read()
    await process.wait()

"""A program of the user's: a process group, its output as lines, and how it is ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import BinaryIO

from asha_server.cli.run.line_stream import LineStream

LineSink = Callable[[str], None]

LEFTOVER_S = 1.0
"""How long output may still come after the last process of a group was killed, in seconds."""


class Program:
    """A running program.

    It leads a session and process group of its own, so that a signal reaches its children too and
    a Ctrl-C on our terminal does not: we pass that on ourselves, once. It is over when its first
    process is; what that leaves behind in its group is ended.

    Not `asyncio.subprocess`: there, some Python versions wait for the pipes, which a child left
    behind may hold open for ever.
    """

    def __init__(self, process: subprocess.Popen[bytes], grace_s: float) -> None:
        self.pid = process.pid
        self._process = process
        self._grace_s = grace_s
        self._exited = asyncio.Event()
        self._readers: list[asyncio.Task[None]] = []
        loop = asyncio.get_running_loop()

        def wait() -> None:
            process.wait()
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(self._exited.set)

        threading.Thread(target=wait, name=f"asha-program-{self.pid}", daemon=True).start()

    @property
    def has_exited(self) -> bool:
        """Whether its first process is over."""
        return self._exited.is_set()

    async def wait_exit(self) -> None:
        """Waits until its first process is over."""
        await self._exited.wait()

    async def finish(self) -> int:
        """Waits until the program and its output are over; ends what it left in its group.

        Returns:
            The exit status; below 0 the negative number of the signal that killed it.
        """
        await self._exited.wait()
        output = asyncio.gather(*self._readers)
        if self._is_group_alive():
            self._signal(signal.SIGTERM)
            await self._wait_group(output)
            self.kill()
        with contextlib.suppress(TimeoutError):  # held open by a process that left the group
            await asyncio.wait_for(output, LEFTOVER_S)
        return self._process.returncode

    async def end(self, hurry: asyncio.Event) -> None:
        """Ends it: SIGTERM, then SIGKILL after the grace time.

        Args:
            hurry: cuts the grace time short.
        """
        self._signal(signal.SIGTERM)
        waits = [asyncio.create_task(self._exited.wait()), asyncio.create_task(hurry.wait())]
        await asyncio.wait(waits, timeout=self._grace_s, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        if not self.has_exited:
            self.kill()
            await self._exited.wait()

    def kill(self) -> None:
        """Kills every process of the group at once."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        """Sends a signal to the group, if there is still anybody in it."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def _is_group_alive(self) -> bool:
        try:
            os.killpg(self.pid, 0)
        except (ProcessLookupError, PermissionError):
            return False
        return True

    async def _wait_group(self, output: asyncio.Future[list[None]]) -> None:
        """Waits until the group is empty or silent for good, for the grace time at most.

        Silence counts too: where process 1 reaps nobody (some containers), a group of dead
        processes never becomes empty.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._grace_s
        while self._is_group_alive() and not output.done() and loop.time() < deadline:  # noqa: ASYNC110  # nobody tells of a group's end
            await asyncio.sleep(0.02)

    async def read(self, pipe: BinaryIO, sink: LineSink) -> None:
        """Passes a pipe on, line by line, until its end."""
        loop = asyncio.get_running_loop()
        stream = asyncio.StreamReader()
        transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stream), pipe
        )
        lines = LineStream()
        try:
            while data := await stream.read(1 << 16):
                for line in lines.feed(data):
                    sink(line)
            for line in lines.finish():
                sink(line)
        finally:
            transport.close()

    def start_reading(self, on_output: LineSink, on_error: LineSink) -> None:
        """Passes standard output and standard error on, from now to their ends."""
        for pipe, sink in ((self._process.stdout, on_output), (self._process.stderr, on_error)):
            assert pipe is not None
            self._readers.append(asyncio.create_task(self.read(pipe, sink)))  # type: ignore[arg-type]  # Popen declares IO[bytes]


def start_program(
    words: Sequence[str],
    environment: Mapping[str, str],
    grace_s: float,
    on_output: LineSink,
    on_error: LineSink,
) -> Program:
    """Starts a program. Call within a running event loop.

    Args:
        words: the command line, filled in.
        environment: all of its variables.
        grace_s: time between SIGTERM and SIGKILL, in seconds.
        on_output: hears each line of its standard output.
        on_error: hears each line of its standard error.

    Raises:
        OSError: it cannot be started here.
    """
    process = subprocess.Popen(  # a few milliseconds: no thread needed
        list(words),
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    program = Program(process, grace_s)
    program.start_reading(on_output, on_error)
    return program

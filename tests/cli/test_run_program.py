"""Programs as process groups: what they say, and how they and their children end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time

import pytest

from asha_server.cli.run.program import Program, start_program

PYTHON = (sys.executable, "-u", "-c")
IGNORES_SIGTERM = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready")
while True:
    signal.pause()
"""
SAVES_AT_SIGTERM = """
import signal, sys
def save(*_):
    print("saved")
    sys.exit(3)
signal.signal(signal.SIGTERM, save)
print("ready")
signal.pause()
"""


class Heard:
    """A program with what it has said so far."""

    def __init__(self, *words: str, grace_s: float = 5.0) -> None:
        self.out: list[str] = []
        self.err: list[str] = []
        self._spoke = asyncio.Event()
        self.program: Program = start_program(
            words, dict(os.environ), grace_s, self._hear, self.err.append
        )

    def _hear(self, line: str) -> None:
        self.out.append(line)
        self._spoke.set()

    async def first_line(self) -> str:
        """The first line of its output, once it is there."""
        await self._spoke.wait()
        return self.out[0]


async def test_output_and_errors_are_heard_line_by_line() -> None:
    heard = Heard("sh", "-c", "echo one; echo two; echo oh >&2; exit 7")

    assert await heard.program.finish() == 7
    assert (heard.out, heard.err) == (["one", "two"], ["oh"])


async def test_a_program_reads_nothing_of_our_input() -> None:
    heard = Heard("sh", "-c", "cat; echo end")

    assert await heard.program.finish() == 0
    assert heard.out == ["end"]


async def test_sigterm_lets_a_program_save_first() -> None:
    heard = Heard(*PYTHON, SAVES_AT_SIGTERM)
    await heard.first_line()

    await heard.program.end(asyncio.Event())

    assert await heard.program.finish() == 3
    assert heard.out == ["ready", "saved"]


async def test_what_ignores_sigterm_is_killed_after_the_grace_time() -> None:
    heard = Heard(*PYTHON, IGNORES_SIGTERM, grace_s=0.1)
    await heard.first_line()

    await heard.program.end(asyncio.Event())

    assert await heard.program.finish() == -signal.SIGKILL


async def test_hurry_cuts_the_grace_time_short() -> None:
    heard = Heard(*PYTHON, IGNORES_SIGTERM, grace_s=3600)
    await heard.first_line()
    hurry = asyncio.Event()
    hurry.set()

    await heard.program.end(hurry)

    assert await heard.program.finish() == -signal.SIGKILL


async def test_children_end_with_their_program() -> None:
    heard = Heard("sh", "-c", "sleep 3600 & echo $!; wait")
    pid = int(await heard.first_line())

    await heard.program.end(asyncio.Event())
    await heard.program.finish()

    assert not _is_running(pid)


async def test_what_a_program_leaves_behind_is_ended() -> None:
    """The shell ends at once; its child holds the pipe and would keep us waiting."""
    heard = Heard("sh", "-c", "sleep 3600 & echo $!; exit 0")
    began = time.monotonic()

    assert await heard.program.finish() == 0

    assert not _is_running(int(heard.out[0]))
    assert time.monotonic() - began < 60  # not an hour


async def test_a_program_that_is_not_there_is_an_error() -> None:
    with pytest.raises(OSError, match="no-such-program"):
        start_program(["/no-such-program"], {}, 1.0, print, print)


def _is_running(pid: int) -> bool:
    """Whether a process is alive; one that is dead but not yet reaped is not."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError), open(f"/proc/{pid}/stat") as f:
        return f.read().rpartition(")")[2].split()[0] not in "ZX"
    return False

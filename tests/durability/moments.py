"""Moments at which a server dies: any, and those where most could go wrong.

A moment returns when the server is to be killed, at once. Random delays choose moments here; they
wait for nothing.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from .caller import Caller
from .server_process import ServerProcess

Moment = Callable[[Caller, ServerProcess, random.Random], Awaitable[None]]


async def anytime(caller: Caller, server: ServerProcess, random: random.Random) -> None:
    await asyncio.sleep(random.uniform(0.0, 0.5))


async def request_sent(caller: Caller, server: ServerProcess, random: random.Random) -> None:
    """A request has just left: read, decided, committed or not, and its answer lost."""
    await asyncio.sleep(random.uniform(0.0, 0.2))
    caller.sending.clear()
    await caller.sending.wait()
    await asyncio.sleep(random.uniform(0.0, 0.004))


async def answer_received(caller: Caller, server: ServerProcess, random: random.Random) -> None:
    """An answer has just come: what it says must be durable by now."""
    await asyncio.sleep(random.uniform(0.0, 0.2))
    caller.answering.clear()
    await caller.answering.wait()


async def committing(caller: Caller, server: ServerProcess, random: random.Random) -> None:
    """The write-ahead log has just been written to: the batch commits, nobody is answered yet."""
    await asyncio.sleep(random.uniform(0.0, 0.2))
    log = server.database.with_name(f"{server.database.name}-wal")
    before = log.stat().st_mtime_ns
    while log.stat().st_mtime_ns == before:  # noqa: ASYNC110 - a file signals nobody
        await asyncio.sleep(0)


async def commit_held_up(caller: Caller, server: ServerProcess, random: random.Random) -> None:
    """Batches are decided and cannot commit, for as long as anybody could wait to answer them."""
    await asyncio.sleep(random.uniform(0.0, 0.2))
    await asyncio.to_thread(server.lock_file)
    await asyncio.sleep(random.uniform(0.02, 0.2))


async def long_poll_held(caller: Caller, server: ServerProcess, random: random.Random) -> None:
    """A worker waits for work."""
    while not caller.held:  # noqa: ASYNC110 - a moment is chosen, not awaited
        await asyncio.sleep(0.002)
    await asyncio.sleep(random.uniform(0.0, 0.1))


MOMENTS: tuple[Moment, ...] = (
    anytime,
    request_sent,
    answer_received,
    committing,
    commit_held_up,
    long_poll_held,
)  # fmt: skip


async def starting(caller: Caller, server: ServerProcess, random: random.Random) -> None:
    """The server starts: imports, recovers the log, loads, listens, takes what waits for it."""
    await asyncio.sleep(random.uniform(0.0, 0.9))

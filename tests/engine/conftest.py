"""An engine on a real file, with a clock that the test moves."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from asha_server.config import Limits
from asha_server.engine import Engine
from asha_server.store import transaction
from asha_server.store.sqlite import SqliteStore

from .virtual_clock import VirtualClock

Launch = Callable[..., Awaitable[Engine]]
CommitHeld = Callable[[], AbstractAsyncContextManager[asyncio.Event]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "asha.db"


@pytest.fixture
async def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
async def launch(path: Path, clock: VirtualClock) -> AsyncIterator[Launch]:
    """Starts an engine on the file, once a former one is stopped."""
    engines: list[Engine] = []

    async def launch_it(limits: Limits | None = None) -> Engine:
        engine = Engine(SqliteStore(path), limits or Limits(), clock)
        engine.load()
        engine.start()
        engines.append(engine)
        return engine

    yield launch_it
    for engine in engines:
        await engine.stop()


@pytest.fixture
async def engine(launch: Launch) -> Engine:
    return await launch()


@pytest.fixture
def commit_held(path: Path, monkeypatch: pytest.MonkeyPatch) -> CommitHeld:
    """Somebody's shell locks the file; the event is set once a commit waits for it."""
    monkeypatch.setattr(transaction, "_LOCKED_WARN_S", 0.0)

    @asynccontextmanager
    async def held() -> AsyncIterator[asyncio.Event]:
        loop = asyncio.get_running_loop()
        waits = asyncio.Event()

        class Listener(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                loop.call_soon_threadsafe(waits.set)

        listener = Listener()
        transaction.log.addHandler(listener)
        shell = sqlite3.connect(path, isolation_level=None)
        shell.execute("BEGIN IMMEDIATE")
        try:
            yield waits
        finally:
            shell.execute("ROLLBACK")
            shell.close()
            transaction.log.removeHandler(listener)

    return held

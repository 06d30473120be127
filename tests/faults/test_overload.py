"""More than a server can take: refused at once, to be asked again later, and none dropped."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from asha_server.config import Config, Limits
from asha_server.pb import suggestion_service_pb2 as s
from asha_server.server import Server
from tests.server.conftest import Client, Refused, held

INBOX_MAX = 20
BURST = 4_000
"""Above 3,000 calls that wait to be taken up gRPC drops every one, if it is let."""


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    """A server with room for a few commands while one batch is written."""
    config = Config(tmp_path / "asha.db", ("127.0.0.1:0",), limits=Limits(inbox_max=INBOX_MAX))
    server = Server(config)
    await server.start()
    async with grpc.aio.insecure_channel(server.addresses[0]) as channel:
        yield Client(server, channel)
    await server.stop()


async def test_a_disk_that_stalls_fills_the_inbox_and_the_rest_is_refused_at_once(
    client: Client, tmp_path: Path
) -> None:
    """A shell's lock stands for the disk: while it is held no call is answered, but many refused.

    What was taken is answered when the disk goes on, and what was refused when it is sent again.
    """
    await client.create(max_trials=1_000, max_concurrent_trials=0)
    shell = sqlite3.connect(tmp_path / "asha.db", isolation_level=None)
    shell.execute("BEGIN IMMEDIATE")
    before = client.server.engine._batch
    first = asyncio.ensure_future(client.ask("first"))
    while client.server.engine._batch is before:
        await asyncio.wait([first], timeout=0.01)  # taken up, and not answered

    calls = {f"w{n}": asyncio.ensure_future(client.ask(f"w{n}")) for n in range(5 * INBOX_MAX)}
    refusals: list[Refused] = []
    pending: set[asyncio.Future[Any]] = set(calls.values())
    while len(refusals) < 4 * INBOX_MAX:
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        errors = [call.exception() for call in done]
        refusals += [Refused(error) for error in errors if isinstance(error, grpc.aio.AioRpcError)]

    assert not first.done()
    assert len(pending) == INBOX_MAX
    for refusal in refusals:
        assert (refusal.code, refusal.reason) == ("RESOURCE_EXHAUSTED", "OVERLOADED")
        assert refusal.retry_after_s == 0.5
    shell.execute("ROLLBACK")
    shell.close()
    await asyncio.gather(first, *pending)
    refused = [name for name, call in calls.items() if call.exception() is not None]
    for name in refused:
        assert (await client.ask(name)).HasField("assignment")
    assert (await client.get()).trial_counts.created == 1 + 5 * INBOX_MAX


async def test_a_burst_of_calls_is_answered_or_refused_and_never_dropped(client: Client) -> None:
    """As when a server comes back and thousands of workers have waited for it."""
    await client.create()
    request = s.HeartbeatRequest(**held(await client.take()))

    calls = [client.suggestions.Heartbeat(request) for _ in range(BURST)]
    codes = Counter([(await call.code()).name for call in calls])

    assert codes["OK"] + codes["RESOURCE_EXHAUSTED"] == BURST, codes
    assert codes["OK"] >= INBOX_MAX

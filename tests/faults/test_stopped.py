"""A real server that is stopped and goes on: what waited in its sockets comes before any expiry."""

from __future__ import annotations

import asyncio
import signal

from asha_server.pb import suggestion_service_pb2 as s
from tests.server.conftest import held

from .served import Served

WORKERS = 20


async def test_a_server_that_stood_still_for_longer_than_a_lease_expires_nobody(
    served: Served,
) -> None:
    """Leases of a second, and heartbeats that are sent into its silence."""
    await served.start()
    client = served.client
    await client.create(lease_ttl={"seconds": 1}, max_trials=WORKERS, max_concurrent_trials=0)
    given = [await client.take(f"w{number}") for number in range(WORKERS)]
    before = await client.get()
    served.send(signal.SIGSTOP)

    alive = [
        asyncio.ensure_future(client.suggestions.Heartbeat(s.HeartbeatRequest(**held(one))))
        for one in given
    ]
    done, _ = await asyncio.wait(alive, timeout=1.5)
    assert not done
    served.send(signal.SIGCONT)

    answers = await asyncio.gather(*alive)
    assert [answer.lease.token for answer in answers] == [one.lease.token for one in given]
    assert (await client.get()).sequence == before.sequence  # not even handed back and taken up

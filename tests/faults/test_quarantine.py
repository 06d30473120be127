"""A bug met in one experiment, as its workers and everybody else see it over the wire."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from asha_server.config import Config
from asha_server.pb import experiment_pb2 as x
from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import trial_pb2 as t
from asha_server.search.asha import AsynchronousHalving
from asha_server.search.halving import Judgement
from asha_server.search.method import METHODS
from asha_server.search.spec import RandomSearch
from asha_server.search.state import State
from asha_server.search.trial import Trial
from asha_server.server import Server
from asha_server.verify import verify_file
from tests.server.conftest import Client, refused, rest

SPARK = 666.0


class Faulty(AsynchronousHalving):
    """A search method with a bug that one value brings out."""

    def judge(self, state: State, trial: Trial, step: int, value: float) -> Judgement:
        if value == SPARK:
            raise ZeroDivisionError("a secret of the server's")
        return super().judge(state, trial, step, value)


@pytest.fixture
async def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Client]:
    """A server whose random search has the bug: experiment `e` is one, `other` is not."""
    methods: dict[Any, Any] = METHODS
    monkeypatch.setitem(methods, RandomSearch, Faulty())
    server = Server(Config(tmp_path / "asha.db", ("127.0.0.1:0",)))
    await server.start()
    async with grpc.aio.insecure_channel(server.addresses[0]) as channel:
        client = Client(server, channel)
        await client.create(random_search=x.RandomSearch(), max_length=2)
        await client.create("other")
        yield client
    await server.stop()


async def test_a_bug_is_an_internal_error_with_an_incident_that_the_log_tells_of(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    given = await client.take()
    caplog.set_level(logging.ERROR)

    refusal = await refused(client.report(given, 2, SPARK))

    assert refusal.code == "INTERNAL"
    assert refusal.retry_after_s is None
    incident = refusal.metadata["incident_id"]
    assert incident in refusal.message
    assert "secret" not in refusal.message
    ours = [record for record in caplog.records if record.name.startswith("asha_server")]
    quarantined, internal = ours  # gRPC's event loop logs its own affairs now and then
    assert (quarantined.message, internal.message) == ("experiment_quarantined", "internal_error")
    assert vars(quarantined)["experiment_id"] == "e"
    assert vars(internal)["incident"] == incident
    assert "a secret of the server's" in caplog.text


async def test_an_experiment_goes_on_from_its_rows_after_a_bug(
    client: Client, tmp_path: Path
) -> None:
    """The lease and its token are good, what was decided stands, the next report counts."""
    given = await client.take()
    said = await client.report(given, 1, 0.5)
    await refused(client.report(given, 2, SPARK))

    assert await client.report(given, 1, 0.5) == said
    assert (await client.report(given, 2, 0.4)).verdict == t.VERDICT_STOP

    assert (await client.trial(0)).state == t.TRIAL_STATE_COMPLETED
    assert (await client.get()).sequence == 5  # created; created, assigned, two reports
    assert verify_file(tmp_path / "asha.db").ok


async def test_a_bug_of_one_experiment_is_nothing_to_the_others(client: Client) -> None:
    """Met again and again among the calls of another experiment's workers."""
    given = await client.take()
    others = [await client.take(f"w{n}", experiment_id="other") for n in range(9)]

    met = [refused(client.report(given, 2, SPARK)) for _ in range(9)]
    reports = [client.report(one, 1, 0.1 * n) for n, one in enumerate(others)]
    refusals, decisions = await asyncio.gather(asyncio.gather(*met), asyncio.gather(*reports))

    assert {refusal.code for refusal in refusals} <= {"INTERNAL", "UNAVAILABLE"}
    assert [decision.rung for decision in decisions] == [0] * 9
    assert (await client.get("other")).sequence == 1 + 18 + 9  # created; by trial: 2 and a report


async def test_who_watches_an_experiment_misses_and_repeats_nothing_over_a_bug(
    client: Client,
) -> None:
    watch = client.experiments.WatchExperiment(
        e.WatchExperimentRequest(experiment_id="e", after_sequence=0)
    )
    given = await client.take()
    await refused(client.report(given, 2, SPARK))
    await client.report(given, 1, 0.5)
    await client.stop()

    sequences = [response.event.sequence for response in await rest(watch)]

    assert sequences == list(range(1, (await client.get()).sequence + 1))

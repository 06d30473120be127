"""A real server behind a network that misbehaves; clients call through it, or past it."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from asha_server.config import Config
from asha_server.pb import experiment_pb2 as x
from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import experiment_service_pb2_grpc as e_rpc
from asha_server.pb import suggestion_service_pb2 as s
from asha_server.pb import suggestion_service_pb2_grpc as s_rpc
from asha_server.pb import trial_pb2 as t
from asha_server.server import Server
from asha_server.store import transaction

from .caller import CHANNEL_OPTIONS
from .proxy import Proxy
from .trainer import held


class Line:
    """Stubs on one channel."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.channel = channel
        self.experiments = e_rpc.ExperimentServiceStub(channel)
        self.suggestions = s_rpc.SuggestionServiceStub(channel)


class Network:
    """A server, the proxy before it, and a line through each.

    Attributes:
        server: as it runs in the test's own loop.
        proxy: what stands between.
        through: a client behind the proxy.
        past: one that reaches the server directly.
        database: the server's file.
    """

    def __init__(self, server: Server, proxy: Proxy, database: Path) -> None:
        self.server = server
        self.proxy = proxy
        self.database = database
        options = CHANNEL_OPTIONS
        self.through = Line(grpc.aio.insecure_channel(proxy.address, options))
        self.past = Line(grpc.aio.insecure_channel(server.addresses[0], options))

    async def create(self, **changes: Any) -> None:
        """Experiment e: rungs at 1, 3 and 9, the best third goes on, nine trials."""
        spec = x.ExperimentSpec(
            metric=x.Metric(name="loss", goal=x.GOAL_MINIMIZE), max_length=9, max_trials=9, seed=7,
            async_halving=x.AsyncHalving(num_rungs=3, divisor=3), worker_failure_limit=0,
        )  # fmt: skip
        spec.parameters.add(name="lr").double_range.CopyFrom(x.DoubleRange(min=0, max=1))
        spec.MergeFrom(x.ExperimentSpec(**changes))
        request = e.CreateExperimentRequest(experiment_id="e", spec=spec)
        await self.past.experiments.CreateExperiment(request)

    async def sequence(self) -> int:
        """How many events experiment e has, all of them durable."""
        request = e.GetExperimentRequest(experiment_id="e")
        return (await self.past.experiments.GetExperiment(request)).experiment.sequence

    async def until_event(self, sequence: int) -> None:
        """Returns once there are so many events."""
        while await self.sequence() < sequence:
            pass  # each look is a call of its own

    async def take(self, worker: str = "w") -> s.Assignment:
        """A trial, on the direct line."""
        request = s.GetSuggestionRequest(experiment_id="e", worker_id=worker)
        found = await self.past.suggestions.GetSuggestion(request)
        assert found.HasField("assignment"), found
        return found.assignment

    async def recorded(self) -> list[tuple[int, int, int]]:
        """(trial, attempt, step) of every report there is, in order."""
        request = e.ListObservationsRequest(experiment_id="e", page_size=1000)
        page = await self.past.experiments.ListObservations(request)
        return [(seen.trial_number, seen.attempt, seen.step) for seen in page.observations]

    @asynccontextmanager
    async def commit_held(self) -> AsyncIterator[asyncio.Event]:
        """Somebody's shell locks the file; the event is set once a commit waits for it."""
        loop = asyncio.get_running_loop()
        waits = asyncio.Event()

        class Listener(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                loop.call_soon_threadsafe(waits.set)

        listener = Listener()
        transaction.log.addHandler(listener)
        shell = sqlite3.connect(self.database, isolation_level=None)
        shell.execute("BEGIN IMMEDIATE")
        try:
            yield waits
        finally:
            shell.execute("ROLLBACK")
            shell.close()
            transaction.log.removeHandler(listener)


def report_of(given: s.Assignment, step: int, value: float) -> s.ReportMetricRequest:
    """A report of the search metric."""
    metrics = [t.MetricValue(name="loss", value=value)]
    return s.ReportMetricRequest(**held(given), step=step, metrics=metrics)


@pytest.fixture
async def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Network]:
    """A server on a new file, behind a proxy that lets everything through at first."""
    monkeypatch.setattr(transaction, "_LOCKED_WARN_S", 0.0)
    database = tmp_path / "asha.db"
    server = Server(Config(database, ("127.0.0.1:0",), drain_us=100_000))
    await server.start()
    proxy = Proxy(server.addresses[0])
    await proxy.start()
    network = Network(server, proxy, database)
    yield network
    for line in (network.through, network.past):
        await line.channel.close(None)
    await proxy.stop()
    await server.stop()

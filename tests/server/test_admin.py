"""The server about itself: what it is and what it holds."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from pathlib import Path

from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from asha_server import __version__
from asha_server.pb import admin_service_pb2 as a
from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import suggestion_service_pb2 as s
from asha_server.server import SERVICES
from asha_server.store.versions import SCHEMA_VERSION

from .conftest import Client, held

Status = health_pb2.HealthCheckResponse


async def info(client: Client) -> a.GetServerInfoResponse:
    return await client.admin.GetServerInfo(a.GetServerInfoRequest())


async def test_server_info_tells_what_runs_here(client: Client, tmp_path: Path) -> None:
    shown = await info(client)

    assert shown.version == __version__
    assert shown.database_path == str((tmp_path / "asha.db").resolve())
    assert shown.schema_version == SCHEMA_VERSION
    assert shown.sqlite_version == sqlite3.sqlite_version
    assert abs(shown.start_time.ToSeconds() - time.time()) < 60
    assert shown.uptime.ToMicroseconds() > 0


async def test_server_info_counts_what_the_server_holds(client: Client) -> None:
    await client.create("other")
    await client.create(max_concurrent_trials=1)
    given = await client.take()
    watch = client.experiments.WatchExperiment(e.WatchExperimentRequest(experiment_id="e"))
    waiting = asyncio.create_task(client.ask("x", max_wait={"seconds": 30}))
    while not (await info(client)).open_watch_count:
        pass  # each look is a call of its own
    await client.until_waiting(1)

    shown = await info(client)
    assert (shown.experiment_count, shown.live_lease_count) == (2, 1)
    assert (shown.open_watch_count, shown.waiting_call_count) == (1, 1)
    assert (shown.open_session_count, shown.inbox_depth) == (0, 0)
    await client.stop()
    assert (await waiting).HasField("finished")
    assert len([response async for response in watch]) == 1
    assert (await client.report(given, 1, 0.5)).verdict
    rest = await info(client)
    assert (rest.live_lease_count, rest.open_watch_count, rest.waiting_call_count) == (0, 0, 0)


async def test_a_lease_ends_with_what_is_said_of_its_trial(client: Client) -> None:
    await client.create()
    for number, end in enumerate(("report", "release", "cancel", "pause")):
        given = await client.take(f"w{number}")
        assert len((await client.admin.ListLeases(a.ListLeasesRequest())).leases) == 1
        if end == "report":
            await client.report(given, 1, 0.5)
        elif end == "release":
            await client.suggestions.ReleaseTrial(s.ReleaseTrialRequest(**held(given)))
        elif end == "cancel":
            request = e.CancelTrialRequest(experiment_id="e", trial_number=given.trial_number)
            await client.experiments.CancelTrial(request)
        else:
            await client.experiments.PauseExperiment(e.PauseExperimentRequest(experiment_id="e"))
        assert not (await client.admin.ListLeases(a.ListLeasesRequest())).leases, end


async def test_health_is_serving_for_each_service(client: Client) -> None:
    stub = health_pb2_grpc.HealthStub(client.channel)

    for name in ("", *SERVICES):
        answer = await stub.Check(health_pb2.HealthCheckRequest(service=name))
        assert answer.status == Status.SERVING


async def test_health_is_not_serving_while_the_server_drains(client: Client) -> None:
    watch = health_pb2_grpc.HealthStub(client.channel).Watch(health_pb2.HealthCheckRequest())
    assert (await watch.read()).status == Status.SERVING

    stopping = asyncio.create_task(client.server.stop())

    assert (await watch.read()).status == Status.NOT_SERVING
    watch.cancel()
    await stopping


async def test_reflection_lists_the_services(client: Client) -> None:
    stub = reflection_pb2_grpc.ServerReflectionStub(client.channel)
    request = reflection_pb2.ServerReflectionRequest(list_services="")

    call = stub.ServerReflectionInfo(iter([request]))
    response = await call.read()

    names = {service.name for service in response.list_services_response.service}
    assert names >= {*SERVICES, "grpc.health.v1.Health"}

"""The server as a process on a machine: health, reflection, addresses, files, its end."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from asha_server.config import Config
from asha_server.pb import admin_service_pb2 as a
from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import suggestion_service_pb2 as s
from asha_server.pb import suggestion_service_pb2_grpc as s_rpc
from asha_server.server import SERVICES, Server, ServerError, run
from asha_server.store import StoreError

from .conftest import Client, Refused


async def test_health_is_serving_for_each_service(client: Client) -> None:
    stub = health_pb2_grpc.HealthStub(client.channel)

    for name in ("", *SERVICES):
        answer = await stub.Check(health_pb2.HealthCheckRequest(service=name))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_reflection_lists_the_services(client: Client) -> None:
    stub = reflection_pb2_grpc.ServerReflectionStub(client.channel)
    request = reflection_pb2.ServerReflectionRequest(list_services="")

    call = stub.ServerReflectionInfo(iter([request]))
    response = await call.read()

    names = {service.name for service in response.list_services_response.service}
    assert names >= {*SERVICES, "grpc.health.v1.Health"}


async def test_a_reader_that_is_killed_is_started_again(client: Client) -> None:
    await client.create()
    request = e.ListTrialsRequest(experiment_id="e")
    await client.experiments.ListTrials(request)
    first = client.server.reader.pid
    assert first is not None

    os.kill(first, signal.SIGKILL)
    while client.server.reader.pid == first:
        await client.get()
    await client.experiments.ListTrials(request)

    assert client.server.reader.pid not in (None, first)


async def test_server_info_tells_what_runs_here(client: Client, tmp_path: Path) -> None:
    await client.create()
    await client.take()

    info = await client.admin.GetServerInfo(a.GetServerInfoRequest())

    assert info.version == "0.1.0"
    assert info.database_path == str((tmp_path / "asha.db").resolve())
    assert info.schema_version == 1
    assert info.sqlite_version == sqlite3.sqlite_version
    assert (info.experiment_count, info.live_lease_count) == (1, 1)


async def test_a_second_server_does_not_take_the_port_in_silence(
    client: Client, tmp_path: Path
) -> None:
    second = Server(Config(tmp_path / "second.db", (client.server.addresses[0],)))

    with pytest.raises(ServerError, match="in use"):
        await second.start()
    await second.stop()


async def test_a_second_server_does_not_take_the_socket_in_silence(tmp_path: Path) -> None:
    address = f"unix:{tmp_path / 'socket'}"
    first = Server(Config(tmp_path / "first.db", (address,)))
    await first.start()
    second = Server(Config(tmp_path / "second.db", (address,)))

    with pytest.raises(ServerError, match="another server answers"):
        await second.start()
    await second.stop()
    await first.stop()


async def test_a_second_server_does_not_take_the_file(client: Client, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"asha\.db"):
        Server(Config(tmp_path / "asha.db", ("127.0.0.1:0",)))
    assert client.server.addresses


def test_what_cannot_be_a_database_ends_the_command_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database\n" * 100)

    assert run(Config(path, ("127.0.0.1:0",))) == 1
    assert "notes.txt" in capsys.readouterr().err


async def test_sigterm_answers_what_waits_and_ends_with_0(tmp_path: Path) -> None:
    """A long poll is told that the server goes away, with a time to come back."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "asha_server.cli", "serve",
        "--database", str(tmp_path / "asha.db"), "--listen", "127.0.0.1:0",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    address = (await process.stdout.readline()).decode().split()[-1]
    async with grpc.aio.insecure_channel(address) as channel:
        client = Client(None, channel)  # type: ignore[arg-type]  # the server is another process
        await client.create(max_concurrent_trials=1)
        await client.take()
        stub = s_rpc.SuggestionServiceStub(channel)
        waiting = stub.GetSuggestion(
            s.GetSuggestionRequest(experiment_id="e", worker_id="x", max_wait={"seconds": 60})
        )
        await client.until_waiting(1)
        process.send_signal(signal.SIGTERM)
        with pytest.raises(grpc.aio.AioRpcError) as told:
            await waiting
    refusal = Refused(told.value)
    assert (refusal.code, refusal.reason) == ("UNAVAILABLE", "SHUTTING_DOWN")
    assert refusal.retry_after_s is not None
    _, log = await process.communicate()
    assert process.returncode == 0
    assert b'"stopped"' in log

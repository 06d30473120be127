"""The server as a process on a machine: its addresses, its file, its children, its end."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest

from asha_server import transport
from asha_server.config import Config
from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import suggestion_service_pb2 as s
from asha_server.pb import trial_pb2 as t
from asha_server.server import Server, ServerError, run
from asha_server.store import StoreError
from asha_server.transport import SHARING
from asha_server.verify import verify_file

from .conftest import Client, held, refused, rest


class Served:
    """`asha serve` as a process.

    Attributes:
        address: where it can be called; "" where it could not start.
        client: calls it.
    """

    def __init__(self, process: asyncio.subprocess.Process, address: str) -> None:
        self.process = process
        self.address = address
        self.channel = grpc.aio.insecure_channel(address or "127.0.0.1:1")
        self.client = Client(None, self.channel)  # type: ignore[arg-type]  # another process

    async def ended(self) -> tuple[int | None, str]:
        """Its exit status and what it said on stderr, once it has ended."""
        _, log = await self.process.communicate()
        return self.process.returncode, log.decode()


Serve = Callable[..., Awaitable[Served]]


@pytest.fixture
async def serve(tmp_path: Path) -> AsyncIterator[Serve]:
    """Starts servers on one file; none outlives the test."""
    started: list[Served] = []

    async def start(database: str = "asha.db", listen: str = "127.0.0.1:0") -> Served:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "asha_server.cli", "serve",
            "--database", str(tmp_path / database), "--listen", listen,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode()
        assert line.startswith("listening on ") or not line
        started.append(Served(process, line.removeprefix("listening on ").strip()))
        return started[-1]

    yield start
    for served in started:
        await served.channel.close(None)
        if served.process.returncode is None:
            served.process.kill()
            await served.process.communicate()


# -- addresses and files --------------------------------------------------------------------------


async def test_a_server_listens_at_several_addresses(tmp_path: Path) -> None:
    socket = f"unix:{tmp_path / 'socket'}"
    server = Server(Config(tmp_path / "asha.db", ("127.0.0.1:0", socket)))
    await server.start()

    assert len(server.addresses) == 2
    assert server.addresses[1] == socket
    assert not server.addresses[0].endswith(":0")
    for address in server.addresses:
        async with grpc.aio.insecure_channel(address) as channel:
            gone = await refused(Client(server, channel).get("nobody"))
            assert gone.reason == "EXPERIMENT_NOT_FOUND"
    await server.stop()


async def test_a_second_server_does_not_take_the_port_in_silence(
    client: Client, tmp_path: Path
) -> None:
    second = Server(Config(tmp_path / "second.db", (client.server.addresses[0],)))

    with pytest.raises(ServerError, match=r"in use.*port 0"):
        await second.start()
    await second.stop()


async def test_two_servers_that_start_in_the_same_moment_do_not_share_a_port(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both found it free; one of them claims it."""
    monkeypatch.setattr(transport, "_refuse_taken", lambda *_: None)
    second = Server(Config(tmp_path / "second.db", (client.server.addresses[0],)))

    with pytest.raises(ServerError, match=r"in use.*port 0"):
        await second.start()
    await second.stop()


async def test_a_port_can_be_taken_again_once_its_server_has_stopped(tmp_path: Path) -> None:
    first = Server(Config(tmp_path / "first.db", ("127.0.0.1:0",)))
    await first.start()
    await first.stop()

    second = Server(Config(tmp_path / "second.db", (first.addresses[0],)))
    await second.start()
    await second.stop()


def listeners(port: int) -> int:
    """How many sockets listen on a TCP port of this machine."""
    tables = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
    return sum(f":{port:04X} " in line and " 0A " in line for line in tables.splitlines())


async def test_connections_are_shared_out_among_several_servers(client: Client) -> None:
    """Each takes up one call in a turn of the event loop, so several take up several."""
    assert listeners(int(client.server.addresses[0].rpartition(":")[2])) == SHARING


async def test_a_second_server_does_not_take_the_socket_in_silence(tmp_path: Path) -> None:
    address = f"unix:{tmp_path / 'socket'}"
    first = Server(Config(tmp_path / "first.db", (address,)))
    await first.start()
    second = Server(Config(tmp_path / "second.db", (address,)))

    with pytest.raises(ServerError, match="another server answers"):
        await second.start()
    await second.stop()
    await first.stop()


async def test_a_socket_that_nobody_answers_on_is_taken_over(serve: Serve, tmp_path: Path) -> None:
    """What a killed server leaves behind."""
    address = f"unix:{tmp_path / 'socket'}"
    killed = await serve(listen=address)
    killed.process.kill()
    await killed.ended()
    assert (tmp_path / "socket").exists()

    again = await serve(listen=address)

    assert again.address == address
    assert (await refused(again.client.get("nobody"))).reason == "EXPERIMENT_NOT_FOUND"


@pytest.mark.parametrize("address", ["nowhere", "127.0.0.1:99999", "unix:/nowhere/socket"])
async def test_what_is_no_address_is_refused(tmp_path: Path, address: str) -> None:
    server = Server(Config(tmp_path / "asha.db", (address,)))

    with pytest.raises(ServerError, match="address"):
        await server.start()
    await server.stop()


async def test_a_second_server_does_not_take_the_file(client: Client, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"asha\.db"):
        Server(Config(tmp_path / "asha.db", ("127.0.0.1:0",)))
    assert (await refused(client.get("nobody"))).reason == "EXPERIMENT_NOT_FOUND"


async def test_a_second_process_on_the_file_ends_with_1_and_says_why(serve: Serve) -> None:
    first = await serve()

    second = await serve()

    assert second.address == ""
    status, said = await second.ended()
    assert status == 1
    assert "asha.db" in said
    assert "--wait-for-lock" in said
    assert "Traceback" not in said
    await first.client.create()


def test_what_cannot_be_a_database_ends_the_command_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database\n" * 100)

    assert run(Config(path, ("127.0.0.1:0",))) == 1
    assert "notes.txt" in capsys.readouterr().err


# -- its children ---------------------------------------------------------------------------------


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


# -- the end --------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_answers_what_waits_and_ends_with_0(
    serve: Serve, number: signal.Signals
) -> None:
    """Every call that is held is told that the server goes away, with a time to come back."""
    served = await serve()
    client = served.client
    await client.create(max_concurrent_trials=1)
    given = await client.take()
    watch = client.experiments.WatchExperiment(
        e.WatchExperimentRequest(experiment_id="e", after_sequence=0)
    )
    first: Any = await watch.read()
    assert first.event.sequence == 1
    wait = {"seconds": 60}
    calls = (
        asyncio.ensure_future(client.ask("x", max_wait=wait)),
        client.suggestions.ShouldStop(s.ShouldStopRequest(**held(given), max_wait=wait)),
        rest(watch),
    )
    await client.until_waiting(2)

    served.process.send_signal(number)

    for call in calls:
        refusal = await refused(call)
        assert (refusal.code, refusal.reason) == ("UNAVAILABLE", "SHUTTING_DOWN")
        assert refusal.retry_after_s is not None
    status, log = await served.ended()
    assert status == 0
    assert '"draining"' in log
    assert '"stopped"' in log


async def test_a_server_goes_on_where_the_former_one_stopped(serve: Serve, tmp_path: Path) -> None:
    """The lease is live and its token is good, the answer to a repeated report the same."""
    first = await serve()
    await first.client.create()
    given = await first.client.take()
    decision = await first.client.report(given, 0, 0.5)
    first.process.send_signal(signal.SIGTERM)
    assert (await first.ended())[0] == 0

    client = (await serve()).client

    assert await client.report(given, 0, 0.5) == decision
    alive = await client.suggestions.Heartbeat(s.HeartbeatRequest(**held(given)))
    assert alive.lease.token == given.lease.token
    assert (await client.report(given, 1, 0.5)).competitors == 1


async def test_a_server_whose_file_cannot_be_written_refuses_and_ends_with_1(
    serve: Serve, tmp_path: Path
) -> None:
    """A limit on the size of its files stands for a full disk. Nothing acknowledged is lost."""
    served = await serve()
    client = served.client
    await client.create()
    given = await client.take()
    size = (tmp_path / "asha.db-wal").stat().st_size
    resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (size, size))
    acknowledged = 0

    async def report_on() -> None:
        nonlocal acknowledged
        while True:
            metric = t.MetricValue(name=f"m{acknowledged}", value=1)
            await client.report(given, 0, metrics=[metric])
            acknowledged += 1

    refusal = await refused(report_on())

    assert (refusal.code, refusal.reason) == ("UNAVAILABLE", "STORE_FAILED")
    assert refusal.retry_after_s is not None
    status, log = await served.ended()
    assert status == 1
    assert "asha serve: " in log.splitlines()[-1], log
    again = (await serve()).client
    assert (await again.get()).sequence == 3 + acknowledged
    assert verify_file(tmp_path / "asha.db").ok


async def test_while_something_is_in_flight_whoever_calls_is_told_when_to_come_back(
    tmp_path: Path,
) -> None:
    """An export that its client does not read is in flight; calls and sessions are refused."""
    server = Server(Config(tmp_path / "asha.db", ("127.0.0.1:0",), drain_us=60_000_000))
    await server.start()
    async with grpc.aio.insecure_channel(server.addresses[0]) as channel:
        client = Client(server, channel)
        await client.create()
        given = await client.take()
        for number in range(700):
            metric = t.MetricValue(name=f"m{number}", value=1)
            await client.report(given, 0, metrics=[metric], checkpoint_uri="x" * 2_000)
        export = client.experiments.ExportExperiment(e.ExportExperimentRequest(experiment_id="e"))
        assert await export.read()

        stopping = asyncio.ensure_future(server.stop())
        ended: Any = None
        while not isinstance(ended, grpc.aio.AioRpcError):  # until it drains
            (ended,) = await asyncio.gather(client.get(), return_exceptions=True)
        for call in (client.get(), client.suggestions.TrainingSession().read()):
            refusal = await refused(call)
            assert (refusal.code, refusal.reason) == ("UNAVAILABLE", "SHUTTING_DOWN")
            assert refusal.retry_after_s == 1
        assert not stopping.done()

        export.cancel()
        async with asyncio.timeout(30):
            await stopping

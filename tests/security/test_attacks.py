"""Attempts on a server that listens: odd messages, odd names, idle sessions, guessed leases."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message

from asha_server.config import Limits, Transport
from asha_server.leases import TokenMint
from asha_server.pb import admin_service_pb2 as a
from asha_server.pb import experiment_pb2 as x
from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import suggestion_service_pb2 as s
from asha_server.pb import trial_pb2 as t
from asha_server.server import Server
from tests.server.conftest import Bearing, Client, halving, held, refused

from .conftest import Start

Dial = Callable[..., grpc.aio.Channel]
ODD_NAMES = (
    "../../etc/passwd",
    "/etc/passwd",
    "..",
    ".hidden",
    "a\0b",
    "a\nb",
    "x'; DROP TABLE experiment; --",
    'x" OR "1"="1',
    "ü",
    "%2e%2e%2f",
    "a" * 129,
    "",
)


@pytest.fixture
async def client(start: Start, dial: Dial) -> Client:
    """A client of a server as it is by default."""
    return _client(await start(), dial)


def _client(server: Server, dial: Dial) -> Client:
    return Client(server, dial(server.addresses[0], None))


async def _is_well(client: Client) -> None:
    """The server answers as ever."""
    assert (await client.admin.GetServerInfo(a.GetServerInfoRequest(), timeout=20)).version


# -- messages -------------------------------------------------------------------------------------


async def test_a_message_above_its_limit_is_refused_and_one_far_above_is_not_read(
    start: Start, dial: Dial
) -> None:
    client = _client(await start(limits=Limits(request_bytes_max=10_000)), dial)

    over = await refused(client.stop("x" * 10_001))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.stop("x" * 40_001)

    assert (over.code, over.reason) == ("INVALID_ARGUMENT", "INVALID_REQUEST")
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    await _is_well(client)


async def test_messages_nested_a_hundred_thousand_deep_are_refused(client: Client) -> None:
    """What a parser without a limit would follow down its stack."""
    values = b""
    for _ in range(3_000):  # spec -> parameters -> group -> parameters -> group …
        values = _field(_PARAMETERS_OF_GROUP, _field(_GROUP, values))
    groups = bytes([0x0B]) * 100_000  # the wire's own groups, which begin and never end

    for raw in (_field(_PARAMETERS, values), groups):
        call = client.channel.unary_unary("/asha.v1.ExperimentService/CreateExperiment")
        refusal = await refused(call(_field(_SPEC, raw)))
        assert refusal.code == "INVALID_ARGUMENT"
    await _is_well(client)


async def test_a_search_space_nested_as_deep_as_the_wire_allows_is_answered(client: Client) -> None:
    spec = halving()
    inner: Any = spec.parameters.add(name="g")
    for _ in range(45):  # two messages a level; protobuf reads at most 100
        inner = inner.group.parameters.add(name="g")
    inner.constant.value.int_value = 1

    refusal = await refused(
        client.experiments.CreateExperiment(e.CreateExperimentRequest(experiment_id="d", spec=spec))
    )

    assert refusal.code == "INVALID_ARGUMENT", refusal
    await _is_well(client)


async def test_json_nested_deep_in_a_value_is_refused(client: Client) -> None:
    spec = halving()
    spec.parameters.add(name="c").categorical.values.add(json_value="[" * 50_000)
    spec.parameters.add(name="d").categorical.values.add(json_value="[" * 9_000 + "]" * 9_000)

    refusal = await refused(
        client.experiments.CreateExperiment(e.CreateExperimentRequest(experiment_id="j", spec=spec))
    )

    assert refusal.code == "INVALID_ARGUMENT"
    await _is_well(client)


def _number(message: type[Message], field: str) -> int:
    return int(message.DESCRIPTOR.fields_by_name[field].number)


_SPEC = _number(e.CreateExperimentRequest, "spec")
_PARAMETERS = _number(x.ExperimentSpec, "parameters")
_GROUP = _number(x.ParameterSpec, "group")
_PARAMETERS_OF_GROUP = _number(x.ParameterGroup, "parameters")


def _field(number: int, content: bytes) -> bytes:
    """A message in a field, as the wire has it."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


# -- names and texts ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ODD_NAMES, ids=repr)
async def test_an_odd_name_makes_no_experiment_and_finds_none(client: Client, name: str) -> None:
    if name:  # an empty one asks for a made-up one
        assert (await refused(client.create(name))).code == "INVALID_ARGUMENT"
    assert (await refused(client.get(name))).code == "INVALID_ARGUMENT"
    asked = client.admin.CreateToken(a.CreateTokenRequest(name=name, role=a.ROLE_READ))
    assert (await refused(asked)).code == "INVALID_ARGUMENT"


async def test_texts_are_kept_as_texts(client: Client, tmp_path: Path) -> None:
    """Where anything is allowed, SQL and paths are words like others; no file is touched."""
    sql, path = "'); DROP TABLE experiment; --", "file:///../../../../etc/passwd"
    before = _files(tmp_path)
    await client.create(display_name=sql, labels={"team": sql})
    given = await client.take(sql, request_id=sql, incarnation_id=sql)

    await client.report(given, 1, 0.5, checkpoint_uri=path)

    assert (await client.get()).spec.display_name == sql
    trial = await client.trial(0)
    assert (trial.checkpoint_uri, trial.worker_id) == (path, sql)
    assert _files(tmp_path) == before
    with sqlite3.connect(tmp_path / "asha.db") as connection:
        assert connection.execute("SELECT worker_id FROM attempt").fetchall() == [(sql,)]


async def test_a_worker_name_that_would_break_a_log_line_is_refused(client: Client) -> None:
    await client.create()

    refusal = await refused(client.ask("w\nINFO rpc method=DeleteExperiment code=OK"))

    assert set(refusal.fields) == {"worker_id"}


# -- leases ---------------------------------------------------------------------------------------


def _forged(given: s.Assignment) -> list[str]:
    token = given.lease.token
    number, _, signature = token.partition(".")
    guessed = TokenMint(b"not the server's").token(given.experiment_id, given.trial_number, 1)
    return [
        guessed,
        f"{number}.",
        f"{number}.{signature[:-1]}",
        f"{number}.{signature[:-1]}{'A' if signature[-1] != 'A' else 'B'}",
        f"2.{signature}",
        f"0{number}.{signature}"[:-1],
        signature,
        "1." + "A" * len(signature),
        "9" * 100 + "." + signature,
        "\0",
        "ü",
    ]


async def test_a_guessed_lease_changes_nothing(client: Client) -> None:
    await client.create()
    mine, other = await client.take("a"), await client.take("b")
    before = (await client.get()).sequence

    for token in [*_forged(mine), other.lease.token]:
        for call, request in (
            (client.suggestions.ReportMetric, s.ReportMetricRequest(step=1)),
            (client.suggestions.ReportCheckpoint, s.ReportCheckpointRequest(checkpoint_uri="x")),
            (client.suggestions.CompleteTrial, s.CompleteTrialRequest()),
            (
                client.suggestions.FailTrial,
                s.FailTrialRequest(kind=s.FAILURE_KIND_PERMANENT, message="x"),
            ),
            (client.suggestions.ReleaseTrial, s.ReleaseTrialRequest()),
            (client.suggestions.Heartbeat, s.HeartbeatRequest()),
        ):
            asked: Any = request
            asked.MergeFrom(type(request)(**{**held(mine), "lease_token": token}))
            if isinstance(asked, s.ReportMetricRequest):
                asked.metrics.append(t.MetricValue(name="loss", value=0.5))
            refusal = await refused(call(asked))
            assert refusal.reason == "LEASE_LOST", (token, asked)

    assert (await client.get()).sequence == before
    assert (await client.report(mine, 1, 0.5)).verdict


async def test_a_lease_of_a_deleted_experiment_does_not_open_its_successor(client: Client) -> None:
    await client.create()
    given = await client.take()
    deletion = e.DeleteExperimentRequest(experiment_id="e", force=True)
    await client.experiments.DeleteExperiment(deletion)
    await client.create()
    await client.take()

    refusal = await refused(client.report(given, 1, 0.5))

    assert refusal.reason == "LEASE_LOST"


# -- tokens ---------------------------------------------------------------------------------------


async def test_no_token_is_found_by_trying(start: Start, dial: Dial, tmp_path: Path) -> None:
    """Neither parts of a secret, nor its digest, nor its name opens anything."""
    server = await start(auth="tokens")
    secret = (tmp_path / "asha.db.admin-token").read_text().strip()
    with sqlite3.connect(tmp_path / "asha.db") as connection:
        ((digest,),) = connection.execute("SELECT digest FROM token").fetchall()
    channel = dial(server.addresses[0], None)

    for guess in (
        "admin", secret[:-1], secret + "A", secret.lower(), secret.removeprefix("asha_"),
        digest.hex(), f"{secret},{secret}", f"Bearer {secret}", "*", "%", "' OR 1=1 --",
    ):  # fmt: skip
        caller = Client(server, Bearing(channel, guess))  # type: ignore[arg-type]  # acts as one
        refusal = await refused(caller.get())
        assert (refusal.code, refusal.reason) == ("UNAUTHENTICATED", "TOKEN_INVALID")
        assert secret[:20] not in refusal.message


async def test_no_secret_is_readable_by_others_or_stands_in_the_process_list(
    start: Start, tmp_path: Path
) -> None:
    await start(auth="tokens")
    secret = (tmp_path / "asha.db.admin-token").read_text().strip()

    for name in ("asha.db.admin-token", "asha.db.key"):
        assert (tmp_path / name).stat().st_mode & 0o077 == 0
    assert secret.encode() not in _command_lines()


# -- connections that do nothing ------------------------------------------------------------------


async def test_idle_sessions_take_places_but_no_more_and_give_them_back(
    start: Start, dial: Dial
) -> None:
    client = _client(await start(limits=Limits(sessions_max=3)), dial)
    await client.create()
    idle = [client.suggestions.TrainingSession() for _ in range(3)]
    while (await _open(client)) < 3:
        pass  # each look is a call of its own

    refusal = await refused(client.suggestions.TrainingSession().read())
    assert (refusal.code, refusal.reason) == ("RESOURCE_EXHAUSTED", "LIMIT_EXCEEDED")
    assert (await client.take()).lease.token  # calls are answered beside them
    for session in idle:
        session.cancel()
    while await _open(client):
        pass  # each look is a call of its own


async def test_a_session_that_never_says_anything_ends_with_its_connection(
    start: Start, dial: Dial
) -> None:
    transport = Transport(max_connection_age_us=300_000, connection_grace_us=300_000)
    client = _client(await start(transport=transport), dial)
    idle = client.suggestions.TrainingSession()

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await asyncio.wait_for(idle.read(), 30)

    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE  # which clients send again
    await _is_well(client)


async def test_a_connection_that_never_shakes_hands_is_hung_up_on(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asha_server.transport._HANDSHAKE_MS", 500)
    server = await start()
    host, _, port = server.addresses[0].rpartition(":")
    began = time.monotonic()
    reader, writer = await asyncio.open_connection(host, int(port))

    writer.write(b"PRI")  # the first three bytes of HTTP/2, and then nothing
    await asyncio.wait_for(reader.read(), 20)  # what it says, until it ends

    assert time.monotonic() - began < 10
    writer.close()


def _files(directory: Path) -> list[Path]:
    """Every file under a directory."""
    return sorted(directory.rglob("*"))


def _command_lines() -> bytes:
    """What `ps` shows of every process that it shows."""
    paths = Path("/proc").glob("[0-9]*/cmdline")
    return b"".join(_content(path) for path in paths)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it ended meanwhile
        return b""


async def _open(client: Client) -> int:
    info = await client.admin.GetServerInfo(a.GetServerInfoRequest())
    return info.open_session_count

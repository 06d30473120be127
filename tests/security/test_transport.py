"""TLS, mutual TLS, plaintext and sockets: who gets a connection at all."""

from __future__ import annotations

import asyncio
import logging
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asha_client
import grpc
import pytest
from asha_client import aio

from asha_server.config import Config, Transport
from asha_server.pb import admin_service_pb2 as a
from asha_server.pb import admin_service_pb2_grpc as a_rpc
from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import experiment_service_pb2_grpc as e_rpc
from asha_server.server import Server, ServerError

from .certificates import Authority, Pair
from .conftest import Start

Dial = Callable[..., grpc.aio.Channel]


def served(pair: Pair, **more: Any) -> Transport:
    return Transport(tls_cert=pair.certificate, tls_key=pair.key, **more)


def trusting(authority: Authority, pair: Pair | None = None) -> grpc.ChannelCredentials:
    """What a client trusts, and what it shows."""
    return grpc.ssl_channel_credentials(
        authority.roots.read_bytes(),
        pair.key.read_bytes() if pair else None,
        pair.certificate.read_bytes() if pair else None,
    )


async def info(channel: grpc.aio.Channel) -> str:
    """The server's version; "UNAVAILABLE" and the like where there is no connection."""
    stub = a_rpc.AdminServiceStub(channel)
    try:
        return (await stub.GetServerInfo(a.GetServerInfoRequest(), timeout=20)).version
    except grpc.aio.AioRpcError as error:
        return error.code().name


VERSION = asha_client.__version__


async def test_a_client_that_trusts_the_authority_is_served_and_no_other(
    start: Start, dial: Dial, authority: Authority, tmp_path: Path
) -> None:
    server = await start(transport=served(authority.issue("server")))
    (address,) = server.addresses

    assert await info(dial(address, trusting(authority))) == VERSION
    assert await info(dial(address, trusting(Authority(tmp_path / "other")))) == "UNAVAILABLE"
    assert await info(dial(address, None)) == "UNAVAILABLE"  # plaintext into a TLS port


async def test_a_client_finds_a_certificate_that_is_expired_or_for_another_host(
    start: Start, dial: Dial, authority: Authority
) -> None:
    for number, pair in enumerate(
        (authority.issue("expired", is_expired=True), authority.issue("other", "elsewhere.org"))
    ):
        server = await start(transport=served(pair), listen=(f"127.0.0.{number + 1}:0",))
        assert await info(dial(server.addresses[0], trusting(authority))) == "UNAVAILABLE"
        await server.stop()


async def test_with_mutual_tls_a_client_shows_a_certificate_that_holds(
    start: Start, dial: Dial, authority: Authority, tmp_path: Path
) -> None:
    transport = served(authority.issue("server"), tls_client_ca=authority.roots)
    (address,) = (await start(transport=transport)).addresses
    foreign = Authority(tmp_path / "other").issue("client")

    good, expired = authority.issue("client"), authority.issue("late", is_expired=True)

    assert await info(dial(address, trusting(authority, good))) == VERSION
    for pair in (None, foreign, expired):
        assert await info(dial(address, trusting(authority, pair))) == "UNAVAILABLE"


async def test_a_certificate_stands_for_the_token_of_its_name(
    start: Start, dial: Dial, authority: Authority, tmp_path: Path
) -> None:
    transport = served(authority.issue("server"), tls_client_ca=authority.roots)
    (address,) = (await start(transport=transport, auth="tokens")).addresses
    bearer = (
        ("authorization", f"Bearer {(tmp_path / 'asha.db.admin-token').read_text().strip()}"),
    )

    def channel(name: str) -> grpc.aio.Channel:
        pair = authority.issue(name, common_name=name)
        return dial(address, trusting(authority, pair))

    reader = channel("reader")
    created = a.CreateTokenRequest(name="reader", role=a.ROLE_READ)
    await a_rpc.AdminServiceStub(reader).CreateToken(created, metadata=bearer)

    assert await info(reader) == VERSION
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await e_rpc.ExperimentServiceStub(reader).DeleteExperiment(
            e.DeleteExperimentRequest(experiment_id="e")
        )
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert await info(channel("stranger")) == "UNAUTHENTICATED"
    revoked = a.RevokeTokenRequest(name="reader")
    await a_rpc.AdminServiceStub(reader).RevokeToken(revoked, metadata=bearer)
    assert await info(reader) == "UNAUTHENTICATED"


async def test_files_that_change_are_taken_up_by_the_next_connection(
    start: Start, dial: Dial, authority: Authority, tmp_path: Path
) -> None:
    pair = authority.issue("server")
    (address,) = (await start(transport=served(pair))).addresses
    old = dial(address, trusting(authority))
    assert await info(old) == VERSION
    newer = Authority(tmp_path / "newer")

    _replace(pair, newer.issue("server"))

    assert await info(dial(address, trusting(newer))) == VERSION
    assert await info(old) == VERSION  # what is connected stays so


async def test_files_that_break_are_not_taken_up_and_it_is_said(
    start: Start, dial: Dial, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    pair = authority.issue("server")
    (address,) = (await start(transport=served(pair))).addresses
    assert await info(dial(address, trusting(authority))) == VERSION

    _replace(pair, Pair(authority.issue("one").certificate, authority.issue("two").key))
    assert await info(dial(address, trusting(authority))) == VERSION
    pair.key.unlink()
    assert await info(dial(address, trusting(authority))) == VERSION

    broken = [r for r in caplog.records if r.getMessage() == "tls_files_broken"]
    assert len(broken) >= 2
    assert all(record.levelno == logging.ERROR for record in broken)


def _replace(pair: Pair, other: Pair) -> None:
    """Puts other files in the place of these, as certificate managers do."""
    for old, new in zip(pair, other, strict=True):
        os.replace(new, old)


async def test_a_server_with_wrong_files_does_not_start(
    tmp_path: Path, authority: Authority
) -> None:
    one, two = authority.issue("one"), authority.issue("two")
    for transport, needle in (
        (served(Pair(one.certificate, two.key)), "cannot be used"),
        (served(Pair(one.certificate, tmp_path / "nothing")), "cannot be used"),
        (Transport(tls_cert=one.certificate), "both --tls-cert and --tls-key"),
        (Transport(tls_client_ca=authority.roots), "both --tls-cert and --tls-key"),
    ):
        await _refuses_to_start(tmp_path, needle, transport=transport)


@pytest.mark.parametrize("host", ["0.0.0.0", "[::]", "example.org", "10.0.0.1"])
async def test_plaintext_beyond_the_machine_is_refused(tmp_path: Path, host: str) -> None:
    await _refuses_to_start(tmp_path, "--insecure", listen=(f"{host}:0",))


async def _refuses_to_start(tmp_path: Path, needle: str, **changes: Any) -> None:
    changes.setdefault("listen", ("127.0.0.1:0",))
    server = Server(Config(tmp_path / "asha.db", **changes))
    with pytest.raises(ServerError, match=needle):
        await server.start()
    await server.stop()


async def test_plaintext_where_somebody_asked_for_it_is_served(start: Start, dial: Dial) -> None:
    server = await start(listen=("0.0.0.0:0",), transport=Transport(insecure=True))
    port = server.addresses[0].rpartition(":")[2]

    assert await info(dial(f"127.0.0.1:{port}", None)) == VERSION


@pytest.mark.parametrize("mode", [0o600, 0o660])
async def test_a_socket_has_the_permissions_that_were_asked_for(
    start: Start, dial: Dial, tmp_path: Path, mode: int
) -> None:
    path = tmp_path / "socket"
    before = os.umask(0)

    try:
        server = await start(listen=(f"unix:{path}",), transport=Transport(socket_mode=mode))
        assert stat.S_IMODE(path.stat().st_mode) == mode
        assert await info(dial(server.addresses[0], None)) == VERSION
        assert os.umask(0) == 0, "the umask is as it was"
    finally:
        os.umask(before)


async def test_the_python_client_speaks_tls_by_files(
    start: Start, authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    transport = served(authority.issue("server"), tls_client_ca=authority.roots)
    (address,) = (await start(transport=transport, auth="tokens")).addresses
    pair = authority.issue("client")
    given: dict[str, Any] = {
        "root_certificates": authority.roots,
        "client_certificate": pair.certificate,
        "client_key": pair.key,
    }
    asked = a.GetServerInfoRequest()

    async with aio.connect(address, **given, token=_first(tmp_path)) as client:
        with pytest.raises(asha_client.NotFound):
            await anext(aiter(client.experiment("none").trials()))
    for name, path in given.items():
        monkeypatch.setenv(f"ASHA_{name.upper()}", str(path))
    monkeypatch.setenv("ASHA_TOKEN_FILE", str(tmp_path / "asha.db.admin-token"))

    def call() -> str:
        with asha_client.connect(address) as blocking:
            response: a.GetServerInfoResponse = blocking.call(blocking.admin.GetServerInfo, asked)  # type: ignore[misc]  # of asha_client.pb
            return response.version

    assert await asyncio.to_thread(call) == VERSION


def _first(tmp_path: Path) -> str:
    return (tmp_path / "asha.db.admin-token").read_text().strip()

"""Servers with certificates, sockets and tokens, in the test's own event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest

from asha_server.config import Config
from asha_server.server import Server

from .certificates import Authority

Start = Callable[..., Awaitable[Server]]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ca")


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Starts a server as a configuration says; it is stopped in the end."""
    started: list[Server] = []

    async def begin(**changes: Any) -> Server:
        changes.setdefault("listen", ("127.0.0.1:0",))
        server = Server(Config(tmp_path / "asha.db", **changes))
        started.append(server)
        await server.start()
        return server

    yield begin
    for server in started:
        await server.stop()


@pytest.fixture
async def dial() -> AsyncIterator[Callable[..., grpc.aio.Channel]]:
    """Opens channels; they are closed in the end."""
    opened: list[grpc.aio.Channel] = []

    def connect(address: str, credentials: grpc.ChannelCredentials | None) -> grpc.aio.Channel:
        channel = (
            grpc.aio.insecure_channel(address)
            if credentials is None
            else grpc.aio.secure_channel(address, credentials)
        )
        opened.append(channel)
        return channel

    yield connect
    for channel in opened:
        await channel.close(None)

"""The server's event loop: what gRPC writes to wake it is taken in at once."""

from __future__ import annotations

import socket
from typing import Any

import grpc
import pytest

uvloop = pytest.importorskip("uvloop")  # not on every platform

from asha_server import event_loop  # noqa: E402 - which needs it
from asha_server.event_loop import EventLoop, leaving_one_byte  # noqa: E402

CALLS = 50


@pytest.mark.parametrize("written", [1, 2, 200, 5_000])
def test_the_reader_finds_one_byte(written: int) -> None:
    waking, wakened = socket.socketpair()
    read: list[bytes] = []
    with waking, wakened:
        wakened.setblocking(False)
        waking.sendall(bytes(written))
        read_once = leaving_one_byte(wakened, lambda: read.append(wakened.recv(10_000)))
        read_once()
    left = max(written - 4_096, 0)  # more than fits at once is for the next turn
    assert read == [bytes(1 + left)]


def test_grpcs_reader_is_known_and_every_call_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[Any] = []

    def noting(wakened: socket.socket, read: Any) -> Any:
        found.append(wakened)
        return leaving_one_byte(wakened, read)

    monkeypatch.setattr(event_loop, "leaving_one_byte", noting)

    assert uvloop.run(_call_oneself(), loop_factory=EventLoop) == [b"%d" % n for n in range(CALLS)]
    assert found


async def _call_oneself() -> list[bytes]:
    async def answer(request: bytes, context: Any) -> bytes:
        return request

    server = grpc.aio.server()
    methods = {"Echo": grpc.unary_unary_rpc_method_handler(answer)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test", methods),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        echo = channel.unary_unary("/test/Echo", None, None)
        calls = [echo(b"%d" % number) for number in range(CALLS)]
        answers = [await call for call in calls]
    await server.stop(None)
    return answers

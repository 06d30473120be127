"""The HTTP port of a server, on the event loop of the server."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import grpc
import uvicorn
from prometheus_client import CollectorRegistry, make_asgi_app

from asha_server.http.calls import Calls

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.descriptor import ServiceDescriptor

    from asha_server.http.metrics import Metrics

BODY = "http.response.body"
KEEP_ALIVE_S = 75
"""An idle connection is closed after so long. Seconds."""
CONNECTIONS_MAX = 1_000
"""Requests at one time; more are answered 503."""


logging.getLogger("uvicorn").parent = logging.getLogger("asha_server")
logging.getLogger("uvicorn").setLevel(logging.WARNING)


class _Uvicorn(uvicorn.Server):
    """Leaves signals to the server that it is a part of."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class HttpServer:
    """One HTTP port.

    Args:
        services: whose unary calls it carries.
        target: the server's own address, for gRPC.
        metrics: what `/metrics` shows.
        request_bytes_max: of one request.
        is_ready: whether the server takes calls.
    """

    def __init__(
        self,
        services: tuple[ServiceDescriptor, ...],
        target: str,
        metrics: Metrics,
        request_bytes_max: int,
        is_ready: Callable[[], bool],
    ) -> None:
        registry = CollectorRegistry()
        registry.register(metrics)
        self._channel = grpc.aio.insecure_channel(target)
        self._calls = [Calls(service, self._channel, request_bytes_max) for service in services]
        self._metrics: Any = make_asgi_app(registry)
        self._is_ready = is_ready
        self._uvicorn: _Uvicorn | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self, address: str) -> str:
        """Binds and serves; where, as the port is another where 0 was asked for.

        Raises:
            OSError: the address is taken or none of this machine.
            ValueError: it is not HOST:PORT.
        """
        host, _, port = address.rpartition(":")
        if host == "unix":
            raise ValueError("the HTTP port is HOST:PORT")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        bound = socket.create_server((host.strip("[]"), int(port)), family=family)
        self._uvicorn = _Uvicorn(
            uvicorn.Config(
                self._answer,
                interface="asgi3",
                proxy_headers=False,
                log_config=None,
                access_log=False,
                lifespan="off",
                server_header=False,
                timeout_keep_alive=KEEP_ALIVE_S,
                limit_concurrency=CONNECTIONS_MAX,
                timeout_graceful_shutdown=5,
            )
        )
        self._task = asyncio.create_task(self._uvicorn.serve([bound]), name="asha-http")
        return f"{host}:{bound.getsockname()[1]}"

    async def stop(self) -> None:
        """Answers what is in flight and closes the port; idempotent."""
        if self._uvicorn is not None and self._task is not None:
            self._uvicorn.should_exit = True
            await asyncio.wait([self._task])
        await self._channel.close(None)

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        """One request, by its path."""
        path = scope.get("path", "")
        for calls in self._calls:
            if path.startswith(f"{calls.path}/"):
                await calls(scope, receive, send)
                return
        match path:
            case "/metrics":
                await self._metrics(scope, receive, send)
            case "/livez":
                await _text(send, 200, "alive")
            case "/readyz" if self._is_ready():
                await _text(send, 200, "ready")
            case "/readyz":
                await _text(send, 503, "not ready: starting, draining or failed")
            case _:
                await _text(
                    send,
                    404,
                    "there are POST /asha.v1.SERVICE/METHOD, GET /metrics, /livez and /readyz",
                )


async def _text(send: Any, status: int, text: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": BODY, "body": f"{text}\n".encode()})

"""The server: one process, one SQLite file, a gRPC port. From start to drained stop."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from asha_server import __version__
from asha_server.accounts import Accounts
from asha_server.engine import Engine
from asha_server.guard import Guard
from asha_server.identity import Role
from asha_server.interceptor import ErrorInterceptor
from asha_server.leases import TokenMint, load_key
from asha_server.logs import configure_logging
from asha_server.pb import (
    admin_service_pb2,
    admin_service_pb2_grpc,
    experiment_service_pb2,
    experiment_service_pb2_grpc,
    suggestion_service_pb2,
    suggestion_service_pb2_grpc,
)
from asha_server.reader.backups import Backups
from asha_server.reader.process import Reader
from asha_server.retention import Retention
from asha_server.secret_file import write_secret_file
from asha_server.service.admin import AdminService
from asha_server.service.experiment import ExperimentService
from asha_server.service.suggestion import SuggestionService
from asha_server.service.watching import Watching
from asha_server.store import StoreError
from asha_server.store.sqlite import SqliteStore
from asha_server.tokens import NewToken, Tokens, new_secret
from asha_server.transport import (
    SHARING,
    Listener,
    TransportError,
    channel_options,
    is_loopback,
    is_socket_file,
)

if TYPE_CHECKING:
    from asha_server.config import Config
    from asha_server.http.serving import HttpServer
    from asha_server.tracing import Tracing

log = logging.getLogger(__name__)

DESCRIPTORS = tuple(
    module.DESCRIPTOR.services_by_name[name]
    for module, name in (
        (suggestion_service_pb2, "SuggestionService"),
        (experiment_service_pb2, "ExperimentService"),
        (admin_service_pb2, "AdminService"),
    )
)
SERVICES = tuple(service.full_name for service in DESCRIPTORS)
_SILENCE_S = 0.05
"""How long no call is open before the port closes: time to send what was answered."""
_LOOK_S = 0.005
_PORT_MAX = 65_535
"""GRPC takes the rest of a greater port divided by 65536, in silence."""


class ServerError(Exception):
    """The server cannot start; the message says what to do."""


class Server:
    """One server on an event loop.

    Args:
        config: how it runs.

    Attributes:
        addresses: list[str], where it can be called, once it is started.
        http_address: where its HTTP port is, once it is started; "" without one.
        engine: owns the experiments.
        watching: answers watches.
        accounts: what each identity takes.
        reader: answers long reads.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self.addresses: list[str] = []
        self.http_address = ""
        self._store = SqliteStore(config.database, wait_for_lock=config.wait_for_lock)
        self.engine = Engine(self._store, config.limits)
        self.reader = Reader(config.database, config.limits)
        self.watching = Watching(self.engine, self.reader)
        has_certificates = config.transport.tls_client_ca is not None
        self.accounts = Accounts(config.limits.of_identity, has_certificates)
        self._backups = Backups(config, lambda: self.engine.stats.commits)
        self._retention = Retention(config, self.engine, self.reader)
        self._health = health.aio.HealthServicer()  # type: ignore[attr-defined]  # set at run time
        self._grpc: list[grpc.aio.Server] = []
        self._listener: Listener | None = None
        self._http: HttpServer | None = None
        self._tracing: Tracing | None = None
        self._is_ready = False
        self._engine_task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Loads everything and begins to serve.

        Raises:
            ServerError: an address is taken or wrong.
        """
        config = self._config
        self.engine.load()
        log.info("loaded", extra={"experiments": len(self.engine.hosted)})
        key_file = config.key_file or config.database.with_name(f"{config.database.name}.key")
        mint = TokenMint(load_key(key_file))
        self.tokens = tokens = Tokens(self._store.tokens(), self.engine.keep_token)
        if config.auth == "tokens" and not tokens.has_administrator:
            await _make_administrator(tokens, config.database)
        guard = Guard(tokens if config.auth == "tokens" else None, self.accounts)
        interceptors: list[Any] = [ErrorInterceptor(config.limits, guard, self.engine.calls)]
        if config.traces is not None:
            self._tracing = _tracing(config.traces)
            self.engine.traces = self._tracing
            interceptors.insert(0, self._tracing.interceptor)
        servers = [
            grpc.aio.server(interceptors=interceptors, options=channel_options(config))
            for _ in range(1 if all(map(is_socket_file, config.listen)) else SHARING)
        ]
        self._register(servers, mint, tokens)
        try:
            self._listener = Listener(servers, config.transport)
            for address in config.listen:
                self.addresses.append(_listen(self._listener, address))
        except TransportError as error:
            raise ServerError(str(error)) from None
        if config.http is not None:
            self._http = self._http_server(servers[0], config.http)
        self._engine_task = self.engine.start()
        self._backups.start()
        self._retention.start()
        for server in servers:
            await server.start()
            self._grpc.append(server)
        self._is_ready = True
        for name in ("", *SERVICES):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        log.info(
            "listening",
            extra={
                "addresses": self.addresses, "http": self.http_address, "version": __version__,
            },
        )  # fmt: skip

    def _http_server(self, server: grpc.aio.Server, address: str) -> HttpServer:
        """The HTTP port, which calls this server over a socket that nobody else can reach.

        Raises:
            ServerError: it cannot be.
        """
        try:
            from asha_server.http.metrics import Metrics  # noqa: PLC0415 - an extra, 0.2 s
            from asha_server.http.serving import HttpServer  # noqa: PLC0415 - as above
        except ModuleNotFoundError as error:
            raise ServerError(
                f"--http needs the package {error.name}: pip install 'asha-server[http]'"
            ) from None
        if not (self._config.transport.insecure or is_loopback(address.rpartition(":")[0])):
            raise ServerError(
                f"will not listen on http://{address} in plaintext, where others can listen in: "
                "choose an address of loopback and put a proxy with TLS before it, or --insecure"
            )
        self._private = tempfile.TemporaryDirectory(prefix="asha-http-")
        target = f"unix:{self._private.name}/grpc"
        server.add_insecure_port(target)
        metrics = Metrics(
            self.engine,
            self.engine.calls,
            self._sessions,
            self.watching,
            self.accounts,
            self._config.database,
        )
        http = HttpServer(
            DESCRIPTORS, target, metrics, self._config.limits.request_bytes_max,
            lambda: self._is_ready,
        )  # fmt: skip
        try:
            self.http_address = http.start(address)
        except (OSError, ValueError) as error:
            raise ServerError(f"cannot listen on http://{address}: {error}") from None
        return http

    def _register(self, servers: list[grpc.aio.Server], mint: TokenMint, tokens: Tokens) -> None:
        """The same services on all servers."""
        limits = self._config.limits
        suggestions = SuggestionService(self.engine, mint, limits)
        self._sessions = suggestions.sessions
        experiments = ExperimentService(self.engine, self.reader, self.watching, limits)
        admin = AdminService(
            self.engine, self.watching, suggestions.sessions, tokens, self._store.info(), limits
        )
        names = (*SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME)
        for server in servers:
            suggestion_service_pb2_grpc.add_SuggestionServiceServicer_to_server(suggestions, server)
            experiment_service_pb2_grpc.add_ExperimentServiceServicer_to_server(experiments, server)
            admin_service_pb2_grpc.add_AdminServiceServicer_to_server(admin, server)
            health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
            reflection.enable_server_reflection(names, server)

    async def failed(self) -> None:
        """Returns once the engine has ended, which it only does by a failure or by `stop`."""
        assert self._engine_task is not None
        await asyncio.wait([self._engine_task])

    async def _fall_silent(self, ends_s: float) -> None:
        """Returns once no call has been open for a moment, or when its time is over.

        Args:
            ends_s: when that is; monotonic, seconds.
        """
        silent_since_s = time.monotonic()
        while (now_s := time.monotonic()) < ends_s:
            if self.engine.calls.open_count:
                silent_since_s = now_s
            elif now_s - silent_since_s >= _SILENCE_S:
                return
            await asyncio.sleep(_LOOK_S)

    async def stop(self) -> None:
        """Refuses new calls, answers those in flight, ends long polls, closes the file.

        The port closes once no call is open, or the time for that is over. Until then whoever calls
        is told when to come back: GRPC ends calls that reach a port as it closes with CANCELLED,
        which clients have no reason to send again.

        Raises:
            Exception: what ended the engine, if it failed.
        """
        began_s = time.monotonic()
        log.info("draining", extra={"at_most_ms": self._config.drain_us // 1_000})
        self._is_ready = False
        await self._health.enter_graceful_shutdown()
        await self._retention.stop()
        if self._grpc:
            ends_s = began_s + self._config.drain_us / 1_000_000
            self._sessions.end(await self.engine.drain())
            await self._fall_silent(ends_s)
            grace_s = max(ends_s - time.monotonic(), 0)
            await asyncio.gather(*(server.stop(grace_s) for server in self._grpc))
        if self._listener is not None:
            self._listener.release()
        if self._http is not None:
            await self._http.stop()
            self._private.cleanup()
        await self.reader.close()
        await self._backups.stop()
        await self.engine.stop()
        if self._tracing is not None:
            await self._tracing.close()
        log.info("stopped", extra={"took_ms": round((time.monotonic() - began_s) * 1_000)})
        if self._engine_task is not None:
            self._engine_task.result()
            await self._backups.finish()


def _tracing(target: str) -> Tracing:
    """What traces calls.

    Raises:
        ServerError: what it needs is not installed.
    """
    try:
        from asha_server.tracing import Tracing  # noqa: PLC0415 - an extra, 0.2 s
    except ModuleNotFoundError as error:
        raise ServerError(
            f"--traces needs the package {error.name}: pip install 'asha-server[otel]'"
        ) from None
    return Tracing(target)


async def _make_administrator(tokens: Tokens, database: Path) -> None:
    """Makes a token for everything and writes it beside the database, for its owner's eyes.

    In this order: a crash in between leaves a file whose token does not hold, and the next start
    writes another.

    Raises:
        ServerError: the file cannot be written.
    """
    path = database.with_name(f"{database.name}.admin-token")
    secret = new_secret()
    try:
        write_secret_file(path, f"{secret}\n".encode())
    except OSError as error:
        raise ServerError(f"cannot write the first access token to {path}: {error}") from None
    row, _ = await tokens.create(NewToken(tokens.free_name("admin"), Role.ADMIN), secret)
    log.info("admin_token_written", extra={"token": row.name, "file": str(path)})


def _listen(listener: Listener, address: str) -> str:
    """Binds an address; where it can be called.

    Raises:
        ServerError: it is taken or wrong.
    """
    if is_socket_file(address):
        _bind(listener, address)
        return address
    host, separator, port = address.rpartition(":")
    is_port = port.isascii() and port.isdigit() and int(port) <= _PORT_MAX
    if not (separator and is_port):
        raise ServerError(
            f"{address!r} is not an address: HOST:PORT, with a port of at most {_PORT_MAX}, or "
            "unix:PATH"
        )
    return f"{host}:{_bind(listener, address)}"


def _bind(listener: Listener, address: str) -> int:
    """Binds an address of the right form; the port, which is another where 0 was asked for."""
    try:
        return listener.bind(address)
    except (RuntimeError, ValueError, OSError) as error:
        raise ServerError(
            f"cannot listen on {address}: it is in use or not an address of this machine; choose "
            "another with --listen (port 0 takes a free one)"
        ) from error


async def _serve(server: Server) -> None:
    """Serves until SIGTERM or SIGINT, or until the engine fails."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    try:
        await server.start()
        for address in server.addresses:
            print(f"listening on {address}", flush=True)  # noqa: T201 - the promised first line
        if server.http_address:
            print(f"http on {server.http_address}", flush=True)  # noqa: T201 - as above
        waits: list[asyncio.Task[Any]] = [
            asyncio.create_task(stopped.wait()),
            asyncio.create_task(server.failed()),
        ]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for task in waits:
            task.cancel()
    finally:
        await server.stop()


def run(config: Config) -> int:
    """Runs a server until it is told to stop.

    Returns:
        The exit status: 0 stopped on request, 1 it could not start or its store failed.
    """
    configure_logging(config.log_format, config.log_level)
    # Standing by for the file blocks, so it comes before the event loop, whose signal handlers
    # would not be heard: SIGTERM ends a standby as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        server = Server(config)
        if sys.platform == "win32":
            asyncio.run(_serve(server))
        else:
            # uvloop is not on every platform.
            from asha_server.event_loop import run_serving  # noqa: PLC0415

            run_serving(_serve(server))
    except KeyboardInterrupt:
        return 0
    except (StoreError, ServerError) as error:
        print(f"asha serve: {error}", file=sys.stderr)  # noqa: T201 - to the person who ran it
        return 1
    return 0

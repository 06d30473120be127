"""The server a command talks to: one connection, retries for as long as a person waits."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

import click
import grpc
from asha_client.access import find_credentials, find_token, read_token
from asha_client.connection import Backoff, Connection, Metadata, Target
from asha_client.errors import AshaError, decode_error
from grpc_health.v1.health_pb2_grpc import HealthStub

from asha_server.cli.refusal import Refusal
from asha_server.pb.admin_service_pb2_grpc import AdminServiceStub
from asha_server.pb.experiment_service_pb2_grpc import ExperimentServiceStub

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")
FunctionT = TypeVar("FunctionT", bound=Callable[..., object])

PATIENCE_S = 10.0
"""How long a call is tried again before a person is told that nobody answers. Seconds."""
LONG_PATIENCE_S = 600.0
"""The same for what had been connected: a server that is moved or updated comes back. Seconds."""
PAGE_SIZE = 1000
"""Items of a page; the most that the server gives."""
DEADLINE_S = 10.0
"""Of each attempt at a call. Seconds."""
PAUSE_MAX_S = 1.0
"""Longest pause between two attempts. Seconds."""

ACCESS_OPTIONS = {
    "--token-file": "Holds the access token.  [env var: ASHA_TOKEN or ASHA_TOKEN_FILE]",
    "--root-certificates": "Who signs the server's certificate (PEM); turns TLS on.  "
    "[env var: ASHA_ROOT_CERTIFICATES]",
    "--client-certificate": "For mutual TLS (PEM).  [env var: ASHA_CLIENT_CERTIFICATE]",
    "--client-key": "Its key (PEM).  [env var: ASHA_CLIENT_KEY]",
}
"""Options by which a command is let in, and their help."""


class ServerRefusal(Refusal):
    """What the server refused, or that it does not answer.

    Attributes:
        error: with reason, metadata and violations.
    """

    def __init__(self, message: str, error: AshaError) -> None:
        super().__init__(message)
        self.error = error


class PagedRequest(Protocol):
    """A request for one page of a list."""

    page_size: int
    page_token: str


class PagedResponse(Protocol):
    """One page of a list."""

    @property
    def next_page_token(self) -> str:
        """For the next page; only empty is the end."""


PagedRequestT = TypeVar("PagedRequestT", bound=PagedRequest)
PagedResponseT = TypeVar("PagedResponseT", bound=PagedResponse)


class Server:
    """One server, called by its address.

    Attributes:
        address: `HOST:PORT` or `unix:PATH`.
        target: it, with token and certificates.
        experiments: the calls of ExperimentService.
        admin: the calls of AdminService.
        health: the calls of grpc.health.v1.
        patience_s: how long a call is tried again, in seconds.
    """

    def __init__(self, target: Target, patience_s: float) -> None:
        self.target = target
        self.address = target.address
        self.patience_s = patience_s
        self._channel = Connection(target).open()
        self._is_waiting = False
        self.experiments = ExperimentServiceStub(self._channel)
        self.admin = AdminServiceStub(self._channel)
        self.health = HealthStub(self._channel)

    @property
    def metadata(self) -> Metadata:
        """What goes with every call: the access token."""
        return self.target.metadata

    def close(self) -> None:
        """Closes the connection."""
        self._channel.close()

    def call(
        self, method: grpc.UnaryUnaryMultiCallable[RequestT, ResponseT], request: RequestT
    ) -> ResponseT:
        """The answer to a request; tried again where api.md allows it.

        Raises:
            ServerRefusal: the server's word, or nobody answered for `patience_s`.
        """
        backoff = self.backoff()
        while True:
            try:
                response = method(request, timeout=DEADLINE_S, metadata=self.metadata)
            except grpc.RpcError as error:
                self.wait_after(decode_error(error), backoff)
            else:
                self._is_waiting = False
                return response

    def pages(
        self,
        method: grpc.UnaryUnaryMultiCallable[PagedRequestT, PagedResponseT],
        request: PagedRequestT,
    ) -> Iterator[PagedResponseT]:
        """The pages of a list, each asked for when the one before is used up.

        Args:
            method: of the list.
            request: for the first page; its page_size and page_token are set here.

        Raises:
            ServerRefusal: as `call`.
        """
        request.page_size = PAGE_SIZE
        while True:
            response = self.call(method, request)
            yield response
            if not response.next_page_token:
                return
            request.page_token = response.next_page_token

    def stream(
        self, method: grpc.UnaryStreamMultiCallable[RequestT, ResponseT], request: RequestT
    ) -> Iterator[ResponseT]:
        """The messages of one stream, until it ends.

        Raises:
            AshaError: why it broke; `wait_after` says whether to begin again.
        """
        try:
            for message in method(request, metadata=self.metadata):
                self._is_waiting = False
                yield message
        except grpc.RpcError as error:
            raise decode_error(error) from error

    def backoff(self) -> Backoff:
        """When to try a call again that begins now."""
        return Backoff(self.target, "call", self.patience_s)

    def wait_after(self, error: AshaError, backoff: Backoff) -> None:
        """Waits until the call is to be tried again, and says so once.

        Raises:
            ServerRefusal: it is not to be tried again, or not for longer.
        """
        try:
            pause_s = backoff.pause_after(error)
        except AshaError:
            raise self.refusal(error) from error
        if not self._is_waiting:
            self._is_waiting = True
            click.echo(
                f"{self.address} does not answer ({cause(error)}); "
                f"trying for {self.patience_s:.0f} s",
                err=True,
            )
        time.sleep(pause_s)

    def refusal(self, error: AshaError) -> ServerRefusal:
        """A refusal of the server, or its silence, with the way out."""
        if error.code in {"UNAVAILABLE", "DEADLINE_EXCEEDED"} and not error.reason:
            return ServerRefusal(
                f"no server answers at {self.address} ({cause(error)}). Start one with "
                "`asha serve`, or name another one with --server ADDRESS or ASHA_SERVER.",
                error,
            )
        if error.code == "UNIMPLEMENTED" and not error.reason:
            return ServerRefusal(
                f"the server at {self.address} does not know this call ({error.message}); it is "
                "older than this command, or no ASHA server.",
                error,
            )
        lines = [f"{error.message} [{error.reason or error.code}]"]
        lines += [f"  {violation.field}: {violation.description}" for violation in error.violations]
        return ServerRefusal("\n".join(lines), error)


def cause(error: AshaError) -> str:
    """The last cause that a failed connection names: "Connection refused" out of gRPC's chain."""
    if error.code == "DEADLINE_EXCEEDED":
        return "no answer in time"
    return error.message.rpartition(": ")[2].rstrip(".")


class ServerAddress(click.ParamType[Server]):
    """`HOST:PORT` or `unix:PATH`, where a server is called."""

    name = "address"

    def convert(
        self, value: str | Server, param: click.Parameter | None, ctx: click.Context | None
    ) -> Server:
        """The server at the address; connects with the first call."""
        if isinstance(value, Server):
            return value
        scheme, _, path = value.partition(":")
        host, _, port = value.rpartition(":")
        is_port = port.isascii() and port.isdigit() and 0 < int(port) < 2**16
        if not (path if scheme == "unix" else host and is_port):
            self.fail(f"{value!r} is neither HOST:PORT nor unix:PATH", param, ctx)
        server = Server(_target(value, ctx), PATIENCE_S)
        if ctx is not None:
            ctx.call_on_close(server.close)
        return server


def _target(address: str, ctx: click.Context | None) -> Target:
    """A server and what lets one in.

    Raises:
        Refusal: a file of a token, certificate or key cannot be read.
    """
    given: dict[str, str] = ctx.meta if ctx is not None else {}
    try:
        path = given.get("token_file")
        return Target(
            address,
            find_credentials(
                given.get("root_certificates"),
                given.get("client_certificate"),
                given.get("client_key"),
            ),
            read_token(path) if path else find_token(None),
            max_backoff_s=PAUSE_MAX_S,
        )
    except AshaError as error:
        raise Refusal(str(error)) from error


def _access_option(name: str, help_text: str) -> Callable[[FunctionT], FunctionT]:
    """An option that is known before the server's address is looked at."""

    def note(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
        if value:
            ctx.meta[str(param.name)] = value

    return click.option(
        name,
        type=click.Path(dir_okay=False),
        callback=note,
        is_eager=True,
        expose_value=False,
        metavar="FILE",
        help=help_text,
    )


def server_option(function: FunctionT) -> FunctionT:
    """Adds `--server ADDRESS`, given to the command as `server: Server`, and what lets one in."""
    for name, help_text in reversed(ACCESS_OPTIONS.items()):
        function = _access_option(name, help_text)(function)
    return click.option(
        "--server",
        type=ServerAddress(),
        envvar="ASHA_SERVER",
        default="localhost:50051",
        show_default=True,
        show_envvar=True,
        metavar="ADDRESS",
        help="The server: HOST:PORT or unix:PATH.",
    )(function)

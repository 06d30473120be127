"""How a server is reached: plaintext or TLS, sockets, and what a connection may do.

TLS files are looked at with every handshake: what changed is taken up by the next connection, and
what is broken is not, aloud. Plaintext is for loopback and Unix sockets, unless somebody says
otherwise.

A server of gRPC's asyncio takes up one call in a turn of its event loop. So several of them share
a port, and the operating system shares out the connections: see docs/explanation/performance.md.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import socket
import ssl
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import grpc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asha_server.config import Config, Transport

log = logging.getLogger(__name__)

SHARING = 4
"""Servers of gRPC on one event loop that share each TCP port."""

_HARD_LIMIT_FACTOR = 4
"""A request above its limit is refused with an explanation; one above this many times the limit
is refused by gRPC itself, which has none."""
_NEVER = 2**31 - 1
"""The greatest number that an option of gRPC takes."""
_HANDSHAKE_MS = 20_000
"""Whoever has not finished the handshake by then is hung up on. gRPC's own default is 2 minutes."""


class TransportError(Exception):
    """The server cannot listen like this; the message says what to do."""


def channel_options(config: Config) -> list[tuple[str, int]]:
    """What a connection may do, as options of gRPC."""
    transport = config.transport
    return [
        ("grpc.so_reuseport", 1),  # for our own servers; `Claim` keeps others away
        ("grpc.max_receive_message_length", config.limits.request_bytes_max * _HARD_LIMIT_FACTOR),
        ("grpc.server_handshake_timeout_ms", _HANDSHAKE_MS),
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.keepalive_time_ms", _ms(transport.keepalive_us)),
        ("grpc.keepalive_timeout_ms", _ms(transport.keepalive_timeout_us)),
        ("grpc.max_connection_age_ms", _ms(transport.max_connection_age_us)),
        ("grpc.max_connection_age_grace_ms", _ms(transport.connection_grace_us)),
        # What waits to be taken up is never dropped: gRPC would do that with CANCELLED,
        # which nobody sends again, from a thousand calls or half a minute on. Each worker
        # waits for its answer, so no more wait than there are workers.
        ("grpc.server.max_pending_requests", _NEVER),
        ("grpc.server.max_pending_requests_hard_limit", _NEVER),
        ("grpc.server_max_unrequested_time_in_server", _NEVER // 1000),
    ]


def _ms(time_us: int) -> int:
    """Milliseconds of an option; 0 stands for never."""
    return min(time_us // 1000, _NEVER) or _NEVER


class TlsFiles:
    """A certificate, its key and, for mutual TLS, who signs the clients', as files.

    Args:
        certificate: PEM, the chain.
        key: PEM.
        client_ca: PEM; None: clients need no certificate.
    """

    def __init__(self, certificate: Path, key: Path, client_ca: Path | None) -> None:
        self._certificate = certificate
        self._key = key
        self._client_ca = client_ca
        self._seen: object = None

    def credentials(self) -> grpc.ServerCredentials:
        """Credentials that follow the files.

        Raises:
            TransportError: the files are not there, or no certificate with its key.
        """
        self._seen = self._state()
        try:
            first = self._read()
        except (OSError, ssl.SSLError) as error:
            raise TransportError(
                f"--tls-cert {self._certificate} and --tls-key {self._key} cannot be used: {error}"
            ) from None
        return grpc.dynamic_ssl_server_credentials(
            first,
            self._changed,  # type: ignore[arg-type]  # None: as before, says its documentation
            require_client_authentication=self._client_ca is not None,
        )

    def _changed(self) -> grpc.ServerCertificateConfiguration | None:
        """What the files hold, if that is new and whole; called before each handshake."""
        state = self._state()
        if state == self._seen:
            return None
        self._seen = state
        try:
            found = self._read()
        except (OSError, ssl.SSLError) as error:
            log.error("tls_files_broken", extra={"error": str(error)})
            return None
        log.info("tls_files_reloaded", extra={"certificate": str(self._certificate)})
        return found

    def _state(self) -> object:
        """What tells one content of the files from another without reading them."""
        return [
            (found.st_mtime_ns, found.st_ino, found.st_size)
            for path in (self._certificate, self._key, self._client_ca)
            if path is not None and path.exists()
            for found in (path.stat(),)
        ]

    def _read(self) -> grpc.ServerCertificateConfiguration:
        """What the files hold.

        Raises:
            OSError: one cannot be read.
            ssl.SSLError: one is no certificate, or the key is another's.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate, self._key)
        roots = None
        if self._client_ca is not None:
            context.load_verify_locations(self._client_ca)
            roots = self._client_ca.read_bytes()
        pair = (self._key.read_bytes(), self._certificate.read_bytes())
        return grpc.ssl_server_certificate_configuration([pair], root_certificates=roots)


class Listener:
    """Binds servers of gRPC, one of them or several that share a port, to addresses.

    Args:
        servers: which; each call comes to any of them.
        transport: how they are reached.

    Raises:
        TransportError: TLS files are missing or wrong.
    """

    def __init__(self, servers: Sequence[grpc.aio.Server], transport: Transport) -> None:
        self._servers = servers
        self._transport = transport
        self._claims: list[socket.socket] = []
        self._credentials: list[grpc.ServerCredentials] = []
        certificate, key = transport.tls_cert, transport.tls_key
        if certificate is not None and key is not None:
            files = (certificate, key, transport.tls_client_ca)
            self._credentials = [TlsFiles(*files).credentials() for _ in servers]
        elif certificate or key or transport.tls_client_ca:
            raise TransportError("TLS needs both --tls-cert and --tls-key")

    def bind(self, address: str) -> int:
        """Binds an address of the right form; its port, which is another where 0 was asked for.

        Raises:
            TransportError: others could listen in, or another server has the socket.
            RuntimeError: it is taken, or none of this machine.
            OSError: as before, or the socket's mode cannot be set.
        """
        if is_socket_file(address):
            return self._bind_socket(address)
        host, _, asked = address.rpartition(":")
        if not (self._credentials or self._transport.insecure or is_loopback(host)):
            raise TransportError(
                f"will not listen on {address} in plaintext, where others can read and change what "
                "is said: give --tls-cert and --tls-key, or --insecure if the network is to be "
                "trusted"
            )
        if int(asked):
            _refuse_taken(host, int(asked))
        port = self._bind_port(0, address)
        self._claim(f"{host}:{port}")
        for index in range(1, len(self._servers)):
            self._bind_port(index, f"{host}:{port}")
        return port

    def release(self) -> None:
        """Lets others have the addresses; call it when the servers have ended."""
        for claim in self._claims:
            claim.close()

    def _claim(self, address: str) -> None:
        """Two servers that start in the same moment both find a port free; only one claims it.

        A name of the abstract namespace, which is the network's as ports are, has one owner.
        """
        if sys.platform == "linux":
            claim = socket.socket(socket.AF_UNIX)
            self._claims.append(claim)
            claim.bind(f"\0asha-server/{address}")

    def _bind_port(self, index: int, address: str) -> int:
        server = self._servers[index]
        if self._credentials:
            return server.add_secure_port(address, self._credentials[index])
        return server.add_insecure_port(address)

    def _bind_socket(self, address: str) -> int:
        """A socket file, which cannot be shared."""
        path = address.removeprefix("unix:")
        _refuse_live_socket(path)
        before = os.umask(0o177)  # nobody connects before the mode is what was asked for
        try:
            port = self._servers[0].add_insecure_port(address)
        finally:
            os.umask(before)
        Path(path).chmod(self._transport.socket_mode)
        return port


def _refuse_live_socket(path: str) -> None:
    """GRPC takes over a socket file in silence; one that somebody answers on is not for us.

    Raises:
        TransportError: somebody does.
    """
    if not Path(path).exists():
        return
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except OSError:
            return
    raise TransportError(f"cannot listen on unix:{path}: another server answers there")


def _refuse_taken(host: str, port: int) -> None:
    """A port that can be shared would be shared with anybody: it must be free before.

    Raises:
        OSError: it is taken, or none of this machine.
    """
    name = host.strip("[]") or None
    for family, kind, protocol, _, address in socket.getaddrinfo(
        name, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    ):
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind(address)


def is_socket_file(address: str) -> bool:
    """Whether an address names a Unix socket."""
    return address.startswith("unix:")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a host of that name."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False

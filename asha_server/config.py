"""How a server runs: one frozen value, made once from the command line and the environment."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

SECOND_US = 1_000_000
PER_IDENTITY = "identity_"
"""What the names of limits begin with that hold for each identity; 0, their default, is none."""

# gRPC reads this when it is first imported, so this module comes before it. A server forks only to
# start other programs, for which gRPC's own fork handlers do nothing but complain.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """What the server bears; over a limit a call is refused with a clear error.

    Attributes:
        request_bytes_max: size of one request.
        metrics_max: metrics in one report.
        reports_max: reports in one message of a training session.
        sessions_max: open training sessions.
        observations_max: observations of one given trial.
        uri_bytes_max: length of a checkpoint's URI.
        message_bytes_max: size of a failure's message or a reason.
        experiments_max: experiments in one file.
        waiting_calls_max: long polls held at one time.
        watches_max: open watches.
        exports_max: exports at one time; each is a process.
        reads_max: long reads waiting for the reader process.
        inbox_max: commands waiting to be decided.
        page_size_max: items of one page of a list.
        page_bytes_max: size of one page of a list.
        chunk_bytes_max: size of one chunk of an export.
        suggestion_wait_max_us: longest long poll of GetSuggestion.
        should_stop_wait_max_us: longest long poll of ShouldStop; longer ones count as this.
        identity_requests_per_s: requests of one identity a second, those of a second at once.
        identity_reports_per_s: reports of one identity a second, likewise; those of one message
            may be over it, and are waited for afterwards.
        identity_calls_max: calls of one identity in flight, watches, exports, imports and requests
            of sessions included, long polls not.
        identity_waiting_calls_max: long polls of one identity; a session waits once for each trial
            that it trains.
        identity_sessions_max: open training sessions of one identity.
        identity_experiments_max: experiments that one identity created or imported and did not
            delete.
        identity_trials_max: trials that those experiments may come to, together.
    """

    request_bytes_max: int = 4 * 2**20
    metrics_max: int = 100
    reports_max: int = 1_000
    sessions_max: int = 10_000
    observations_max: int = 1_000
    uri_bytes_max: int = 2_048
    message_bytes_max: int = 4_096
    experiments_max: int = 10_000
    waiting_calls_max: int = 20_000
    watches_max: int = 1_000
    exports_max: int = 4
    reads_max: int = 1_000
    inbox_max: int = 20_000
    page_size_max: int = 1_000
    page_bytes_max: int = 2**20
    chunk_bytes_max: int = 2**20
    suggestion_wait_max_us: int = 3_600 * SECOND_US
    should_stop_wait_max_us: int = 60 * SECOND_US
    identity_requests_per_s: int = 0
    identity_reports_per_s: int = 0
    identity_calls_max: int = 0
    identity_waiting_calls_max: int = 0
    identity_sessions_max: int = 0
    identity_experiments_max: int = 0
    identity_trials_max: int = 0

    @property
    def of_identity(self) -> IdentityLimits:
        """What one identity may take, where it has no limits of its own."""
        names = [field.name for field in dataclasses.fields(IdentityLimits)]
        return IdentityLimits(**{name: getattr(self, PER_IDENTITY + name) for name in names})


@dataclasses.dataclass(frozen=True, slots=True)
class IdentityLimits:
    """What one identity may take; each is that of `Limits` with `PER_IDENTITY` before it, 0: none.

    Attributes:
        requests_per_s: requests a second.
        reports_per_s: reports a second.
        calls_max: calls in flight.
        waiting_calls_max: long polls.
        sessions_max: open training sessions.
        experiments_max: experiments that it created and did not delete.
        trials_max: trials that those may come to.
    """

    requests_per_s: int = 0
    reports_per_s: int = 0
    calls_max: int = 0
    waiting_calls_max: int = 0
    sessions_max: int = 0
    experiments_max: int = 0
    trials_max: int = 0

    def with_changes(self, changes: Mapping[str, int]) -> IdentityLimits:
        """The same but for some, by their names."""
        return dataclasses.replace(self, **changes)


@dataclasses.dataclass(frozen=True, slots=True)
class Transport:
    """How a server is reached. Times are microseconds, 0 is never.

    Attributes:
        tls_cert: PEM file of the server's certificate chain; None: plaintext.
        tls_key: PEM file of its key.
        tls_client_ca: PEM file of who signs clients' certificates, which are then demanded.
        insecure: listen in plaintext where others can listen in.
        socket_mode: permissions of Unix sockets.
        keepalive_us: silence after which a client is pinged.
        keepalive_timeout_us: time to answer that.
        max_connection_age_us: time after which a client is asked to connect anew.
        connection_grace_us: time for what is in flight then.
    """

    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_client_ca: Path | None = None
    insecure: bool = False
    socket_mode: int = 0o600
    keepalive_us: int = 60 * SECOND_US
    keepalive_timeout_us: int = 20 * SECOND_US
    max_connection_age_us: int = 3_600 * SECOND_US
    connection_grace_us: int = 300 * SECOND_US


@dataclasses.dataclass(frozen=True, slots=True)
class Config:
    """One server.

    Attributes:
        database: the SQLite file; made if it does not exist.
        listen: addresses, `HOST:PORT` (port 0 takes a free one) or `unix:PATH`.
        http: `HOST:PORT` of the HTTP port; None: there is none.
        wait_for_lock: stand by while another server holds the file.
        key_file: the key that signs leases; None: `FILE.key` beside the database.
        auth: `none`, anyone may do anything; or `tokens`, each call wants an access token.
        backup_to: a directory that gets copies of the database again and again; None: none.
        backup_every_us: time from one copy to the next. Microseconds.
        backup_keep: copies that are kept, the latest.
        delete_ended_after_us: time after which an ended experiment is deleted; None: never.
            Microseconds.
        archive_to: a directory that gets the export of what is deleted so; None: it is not kept.
        log_format: `text`, `json`, or `auto`: text on a terminal, JSON lines otherwise.
        log_level: `DEBUG`, `INFO`, `WARNING` or `ERROR`.
        traces: where traces of calls go: `otlp`, `console` or, None, nowhere.
        drain_us: longest time to answer what is in flight at a stop. Microseconds.
        transport: how it is reached.
        limits: what it bears.
    """

    database: Path
    listen: tuple[str, ...] = ("127.0.0.1:50051",)
    http: str | None = None
    wait_for_lock: bool = False
    key_file: Path | None = None
    auth: str = "none"
    backup_to: Path | None = None
    backup_every_us: int = 60 * SECOND_US
    backup_keep: int = 3
    delete_ended_after_us: int | None = None
    archive_to: Path | None = None
    log_format: str = "auto"
    log_level: str = "INFO"
    traces: str | None = None
    drain_us: int = 5 * SECOND_US
    transport: Transport = dataclasses.field(default_factory=Transport)
    limits: Limits = dataclasses.field(default_factory=Limits)

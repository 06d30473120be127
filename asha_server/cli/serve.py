"""`asha serve`: runs the server. Imports only what it needs: it is called by restarts too."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from asha_server.cli import settings
from asha_server.cli.interval import FileMode, Interval, interval_text
from asha_server.config import Config, Limits, Transport
from asha_server.server import run


class ListenAddress(click.ParamType[str]):
    """`HOST:PORT` or `unix:PATH`, where a server listens."""

    name = "address"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The address as given, if it is one."""
        scheme, _, path = value.partition(":")
        host, _, port = value.rpartition(":")
        is_port = port.isascii() and port.isdigit() and int(port) < 2**16
        if not (path if scheme == "unix" else host and is_port):
            self.fail(f"{value!r} is neither HOST:PORT nor unix:PATH", param, ctx)
        return value


@click.command(
    short_help="Run the server.",
    epilog="Example: asha serve --listen 0.0.0.0:50051 --tls-cert server.pem --tls-key server.key "
    "--auth tokens",
    context_settings={"auto_envvar_prefix": settings.PREFIX},
)
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    is_eager=True,
    callback=settings.read_file,
    metavar="FILE",
    help="Settings as TOML: the options below by their names, with _ for -, and a table of limits.",
)
@click.option(
    "--database",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("asha.db"),
    show_default=True,
    metavar="FILE",
    help="The SQLite file; made if it does not exist.",
)
@click.option(
    "--listen",
    type=ListenAddress(),
    multiple=True,
    default=("127.0.0.1:50051",),
    show_default=True,
    metavar="ADDRESS",
    help="HOST:PORT, where port 0 takes a free one, or unix:PATH. May be given several times.",
)
@click.option(
    "--http",
    type=ListenAddress(),
    metavar="HOST:PORT",
    help="Calls as JSON, /metrics, /livez and /readyz over HTTP, in plaintext: for loopback or a "
    "trusted network (--insecure). Needs asha-server[http].  [default: off]",
)
@click.option("--wait-for-lock", is_flag=True, help="Stand by while another server holds the file.")
@click.option(
    "--key-file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The key that signs leases.  [default: FILE.key beside the database FILE]",
)
@click.option(
    "--auth",
    type=click.Choice(["none", "tokens"]),
    default="none",
    show_default=True,
    help="tokens: each call wants an access token (`asha token`). The first one, for everything, "
    "is written to FILE.admin-token beside the database FILE.",
)
@click.option(
    "--tls-cert",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Certificate chain (PEM); with --tls-key turns TLS on for TCP. Changes are seen.",
)
@click.option(
    "--tls-key",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Its key (PEM).",
)
@click.option(
    "--tls-client-ca",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Demand client certificates signed by this one (PEM). With --auth tokens a certificate "
    "stands for the token of its common name.",
)
@click.option(
    "--insecure",
    is_flag=True,
    help="Listen in plaintext where others can listen in.",
)
@click.option(
    "--socket-mode",
    type=FileMode(),
    default="0600",
    show_default=True,
    metavar="MODE",
    help="Permissions of Unix sockets.",
)
@click.option(
    "--keepalive",
    type=Interval(),
    default="60s",
    show_default=True,
    metavar="TIME",
    help="Silence after which a client is pinged.",
)
@click.option(
    "--max-connection-age",
    type=Interval(),
    default="1h",
    show_default=True,
    metavar="TIME",
    help="When a client is asked to connect anew; what is in flight has five minutes more.",
)
@click.option(
    "--drain",
    type=Interval(),
    default="5s",
    show_default=True,
    metavar="TIME",
    help="At a stop: longest time for what is in flight; a moment where all of it is short.",
)
@click.option(
    "--backup-to",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write whole copies of the database here, also onto a network file system; a directory "
    "of this server alone. If the disk under FILE is lost, what was answered since the latest copy "
    "began is lost with it: at most --backup-every and the time that one copy takes.",
)
@click.option(
    "--backup-every",
    type=Interval(),
    default="60s",
    show_default=True,
    metavar="TIME",
    help="From one copy to the next, as 60s, 5m or 1h; none while nothing changes, and one when "
    "the server is stopped.",
)
@click.option(
    "--backup-keep",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    metavar="N",
    help="Copies that are kept, the latest.",
)
@click.option(
    "--delete-ended-after",
    type=Interval(),
    metavar="TIME",
    help="Delete an experiment so long after its end, as 90d.  [default: keep all]",
)
@click.option(
    "--archive-to",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where the export of an experiment goes before --delete-ended-after deletes it; a "
    "directory of this server alone.",
)
@click.option(
    "--log-format",
    type=click.Choice(["auto", "text", "json"]),
    default="auto",
    show_default=True,
    help="auto is text on a terminal, JSON lines otherwise.",
)
@click.option(
    "--log-level",
    type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"], case_sensitive=False),
    default="INFO",
    show_default=True,
    help="What is logged at least.",
)
@click.option(
    "--traces",
    type=click.Choice(["otlp", "console"]),
    help="Trace calls and commits: to a collector, by the variables OTEL_EXPORTER_OTLP_ENDPOINT "
    "and the like, or to standard error. Needs asha-server[otel].  [default: off]",
)
@click.option(
    "--limit",
    "limits",
    type=settings.LimitSetting(),
    multiple=True,
    metavar="NAME=VALUE",
    allow_from_autoenv=False,  # settings.find_limits looks at each by itself
    help="Another limit than the default one (docs/reference/limits.md). May be given several "
    "times.",
)
@click.option(
    "--print-config", is_flag=True, help="Print each setting with its source, and do nothing else."
)
@click.pass_context
def command(
    ctx: click.Context, /, limits: tuple[tuple[str, int], ...], print_config: bool, **given: Any
) -> None:
    """Run the server: one process, one SQLite file.

    `listening on ADDRESS` is its first line, one for each address, once it can be called. SIGTERM
    and Ctrl-C answer what is in flight, at most --drain long, and end it; started again on the same
    file it goes on where it was.

    Each option can come from elsewhere: a flag goes before the variable ASHA_NAME of the
    environment, that before the file of --config, that before the default.
    """
    found, sources = settings.find_limits(ctx, limits)
    if print_config:
        settings.show(ctx, _as_given(given), found, sources)
        return
    if given["archive_to"] is not None and given["delete_ended_after"] is None:
        raise click.UsageError("--archive-to needs --delete-ended-after: when to archive.")
    sys.exit(run(_config(given, found)))


def _config(given: dict[str, Any], limits: Limits) -> Config:
    """The server that the settings describe."""
    transport = Transport(
        tls_cert=given["tls_cert"],
        tls_key=given["tls_key"],
        tls_client_ca=given["tls_client_ca"],
        insecure=given["insecure"],
        socket_mode=given["socket_mode"],
        keepalive_us=given["keepalive"],
        max_connection_age_us=given["max_connection_age"],
    )
    return Config(
        database=given["database"],
        listen=given["listen"],
        http=given["http"],
        wait_for_lock=given["wait_for_lock"],
        key_file=given["key_file"],
        auth=given["auth"],
        backup_to=given["backup_to"],
        backup_every_us=given["backup_every"],
        backup_keep=given["backup_keep"],
        delete_ended_after_us=given["delete_ended_after"],
        archive_to=given["archive_to"],
        log_format=given["log_format"],
        log_level=given["log_level"],
        traces=given["traces"],
        drain_us=given["drain"],
        transport=transport,
        limits=limits,
    )


def _as_given(given: dict[str, Any]) -> dict[str, Any]:
    """The settings in the form in which they are typed."""
    found = dict(given)
    for name in ("backup_every", "delete_ended_after", "keepalive", "max_connection_age", "drain"):
        if found[name] is not None:
            found[name] = interval_text(found[name])
    found["socket_mode"] = f"{found['socket_mode']:04o}"
    return found

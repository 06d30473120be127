"""`asha serve`: runs the server. Imports only what it needs: it is called by restarts too."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from asha_server.cli.interval import Interval
from asha_server.config import Config
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
    epilog="Example: asha serve --database search.db --listen 0.0.0.0:50051",
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
def command(
    database: Path,
    listen: tuple[str, ...],
    wait_for_lock: bool,
    key_file: Path | None,
    auth: str,
    backup_to: Path | None,
    backup_every: int,
    backup_keep: int,
    delete_ended_after: int | None,
    archive_to: Path | None,
    log_format: str,
    log_level: str,
) -> None:
    """Run the server: one process, one SQLite file.

    `listening on ADDRESS` is its first line, one for each address, once it can be called. SIGTERM
    and Ctrl-C answer what is in flight and end it; started again on the same file it goes on where
    it was.
    """
    if archive_to is not None and delete_ended_after is None:
        raise click.UsageError("--archive-to needs --delete-ended-after: when to archive.")
    config = Config(
        database=database,
        listen=listen,
        wait_for_lock=wait_for_lock,
        key_file=key_file,
        auth=auth,
        backup_to=backup_to,
        backup_every_us=backup_every,
        backup_keep=backup_keep,
        delete_ended_after_us=delete_ended_after,
        archive_to=archive_to,
        log_format=log_format,
        log_level=log_level,
    )
    sys.exit(run(config))

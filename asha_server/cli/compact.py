"""`asha compact`: makes a database file as small as what it holds."""

from __future__ import annotations

from pathlib import Path

import click

from asha_server.cli.refusal import Refusal
from asha_server.store import StoreError
from asha_server.store.compacting import compact


@click.command(
    short_help="Give the room of deleted experiments back.", epilog="Example: asha compact asha.db"
)
@click.argument(
    "path", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
def command(path: Path) -> None:
    """Give the room that deleted experiments left in a database file back to the disk.

    The server must be stopped. Histories stay whole: no report of an experiment that is there is
    removed. Needs as much room again while it runs; a file that it cannot finish is as it was.
    """
    try:
        found = compact(path)
    except StoreError as error:
        raise Refusal(str(error)) from error
    click.echo(f"{path}: {found.before_bytes:,} bytes before, {found.after_bytes:,} now")

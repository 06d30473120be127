"""`asha backup`: a whole copy of a database file, also while a server writes it."""

from __future__ import annotations

import os
from pathlib import Path

import click

from asha_server.cli.refusal import Refusal
from asha_server.reader.manners import give_way
from asha_server.store import StoreError
from asha_server.store.backup import back_up


@click.command(
    short_help="Copy a database file, also a served one.",
    epilog="Example: asha backup search.db /backups/search-monday.db",
)
@click.argument(
    "path", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.argument("copy", metavar="COPY", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--overwrite", is_flag=True, help="Replace COPY if it is there.")
def command(path: Path, copy: Path, overwrite: bool) -> None:
    """Copy a database file, as it is at one moment; a server may write it meanwhile.

    The copy is a database of its own: `asha verify COPY` proves it, `asha serve --database COPY`
    serves it. It appears under its name when all of it is on the disk. The key beside FILE is not
    copied, and is not wanted: docs/howto/back-up-and-restore.md.
    """
    if not overwrite and os.path.lexists(copy):
        raise Refusal(f"{copy} is there already: choose another name, or replace it: --overwrite")
    give_way()
    try:
        size = back_up(path, copy)
    except StoreError as error:
        raise Refusal(str(error)) from error
    click.echo(f"{copy}: {size:,} bytes")

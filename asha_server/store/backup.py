"""Copies of a database file by somebody who is not its server."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from asha_server.store import StoreError
from asha_server.store.copying import write_copy
from asha_server.store.opening import open_read_only

if TYPE_CHECKING:
    from pathlib import Path


def back_up(path: Path, copy: Path) -> int:
    """Copies a file as it is at one moment; its server goes on writing meanwhile.

    Until the copy is done the server's log is kept, and grows by what is written; nobody waits.
    A file of any version is copied: a copy before an upgrade is the one that is wanted most.

    Args:
        path: the file.
        copy: the new one; a former file of that name is replaced.

    Returns:
        Its size in bytes.

    Raises:
        StoreError: there is no such database, or the copy cannot be written.
    """
    source = open_read_only(path, of_any_version=True)
    try:
        _refuse_database_in_use(path, copy)
        write_copy(source, copy)
        return copy.stat().st_size
    except sqlite3.Error as error:
        raise StoreError(f"{path} cannot be copied to {copy}: {error}") from error
    except OSError as error:
        raise StoreError(f"{copy} cannot be written: {error.strerror or error}") from error
    finally:
        source.close()


def _refuse_database_in_use(path: Path, copy: Path) -> None:
    """Replacing an open database would end its server, and leave it a log of something else.

    Raises:
        StoreError: it is the file itself, or a log lies beside it.
    """
    if copy.exists() and copy.samefile(path):
        raise StoreError(f"{copy} is {path} itself: choose another name")
    for ending in ("-wal", "-journal"):
        beside = copy.with_name(copy.name + ending)
        if beside.exists():
            raise StoreError(
                f"{copy} is open, or was not closed: {beside} lies beside it; choose another name"
            )

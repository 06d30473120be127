"""Opening a database file: to write it, brought up to date first, or only to read it."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from sqlite_utils import Database

from asha_server.store import StoreError
from asha_server.store.failure import advice
from asha_server.store.migrations import KNOWN, migrations

if TYPE_CHECKING:
    from pathlib import Path

SQLITE_MIN = (3, 37, 0)
"""STRICT tables."""
_BUSY_S = 10


def open_for_writing(path: Path) -> sqlite3.Connection:
    """The server's own connection; the file is made if it does not exist.

    Raises:
        StoreError: it cannot be used; the message says why and what to do.
    """
    if sqlite3.sqlite_version_info < SQLITE_MIN:
        raise StoreError(
            f"this Python has SQLite {sqlite3.sqlite_version}; the server needs "
            f"{'.'.join(map(str, SQLITE_MIN))} or newer: use a newer Python or system"
        )
    if path.is_dir():
        raise StoreError(f"{path} is a directory: give --database a file in it")
    connection = _connected(path, str(path), is_uri=False)
    try:
        db = Database(connection)
        _refuse_future(path, db)
        db.enable_wal()
        connection.execute("PRAGMA synchronous = FULL")
        migrations.apply(db)
        connection.execute("INSERT OR IGNORE INTO server (only) VALUES (1)")
        # From here on a lock is waited out by `Transaction`, which says so.
        connection.execute("PRAGMA busy_timeout = 0")
    except sqlite3.DatabaseError as error:
        connection.close()
        raise _unusable(path, error) from None
    except StoreError:
        connection.close()
        raise
    return connection


def open_read_only(path: Path, *, of_any_version: bool = False) -> sqlite3.Connection:
    """A connection that cannot write; it sees whole transactions and stalls nobody.

    Args:
        path: the file.
        of_any_version: for whoever copies it without a look at its tables.

    Raises:
        StoreError: no such file, not a database of ours, or of another version.
    """
    if not path.is_file():
        raise StoreError(f"there is no database {path}")
    connection = _connected(path, f"{path.resolve().as_uri()}?mode=ro", is_uri=True)
    try:
        db = Database(connection)
        _refuse_foreign(path, db)
        if not of_any_version:
            _refuse_other_version(path, db)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise StoreError(f"{path} is not an ASHA database: {error}") from None
    except StoreError:
        connection.close()
        raise
    return connection


def _connected(path: Path, name: str, *, is_uri: bool) -> sqlite3.Connection:
    """A connection by a name or URI of the file; it may be used from any thread.

    Raises:
        StoreError: with the way out.
    """
    try:
        return sqlite3.connect(
            name, uri=is_uri, isolation_level=None, timeout=_BUSY_S, check_same_thread=False
        )  # fmt: skip
    except sqlite3.Error as error:
        raise _unusable(path, error) from None


def _unusable(path: Path, error: sqlite3.Error) -> StoreError:
    parts = (f"{path} cannot be used as a database: {error}", advice(error))
    return StoreError("; ".join(filter(None, parts)))


def _refuse_foreign(path: Path, db: Database) -> None:
    """Only a file that a server made is read.

    Raises:
        StoreError: it is something else.
    """
    if not db.table("server").exists():
        raise StoreError(f"{path} is not an ASHA database; choose another")


def _refuse_other_version(path: Path, db: Database) -> None:
    """Only a file of exactly this schema is read; a server brings an older one up to date.

    Raises:
        StoreError: with the way out.
    """
    _refuse_future(path, db)
    if migrations.pending(db):
        raise StoreError(
            f"{path} was written by an older server: `asha serve --database {path}` brings it up "
            "to date"
        )


def _refuse_future(path: Path, db: Database) -> None:
    """A newer server's file may hold what this one would lose.

    Raises:
        StoreError: with the way out.
    """
    if not db.table("_sqlite_migrations").exists():
        if db.table_names():
            raise StoreError(f"{path} is a database of something else; choose another")
        return
    unknown = {migration.name for migration in migrations.applied(db)} - KNOWN
    if unknown:
        raise StoreError(
            f"{path} was written by a newer server (it has {', '.join(sorted(unknown))}): "
            "upgrade this one"
        )

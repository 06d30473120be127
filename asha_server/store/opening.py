"""Opening a database file: to write it, brought up to date first, or only to read it."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from asha_server.store import StoreError
from asha_server.store.failure import advice
from asha_server.store.versions import VERSION_SET, VERSIONS

if TYPE_CHECKING:
    from pathlib import Path

SQLITE_MIN = (3, 37, 0)
"""STRICT tables."""
_BUSY_S = 10
_NOTED = "_sqlite_migrations"
"""The table in which sqlite-utils notes what a file has."""


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
        _refuse_future(path, connection)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        if _missing(connection):
            from asha_server.store.migrations import bring_up_to_date  # noqa: PLC0415  # 0.1 s

            bring_up_to_date(connection)
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
        _refuse_foreign(path, connection)
        if not of_any_version:
            _refuse_other_version(path, connection)
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


def _refuse_foreign(path: Path, connection: sqlite3.Connection) -> None:
    """Only a file that a server made is read.

    Raises:
        StoreError: it is something else.
    """
    if "server" not in _tables(connection):
        raise StoreError(f"{path} is not an ASHA database; choose another")


def _refuse_other_version(path: Path, connection: sqlite3.Connection) -> None:
    """Only a file of exactly this schema is read; a server brings an older one up to date.

    Raises:
        StoreError: with the way out.
    """
    _refuse_future(path, connection)
    if _missing(connection):
        raise StoreError(
            f"{path} was written by an older server: `asha serve --database {path}` brings it up "
            "to date"
        )


def _refuse_future(path: Path, connection: sqlite3.Connection) -> None:
    """A newer server's file may hold what this one would lose.

    Raises:
        StoreError: with the way out.
    """
    tables = _tables(connection)
    if tables and _NOTED not in tables:
        raise StoreError(f"{path} is a database of something else; choose another")
    unknown = _versions(connection) - set(VERSIONS)
    if unknown:
        raise StoreError(
            f"{path} was written by a newer server (it has {', '.join(sorted(unknown))}): "
            "upgrade this one"
        )


def _missing(connection: sqlite3.Connection) -> set[str]:
    """The migrations that a file has yet to get."""
    return set(VERSIONS) - _versions(connection)


def _versions(connection: sqlite3.Connection) -> set[str]:
    """The migrations that a file has."""
    if _NOTED not in _tables(connection):
        return set()
    noted = connection.execute(f"SELECT name FROM {_NOTED} WHERE migration_set = ?", [VERSION_SET])
    return {name for (name,) in noted}


def _tables(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}

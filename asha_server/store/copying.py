"""Whole copies of a database that is being served: a snapshot, on disk before it has its name."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PAGES_AT_A_TIME = 64
"""Of 4 KiB: what is written of a copy before the disk has to have it."""


def write_copy(source: sqlite3.Connection, copy: Path) -> None:
    """Copies everything that is committed, as it is at this moment.

    The copy has its name once all of it is on the disk and its pages were found whole; a former
    file of that name is replaced.

    Args:
        source: not in a transaction; writers go on meanwhile.
        copy: the new file, which may lie on a network file system.

    Raises:
        sqlite3.Error: the source cannot be read or the copy not be written.
        OSError: the copy cannot be written.
    """
    partial = copy.with_name(f".{copy.name}.partial")
    partial.unlink(missing_ok=True)
    try:
        # Nobody else knows the file, so that no lock is needed, which a network may not have.
        uri = f"{partial.resolve().as_uri()}?nolock=1"
        with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as target:
            _copy_bit_by_bit(source, target, partial)
        _refuse_damaged(partial)
        _flush(partial, os.O_RDWR)
        partial.replace(copy)
        _flush(copy.parent, os.O_RDONLY | os.O_DIRECTORY)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _copy_bit_by_bit(source: sqlite3.Connection, target: sqlite3.Connection, copy: Path) -> None:
    """Copies one committed state, and has the disk take it a little at a time.

    A file system that is to flush a hundred megabytes lets every other flush wait behind them,
    the server's commits among them; so does one that is never without a flush.
    """
    source.execute("BEGIN")
    try:
        source.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # the state from now on
        source.backup(target, pages=PAGES_AT_A_TIME, progress=lambda *_: _flush_and_rest(copy))
    finally:
        source.execute("COMMIT")


def _refuse_damaged(copy: Path) -> None:
    """A damaged page is copied like any other.

    Raises:
        sqlite3.DatabaseError: it is damaged.
    """
    uri = f"{copy.resolve().as_uri()}?immutable=1"
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise sqlite3.DatabaseError(f"a page is damaged: {found}")


def _flush_and_rest(copy: Path) -> None:
    """Leaves the disk to others for as long as it took: half of the time it is theirs."""
    began = time.perf_counter()
    _flush(copy, os.O_RDWR)
    time.sleep(time.perf_counter() - began)


def _flush(path: Path, flags: int) -> None:
    """Returns once the file, or the names in a directory, are on the disk."""
    handle = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

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
"""Of 4 KiB: what is written of a copy before it rests."""
REST_S = 0.008
"""After each so many pages: 32 MiB a second at the most."""
FLUSHED_AFTER = 64
"""So often is written before the disk has to have all of it, 16 MiB."""


def write_copy(source: sqlite3.Connection, copy: Path, *, in_a_hurry: bool = False) -> None:
    """Copies everything that is committed, as it is at this moment.

    The copy has its name once all of it is on the disk and its pages were found whole; a former
    file of that name is replaced.

    Args:
        source: not in a transaction; writers go on meanwhile.
        copy: the new file, which may lie on a network file system.
        in_a_hurry: as fast as it goes, with no regard for who else needs the disk.

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
            _copy(source, target, None if in_a_hurry else _Pace(partial))
        _refuse_damaged(partial)
        _flush(partial, os.O_RDWR)
        partial.replace(copy)
        _flush(copy.parent, os.O_RDONLY | os.O_DIRECTORY)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _copy(source: sqlite3.Connection, target: sqlite3.Connection, pace: _Pace | None) -> None:
    """Copies one committed state."""
    source.execute("BEGIN")
    try:
        source.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # the state from now on
        if pace is None:
            source.backup(target)
        else:
            source.backup(target, pages=PAGES_AT_A_TIME, progress=pace)
    finally:
        source.execute("COMMIT")


class _Pace:
    """Has the disk take a copy bit by bit, with room for others in between.

    A flush waits for everything that is on its way to the disk, so a commit of the server waits
    for as much of the copy as is under way at that moment: a hundred megabytes that are flushed
    at their end, or a journal's transaction for each bit that is flushed at once. What is only
    sent on its way is little and soon there.

    Args:
        copy: the file, called for after each `PAGES_AT_A_TIME`.
    """

    def __init__(self, copy: Path) -> None:
        self._copy = copy
        self._count = 0

    def __call__(self, status: int, left: int, total: int) -> None:
        """A bit more was written."""
        self._count += 1
        if self._count % FLUSHED_AFTER:
            _send(self._copy)
            time.sleep(REST_S)
            return
        began = time.perf_counter()
        _flush(self._copy, os.O_RDWR)
        time.sleep(max(time.perf_counter() - began, REST_S))


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


def _send(path: Path) -> None:
    """Has what was written of a file go to the disk from now on; waits for nothing."""
    handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        # Linux begins to write what it is to drop from memory: the one way that Python has.
        if hasattr(os, "posix_fadvise"):  # not so on macOS, where a flush does it by and by
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(handle)


def _flush(path: Path, flags: int) -> None:
    """Returns once the file, or the names in a directory, are on the disk."""
    handle = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

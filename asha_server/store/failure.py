"""What a failing disk says, in words that tell a person what to do."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from asha_server.store import StoreFailed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEPT = "nothing that was answered is lost"
REPAIR = "docs/howto/when-something-broke.md"

_RESTORE = f"keep it, and put a copy in its place ({REPAIR})"

_WAYS_OUT = {
    # SQLite's primary result code -> what is the matter, and the way out.
    sqlite3.SQLITE_FULL: f"make room on its disk and start the server again; {KEPT}",
    sqlite3.SQLITE_READONLY: f"make it writable and start the server again; {KEPT}",
    sqlite3.SQLITE_PERM: f"make it writable and start the server again; {KEPT}",
    sqlite3.SQLITE_CANTOPEN: f"make its directory writable and start the server again; {KEPT}",
    sqlite3.SQLITE_IOERR: "its disk fails or became read-only: the system's log tells; have it "
    f"repaired, or copy the file and its -wal to a sound disk, and start the server; {KEPT}",
    sqlite3.SQLITE_CORRUPT: f"it is damaged: {_RESTORE}",
    sqlite3.SQLITE_NOTADB: f"it is something else, or damaged: {_RESTORE}",
    sqlite3.SQLITE_BUSY: "another program holds a lock on it: end its transaction (a shell, an "
    "editor of databases) and start the server again",
}


def advice(error: sqlite3.Error | OSError) -> str:
    """What to do about an error; "" where nothing is known.

    Args:
        error: as SQLite raised it; one of the Python module itself or the system has no code.
    """
    # The low byte is the primary code, whatever the detail: SQLITE_IOERR_FSYNC is an SQLITE_IOERR.
    return _WAYS_OUT.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, "")


@contextmanager
def failing(path: Path, doing: str) -> Iterator[None]:
    """Makes an error of SQLite, or of the system beneath it, the end of the store.

    Args:
        path: the file.
        doing: `read` or `write to`.

    Raises:
        StoreFailed: with the way out.
    """
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        parts = [f"cannot {doing} {path}: {error} ({name})", advice(error)]
        raise StoreFailed("; ".join(filter(None, parts))) from error

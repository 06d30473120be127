"""One transaction of the writer; a lock that somebody's shell holds is waited out, aloud."""

from __future__ import annotations

import logging
import sqlite3
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

log = logging.getLogger(__name__)

_LOCKED_PAUSE_S = 0.02
_LOCKED_WARN_S = 5.0


class Transaction:
    """BEGIN IMMEDIATE … COMMIT, or ROLLBACK; waits for somebody's shell to let go."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path

    def __enter__(self) -> None:
        self._patiently(lambda: self._connection.execute("BEGIN IMMEDIATE"))

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._patiently(lambda: self._connection.execute("COMMIT"))
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def _patiently(self, action: Callable[[], object]) -> None:
        started = warned = time.monotonic()
        while True:
            try:
                action()
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF not in (
                    sqlite3.SQLITE_BUSY,
                    sqlite3.SQLITE_LOCKED,
                ):
                    raise
            now = time.monotonic()
            if now - warned >= _LOCKED_WARN_S:
                warned = now
                log.warning(
                    "database_locked_by_another",
                    extra={"database": str(self._path), "waited_s": round(now - started, 1)},
                )
            time.sleep(_LOCKED_PAUSE_S)

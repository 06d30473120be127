"""Whether the path of a served file still names that file, whole with its write-ahead log.

SQLite writes on into a file that was removed, and reads a hole in a shortened log as pages of
zeros: commits would be answered that no restart finds, and a checkpoint would damage the file. So
each commit looks before and after it writes: 2 · 5–10 µs beside its 100 µs.
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING

from asha_server.store import StoreFailed

if TYPE_CHECKING:
    from pathlib import Path

_INDEX_HEAD = struct.Struct("=14xHI")
"""Of the WAL-index: page size at byte 14 and frames in the log at 16, in the machine's order.
Source: https://sqlite.org/walformat.html, section 2.1.1."""
_PAGE_OF_64_KIB = 1
_LOG_HEAD_BYTES = 32
_FRAME_HEAD_BYTES = 24


class ServedFile:
    """The file as it was opened, with its log.

    Args:
        path: of the database; opened by SQLite already, so that log and index are there.
    """

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self._log = f"{path}-wal"
        self._identity = _identity(self._path)
        self._log_identity = _identity(self._log)
        # Kept open until SQLite is done with the file: closing any handle of a process lets go of
        # all its POSIX locks on that file. Source: https://sqlite.org/howtocorrupt.html, 2.2.
        self._index = os.open(f"{path}-shm", os.O_RDONLY | os.O_CLOEXEC)

    @property
    def is_in_place(self) -> bool:
        """Whether the path names the file that was opened."""
        return _identity(self._path) == self._identity

    @property
    def is_log_removed(self) -> bool:
        """Whether the log's path names another file, or none."""
        return _identity(self._log) != self._log_identity

    def check(self) -> None:
        """Looks at file and log; nothing may be written after a refusal.

        Raises:
            StoreFailed: one of them was removed, replaced or cut off.
            OSError: it cannot be told.
        """
        if not self.is_in_place:
            raise StoreFailed(f"{self._path} was removed or replaced while it was served")
        if self.is_log_removed:
            raise StoreFailed(
                f"{self._log} was removed or replaced while it was served; start the server again: "
                "what it held is written into the database at the end"
            )
        if os.stat(self._log).st_size < self._log_bytes_min():
            raise StoreFailed(
                f"{self._log} was cut off while it was served, and with it the latest commits: "
                "start the server again, it goes on at the last that is whole"
            )

    def _log_bytes_min(self) -> int:
        """Size of the log's head and of the frames that the index counts; 0 for none."""
        head = os.pread(self._index, _INDEX_HEAD.size, 0)
        if len(head) < _INDEX_HEAD.size:
            return 0
        page, frames = _INDEX_HEAD.unpack(head)
        if not frames:
            return 0
        page_bytes: int = 2**16 if page == _PAGE_OF_64_KIB else page
        return _LOG_HEAD_BYTES + int(frames) * (_FRAME_HEAD_BYTES + page_bytes)

    def close(self) -> None:
        """Lets go of the index; idempotent. Only after SQLite's connections are closed."""
        if self._index >= 0:
            os.close(self._index)
            self._index = -1


def _identity(path: str) -> tuple[int, int] | None:
    """Which file a path names; None if none."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino

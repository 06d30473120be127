"""Making a file as small as what it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from asha_server.store import StoreError
from asha_server.store.lock import FileHeld
from asha_server.store.opening import open_read_only
from asha_server.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path

_FORGOTTEN_AT_ONCE = 10_000


class Compaction(NamedTuple):
    """What became of a file.

    Attributes:
        before_bytes: its size before, its log included.
        after_bytes: its size now.
    """

    before_bytes: int
    after_bytes: int


def compact(path: Path) -> Compaction:
    """Removes what is left of deleted experiments and rewrites the file without gaps.

    Nothing of any experiment that is there changes. Needs as much room again while it runs.

    Raises:
        StoreError: a server has the file, it is none of this version, or the disk is full; it is
            as it was.
    """
    open_read_only(path).close()  # a file of another version is neither rewritten nor migrated
    before = _size(path)
    try:
        store = SqliteStore(path)
    except FileHeld as error:
        raise StoreError(
            f"{path} is being served ({error.holder}): stop that server first; "
            "`asha backup` copies it meanwhile, without gaps"
        ) from None
    try:
        for key in store.leftovers():
            while store.forget(key, _FORGOTTEN_AT_ONCE):
                pass
        store.vacuum()
    finally:
        store.close()
    return Compaction(before, _size(path))


def _size(path: Path) -> int:
    log = path.with_name(f"{path.name}-wal")
    return path.stat().st_size + (log.stat().st_size if log.exists() else 0)

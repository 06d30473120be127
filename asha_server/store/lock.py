"""One server per file: an OS lock beside it, and a refusal of file systems that cannot lock."""

from __future__ import annotations

import fcntl
import logging
import os
from pathlib import Path

from asha_server.store import StoreError

log = logging.getLogger(__name__)

MOUNTS = Path("/proc/self/mountinfo")
"""What is mounted where, by the kernel. Source: proc(5)."""
NETWORK_FILE_SYSTEMS = frozenset(
    {
        "9p",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "fuse.ceph-fuse",
        "fuse.gcsfuse",
        "fuse.glusterfs",
        "fuse.juicefs",
        "fuse.rclone",
        "fuse.s3fs",
        "fuse.sshfs",
        "gpfs",
        "lustre",
        "nfs",
        "nfs4",
        "smb3",
        "smbfs",
    }
)


def file_system_of(path: Path) -> str:
    """The type of the file system that holds a path, or "" where it is not known."""
    try:
        mounts = MOUNTS.read_text()
    except OSError:
        return ""
    best, found = "", ""
    resolved = str(path.resolve())
    for line in mounts.splitlines():
        left, _, right = line.partition(" - ")
        mount_point = left.split()[4].replace("\\040", " ")
        is_above = resolved == mount_point or resolved.startswith(mount_point.rstrip("/") + "/")
        if is_above and len(mount_point) >= len(best):
            best, found = mount_point, right.split()[0]
    return found


def refuse_network_file_system(path: Path) -> None:
    """SQLite's locks do not hold over a network.

    Raises:
        StoreError: with the way out.
    """
    kind = file_system_of(path.parent)
    if kind in NETWORK_FILE_SYSTEMS:
        raise StoreError(
            f"{path} lies on a network file system ({kind}), where SQLite can lose data: put the "
            "database on a local disk of the server's machine, and have copies of it written here "
            f"with `--backup-to {path.resolve().parent}`"
        )


class FileHeld(StoreError):
    """Another server has the file.

    Attributes:
        holder: who, as they wrote it down.
    """

    def __init__(self, path: Path, holder: str) -> None:
        super().__init__(
            f"{path} is served by another server ({holder}): use that one, stop it, or stand by "
            "with --wait-for-lock"
        )
        self.holder = holder


class FileLock:
    """The lock of a database file, held for the life of the process.

    Args:
        path: the database file; the lock is `FILE.lock` beside it.
        wait: stand by until the present holder lets go, instead of refusing.

    Raises:
        FileHeld: another server holds the file.
        StoreError: there is no place for the lock.
    """

    def __init__(self, path: Path, *, wait: bool = False) -> None:
        self._path = path.with_name(path.name + ".lock")
        try:
            self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StoreError(
                f"cannot write beside {path}: {error.strerror}; give --database a file in a "
                "directory that exists and is writable"
            ) from None
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = self.holder()
            if not wait:
                os.close(self._handle)
                raise FileHeld(path, holder) from None
            log.warning("standing_by", extra={"database": str(path), "holder": holder})
            fcntl.flock(self._handle, fcntl.LOCK_EX)
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, f"pid {os.getpid()} on {os.uname().nodename}\n".encode(), 0)

    def holder(self) -> str:
        """Who holds it, as they wrote it down."""
        return os.pread(self._handle, 200, 0).decode(errors="replace").strip() or "unknown"

    def release(self) -> None:
        """Lets go; idempotent."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

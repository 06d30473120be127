"""Whether the trainer lives: by its lock, its process, and how long it has been silent."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from asha_server.cli.sidecar.forms import HEARTBEAT, LOCK, PID

if sys.platform != "win32":
    import fcntl

LOOK_S = 1.0
"""How often lock and process are looked at, in seconds."""

_PROC = Path("/proc")


class Life(StrEnum):
    """What is known of the trainer."""

    ALIVE = "ALIVE"
    DEAD = "DEAD"
    HUNG = "HUNG"


class Liveness:
    """What a trainer shows of itself in a folder.

    Dead: it was seen by its lock or its process id, and neither has been there for `dead_after_s`.
    Hung: neither a word (a line of metrics, a call) nor a touch of the heartbeat file for
    `hung_after_s`; lock and process say nothing against that.

    Args:
        folder: where heartbeat, lock and process id are.
        dead_after_s: how long a trainer may be gone before it is dead, in seconds: it may be on
            its way to say how it ended.
        hung_after_s: how long it may be silent, in seconds.
        shares_processes: whether process ids mean the same here as where the trainer runs.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        folder: Path,
        dead_after_s: float,
        hung_after_s: float,
        shares_processes: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._dead_after_s = dead_after_s
        self._hung_after_s = hung_after_s
        self._shares_processes = shares_processes
        self._clock = clock
        self._heartbeat = self._heartbeat_time()
        self._word_at = clock()
        self._looked_at = float("-inf")
        self._presence: object = None
        self._gone_since: float | None = None
        self.has_seen_trainer = False

    @property
    def silent_s(self) -> float:
        """Seconds since the last word."""
        return self._clock() - self._word_at

    def begin(self, has_seen_trainer: bool = False) -> None:
        """A trial is handed over: silence counts from now.

        Args:
            has_seen_trainer: whether a former sidecar saw the trainer alive.
        """
        self._heartbeat = self._heartbeat_time()
        self._word_at = self._clock()
        self._looked_at = float("-inf")
        self._gone_since = None
        self._presence = None
        self.has_seen_trainer = has_seen_trainer

    def note_word(self) -> None:
        """The trainer said something."""
        self._word_at = self._clock()

    def look(self) -> Life:
        """What is known now; looks at lock and process once in `LOOK_S`."""
        now = self._clock()
        self._note_heartbeat()
        if now - self._looked_at >= LOOK_S:
            self._looked_at = now
            self._note_presence(now)
        if self._gone_since is not None and now - self._gone_since >= self._dead_after_s:
            return Life.DEAD
        return Life.HUNG if self.silent_s >= self._hung_after_s else Life.ALIVE

    def give_up(self) -> None:
        """Nobody is expected to live any more; what is there now is what was given up."""
        self._heartbeat = self._heartbeat_time()
        self._presence = self._find_presence()

    def has_returned(self) -> bool:
        """Whether, after `give_up`, a trainer shows life: a touch, a lock or process anew."""
        before, touched = self._presence, self._heartbeat
        self._note_heartbeat()
        self._presence = self._find_presence()
        return self._heartbeat != touched or self._presence not in (None, before)

    def _note_heartbeat(self) -> None:
        touched = self._heartbeat_time()
        if touched != self._heartbeat:
            self._heartbeat = touched
            self.note_word()

    def _note_presence(self, now: float) -> None:
        self._presence = self._find_presence()
        if self._presence is not None:
            self.has_seen_trainer = True
            self._gone_since = None
        elif self.has_seen_trainer and self._gone_since is None:
            self._gone_since = now

    def _heartbeat_time(self) -> int:
        try:
            return (self._folder / HEARTBEAT).stat().st_mtime_ns
        except OSError:
            return 0

    def _find_presence(self) -> object:
        """The lock, or what tells a process from a later one of its number; None if neither."""
        process = self._find_process() if self._shares_processes else None
        if process is not None:
            return process
        return LOCK if _is_locked(self._folder / LOCK) else None

    def _find_process(self) -> tuple[int, str] | None:
        try:
            pid = int((self._folder / PID).read_text())
        except (OSError, ValueError):
            return None
        return find_process(pid)


def find_process(pid: int) -> tuple[int, str] | None:
    """A process that lives, with what tells it from a later one of its number.

    Args:
        pid: its number.

    Returns:
        The number and when it began, as the kernel counts; None if it is gone or dead.
    """
    if pid <= 0:
        return None
    if _PROC.is_dir():
        try:
            text = (_PROC / str(pid) / "stat").read_text(errors="replace")
        except OSError:
            return None
        fields = text.rpartition(")")[2].split()  # the name before may hold anything
        return None if fields[0] in "ZX" else (pid, fields[19])
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass  # another user's
    return (pid, "")


def _is_locked(path: Path) -> bool:
    """Whether another process holds a file's lock.

    Asked by taking a shared lock for a moment: whoever wants it meanwhile must wait for it
    (`flock FILE`) rather than give up (`flock -n FILE`).
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False  # a file system without locks
    finally:
        os.close(descriptor)
    return False

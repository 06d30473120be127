"""What a helper process owes the one that serves: the processor, whenever both want it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import struct
import sys
import time
from pathlib import Path

NICENESS = 10
"""Ten steps below the server: a ninth of its share where there is not enough for both."""

_SESSION_NICENESS = Path("/proc/self/autogroup")
_TRIES = 5
_BETWEEN_TRIES_S = 0.1
"""Linux takes one such wish in a tenth of a second, from everybody together."""

SLICE_NS = 100_000_000
"""The longest that Linux takes: whoever wakes up and has a shorter one goes first, at once."""
_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}
"""Numbers of the system call, for which Python has no function."""
_ATTRIBUTES = struct.Struct("=IIQiIQQQ")
"""struct sched_attr: size, policy, flags, nice, priority, runtime, deadline, period."""


def give_way() -> None:
    """Steps back behind the server, for the rest of the process's life.

    Linux may share out the processors among sessions first (`sched_autogroup_enabled`), and a
    process's niceness then counts within its session only. A helper that leads a session of its
    own steps back as a session too.
    """
    os.nice(NICENESS)
    _take_long_slices()
    if os.getsid(0) == os.getpid():
        with contextlib.suppress(OSError):  # a system without it, or one that lets nobody ask
            _give_way_as_a_session()


def _give_way_as_a_session() -> None:
    """Has the whole session be nice.

    Raises:
        OSError: it cannot be asked for.
    """
    for _ in range(_TRIES):
        with contextlib.suppress(BlockingIOError):
            _SESSION_NICENESS.write_text(str(NICENESS))
            return
        time.sleep(_BETWEEN_TRIES_S)


def _take_long_slices() -> None:
    """Has the process stop in the middle of its turn for anybody who wakes up, from Linux 6.12 on.

    A niceness says how much of a processor a process gets, not how soon another one gets it: a
    turn lasts milliseconds, and a report waits for several. Elsewhere nothing changes.
    """
    number = _SCHED_SETATTR.get(platform.machine())
    if sys.platform != "linux" or number is None:
        return
    asked = _ATTRIBUTES.pack(_ATTRIBUTES.size, os.SCHED_OTHER, 0, os.nice(0), 0, SLICE_NS, 0, 0)
    ctypes.CDLL(None).syscall(number, 0, asked, 0)

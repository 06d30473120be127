"""What a helper process owes the one that serves: the processor, whenever both want it."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

NICENESS = 10
"""Ten steps below the server: a ninth of its share where there is not enough for both."""

_SESSION_NICENESS = Path("/proc/self/autogroup")
_TRIES = 5
_BETWEEN_TRIES_S = 0.1
"""Linux takes one such wish in a tenth of a second, from everybody together."""


def give_way() -> None:
    """Steps back behind the server, for the rest of the process's life.

    Linux may share out the processors among sessions first (`sched_autogroup_enabled`), and a
    process's niceness then counts within its session only. A helper that leads a session of its
    own steps back as a session too.
    """
    os.nice(NICENESS)
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

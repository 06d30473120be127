"""The garbage collector's place in the server: full passes only while nobody waits.

A full pass looks at every object: 0.25 to 0.65 s at a million trials, in which nothing is answered.
Almost nothing here is cyclic, so the young generations suffice; what survived a full pass is taken
out of all later ones.
"""

from __future__ import annotations

import gc
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_YOUNG_AT = 10_000
_MIDDLE_AFTER = 20
_NEVER = 1_000_000_000
_LONG_PASS_S = 0.05
"""A pass that took so long looked at much that will live on."""


@contextmanager
def nothing_collected() -> Iterator[None]:
    """While very much is made that lives on: looking through it would double the time."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def leave_full_passes_to_idle_times() -> None:
    """Sets the collector up; what is loaded by now lives as long as the server."""
    gc.freeze()
    gc.set_threshold(_YOUNG_AT, _MIDDLE_AFTER, _NEVER)


def collect_when_idle() -> None:
    """A full pass, if anything could be found by one; call it while nobody waits."""
    if gc.get_count()[2] == 0:
        return
    started = time.perf_counter()
    gc.collect()
    if time.perf_counter() - started > _LONG_PASS_S:
        gc.freeze()

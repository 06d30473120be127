"""Points in virtual time, in words."""

from __future__ import annotations


def clock_words(time_s: float, longest_s: float) -> str:
    """A point in virtual time: in seconds, minutes or hours, whichever suits the longest."""
    if longest_s < 120:
        return f"{time_s:.1f} s"
    if longest_s < 7200:
        return f"{time_s / 60:.1f} min"
    return f"{time_s / 3600:.1f} h"

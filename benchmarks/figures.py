"""How the benchmarks' figures are taken and printed."""

from __future__ import annotations

import statistics
from collections.abc import Sequence


def quantile(values: Sequence[float], q: float) -> float:
    """The value below which a share q of the values lies."""
    ordered = sorted(values)
    return ordered[min(int(q * len(ordered)), len(ordered) - 1)]


def median(values: Sequence[float]) -> float:
    """The middle value."""
    return statistics.median(values)


def show(name: str, **figures: str) -> None:
    """One line: what was measured, and its figures."""
    print(f"{name:<44} " + "  ".join(f"{key} {value}" for key, value in figures.items()))

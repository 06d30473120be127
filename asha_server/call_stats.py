"""How many calls ended how, and how long they took: plain counters, cheap enough for every call."""

from __future__ import annotations

from bisect import bisect_left

BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the latency histogram, in seconds; one bucket more is above the last."""


class Histogram:
    """Counts of durations by bucket.

    Attributes:
        counts: list[int], one a bound and one above the last.
        total_s: sum of the durations, in seconds.
    """

    __slots__ = ("counts", "total_s")

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS_S) + 1)
        self.total_s = 0.0

    def note(self, seconds: float) -> None:
        """One more duration. A microsecond or so."""
        self.counts[bisect_left(BUCKETS_S, seconds)] += 1
        self.total_s += seconds


class CallStats:
    """Calls since the start.

    Attributes:
        ended: dict[(method, code, reason), count]; reason is "" for OK.
        took: dict[method, Histogram] of the calls that are not long polls or streams.
        open_count: calls that have begun and not ended.
    """

    def __init__(self) -> None:
        self.ended: dict[tuple[str, str, str], int] = {}
        self.took: dict[str, Histogram] = {}
        self.open_count = 0

    def note(
        self, method: str, code: str, reason: str, seconds: float | None, count: int = 1
    ) -> None:
        """One more call.

        Args:
            method: its name.
            code: name of its status.
            reason: of its ErrorInfo; "" for OK.
            seconds: it took; None where the time is the client's choice.
            count: how many ended so.
        """
        key = (method, code, reason)
        self.ended[key] = self.ended.get(key, 0) + count
        if seconds is not None:
            histogram = self.took.get(method)
            if histogram is None:
                histogram = self.took[method] = Histogram()
            histogram.note(seconds)

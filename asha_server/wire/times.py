"""Times on the wire: microseconds to Timestamp and Duration."""

from __future__ import annotations

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

_SECOND_US = 1_000_000
DURATION_MAX_S = 315_576_000_000
"""Ten thousand years: what google.protobuf.Duration allows."""


def timestamp(time_us: int) -> Timestamp | None:
    """A wall-clock time; None (absent) for 0, which stands for "not yet".

    Args:
        time_us: microseconds since the epoch.
    """
    if not time_us:
        return None
    seconds, rest = divmod(time_us, _SECOND_US)
    return Timestamp(seconds=seconds, nanos=rest * 1000)


def duration(length_us: int) -> Duration:
    """A length of time, >= 0. Microseconds."""
    seconds, rest = divmod(length_us, _SECOND_US)
    return Duration(seconds=seconds, nanos=rest * 1000)

"""The trace that a call is a part of, if the training program is traced by OpenTelemetry."""

from __future__ import annotations

import sys


def trace_headers() -> dict[str, str]:
    """Headers that join the server's spans to the current trace; none where nothing is traced.

    OpenTelemetry is neither needed nor loaded: only a program that uses it has a trace.
    """
    if "opentelemetry.trace" not in sys.modules:
        return {}
    from opentelemetry import propagate  # noqa: PLC0415 - the program's own, and loaded already

    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return {name.lower(): value for name, value in carrier.items()}

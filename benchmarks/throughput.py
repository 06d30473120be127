"""Reports a second over unary calls and sessions, each beside the ceiling of the same run.

python benchmarks/throughput.py --rounds 5

The rounds of the real server and of its ceiling (`ceiling.py`: the same shape, an empty decision
and one row) alternate, so that both meet the same machine. Load: `benchmarks/load`, native code.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from figures import median, show
from load_generator import build, cpu_s, create, load
from served import Served, served

CEILING = Path(__file__).with_name("ceiling.py")
WAYS: dict[str, dict[str, object]] = {
    "unary, 1 caller": {"callers": 1, "connections": 1},
    "unary, 16 callers": {"callers": 16, "connections": 16},
    "unary, 128 callers": {"callers": 128, "connections": 16},
    "unary, 1,000 callers": {"callers": 1_000, "connections": 64},
    "session, 1": {"mode": "session", "callers": 1, "connections": 1},
    "session, 16": {"mode": "session", "callers": 16, "connections": 16},
    "session, 128": {"mode": "session", "callers": 128, "connections": 16},
    "session, 16, 32 reports a message": {
        "mode": "session", "callers": 16, "connections": 16, "batch": 32,
    },
}  # fmt: skip
SECONDS = 2.0


@contextmanager
def ceiling(directory: Path) -> Iterator[Served]:
    """The ceiling's server, ended at the end."""
    words = [sys.executable, str(CEILING), str(directory / "ceiling.db")]
    began = time.perf_counter()
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            yield Served(line.split()[-1], process.pid, time.perf_counter() - began)
        finally:
            process.terminate()
            process.wait()


def measure(server: Served, way: dict[str, object]) -> dict[str, float]:
    """One round: reports a second, its latencies in ms, the server's processor time a report."""
    before = cpu_s(server.pid)
    found: dict[str, Any] = load(server.address, ["bench"], seconds=SECONDS, **way)
    spent = cpu_s(server.pid) - before
    reports = found["reports_per_second"] * SECONDS
    return {
        "rate": found["reports_per_second"],
        "p50": found["report_us"]["p50"] / 1000,
        "p99": found["report_us"]["p99"] / 1000,
        # The warm-up's reports cost as much and are not counted.
        "cpu_us": spent / reports * 1e6 * SECONDS / (SECONDS + 0.5),
    }


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="of each; the median is told")
    rounds = parser.parse_args().rounds
    build()
    found: dict[tuple[str, str], list[dict[str, float]]] = defaultdict(list)
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        directory = Path(name)
        with served(directory) as real, ceiling(directory) as empty:
            create(real, "bench")
            for _ in range(rounds):
                for way, options in WAYS.items():
                    found[way, "asha"].append(measure(real, options))
                    found[way, "ceiling"].append(measure(empty, options))
    for way in WAYS:
        ours, best = found[way, "asha"], found[way, "ceiling"]
        ratios = [a["rate"] / b["rate"] for a, b in zip(ours, best, strict=True)]
        show(
            way,
            reports=f"{median([r['rate'] for r in ours]):,.0f}/s",
            p50=f"{median([r['p50'] for r in ours]):.2f} ms",
            p99=f"{median([r['p99'] for r in ours]):.1f} ms",
            cpu=f"{median([r['cpu_us'] for r in ours]):.0f} µs",
            ceiling=f"{median([r['rate'] for r in best]):,.0f}/s",
            ratio=f"{median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})",
        )


main()

"""Runs every benchmark, one after another, and writes one dated page of what they printed.

python benchmarks/all.py --python peers/bin/python --output figures.md

Some 45 minutes on two cores; leave the machine alone meanwhile. `--only` takes words of titles.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import grpc

HERE = Path(__file__).parent
PROGRAMS: dict[str, list[str]] = {
    "Start-up and idle memory": ["startup.py"],
    "One report, one after another": ["report_latency.py"],
    "Processor time of a report, without gRPC": ["report_cost.py"],
    "One decision inside the core": ["decision_cost.py"],
    "Throughput, beside its ceiling": ["throughput.py"],
    "Latency of 200 workers, beside other work": ["latency.py"],
    "Growth": ["scale.py"],
    "A noisy neighbour": ["noisy_neighbour.py"],
    "Overload": ["overload.py"],
    "Others, while 100,000 trials end, go and come": ["bulk.py"],
    "A short training step": ["step_overhead.py"],
    "The simulator": ["simulator_speed.py"],
    "Slow and lost jobs": ["stragglers.py", "--repeat", "5"],
    "Peers": ["peers.py", "--python", "{python}"],
}


def machine() -> str:
    """One line about where this runs."""
    return (
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, "
        f"grpcio {grpc.__version__}, SQLite {sqlite3.sqlite_version}, load "
        f"{os.getloadavg()[0]:.1f} at the start"
    )


def main() -> int:
    """Runs them; 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", help="interpreter that has the peers; see peers.py")
    parser.add_argument("--output", type=Path, default=Path("figures.md"))
    parser.add_argument("--only", nargs="*", default=[], help="words of their titles")
    chosen = parser.parse_args()
    failed = 0
    now = datetime.datetime.now(datetime.UTC)
    lines = [f"# Figures of {now:%Y-%m-%d %H:%M} UTC", "", machine()]
    for title, words in PROGRAMS.items():
        if chosen.only and not any(word.lower() in title.lower() for word in chosen.only):
            continue
        if "{python}" in words and chosen.python is None:
            lines += ["", f"## {title}", "", "Not run: no --python that has them."]
            continue
        program = [word.format(python=chosen.python) for word in words]
        print(f"== {title}", flush=True)
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, str(HERE / program[0]), *program[1:]],
            stdout=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
        print(done.stdout, flush=True)
        failed += done.returncode != 0
        lines += ["", f"## {title}", "", "```text", done.stdout.rstrip(), "```", ""]
        lines += [f"`{program[0]}`, {time.perf_counter() - began:.0f} s, status {done.returncode}."]
        chosen.output.write_text("\n".join(lines) + "\n")
    print(f"written: {chosen.output}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

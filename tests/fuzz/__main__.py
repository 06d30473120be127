"""`python -m tests.fuzz --requests 1000000 --seed 7`: requests by the million, and counts."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from .campaign import campaign
from .judgement import Tally


def main() -> None:
    """Reads the command line and runs."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000, help="in all (default 100000)")
    parser.add_argument("--seed", type=int, default=1, help="of what is sent (default 1)")
    chosen = parser.parse_args()
    tally, began = Tally(), time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="asha-fuzz-") as directory:
            asyncio.run(
                campaign(Path(directory), tally, requests=chosen.requests, seed=chosen.seed)
            )
    finally:
        sys.stdout.write(f"seed {chosen.seed}, {time.monotonic() - began:.0f} s\n")
        sys.stdout.write("\n".join(tally.lines()) + "\n")


main()

"""`python -m tests.durability --kills 1000 --seed 7`: kills by the hundred, and counts."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from pathlib import Path

from .campaign import BrokenPromise, Tally, campaign


async def _main(kills: int, seed: int, workers: int, kills_per_round: int) -> int:
    directory = Path(tempfile.mkdtemp(prefix="asha-durability-"))
    tally = Tally()
    began = time.monotonic()
    while (left := kills - tally.kills.total()) > 0:
        some = min(left, kills_per_round)
        try:
            found = await campaign(
                directory, seed=seed, kills=some, kills_per_round=some, workers=workers
            )
        except BaseExceptionGroup as group:
            broken, _ = group.split(BrokenPromise)
            if broken is None:
                raise
            for error in broken.exceptions:
                sys.stderr.write(f"{error}\n")
            return 1
        except BrokenPromise as error:
            sys.stderr.write(f"{error}\n")
            return 1
        tally.add(found)
        shutil.rmtree(directory / f"seed-{seed}")
        sys.stdout.write(f"seed {seed}, {time.monotonic() - began:.0f} s: {tally}\n")
        sys.stdout.flush()
        seed += 1
    shutil.rmtree(directory)
    return 0


def main() -> None:
    """Reads the command line and runs."""
    parser = argparse.ArgumentParser(prog="python -m tests.durability", description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="in all (default 100)")
    parser.add_argument("--seed", type=int, default=1, help="of the first round (default 1)")
    parser.add_argument("--workers", type=int, default=3, help="in each experiment (default 3)")
    parser.add_argument(
        "--kills-per-round", type=int, default=12, help="before a fresh file (default 12)"
    )
    chosen = parser.parse_args()
    status = asyncio.run(_main(chosen.kills, chosen.seed, chosen.workers, chosen.kills_per_round))
    sys.exit(status)


main()

"""What 200 workers wait who report once a second, alone and beside other things.

python benchmarks/latency.py --rounds 3

The file also holds a search of 100,000 trials, which is listed, exported and backed up meanwhile.
This program itself lists and exports, on the server's processors; `asha backup` backs up.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import grpc
from bulk import Large
from figures import median, show
from large import write_large
from load_generator import build, create, loading
from served import Served, served

TRIALS = 100_000
WORKERS = 200
SECONDS = 10.0


def again_and_again(
    server: Served, directory: Path, action: str
) -> Callable[[threading.Event], None]:
    """Does one thing to the large search until told to end."""

    async def run(is_over: threading.Event) -> None:
        async with grpc.aio.insecure_channel(server.address) as channel:
            large = Large(channel, directory)
            while not is_over.is_set():
                await getattr(large, action)()

    return lambda is_over: asyncio.run(run(is_over))


def busy(is_over: threading.Event) -> None:
    """A program that takes one processor."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as process:
        is_over.wait()
        process.kill()


def nothing(is_over: threading.Event) -> None:
    """Alone."""
    is_over.wait()


def measure(server: Served, beside: Callable[[threading.Event], None], mode: str) -> list[float]:
    """p50, p99 and the worst of their reports while something goes on. ms."""
    is_over = threading.Event()
    thread = threading.Thread(target=beside, args=(is_over,))
    options: dict[str, object] = {
        "callers": WORKERS, "connections": WORKERS, "interval_ms": 1_000, "seconds": SECONDS,
        "warm_up": 1.5, "mode": mode,
    }  # fmt: skip
    with loading(server.address, ["bench"], **options) as found:
        thread.start()
    is_over.set()
    thread.join()
    return [found[0]["report_us"][key] / 1000 for key in ("p50", "p99", "max")]


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="of each; the median is told")
    rounds = parser.parse_args().rounds
    build()
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        directory = Path(name)
        write_large(directory / "asha.db", TRIALS)
        with served(directory) as server:
            create(server, "bench")
            cases: list[tuple[str, Callable[[threading.Event], None], str]] = [
                ("alone", nothing, "unary"),
                ("alone, sessions", nothing, "session"),
                ("alone again", nothing, "unary"),
                ("pages of trials", again_and_again(server, directory, "list_trials"), "unary"),
                ("exports", again_and_again(server, directory, "export"), "unary"),
                ("backups", again_and_again(server, directory, "back_up"), "unary"),
                ("a busy program", busy, "unary"),
            ]
            found = {
                case: [measure(server, beside, mode) for _ in range(rounds)]
                for case, beside, mode in cases
            }
    alone = median([one[1] for one in found["alone"]])
    for case, samples in found.items():
        p50, p99, worst = (median([one[index] for one in samples]) for index in range(3))
        show(
            f"{WORKERS} workers, {case}",
            p50=f"{p50:.2f} ms",
            p99=f"{p99:.1f} ms",
            max=f"{worst:.0f} ms",
            p99_to_alone=f"{p99 / alone:.1f} x",
        )


main()

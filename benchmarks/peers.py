"""Report + decision a second of one worker, with ever longer histories: others beside us.

python -m venv peers && peers/bin/pip install optuna 'ray[tune]' syne-tune
python benchmarks/peers.py --python peers/bin/python

Optuna keeps what it is told in a file, as we do, and its gRPC proxy puts a server before that. The
schedulers of Ray and Syne Tune are called in process, keep everything in memory only and know
stopping only: they show what a decision costs, not what a service does.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from pathlib import Path

import asha_client as asha
from figures import show
from large import write_large
from served import served

PEERS = ("optuna-sqlite", "optuna-grpc", "ray", "syne-tune")
SLOW = {"optuna-sqlite": 1_000, "optuna-grpc": 1_000, "syne-tune": 10_000}
"""Longest history of those that take minutes to be given a longer one."""
SECONDS = 3.0


def ours(trials: int, *, sessions: bool) -> float:
    """Reports a second of the Python client, each waited for."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        directory = Path(name)
        write_large(directory / "asha.db", trials)
        with served(directory) as server, asha.connect(server.address, sessions=sessions) as client:
            ends = time.perf_counter() + SECONDS
            for count, trial in enumerate(client.experiment("large").trials()):
                # Each trial pauses at its first report, so a suggestion comes with each.
                trial.report(1, {"loss": count * 0.6180339887498949 % 1.0})
                if time.perf_counter() > ends:
                    return count / SECONDS
    raise AssertionError("the search has millions of trials left")


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", required=True, help="interpreter that has the peers")
    parser.add_argument("--sizes", type=int, nargs="*", default=[100, 1_000, 10_000, 100_000])
    chosen = parser.parse_args()
    program = Path(__file__).with_name("peer.py")
    for peer in PEERS:
        figures = {}
        for size in chosen.sizes:
            if size <= SLOW.get(peer, size):
                done = subprocess.run(
                    [chosen.python, str(program), peer, str(size)],
                    check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                )  # fmt: skip
                figures[f"{size:,}"] = f"{float(done.stdout.split()[-1]):,.1f}/s"
            else:
                figures[f"{size:,}"] = "not measured"
        show(peer, **figures)
    for name, sessions in (("asha, a session", True), ("asha, unary calls", False)):
        rates = {size: ours(size, sessions=sessions) for size in chosen.sizes}
        show(
            f"{name}, report + suggestion",
            **{f"{size:,}": f"{2 * rate:,.0f} calls/s" for size, rate in rates.items()},
        )


main()

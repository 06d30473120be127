"""How much a report slows a training step of a millisecond: waited for, and left to a thread.

python benchmarks/step_overhead.py

A step is a busy loop of the given length that holds the interpreter, as plain Python does, or one
that lets go of it, as a GPU kernel does. Rounds with and without reports take turns.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import asha_client as asha
from figures import median, show
from served import served

STEPS = 1_000
ROUNDS = 5

Work = Callable[[float], None]


def measured_work(seconds: float) -> Work:
    """A fixed number of operations that takes so long when nothing else runs."""
    count = 1_000
    while True:
        began = time.perf_counter()
        _count_to(count)
        took_s = time.perf_counter() - began
        if took_s >= seconds:
            scaled = round(count * seconds / took_s)
            return lambda _: _count_to(scaled)
        count *= 2


def _count_to(count: int) -> None:
    total = 0
    for number in range(count):
        total += number


def elsewhere(seconds: float) -> None:
    """Work of another processor, during which other threads of this process run."""
    time.sleep(seconds)


def round_of(trial: asha.Trial | None, first: int, work: Work, step_s: float, wait: bool) -> float:
    """Seconds that a step takes, reported or not."""
    began = time.perf_counter()
    for step in range(first, first + STEPS):
        work(step_s)
        if trial is not None:
            trial.report(step, {"loss": 0.5}, wait=wait)
    return (time.perf_counter() - began) / STEPS


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--step-ms", type=float, default=1.0, help="length of a step")
    step_s = parser.parse_args().step_ms / 1_000
    spec = {
        "metric": {"name": "loss", "goal": "GOAL_MINIMIZE"},
        "random_search": {},
        "max_length": 10**9,
        "max_trials": 1,
    }
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name, served(Path(name)) as server:
        client = asha.connect(server.address)
        trial = next(client.create_experiment(spec, "steps").trials("w"))
        first = 1
        for title, work in (
            ("a step of pure Python", measured_work(step_s)),
            ("a step that waits for a device", elsewhere),
        ):
            bare, waited, left = [], [], []
            for _ in range(ROUNDS):
                bare.append(round_of(None, 0, work, step_s, wait=True))
                waited.append(round_of(trial, first, work, step_s, wait=True))
                left.append(round_of(trial, first + STEPS, work, step_s, wait=False))
                first += 2 * STEPS
            show(
                title,
                bare=f"{1e3 * median(bare):.3f} ms",
                waited=f"{1e3 * median(waited):.3f} ms (+{median(waited) / median(bare) - 1:.0%})",
                left=f"{1e3 * median(left):.3f} ms (+{median(left) / median(bare) - 1:.1%})",
            )
        trial.release()
        client.close()


main()

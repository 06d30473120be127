"""How many trials the simulator simulates in a second of real time, on one worker and on many."""

from __future__ import annotations

import time

from figures import median, show

from asha_server.search.counterpart import synchronous_form
from asha_server.search.curves import SyntheticCurves
from asha_server.search.simulation import Conditions, simulate
from asha_server.search.spec import AsyncHalving, ExperimentSpec, Metric
from asha_server.search.terms import Goal

WORKERS = (1, 32, 1024)
TRIALS, REPEATS = 10_000, 3


def speed(spec: ExperimentSpec, workers: int) -> float:
    """Trials a second."""
    conditions = Conditions(workers, straggler_deviation=0.5)
    began = time.perf_counter()
    outcome = simulate(spec, SyntheticCurves(Goal.MINIMIZE), conditions)
    return len(outcome.experiment.state.trials) / (time.perf_counter() - began)


def main() -> None:
    """Prints the figures."""
    spec = ExperimentSpec(
        metric=Metric("loss", Goal.MINIMIZE),
        method=AsyncHalving(num_rungs=4),
        max_length=64,
        max_trials=TRIALS,
        max_concurrent_trials=0,
        seed=1,
    )
    for own in (spec, synchronous_form(spec)):
        medians = []
        for workers in WORKERS:
            medians.append(median([speed(own, workers) for _ in range(REPEATS)]))
            show(f"{own.chosen.arm}, {workers:,} workers", trials_per_second=f"{medians[-1]:,.0f}")
        show(own.chosen.arm, slowdown=f"{medians[0] / medians[-1]:.2f} x")


main()

"""Asynchronous against synchronous halving with slow and lost jobs: the two figures of the paper.

25 virtual workers for 2000 units of time; R = 256, divisor 4, rungs at 1, 4, 16, 64 and 256, 256
configurations in the lowest rung of a synchronous bracket. Three ways to search:

* asynchronous: `async_halving`, new configurations without end;
* synchronous: `adaptive` with equal brackets, of which a new one is begun when the others have
  nothing to hand out (what the paper compares with);
* one by one: `sync_halving`, the next bracket begun when the one before is over.

Source: Li et al. 2018, arXiv:1810.05934, appendix A.1.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import NamedTuple

import msgspec
from figures import show
from line_chart import Curve, Plot, chart

from asha_server.search.curves import SyntheticCurves
from asha_server.search.simulation import Conditions, simulate
from asha_server.search.spec import Adaptive, AsyncHalving, ExperimentSpec, Metric, SyncHalving
from asha_server.search.terms import Goal

WORKERS, LIMIT_S, FULL = 25, 2000.0, 256
TRIALS, UNITS = 256, 1024
"""Of a synchronous bracket: 256·1 + 64·3 + 16·12 + 4·48 + 1·192 units."""
DEVIATIONS = (0.1, 0.24, 0.56, 1.33, 3.16)
DROPS = (0.0, 0.002, 0.004, 0.006, 0.008, 0.01)
ASYNC = ExperimentSpec(
    metric=Metric("loss", Goal.MINIMIZE),
    method=AsyncHalving(num_rungs=5),
    max_length=FULL,
    max_concurrent_trials=0,
    max_restarts=1_000_000,  # a lost job is tried again, however often
    seed=1,
)


class Found(NamedTuple):
    """What one way to search came to under one condition, in medians.

    Attributes:
        trained: configurations trained to R within the time limit.
        first_s: time until the first one; infinite if none was.
    """

    trained: float
    first_s: float


Way = Callable[[Conditions], list[float]]
"""Conditions -> when each configuration was trained to R, ascending."""


def _brackets(conditions: Conditions) -> int:
    """Enough synchronous brackets for the time there is, and two more for luck."""
    slowness = 1 + math.sqrt(2 / math.pi) * conditions.straggler_deviation
    return math.ceil(WORKERS * LIMIT_S / UNITS / slowness) + 2


def asynchronous(conditions: Conditions) -> list[float]:
    """One bracket, never full."""
    return _trained(msgspec.structs.replace(ASYNC, max_trials=100 * TRIALS), conditions)


def synchronous(conditions: Conditions) -> list[float]:
    """Brackets side by side, the first ones first."""
    count = _brackets(conditions)
    method = Adaptive(bracket_rungs=(5,) * count, total_length=count * UNITS)
    return _trained(msgspec.structs.replace(ASYNC, method=method), conditions)


def one_by_one(conditions: Conditions) -> list[float]:
    """One bracket after the other."""
    spec = msgspec.structs.replace(ASYNC, method=SyncHalving(num_rungs=5, total_length=UNITS))
    times: list[float] = []
    begun_s = 0.0
    number = 0
    while begun_s < LIMIT_S:
        own = replace(
            conditions, time_limit_s=LIMIT_S - begun_s, seed=conditions.seed + 1000 * number
        )
        curves = SyntheticCurves(Goal.MINIMIZE, own.seed)
        outcome = simulate(spec, curves, own)
        times += [begun_s + time_s for time_s in outcome.full_length_s]
        begun_s += outcome.elapsed_s
        number += 1
    return times


def _trained(spec: ExperimentSpec, conditions: Conditions) -> list[float]:
    curves = SyntheticCurves(Goal.MINIMIZE, conditions.seed)
    return simulate(spec, curves, conditions).full_length_s


WAYS: dict[str, Way] = {
    "asynchronous": asynchronous,
    "synchronous": synchronous,
    "one by one": one_by_one,
}


def measure(deviation: float, drop: float, repeats: int) -> dict[str, Found]:
    """Every way under one condition."""
    found = {}
    for name, way in WAYS.items():
        times = [
            way(Conditions(WORKERS, 1.0, deviation, drop, LIMIT_S, seed)) for seed in range(repeats)
        ]
        found[name] = Found(
            median(len(each) for each in times),
            median(each[0] if each else math.inf for each in times),
        )
    figures = {
        name.replace(" ", "_"): f"{way.trained:g} (first {way.first_s:.0f})"
        for name, way in found.items()
    }
    show(f"deviation {deviation:g}, drop probability {drop:g}", **figures)
    return found


def _plot(
    title: str, ticks: Sequence[str], found: Sequence[dict[str, Found]], field: str, axis: str
) -> Plot:
    curves = [Curve(name, [float(getattr(each[name], field)) for each in found]) for name in WAYS]
    return Plot(title, axis, ticks, curves)


def main() -> None:
    """Prints the medians, and draws them if asked to."""
    parser = argparse.ArgumentParser(description="Slow and lost jobs: the paper's figures.")
    parser.add_argument("--repeat", type=int, default=25, help="seeds of each condition")
    parser.add_argument("--svg", type=Path, help="draw them into this file")
    arguments = parser.parse_args()
    slow = [measure(deviation, 0.0, arguments.repeat) for deviation in DEVIATIONS]
    lost = [measure(0.1, drop, arguments.repeat) for drop in DROPS]
    if arguments.svg is None:
        return
    deviations, drops = [f"{d:g}" for d in DEVIATIONS], [f"{p:g}" for p in DROPS]
    slow_axis, lost_axis = "deviation of stragglers", "drop probability per unit"
    trained, first = "configurations trained in full", "time until the first one"
    plots = [
        _plot(trained, deviations, slow, "trained", slow_axis),
        _plot(trained, drops, lost, "trained", lost_axis),
        _plot(first, deviations, slow, "first_s", slow_axis),
        _plot(first, drops, lost, "first_s", lost_axis),
    ]
    arguments.svg.write_text(chart("Slow and lost jobs", plots, columns=2), encoding="utf-8")


if __name__ == "__main__":
    main()

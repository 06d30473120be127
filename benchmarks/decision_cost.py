"""One decision inside the core with ever more trials in a rung: what it costs, how it grows."""

from __future__ import annotations

import gc
import time
from itertools import pairwise

from figures import median, quantile, show

from asha_server.search.command import Assignment, GetSuggestion, ReportMetric
from asha_server.search.experiment import Experiment
from asha_server.search.spec import AsyncHalving, ExperimentSpec, Metric
from asha_server.search.terms import Goal

SIZES = (1_000, 100_000, 1_000_000)
SAMPLES = 2_000


def value_of(number: int) -> float:
    """Scattered values without ties: multiples of the golden ratio, modulo 1."""
    return number * 0.6180339887498949 % 1.0


def one_more(experiment: Experiment, worker: str) -> tuple[float, float]:
    """A worker gets a trial, trains it to its rung and reports; microseconds of both decisions."""
    began = time.perf_counter_ns()
    reply = experiment.decide(GetSuggestion(worker), 0).reply
    suggested = time.perf_counter_ns()
    assert isinstance(reply, Assignment)
    report = ReportMetric(
        reply.trial_number,
        reply.attempt,
        reply.next_decision_step,
        (("loss", value_of(reply.trial_number) + reply.rung),),
    )
    ready = time.perf_counter_ns()
    experiment.decide(report, 0)
    reported = time.perf_counter_ns()
    return (suggested - began) / 1000, (reported - ready) / 1000


def main() -> None:
    """Prints the figures."""
    spec = ExperimentSpec(
        metric=Metric("loss", Goal.MINIMIZE),
        method=AsyncHalving(num_rungs=4, divisor=4.0),
        max_length=64,
        max_trials=2_000_000,
        seed=1,
    )
    experiment, _ = Experiment.create("cost", spec, 1, 0)
    gc.disable()  # as the server does: it collects when it is idle
    medians: dict[int, float] = {}
    for size in SIZES:
        while len(experiment.state.brackets[0].rungs[0]) < size:
            one_more(experiment, "w")
            experiment.state.take_changes()
        samples = [one_more(experiment, "w") for _ in range(SAMPLES)]
        experiment.state.take_changes()
        suggestions, reports = zip(*samples, strict=True)
        medians[size] = median(reports)
        show(
            f"{size:>9,} trials in the rung",
            report_p50=f"{median(reports):.1f} µs",
            report_p99=f"{quantile(reports, 0.99):.1f} µs",
            suggestion_p50=f"{median(suggestions):.1f} µs",
        )
    for smaller, larger in pairwise(SIZES):
        growth = medians[larger] / medians[smaller]
        show(f"{smaller:,} to {larger:,}", report_growth=f"{growth:.2f} x")


main()

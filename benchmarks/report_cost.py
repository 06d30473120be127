"""Our own processor time a report without gRPC, stage by stage, in batches of 1, 32 and 512.

The first half of the reports lie between rungs, as most do; in the second every one enters a rung.
"""

from __future__ import annotations

import gc
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import msgspec
from figures import median, show

from asha_server.config import Limits
from asha_server.leases import TokenMint
from asha_server.pb import suggestion_service_pb2 as pb
from asha_server.pb import trial_pb2
from asha_server.search.command import Answer, Assignment, GetSuggestion
from asha_server.search.event import Record
from asha_server.search.experiment import Experiment
from asha_server.search.rows import rows_of
from asha_server.search.spec import AsyncHalving, ExperimentSpec, Metric
from asha_server.search.terms import Goal
from asha_server.store import Write
from asha_server.store.sqlite import SqliteStore
from asha_server.wire import suggestion as wire

SIZES = (1, 32, 512)
BETWEEN = 10
"""Reports of a trial before the one at its rung."""
TRIALS = 512 * 8
ROUNDS = 3
LIMITS = Limits()
MINT = TokenMint(b"benchmark")


class Bench:
    """Trials that report by turns, on a store of their own."""

    def __init__(self, path: Path) -> None:
        spec = ExperimentSpec(
            metric=Metric("loss", Goal.MINIMIZE),
            max_length=4 * (BETWEEN + 1),
            max_trials=TRIALS,
            max_concurrent_trials=TRIALS,
            method=AsyncHalving(num_rungs=2, divisor=4.0),
        )
        self.experiment, created = Experiment.create("bench", spec, 1, 0)
        self.store = SqliteStore(path)
        self.store.acquire()
        records = [created]
        for number in range(TRIALS):
            outcome = self.experiment.decide(GetSuggestion(f"w{number}"), 1)
            assert isinstance(outcome.reply, Assignment)
            records += outcome.records
        self._append(records)

    def _append(self, records: list[Record]) -> None:
        state = self.experiment.state
        self.store.append([Write(1, rows_of(state, state.take_changes()), records, False)], [])

    def batch(self, step: int, first: int, size: int) -> dict[str, float]:
        """One step of so many trials, from bytes to bytes; seconds of the processor by stage."""
        raw = [message(number, step) for number in range(first, first + size)]
        marks = [time.process_time_ns()]
        commands = []
        for one in raw:
            request = pb.ReportMetricRequest.FromString(one)
            held, command = wire.parse_report_metric(request, LIMITS)
            attempt = MINT.attempt("bench", held.trial_number, held.token)
            assert attempt is not None
            commands.append(msgspec.structs.replace(command, attempt=attempt))
        marks.append(time.process_time_ns())
        outcomes = [self.experiment.decide(command, 2) for command in commands]
        marks.append(time.process_time_ns())
        self._append([record for outcome in outcomes for record in outcome.records])
        marks.append(time.process_time_ns())
        for outcome in outcomes:
            assert isinstance(outcome.reply, Answer)
            answer = pb.ReportMetricResponse(decision=wire.format_decision(outcome.reply.decision))
            answer.SerializeToString()
        marks.append(time.process_time_ns())
        stages = ("parse", "decide", "commit", "format")
        took = [(end - begin) / 1e9 for begin, end in pairwise(marks)]
        return dict(zip(stages, took, strict=True))


def message(number: int, step: int) -> bytes:
    """A report as it comes over the wire."""
    return pb.ReportMetricRequest(
        experiment_id="bench",
        trial_number=number,
        lease_token=MINT.token("bench", number, 1),
        step=step,
        metrics=[trial_pb2.MetricValue(name="loss", value=number * 0.618034 % 1.0)],
    ).SerializeToString()


def run(path: Path, size: int) -> dict[str, dict[str, float]]:
    """Microseconds a report by stage, between rungs and at one."""
    bench = Bench(path)
    found: dict[str, dict[str, float]] = {}
    for where, steps in (
        ("between rungs", range(1, BETWEEN + 1)),
        ("at a rung", range(BETWEEN + 1, BETWEEN + 2)),
    ):
        spent = dict.fromkeys(("parse", "decide", "commit", "format"), 0.0)
        for step in steps:
            for first in range(0, TRIALS, size):
                for stage, seconds in bench.batch(step, first, size).items():
                    spent[stage] += seconds
        count = TRIALS * len(steps)
        found[where] = {stage: seconds / count * 1e6 for stage, seconds in spent.items()}
    bench.store.close()
    return found


def main() -> None:
    """Prints the figures."""
    gc.disable()  # as the server does: it collects when it is idle
    for size in SIZES:
        rounds = []
        for number in range(ROUNDS):
            with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
                rounds.append(run(Path(name) / f"{number}.db", size))
        for where in rounds[0]:
            stages = {s: median([r[where][s] for r in rounds]) for s in rounds[0][where]}
            show(
                f"batches of {size:>3}, {where}",
                total=f"{sum(stages.values()):.1f} µs",
                **{stage: f"{us:.1f}" for stage, us in stages.items()},
            )


main()

"""A file with one very large search, written by the search code itself."""

from __future__ import annotations

import time
from pathlib import Path

from asha_server.search.command import Assignment, GetSuggestion, ReportMetric
from asha_server.search.experiment import Experiment
from asha_server.search.rows import rows_of
from asha_server.search.space import DoubleRange, ParameterSpec
from asha_server.search.spec import AsyncHalving, ExperimentSpec, Metric
from asha_server.search.terms import Goal
from asha_server.store import Write
from asha_server.store.sqlite import SqliteStore

BATCH = 2_000
NOBODY = 10_000_000
"""The divisor: of fewer trials than that nobody is promoted."""


def write_large(path: Path, trials: int) -> None:
    """A search of which every trial so far is paused in rung 0: it has room for millions more."""
    store = SqliteStore(path)
    store.acquire()
    spec = ExperimentSpec(
        metric=Metric("loss", Goal.MINIMIZE),
        parameters=(ParameterSpec("lr", DoubleRange(0.0, 1.0)),),
        method=AsyncHalving(num_rungs=2, divisor=float(NOBODY)),
        max_length=NOBODY,
        max_trials=trials + NOBODY,
        max_concurrent_trials=0,
        seed=7,
    )
    now_us = time.time_ns() // 1_000
    experiment, created = Experiment.create("large", spec, seed=7, now_us=now_us)
    key, records = store.next_key(), [created]
    for number in range(trials):
        given = experiment.decide(GetSuggestion(f"w{number % 100}"), now_us)
        assert isinstance(given.reply, Assignment)
        value = (number * 7_919 % trials) / trials
        reported = experiment.decide(
            ReportMetric(
                given.reply.trial_number,
                given.reply.attempt,
                given.reply.next_decision_step,
                (("loss", value),),
            ),
            now_us,
        )
        records += [*given.records, *reported.records]
        if number % BATCH == BATCH - 1 or number == trials - 1:
            rows = rows_of(experiment.state, experiment.state.take_changes())
            store.append([Write(key, rows, records)])
            records = []
    store.close()

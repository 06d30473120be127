"""Files with one very large search, written by the search code itself."""

from __future__ import annotations

import time
from pathlib import Path

from asha_server.search.command import Answer, Assignment, GetSuggestion, ReportMetric
from asha_server.search.experiment import Experiment
from asha_server.search.rows import rows_of
from asha_server.search.space import DoubleRange, ParameterSpec
from asha_server.search.spec import AsyncHalving, ExperimentSpec, Metric
from asha_server.search.terms import Goal
from asha_server.store import Write
from asha_server.store.sqlite import SqliteStore

BATCH = 4_000
"""Events in one transaction."""
NOBODY = 10_000_000
"""The divisor: of fewer trials than that nobody is promoted."""
HALF = 2
"""The divisor with which the better half is promoted."""


def write_large(path: Path, trials: int) -> None:
    """A search of which every trial so far is paused in rung 0: it has room for millions more."""
    large = _Large(path, NOBODY)
    for number in range(trials):
        large.hand_out(f"w{number % 100}")
        large.report(number, (number * 7_919 % trials) / trials)
    large.close()


def write_promotable(path: Path, trials: int) -> None:
    """A search of which every trial is paused in rung 0, and half of them are to be promoted.

    The best come first, when there are too few others to be better than, and nobody asks for
    work after that.
    """
    large = _Large(path, HALF)
    for number in range(trials):
        large.hand_out(f"w{number}")
    for number in range(trials):
        large.report(number, number / trials, f"checkpoints/{number}")
    large.close()


class _Large:
    """A search in the making, of two rungs and with room for more trials than anybody asks for.

    Args:
        path: its file.
        divisor: of the search; its max_length, too.
    """

    def __init__(self, path: Path, divisor: int) -> None:
        spec = ExperimentSpec(
            metric=Metric("loss", Goal.MINIMIZE),
            parameters=(ParameterSpec("lr", DoubleRange(0.0, 1.0)),),
            method=AsyncHalving(num_rungs=2, divisor=float(divisor)),
            max_length=divisor,
            max_trials=2 * NOBODY,
            max_concurrent_trials=0,
            seed=7,
        )
        self._store = SqliteStore(path)
        self._store.acquire()
        self._key = self._store.next_key()
        self._now_us = time.time_ns() // 1_000
        self._experiment, created = Experiment.create("large", spec, 7, self._now_us)
        self._records = [created]

    def hand_out(self, worker: str) -> None:
        """Gives a worker a new trial."""
        self._decide(GetSuggestion(worker))

    def report(self, number: int, value: float, checkpoint_uri: str = "") -> None:
        """A trial's first attempt reports at the length of rung 0."""
        self._decide(ReportMetric(number, 1, 1, (("loss", value),), checkpoint_uri))

    def close(self) -> None:
        """Writes what is left."""
        self._write()
        self._store.close()

    def _decide(self, command: GetSuggestion | ReportMetric) -> None:
        outcome = self._experiment.decide(command, self._now_us)
        assert isinstance(outcome.reply, Assignment | Answer)
        self._records += outcome.records
        if len(self._records) >= BATCH:
            self._write()

    def _write(self) -> None:
        state = self._experiment.state
        self._store.append([Write(self._key, rows_of(state, state.take_changes()), self._records)])
        self._records = []

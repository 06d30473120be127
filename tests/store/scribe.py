"""Experiments that are written to a store as they go, as the engine does it."""

from __future__ import annotations

from asha_server.search.command import Command, Outcome, Reply
from asha_server.search.event import Record
from asha_server.search.experiment import Experiment
from asha_server.search.loading import load
from asha_server.search.rows import rows_of
from asha_server.search.space import DoubleRange, IntRange, ParameterSpec
from asha_server.search.spec import AsyncHalving, ExperimentSpec, Metric
from asha_server.search.state import State
from asha_server.search.stored_attempts import StoredAttempts
from asha_server.search.terms import Goal
from asha_server.store import Store, Write

SETTLED_PER_BATCH = 2
"""Few, so that the rows of trials that were ended in bulk lag behind for a while."""


def small_spec(max_trials: int = 9) -> ExperimentSpec:
    """Rungs at 1, 3 and 9; one double and one int parameter."""
    return ExperimentSpec(
        metric=Metric("loss", Goal.MINIMIZE),
        parameters=(
            ParameterSpec("lr", DoubleRange(0.0, 1.0)),
            ParameterSpec("layers", IntRange(1, 8)),
        ),
        method=AsyncHalving(num_rungs=3, divisor=3.0),
        max_length=9,
        max_trials=max_trials,
        seed=7,
    )


class Recorded(Experiment):
    """An experiment that keeps the events of its decisions until they are taken."""

    __slots__ = ("records",)

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.records: list[Record] = []

    def decide(self, command: Command, now_us: int) -> Outcome:
        outcome = super().decide(command, now_us)
        self.records.extend(outcome.records)
        return outcome


class Scribe:
    """One experiment and the store that it is written to.

    Attributes:
        key: the experiment's key in the store.
        experiment: it, ahead of the store by what `write` has not taken yet.
        history: list[Record], every event that was written.
    """

    def __init__(
        self, store: Store, experiment_id: str = "digits", spec: ExperimentSpec | None = None
    ) -> None:
        self._store = store
        self.key = store.next_key()
        created, record = Experiment.create(experiment_id, spec or small_spec(), seed=1, now_us=1)
        self.experiment = Recorded(created.state)
        self.experiment.records.append(record)
        self.history: list[Record] = []
        self.write()

    @property
    def state(self) -> State:
        return self.experiment.state

    def do(self, command: Command) -> Reply:
        """Decides a command and writes what it did."""
        outcome = self.experiment.decide(command, now_us=self.state.sequence + 2)
        self.write()
        return outcome.reply

    def take(self) -> Write:
        """What is not written yet."""
        self.state.settle(SETTLED_PER_BATCH)
        records, self.experiment.records = self.experiment.records, []
        return Write(self.key, rows_of(self.state, self.state.take_changes()), records)

    def write(self) -> None:
        """Appends what is not written yet, if there is anything."""
        if self.experiment.records or self.state.unsettled:
            write = self.take()
            self._store.append([write])
            self.history += write.records

    def reload(self, store: Store | None = None) -> None:
        """Goes on from what the store has, as a server that starts."""
        self._store = store or self._store
        ((_, rows),) = self._store.load(self.key)
        stored = StoredAttempts(self._store.attempts(self.key))
        self.experiment = Recorded(load(rows, stored))

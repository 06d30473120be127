"""A server without a machine: the core, its rows, its leases, and a plug that can be pulled.

Requests gather in its inbox; a turn decides all of them, commits, and answers, as the engine does.
Between any two of these steps the plug may be pulled: what was not committed never happened, and a
new server begins from the rows.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from asha_server.errors import AshaError
from asha_server.hosted import Hosted
from asha_server.lease_keeper import LeaseKeeper
from asha_server.leases import LeaseTable
from asha_server.search.command import Command
from asha_server.search.event import Record
from asha_server.search.experiment import Experiment
from asha_server.search.spec import ExperimentSpec
from tests.search.dump import facts
from tests.search.tables import Tables

from .auditor import Auditor
from .promises import Answer, Promises

KEY = 1


class WorldClock:
    """The one clock of a simulation, in microseconds."""

    def __init__(self) -> None:
        self.now_us = 1_000_000

    def monotonic_us(self) -> int:
        return self.now_us

    def wall_us(self) -> int:
        return self.now_us

    def call_later(self, delay_us: int, callback: Callable[[], object]) -> _NoTimer:
        raise AssertionError("the lease keeper sets no timers")


class _NoTimer:
    def cancel(self) -> None:
        raise AssertionError("never set")


class VirtualServer:
    """One experiment's server, through all its lives.

    Args:
        spec: of the experiment.
        clock: of the world.
        random: where the plug is pulled.

    Attributes:
        experiment: what is in memory.
        records: the committed history.
        restarts: how often the plug was pulled.
        crash_rate: how often it is, per turn.
    """

    def __init__(self, spec: ExperimentSpec, clock: WorldClock, random: Random) -> None:
        self.experiment, created = Experiment.create("simulated", spec, seed=1, now_us=1)
        self.records: list[Record] = [created]
        self.restarts = 0
        self.crash_rate = 0.0
        self._clock = clock
        self._random = random
        self._tables = Tables()
        self._tables.write(self.experiment.state)
        self._auditor = Auditor(self.experiment)
        self._promises = Promises()
        self._inbox: list[tuple[Command, Callable[[Answer], None]]] = []
        self._begin()

    def _begin(self) -> None:
        """Gives every live lease one fresh term."""
        self._hosted = Hosted(KEY, self.experiment)
        self._keeper = LeaseKeeper(LeaseTable(), self._clock)
        self._keeper.take_up(self._hosted)

    @property
    def is_busy(self) -> bool:
        """Whether somebody waits for an answer."""
        return bool(self._inbox)

    def receive(self, command: Command, answer: Callable[[Answer], None]) -> None:
        """A request has arrived."""
        self._inbox.append((command, answer))

    def turn(self) -> None:
        """Decides what is there, commits it and answers; or the plug is pulled somewhere."""
        batch, self._inbox = self._inbox, []
        crashes = self._random.random() < self.crash_rate
        crash_at = self._random.randint(0, len(batch) + 1) if crashes else -1
        decided: list[Record] = []
        limits: list[int | None] = []
        answers: list[tuple[Command, Callable[[Answer], None], Answer]] = []
        for number, (command, answer) in enumerate(batch):
            if number == crash_at:
                return self.pull_the_plug(is_committed=False)
            answers.append((command, answer, self._decide(command, decided, limits)))
        for hosted, expiry in list(self._keeper.overdue({KEY: self._hosted}, self._clock.now_us)):
            assert hosted is self._hosted
            self._decide(expiry, decided, limits)
        if crash_at == len(batch):
            return self.pull_the_plug(is_committed=False)
        self._commit(decided, limits)
        if crash_at == len(batch) + 1:
            return self.pull_the_plug(is_committed=True)
        for command, answer, said in answers:
            self._promises.answered(command, said)
            answer(said)
        return None

    def _decide(self, command: Command, decided: list[Record], limits: list[int | None]) -> Answer:
        try:
            outcome = self.experiment.decide(command, self._clock.now_us)
        except AshaError as refusal:
            return refusal
        self._keeper.keep(self._hosted, command, outcome)
        decided.extend(outcome.records)
        limits.extend([self.experiment.state.limit] * len(outcome.records))
        return outcome.reply

    def _commit(self, decided: list[Record], limits: list[int | None]) -> None:
        """From here on it has happened: the auditor sees every event of it."""
        self.experiment.state.settle(most=2)
        self._tables.write(self.experiment.state)
        self.records.extend(decided)
        for record, limit in zip(decided, limits, strict=True):
            self._auditor.witness(record, limit)
            self._promises.committed(record)
        self._auditor.progressed(self.experiment.state.progress)

    def pull_the_plug(self, *, is_committed: bool) -> None:
        """The server dies, its inbox with it, and another begins from the rows."""
        self.restarts += 1
        self._inbox = []
        reloaded = self._tables.read(self.records)
        if is_committed:
            assert facts(reloaded.state) == facts(self.experiment.state), "reloaded differs"
        self.experiment = reloaded
        self._begin()

    def compare_copies(self) -> None:
        """Live, reloaded and replayed are one; every invariant of the core holds. O(history)."""
        self.experiment.check()
        live = facts(self.experiment.state)
        for name, copy in (
            ("reloaded", self._tables.read(self.records)),
            ("replayed", Experiment.replay(self.records)),
        ):
            copy.check()
            assert facts(copy.state) == live, f"{name} differs"

"""A world of virtual workers around one virtual server, on one virtual clock.

Everything is a function of one source of random numbers. Messages are late, lost, delivered twice
and overtake each other; workers freeze and die; the server dies between any two steps. Then all
faults cease, and the search must come to its end.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any

from asha_server.search import command as c
from tests.search.drive import spec_of

from .promises import Answer
from .virtual_server import VirtualServer, WorldClock
from .virtual_worker import SECOND_US, VirtualWorker

CALM_TURNS_MAX = 400_000
"""A search that has not ended by then, without any fault, never will."""
SHOWN = 40


@dataclass(frozen=True)
class Faults:
    """How much goes wrong, each 0 to 1.

    Attributes:
        loss: of all messages, how many never arrive.
        twins: of all messages, how many arrive twice.
        crashes: of all turns of the server, in how many it dies.
        wildness: of the workers.
        delay_us: the longest way of a message, in microseconds; a twin's is twenty times that.
    """

    loss: float
    twins: float
    crashes: float
    wildness: float
    delay_us: int

    @classmethod
    def some(cls, random: Random) -> Faults:
        """Any mixture; none of a kind is likely, so that each is met alone too."""
        return cls(
            loss=random.choice((0.0, 0.05, 0.3)),
            twins=random.choice((0.0, 0.05, 0.3)),
            crashes=random.choice((0.0, 0.02, 0.1)),
            wildness=random.choice((0.1, 1.0, 1.0)),
            delay_us=random.choice((1_000, SECOND_US, 10 * SECOND_US)),
        )


NO_FAULTS = Faults(0.0, 0.0, 0.0, 0.0, 1_000)


class World:
    """One experiment's life.

    Args:
        random: the source of everything.
        config: the experiment, in the words of the traces.
        faults: how much goes wrong.
        workers: how many there are.
        turns: of the server, with faults.
        checked_every: turns after which all copies of the experiment are compared.
    """

    def __init__(
        self,
        random: Random,
        config: dict[str, Any],
        faults: Faults,
        *,
        workers: int,
        turns: int,
        checked_every: int,
    ) -> None:
        self.random = random
        self.clock = WorldClock()
        self.server = VirtualServer(spec_of(config), self.clock, random)
        self.server.crash_rate = faults.crashes
        self._faults = faults
        self.workers = [
            VirtualWorker(f"w{n}", self, random, faults.wildness, may_be_lost=n > 0)
            for n in range(workers)
        ]
        self._turns = turns
        self._checked_every = checked_every
        self._agenda: list[tuple[int, int, Callable[[], None]]] = []
        self._numbers = count()
        self._config = config

    # -- what workers see -------------------------------------------------------------------------

    def send(self, command: c.Command, answer: Callable[[Answer], None]) -> None:
        """A request on its way, and its answer on its own."""

        def arrive() -> None:
            self.server.receive(command, lambda said: self._deliver(lambda: answer(said)))

        self._deliver(arrive)

    def later(self, delay_us: int, act: Callable[[], None]) -> None:
        """Something at a later time."""
        heapq.heappush(self._agenda, (self.clock.now_us + delay_us, next(self._numbers), act))

    def _deliver(self, act: Callable[[], None]) -> None:
        """After any delay; perhaps never, perhaps twice."""
        if self.random.random() < self._faults.loss:
            return
        self.later(self.random.randint(1, self._faults.delay_us), act)
        if self.random.random() < self._faults.twins:
            self.later(self.random.randint(1, 20 * self._faults.delay_us), act)

    # -- its course -------------------------------------------------------------------------------

    def run(self) -> None:
        """Faults for so many turns, then none, until everybody is done."""
        try:
            for worker in self.workers:
                self.later(self.random.randint(0, 30 * SECOND_US), worker.start)
            for turn in range(self._turns):
                if all(worker.is_done for worker in self.workers):
                    break
                self._step()
                if self.random.random() < 0.01:
                    self._interfere()
                if turn % self._checked_every == 0:
                    self.server.compare_copies()
            self._calm_down()
        except AssertionError as error:
            told = [str(record) for record in self.server.records[-SHOWN:]]
            story = [f"{self._config}", f"{self._faults}", *told, str(error)]
            raise AssertionError("\n".join(story)) from error

    def _calm_down(self) -> None:
        """No more faults, and nothing left to chance that could be shrunk: the search ends."""
        self.random = Random(0)
        self._faults = NO_FAULTS
        self.server.crash_rate = 0.0
        self.server.receive(c.ResumeExperiment(), lambda said: None)
        limits = {"worker_failure_limit": 0, "max_concurrent_trials": 0}
        self.server.receive(c.UpdateExperiment(limits), lambda said: None)
        for worker in self.workers:
            worker.calm_down(self.random)
        for _ in range(CALM_TURNS_MAX):
            if all(worker.is_done for worker in self.workers):
                break
            self._step()
        assert self.server.experiment.state.state.is_ended, "the search does not end"
        self.server.compare_copies()

    def _step(self) -> None:
        """The next thing on the agenda, and all that happens at that instant; then one turn."""
        at_us, _, act = heapq.heappop(self._agenda)
        self.clock.now_us = max(at_us, self.clock.now_us)
        act()
        until_us = self.clock.now_us + self.random.choice((0, 0, 1_000))
        while self._agenda and self._agenda[0][0] <= until_us:
            heapq.heappop(self._agenda)[2]()
        if self.server.is_busy:
            self.server.turn()

    def _interfere(self) -> None:
        """A person's word, straight to the server."""
        command: c.Command = self.random.choice(
            (
                c.PauseExperiment(),
                c.ResumeExperiment(),
                c.ResumeExperiment(),
                c.CreateTrial(()),
                c.CancelTrial(self.random.randint(0, 20)),
                c.UpdateExperiment({"max_concurrent_trials": self._some_limit()}),
                c.UpdateExperiment({"max_restarts": self.random.randint(0, 9)}),
            )
        )
        self.server.receive(command, lambda said: None)

    def _some_limit(self) -> int:
        return self.random.randint(len(self.workers) // 2 + 1, 2 * len(self.workers))

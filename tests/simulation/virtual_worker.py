"""One worker of thousands: asks, trains, reports, freezes, dies, and trusts no line.

It sends a request again until it is answered, and believes the first answer that comes.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Protocol

from asha_server.search import command as c
from asha_server.search.terms import FailureKind, Verdict

from .promises import Answer

SECOND_US = 1_000_000
RESEND_US = 5 * SECOND_US
VALUES = (0.1, 0.2, 0.2, 0.3, 0.5, 0.8)
"""Few, so that many are equal."""


class Line(Protocol):
    """The world, as far as a worker sees it."""

    def send(self, command: c.Command, answer: Callable[[Answer], None]) -> None:
        """Sends a request; it may be lost, late, and delivered twice."""

    def later(self, delay_us: int, act: Callable[[], None]) -> None:
        """Has something done after a time."""


class VirtualWorker:
    """A worker by its name.

    Args:
        name: its worker id.
        line: to the server.
        random: what it does.
        wildness: how much goes wrong with it, 0 to 1.
        may_be_lost: it may die for good; somebody has to end the search.

    Attributes:
        is_done: it does nothing any more.
    """

    def __init__(
        self, name: str, line: Line, random: Random, wildness: float, *, may_be_lost: bool
    ) -> None:
        self.name = name
        self._may_be_lost = may_be_lost
        self.is_done = False
        self._wildness = wildness
        self._line = line
        self._random = random
        self._asked = 0
        self._process = 0
        self._given: c.Assignment | None = None
        self._step = 0
        # The request that is unanswered, by a number of its own; 0: none.
        self._waiting_for = 0
        self._sent = 0

    def start(self) -> None:
        """Asks for work."""
        self._given = None
        self._asked += 1
        self._request(
            c.GetSuggestion(self.name, f"p{self._process}", f"{self.name}-{self._asked}"),
            self._take,
        )

    def wake(self) -> None:
        """Comes back from the dead, as a new process of the same name."""
        self._process += 1
        self.start()

    def calm_down(self, random: Random) -> None:
        """Nothing goes wrong with it any more."""
        self._wildness, self._random = 0.0, random

    # -- calls ------------------------------------------------------------------------------------

    def _request(self, command: c.Command, then: Callable[[Answer], None]) -> None:
        self._sent += 1
        number = self._waiting_for = self._sent

        def answered(said: Answer) -> None:
            if self._waiting_for == number:
                self._waiting_for = 0
                then(said)

        def send_again() -> None:
            if self._waiting_for == number:
                self._line.send(command, answered)
                self._line.later(RESEND_US, send_again)

        send_again()

    def _take(self, said: Answer) -> None:
        if isinstance(said, c.Finished):
            self.is_done = True
        elif isinstance(said, c.Assignment):
            self._given, self._step = said, said.start_step
            self._goal = said.next_decision_step
            self._train()
        else:  # nothing now, or the request's attempt is over
            self._line.later(self._random.randint(1, 120) * SECOND_US, self.start)

    def _train(self) -> None:
        """What is next: mostly the next report, sometimes the end of it all."""
        chance = self._random.random()
        given = self._given
        assert given is not None
        held = (given.trial_number, given.attempt)
        if chance < 0.005 * self._wildness and self._may_be_lost:
            self.is_done = True  # its machine is gone for good, and it holds its trial for a term
        elif chance < 0.02 * self._wildness:  # dies; its machine starts it again much later
            self._waiting_for = 0
            self._line.later(self._random.randint(1, 300) * SECOND_US, self.wake)
        elif chance < 0.04 * self._wildness:  # freezes, and goes on as if nothing had been
            self._line.later(self._random.randint(30, 200) * SECOND_US, self._train)
        elif chance < 0.06 * self._wildness:
            kind = self._random.choice(list(FailureKind))
            self._request(c.FailTrial(*held, kind), self._over)
        elif chance < 0.07 * self._wildness:
            self._request(c.CompleteTrial(*held), self._over)
        elif chance < 0.09 * self._wildness:
            self._request(c.ReleaseTrial(*held), self._over)
        else:
            self._line.later(self._random.randint(1, 20) * SECOND_US, self._report)

    def _report(self) -> None:
        given = self._given
        assert given is not None
        held = (given.trial_number, given.attempt)
        if self._random.random() < 0.2:
            self._line.send(c.Heartbeat(*held), lambda said: None)
        self._step = max(self._goal, self._step + 1) if self._random.random() < 0.7 else (
            self._step + 1
        )  # fmt: skip
        value = self._random.choice(VALUES)
        if self._random.random() < 0.03 * self._wildness:
            value = float("nan")
        uri = f"{held[0]}/{held[1]}/{self._step}" if self._random.random() < 0.7 else ""
        self._request(c.ReportMetric(*held, self._step, (("loss", value),), uri), self._decided)

    def _decided(self, said: Answer) -> None:
        if isinstance(said, c.Answer) and said.decision.verdict is Verdict.CONTINUE:
            self._goal = said.decision.next_decision_step
            self._train()
        else:
            self.start()

    def _over(self, said: Answer) -> None:
        self.start()

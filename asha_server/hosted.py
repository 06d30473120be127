"""What the engine works on: hosted experiments, calls in its inbox, and the batch of one turn."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from asha_server.accounts import SERVER
from asha_server.call_stats import Histogram
from asha_server.search.replay import Replay
from asha_server.waiting import Waiting
from asha_server.watch import Feed

if TYPE_CHECKING:
    from asha_server.accounts import Account
    from asha_server.search.command import Command
    from asha_server.search.event import Record
    from asha_server.search.experiment import Experiment
    from asha_server.search.spec import ExperimentSpec
    from asha_server.search.state import State


class Hosted:
    """An experiment and who is waiting for something of it.

    Attributes:
        key: its key in the store.
        experiment: it.
        waiting: its long polls.
        feed: its committed events, for watchers.
        records: list[Record], what this batch emitted so far.
        is_arriving: it is being imported: written, but not there for anybody yet.
        owners: worker id -> identity that first used it; only with tokens.
        created_by: key of the account that created it; "" unknown.
        token_scope: what tells it from any other, former ones of its name included.
    """

    __slots__ = (
        "created_by", "experiment", "feed", "is_arriving", "key", "owners", "records",
        "token_scope", "waiting",
    )  # fmt: skip

    def __init__(self, key: int, experiment: Experiment, created_by: str = "") -> None:
        self.key = key
        self.created_by = created_by
        self.experiment = experiment
        self.waiting = Waiting()
        self.feed = Feed()
        self.records: list[Record] = []
        self.is_arriving = False
        self.owners: dict[str, str] = {}
        state = experiment.state
        self.token_scope = f"{state.experiment_id}\0{key}\0{state.created_us}"

    @property
    def trial_count_max(self) -> int:
        """Trials that it has or may come to."""
        state = self.experiment.state
        return len(state.trials) + (0 if state.state.is_ended else state.open_places())


class Creation:
    """CreateExperiment, as the engine's work."""

    __slots__ = ("experiment_id", "request_id", "spec")

    def __init__(self, experiment_id: str, spec: ExperimentSpec, request_id: str) -> None:
        self.experiment_id = experiment_id
        self.spec = spec
        self.request_id = request_id


class Deletion:
    """DeleteExperiment, as the engine's work."""

    __slots__ = ("force",)

    def __init__(self, force: bool) -> None:
        self.force = force


class Listing:
    """ListExperiments, as the engine's work."""

    __slots__ = ()


class Arrival:
    """One experiment on its way in: an import.

    Attributes:
        experiment_id: its name, which nobody else can take meanwhile.
        key: its key in the store.
        account: who brings it.
        replay: what has come so far.
        hosted: it; None before the first piece.
        last_us: when the latest event that came happened; wall clock, microseconds.
    """

    __slots__ = ("account", "experiment_id", "hosted", "key", "last_us", "replay")

    def __init__(self, experiment_id: str, key: int, account: Account) -> None:
        self.experiment_id = experiment_id
        self.key = key
        self.account = account
        self.replay = Replay()
        self.hosted: Hosted | None = None
        self.last_us = 0


class Stage(StrEnum):
    """What becomes of an arrival."""

    ANNOUNCED = "ANNOUNCED"
    GOES_ON = "GOES_ON"
    IS_WHOLE = "IS_WHOLE"
    IS_GIVEN_UP = "IS_GIVEN_UP"


class ArrivalStep:
    """One step of an arrival, as the engine's work.

    Attributes:
        stage: which.
        experiment_id: the name, where it is announced.
        arrival: which arrival, afterwards.
        records: list[Record], the next events, where it goes on.
    """

    __slots__ = ("arrival", "experiment_id", "records", "stage")

    def __init__(
        self,
        stage: Stage,
        experiment_id: str = "",
        arrival: Arrival | None = None,
        records: list[Record] | None = None,
    ) -> None:
        self.stage = stage
        self.experiment_id = experiment_id
        self.arrival = arrival
        self.records = records or []


class Answered(Protocol):
    """What the engine needs of a future: a place for one answer."""

    def done(self) -> bool:
        """Whether it has one, or nobody wants it any more."""

    def set_result(self, answer: Any, /) -> None:
        """The answer."""

    def set_exception(self, error: Exception, /) -> None:
        """The error that is one."""


class Traces(Protocol):
    """What tells a tracing system what becomes of calls."""

    def current(self) -> Any:
        """The span of the call at work."""

    def batch(self, calls: list[Call]) -> AbstractContextManager[object]:
        """The span of a commit, which those of its calls are linked to."""

    def request(self, method: str, traceparent: str) -> Any:
        """The span of a session's request, which is to be ended.

        Args:
            method: the call that it is.
            traceparent: what it is a part of; "" or malformed: nothing.
        """

    def within(self, span: Any) -> AbstractContextManager[object]:
        """Makes a span that of the call at work."""


class Call:
    """One thing asked of the engine, and the future that its answer resolves.

    Attributes:
        experiment_id: which experiment; "" none.
        work: a command of the core, or a function of the hosted experiment that reads or acts.
        future: resolved after the commit.
        may_wait: hold an answer that may change until it does.
        then: what is told of the experiment right after a command; None: the command's reply.
        account: who asks.
        came_us: a time before which it did not come; monotonic.
        span: of the call that it is a part of; None where nothing is traced.
    """

    __slots__ = (
        "account", "came_us", "experiment_id", "future", "may_wait", "span", "then", "work",
    )  # fmt: skip

    def __init__(
        self,
        experiment_id: str,
        work: Work,
        future: Answered,
        *,
        may_wait: bool = False,
        then: Then | None = None,
    ) -> None:
        self.experiment_id = experiment_id
        self.then = then
        self.work = work
        self.future = future
        self.may_wait = may_wait
        self.account = SERVER
        self.came_us = 0
        self.span: Any = None


class Batch:
    """What one turn of the engine decided, to be delivered once it is durable.

    Attributes:
        calls: list[Call], those that it was made of, in order.
        now_us: when; wall clock, microseconds.
        touched: key -> Hosted, experiments with new events or rows to settle.
        answers: list[(Hosted or None, future, answer or exception)], in order.
        deleted: keys of experiments that are gone.
        ruins: list[State], their states, to be freed bit by bit.
    """

    __slots__ = ("answers", "calls", "deleted", "now_us", "ruins", "touched")

    def __init__(self, calls: list[Call], now_us: int) -> None:
        self.calls = calls
        self.now_us = now_us
        self.touched: dict[int, Hosted] = {}
        self.answers: list[tuple[Hosted | None, Answered, Any]] = []
        self.deleted: list[int] = []
        self.ruins: list[State] = []

    def answer(self, call: Call, answer: Any, hosted: Hosted | None = None) -> None:
        """Notes an answer, or the exception that is one."""
        self.answers.append((hosted, call.future, answer))

    def take_back(self, hosted: Hosted, error: Exception) -> None:
        """Gives up what the batch did to an experiment; its callers get the error instead."""
        self.touched.pop(hosted.key, None)
        self.answers = [
            (other, future, error if other is hosted else answer)
            for other, future, answer in self.answers
        ]

    def deliver(self) -> None:
        """Resolves every call that was answered."""
        for _, future, answer in self.answers:
            if future.done():
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)

    def refuse(self, error: Exception) -> None:
        """Ends every call of the batch with an error."""
        for future in [call.future for call in self.calls] + [f for _, f, _ in self.answers]:
            if not future.done():
                future.set_exception(error)


class Stats:
    """Counters since the start; plain integers, read by GetServerInfo and `asha status`."""

    __slots__ = (
        "batches", "commands", "commit_took", "commits", "events", "expiries",
        "stalls",
    )  # fmt: skip

    def __init__(self) -> None:
        self.commands = 0
        self.batches = 0
        self.commits = 0
        self.commit_took = Histogram()
        self.events = 0
        self.expiries = 0
        self.stalls = 0


if TYPE_CHECKING:
    Then = Callable[[Hosted, Any], Any]
    Work = Command | Callable[[Hosted], Any] | Creation | Deletion | Listing | ArrivalStep

"""What the engine works on: hosted experiments, calls in its inbox, and the batch of one turn."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from asha_server.watch import Feed

if TYPE_CHECKING:
    from asha_server.search.command import Command
    from asha_server.search.event import Record
    from asha_server.search.experiment import Experiment
    from asha_server.search.spec import ExperimentSpec


class Hosted:
    """An experiment and who is waiting for something of it.

    Attributes:
        key: its key in the store.
        experiment: it.
        suggestion_calls: deque[Call], GetSuggestion calls held until there is work, oldest first.
        verdict_calls: trial number -> list[Call], ShouldStop calls held until a verdict.
        feed: its committed events, for watchers.
        records: list[Record], what this batch emitted so far.
    """

    __slots__ = ("experiment", "feed", "key", "records", "suggestion_calls", "verdict_calls")

    def __init__(self, key: int, experiment: Experiment) -> None:
        self.key = key
        self.experiment = experiment
        self.suggestion_calls: deque[Call] = deque()
        self.verdict_calls: dict[int, list[Call]] = {}
        self.feed = Feed()
        self.records: list[Record] = []

    @property
    def token_scope(self) -> str:
        """What tells this experiment from any other, former ones of its name included."""
        state = self.experiment.state
        return f"{state.experiment_id}\0{self.key}\0{state.created_us}"


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


class Call:
    """One thing asked of the engine, and the future that its answer resolves.

    Attributes:
        experiment_id: which experiment; "" none.
        work: a command of the core, or a function of the hosted experiment that reads or acts.
        future: resolved after the commit.
        deadline_us: hold the answer until it changes, at most until then; monotonic; 0: at once.
    """

    __slots__ = ("deadline_us", "experiment_id", "future", "work")

    def __init__(
        self,
        experiment_id: str,
        work: Work,
        future: asyncio.Future[Any],
        deadline_us: int = 0,
    ) -> None:
        self.experiment_id = experiment_id
        self.work = work
        self.future = future
        self.deadline_us = deadline_us

    @property
    def is_over(self) -> bool:
        """Whether nobody waits for its answer here any more."""
        return self.future.done() or self.deadline_us == 0


class Batch:
    """What one turn of the engine decided, to be delivered once it is durable.

    Attributes:
        touched: key -> Hosted, experiments with new events or rows to settle.
        answers: list[(Hosted or None, future, answer or exception)], in order.
        deleted: keys of experiments that are gone.
    """

    __slots__ = ("answers", "deleted", "touched")

    def __init__(self) -> None:
        self.touched: dict[int, Hosted] = {}
        self.answers: list[tuple[Hosted | None, asyncio.Future[Any], Any]] = []
        self.deleted: list[int] = []


if TYPE_CHECKING:
    Work = Command | Callable[[Hosted], Any] | Creation | Deletion | Listing

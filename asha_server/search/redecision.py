"""Deciding a history anew: from each event the command that led to it, and what it leads to now.

The experiment grows by its own decisions, from an empty one, and every event that they make is
compared with the recorded one. As all before it were the same, the first that differs was decided
in the very state in which it was recorded.

Events do not name their command; it follows from the first event of each. Where two commands
would lead to the same event, either does. What no worker or person can ask for (a close-out, the
end of the search) only ever follows.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from asha_server.search.command import (
    CancelTrial,
    CheckBudget,
    Command,
    CompleteTrial,
    CreateTrial,
    ExpireLease,
    FailTrial,
    GetSuggestion,
    Heartbeat,
    Observation,
    PauseExperiment,
    ReleaseTrial,
    ReportCheckpoint,
    ReportMetric,
    ResumeExperiment,
    StopExperiment,
    UpdateExperiment,
)
from asha_server.search.event import (
    CheckpointReported,
    ExperimentCreated,
    ExperimentStateChanged,
    ExperimentUpdated,
    MetricReported,
    TrialAssigned,
    TrialCreated,
    TrialStateChanged,
)
from asha_server.search.experiment import Experiment
from asha_server.search.terms import (
    EndReason,
    ExperimentState,
    FailureKind,
    TrialStateCause,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from asha_server.search.event import Record

_FAILURES = {
    TrialStateCause.FAILED_RETRYABLE: FailureKind.RETRYABLE,
    TrialStateCause.CHECKPOINT_UNREADABLE: FailureKind.CHECKPOINT_UNREADABLE,
    TrialStateCause.FAILED_PERMANENT: FailureKind.PERMANENT,
    TrialStateCause.INFEASIBLE: FailureKind.INFEASIBLE,
}
_EXPIRIES = (TrialStateCause.LEASE_EXPIRED, TrialStateCause.PROGRESS_TIMEOUT)
_OTHER_PROCESS = "another process"
"""Stands for the incarnation of a restarted worker that got nothing, which no event names."""


class Difference(NamedTuple):
    """The first event that is decided otherwise now.

    Attributes:
        record: as recorded.
        found: what is decided in its place; None: nothing is.
        why: the refusal, or why there is nothing; "" where `found` says it all.
    """

    record: Record
    found: Record | None
    why: str = ""


class Redecision:
    """One history, decided anew.

    Args:
        records: the whole history, from its first event.

    Attributes:
        event_count: events found the same.
        decision_count: of these, reports whose decision is the same.
    """

    def __init__(self, records: Iterable[Record]) -> None:
        self.event_count = 0
        self.decision_count = 0
        self._records = iter(records)
        # Read ahead: the next events, in order.
        self._ahead: deque[Record] = deque()
        self._experiment: Experiment
        # Worker -> the trial that it gave back last.
        self._given_back: dict[str, int] = {}

    def run(self) -> Difference | None:
        """Decides everything anew; the first difference, None if there is none."""
        while (record := self._peek(0)) is not None:
            try:
                made = self._decide(record)
            except Exception as error:
                return Difference(record, None, str(error) or type(error).__name__)
            difference = self._compare(made)
            if difference is not None:
                return difference
        return None

    def _peek(self, distance: int) -> Record | None:
        """The event so far ahead; None beyond the end."""
        while len(self._ahead) <= distance:
            record = next(self._records, None)
            if record is None:
                return None
            self._ahead.append(record)
        return self._ahead[distance]

    def _compare(self, made: list[Record]) -> Difference | None:
        """Takes as many recorded events as were made now, if they are the same."""
        for found in made:
            record = self._peek(0)
            if record is None:
                return Difference(found, found, "the history ends before it")
            if not _is_same(record, found):
                return Difference(record, found)
            self._ahead.popleft()
            self.event_count += 1
            self.decision_count += isinstance(record.event, MetricReported)
        return None

    def _decide(self, record: Record) -> list[Record]:
        """What the command behind an event leads to now.

        Raises:
            Exception: it is refused, or there is no such command.
        """
        event = record.event
        if isinstance(event, ExperimentCreated):
            assert event.spec.seed is not None
            self._experiment, created = Experiment.create(
                event.experiment_id, event.spec, event.spec.seed, record.time_us, event.request_id
            )
            return [created]
        made = self._experiment.decide(self._command(record), record.time_us).records
        if not made:
            raise ValueError("nothing happens")
        return made

    def _command(self, record: Record) -> Command:  # noqa: PLR0911 - a table
        """The command that led to an event."""
        match record.event:
            case MetricReported() as event if event.attempt:
                return ReportMetric(
                    event.trial_number,
                    event.attempt,
                    event.step,
                    event.metrics,
                    event.checkpoint_uri,
                )
            case CheckpointReported() as event:
                return ReportCheckpoint(
                    event.trial_number, event.attempt, event.step, event.checkpoint_uri
                )
            case TrialCreated() as event if event.is_given:
                return self._creation(event)
            case TrialAssigned() | TrialCreated():
                return self._suggestion(record)
            case TrialStateChanged() as event:
                return self._change(event)
            case ExperimentStateChanged() as event:
                return _state_change(event)
            case ExperimentUpdated() as event:
                before = self._experiment.state.spec
                fields = type(before).__struct_fields__
                return UpdateExperiment(
                    {
                        name: getattr(event.spec, name)
                        for name in fields
                        if getattr(event.spec, name) != getattr(before, name)
                    }
                )
        raise ValueError(f"no command leads to {type(record.event).__name__} here")

    def _creation(self, event: TrialCreated) -> CreateTrial:
        """A given configuration with all that is known of it: the reports that follow."""
        observations = tuple(self._observations(event)) if event.has_observations else ()
        return CreateTrial(
            event.configuration,
            event.request_id,
            observations,
            joins_rungs=event.has_observations and event.bracket >= 0,
        )

    def _observations(self, created: TrialCreated) -> Iterator[Observation]:
        distance = 1
        while (record := self._peek(distance)) is not None:
            event = record.event
            if not isinstance(event, MetricReported) or event.attempt:
                return
            if event.trial_number != created.trial_number:
                return
            yield Observation(event.step, event.metrics)
            distance += 1

    def _suggestion(self, record: Record) -> GetSuggestion:
        """A worker asked for work: the assignment says who."""
        assigned = record.event
        if isinstance(assigned, TrialCreated):
            following = self._peek(1)
            assigned = following.event if following is not None else assigned
        if not isinstance(assigned, TrialAssigned):
            raise ValueError("nobody gets the new trial")
        return GetSuggestion(
            assigned.worker_id,
            assigned.incarnation_id,
            assigned.request_id,
            declined=self._declined(assigned),
        )

    def _declined(self, assigned: TrialAssigned) -> int:
        """The trial that the worker gave back to get another one; -1 none.

        It stands first among those to be retried, and is passed over for this worker's call, which
        may have waited while others took it and gave it back.
        """
        first = next(iter(self._experiment.state.retries), -1)
        given_back = self._given_back.pop(assigned.worker_id, -1)
        return first if first == given_back != assigned.trial_number else -1

    def _change(self, event: TrialStateChanged) -> Command:  # noqa: PLR0911 - a table
        """A trial changed its state by something other than a report."""
        number, attempt = event.trial_number, event.attempt
        match event.cause:
            case TrialStateCause.RELEASED:
                holder = self._experiment.state.trials[number].attempt
                assert holder is not None, "nobody holds the trial"
                self._given_back[holder.worker_id] = number
                return ReleaseTrial(number, attempt, event.message)
            case TrialStateCause.COMPLETED_BY_WORKER:
                return CompleteTrial(number, attempt)
            case TrialStateCause.CANCELLED:
                return CancelTrial(number, event.message)
            case TrialStateCause.CAME_BACK:
                return Heartbeat(number, attempt)
            case TrialStateCause.RESTARTED:
                return self._restart(event)
        if event.cause in _EXPIRIES:
            return ExpireLease(number, attempt, event.cause)
        if event.cause in _FAILURES:
            return FailTrial(number, attempt, _FAILURES[event.cause], event.message)
        raise ValueError(f"no command changes a trial by {event.cause}")

    def _restart(self, event: TrialStateChanged) -> GetSuggestion:
        """Another process of the holder asked for work; what it got follows, if it got any."""
        attempt = self._experiment.state.trials[event.trial_number].attempt
        assert attempt is not None, "nobody holds the trial"
        for distance in (1, 2):
            following = self._peek(distance)
            if following is None or not isinstance(following.event, TrialAssigned | TrialCreated):
                break
            got = following.event
            if isinstance(got, TrialAssigned) and got.worker_id == attempt.worker_id:
                return GetSuggestion(got.worker_id, got.incarnation_id, got.request_id)
        return GetSuggestion(attempt.worker_id, _OTHER_PROCESS)


def _state_change(event: ExperimentStateChanged) -> Command:
    match event.state:
        case ExperimentState.PAUSED:
            return PauseExperiment()
        case ExperimentState.RUNNING:
            return ResumeExperiment()
    if event.end_reason is EndReason.STOPPED_BY_USER:
        return StopExperiment(event.message)
    if event.end_reason is EndReason.BUDGET_EXHAUSTED:
        return CheckBudget()
    raise ValueError("the search does not end here")


def _is_same(one: Record, other: Record) -> bool:
    """Whether two events are the same, NaN like NaN."""
    return one == other or msgspec.msgpack.encode(one) == msgspec.msgpack.encode(other)

"""One experiment, decided: commands in, events and a reply out. Start reading here.

`decide` validates, emits events, each applied by `evolve.apply` as it is emitted, and answers.
It knows no file, socket, clock, thread, logger or random state; the time is part of the command.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from asha_server.errors import InvalidRequest
from asha_server.search import control, endings, evolve, handout, reporting
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
    Outcome,
    PauseExperiment,
    ReleaseTrial,
    Reply,
    ReportCheckpoint,
    ReportMetric,
    ResumeExperiment,
    ShouldStop,
    StopExperiment,
    UpdateExperiment,
    Wait,
)
from asha_server.search.event import (
    Event,
    ExperimentCreated,
    ExperimentStateChanged,
    MetricReported,
    Record,
)
from asha_server.search.invariants import check
from asha_server.search.method import method_of
from asha_server.search.recorder import Recorder
from asha_server.search.spec import ExperimentSpec, validate
from asha_server.search.terms import EndReason, ExperimentState, TrialState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asha_server.search.state import State


class Experiment:
    """The state of one experiment and the only way to change it.

    Attributes:
        state: read it; never write it.
    """

    __slots__ = ("state",)

    def __init__(self, state: State) -> None:
        self.state = state

    @classmethod
    def create(
        cls,
        experiment_id: str,
        spec: ExperimentSpec,
        seed: int,
        now_us: int,
        request_id: str = "",
    ) -> tuple[Experiment, Record]:
        """A new experiment and the first event of its history.

        Args:
            experiment_id: its name.
            spec: as asked for.
            seed: used where the spec has none, >= 0.
            now_us: wall clock, microseconds.
            request_id: of the CreateExperiment call.

        Raises:
            InvalidRequest: with every violation of the spec.
        """
        violations = validate(spec)
        if violations:
            raise InvalidRequest(violations)
        event = ExperimentCreated(experiment_id, spec.completed(seed), request_id)
        record = Record(1, now_us, event)
        return cls(evolve.begin(record)), record

    @classmethod
    def replay(cls, records: Iterable[Record]) -> Experiment:
        """The experiment that a whole history makes, without deciding anything again."""
        history = iter(records)
        experiment = cls(evolve.begin(next(history)))
        for record in history:
            evolve.apply(experiment.state, record)
        return experiment

    def decide(self, command: Command, now_us: int) -> Outcome:
        """Carries out one command.

        Args:
            command: what is asked.
            now_us: wall clock, microseconds.

        Returns:
            The events, applied already, and the reply.

        Raises:
            AshaError: refused; nothing changed.
        """
        recorder = Recorder(self.state, now_us)
        reply = _carry_out(recorder, command)
        if any(not _is_routine(record.event) for record in recorder.records):
            self._settle(recorder)
        if isinstance(reply, Wait) and self.state.state.is_ended:
            # The worker's restart exhausted the last living trial: nothing is to be awaited.
            reply = handout.finished(self.state)
        return Outcome(recorder.records, reply)

    def _settle(self, recorder: Recorder) -> None:
        """What follows by itself: close-outs, and the end of the search."""
        if self.state.state.is_ended:
            return
        for event in method_of(self.state.spec).settle(self.state):
            recorder.emit(event)
        ending = self._ending()
        if ending is not None:
            recorder.emit(ending)

    def _ending(self) -> ExperimentStateChanged | None:
        """The end, once no work is left and every trial is terminal."""
        counts = self.state.counts
        living = (TrialState.QUEUED, TrialState.RUNNING, TrialState.PAUSED)
        if any(counts[living_state] for living_state in living) or self.state.open_places():
            return None
        failed = counts[TrialState.FAILED]
        if failed and failed == len(self.state.trials) - counts[TrialState.INFEASIBLE]:
            return ExperimentStateChanged(ExperimentState.FAILED, EndReason.ALL_TRIALS_FAILED)
        return ExperimentStateChanged(ExperimentState.COMPLETED, EndReason.ALL_TRIALS_ENDED)

    def check(self) -> None:
        """Asserts every invariant. O(everything); for tests and `asha verify`."""
        check(self.state)


def _is_routine(event: Event) -> bool:
    """Whether an event cannot have anything follow by itself; most reports are such."""
    return isinstance(event, MetricReported) and event.only_trains


def _carry_out(recorder: Recorder, command: Command) -> Reply:  # noqa: PLR0911, PLR0912 - a table
    match command:
        case ReportMetric():
            return reporting.report_metric(recorder, command)
        case GetSuggestion():
            return handout.get_suggestion(recorder, command)
        case Heartbeat():
            return reporting.heartbeat(recorder, command)
        case ShouldStop():
            return reporting.should_stop(recorder, command)
        case ReportCheckpoint():
            return reporting.report_checkpoint(recorder, command)
        case CompleteTrial():
            return endings.complete_trial(recorder, command)
        case FailTrial():
            return endings.fail_trial(recorder, command)
        case ReleaseTrial():
            return endings.release_trial(recorder, command)
        case ExpireLease():
            return endings.expire_lease(recorder, command)
        case CancelTrial():
            return endings.cancel_trial(recorder, command)
        case CreateTrial():
            return control.create_trial(recorder, command)
        case PauseExperiment():
            return control.pause_experiment(recorder)
        case ResumeExperiment():
            return control.resume_experiment(recorder)
        case StopExperiment():
            return control.stop_experiment(recorder, command)
        case UpdateExperiment():
            return control.update_experiment(recorder, command)
        case CheckBudget():
            return control.check_budget(recorder)
    assert_never(command)

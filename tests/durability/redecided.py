"""The core as the model: it decides a whole history again and must come to the same events.

From each event follows the command that caused it. Carried out by an experiment that was never
restarted, at the time of the event, it must emit what stands in the file, to the last field:
the decision with its explanation, the trial that was handed out, the rung that was closed.
"""

from __future__ import annotations

from collections.abc import Sequence

from asha_server.errors import AshaError
from asha_server.search import command as c
from asha_server.search.event import (
    CheckpointReported,
    ExperimentCreated,
    ExperimentStateChanged,
    ExperimentUpdated,
    MetricReported,
    Record,
    TrialAssigned,
    TrialCreated,
    TrialStateChanged,
)
from asha_server.search.experiment import Experiment
from asha_server.search.state import State
from asha_server.search.terms import ExperimentState, FailureKind, TrialStateCause

FAILURES = {
    TrialStateCause.FAILED_RETRYABLE: FailureKind.RETRYABLE,
    TrialStateCause.FAILED_PERMANENT: FailureKind.PERMANENT,
    TrialStateCause.INFEASIBLE: FailureKind.INFEASIBLE,
    TrialStateCause.CHECKPOINT_UNREADABLE: FailureKind.CHECKPOINT_UNREADABLE,
}


def differences(history: Sequence[Record]) -> list[str]:
    """The first place where the core decides otherwise; empty if there is none."""
    created = history[0].event
    assert isinstance(created, ExperimentCreated)
    experiment, first = Experiment.create(
        created.experiment_id, created.spec, 0, history[0].time_us, created.request_id
    )
    if first != history[0]:
        return [f"the creation: {history[0]}, decided again {first}"]
    done = 1
    given_back: dict[str, int] = {}  # worker -> the trial that it gave back last
    while done < len(history):
        command = _cause(experiment.state, history[done : done + 4], given_back)
        if command is None:
            return [f"no command causes event {history[done]}"]
        try:
            decided = experiment.decide(command, history[done].time_us).records
        except AshaError as error:
            return [f"event {history[done]}: {command} is refused: {error}"]
        stored = list(history[done : done + len(decided)])
        if not decided or repr(decided) != repr(stored):  # repr: NaN equals NaN
            return [f"{command}\n  decided again: {decided}\n  in the file:   {stored}"]
        done += len(decided)
    return []


def _cause(  # noqa: PLR0911 - a table
    state: State, coming: Sequence[Record], given_back: dict[str, int]
) -> c.Command | None:
    """The command that causes the next event."""
    event = coming[0].event
    match event:
        case MetricReported():
            return c.ReportMetric(
                event.trial_number, event.attempt, event.step, event.metrics, event.checkpoint_uri
            )
        case CheckpointReported():
            return c.ReportCheckpoint(
                event.trial_number, event.attempt, event.step, event.checkpoint_uri
            )
        case TrialAssigned():
            return c.GetSuggestion(
                event.worker_id,
                event.incarnation_id,
                event.request_id,
                declined=_declined(state, event, given_back),
            )
        case TrialCreated(is_given=True):
            return _gift(state, event, coming)
        case TrialCreated():
            return _cause(state, coming[1:], given_back)
        case TrialStateChanged():
            return _change(state, event, coming, given_back)
        case ExperimentUpdated():
            return c.UpdateExperiment(
                {
                    name: getattr(event.spec, name)
                    for name in event.spec.__struct_fields__
                    if getattr(event.spec, name) != getattr(state.spec, name)
                }
            )
        case ExperimentStateChanged(state=ExperimentState.PAUSED):
            return c.PauseExperiment()
        case ExperimentStateChanged(state=ExperimentState.RUNNING):
            return c.ResumeExperiment()
        case ExperimentStateChanged():
            return c.StopExperiment(event.message)
    return None


def _declined(state: State, event: TrialAssigned, given_back: dict[str, int]) -> int:
    """The trial that the worker gave back for another one, for which it had to wait; -1 none.

    Others may have taken it meanwhile and given it back too.
    """
    following = next(iter(state.retries), -1)
    mine = given_back.pop(event.worker_id, -1)
    return mine if mine == following != event.trial_number else -1


def _gift(state: State, event: TrialCreated, coming: Sequence[Record]) -> c.Command:
    """A given configuration; its observations, if it has some, follow as reports."""
    observations = tuple(
        c.Observation(report.step, report.metrics)
        for report in (record.event for record in coming[1:])
        if isinstance(report, MetricReported)
        and (report.trial_number, report.attempt) == (event.trial_number, 0)
    )
    if not event.has_observations:
        observations = ()
    joins = event.has_observations and event.bracket >= 0
    names = {parameter.name for parameter in state.spec.parameters}
    given = tuple(pair for pair in event.configuration if pair[0] in names)
    return c.CreateTrial(given, event.request_id, observations, joins)


def _change(  # noqa: PLR0911 - a table
    state: State, event: TrialStateChanged, coming: Sequence[Record], given_back: dict[str, int]
) -> c.Command | None:
    """What moved a trial, where no report did."""
    number, attempt, cause = event.trial_number, event.attempt, event.cause
    holder = state.trials[number].attempt
    if cause is TrialStateCause.RELEASED and holder is not None:
        given_back[holder.worker_id] = number
    match cause:
        case TrialStateCause.CAME_BACK:
            after = coming[1].event if len(coming) > 1 else None
            spoke = isinstance(after, MetricReported | CheckpointReported | TrialStateChanged)
            same_time = len(coming) > 1 and coming[1].time_us == coming[0].time_us
            if spoke and same_time and (after.trial_number, after.attempt) == (number, attempt):  # type: ignore[union-attr]  # spoke
                return _cause(state, coming[1:], given_back)
            return c.Heartbeat(number, attempt)
        case TrialStateCause.RELEASED if not event.message:  # every ReleaseTrial has one here
            return _asked_instead(state, number, coming, is_other_process=False)
        case TrialStateCause.RELEASED:
            return c.ReleaseTrial(number, attempt, event.message)
        case TrialStateCause.COMPLETED_BY_WORKER:
            return c.CompleteTrial(number, attempt)
        case TrialStateCause.CANCELLED:
            return c.CancelTrial(number, event.message)
        case TrialStateCause.LEASE_EXPIRED | TrialStateCause.PROGRESS_TIMEOUT:
            return c.ExpireLease(number, attempt, cause)
        case TrialStateCause.RESTARTED:
            return _asked_instead(state, number, coming, is_other_process=True)
    kind = FAILURES.get(cause)
    return c.FailTrial(number, attempt, kind, event.message) if kind else None


def _asked_instead(
    state: State, number: int, coming: Sequence[Record], *, is_other_process: bool
) -> c.Command:
    """Who held a trial asked for work: as another process, or it gave the trial back by that.

    What it got, if something, follows.
    """
    held = state.trials[number].attempt
    assert held is not None
    incarnation_id, request_id = f"not {held.incarnation_id}", ""
    for record in coming[1:]:
        event = record.event
        if record.time_us != coming[0].time_us:
            break
        if isinstance(event, TrialAssigned) and event.worker_id == held.worker_id:
            incarnation_id, request_id = event.incarnation_id, event.request_id
            break
    return c.GetSuggestion(
        held.worker_id, incarnation_id, request_id, release_held=not is_other_process
    )

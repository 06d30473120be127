"""Reports, checkpoints and questions of a worker about the trial it trains.

A report is recorded once and its decision is the answer for ever: the same step with the same
values again changes nothing. Source: search.md sections 4 to 8 and 10 (§7).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from asha_server.errors import AlreadyExists, ErrorReason
from asha_server.search.command import Answer
from asha_server.search.event import CheckpointReported, ExperimentStateChanged, MetricReported
from asha_server.search.lease import (
    can_come_back,
    come_back,
    find_trial,
    is_awaited,
    lease_lost,
    refusal,
)
from asha_server.search.method import method_of
from asha_server.search.state import FREEING
from asha_server.search.terms import (
    DecisionReason,
    EndReason,
    ExperimentState,
    TrialEndReason,
    TrialState,
    Verdict,
)

if TYPE_CHECKING:
    from asha_server.search.command import Heartbeat, ReportCheckpoint, ReportMetric, ShouldStop
    from asha_server.search.event import Decision, Metrics
    from asha_server.search.halving import Judgement
    from asha_server.search.recorder import Recorder
    from asha_server.search.state import State
    from asha_server.search.trial import Attempt, KnownReport, Trial

DELETABLE_MAX = 100
"""Most checkpoints one answer names as deletable; ListCheckpoints is the authority."""


def report_metric(recorder: Recorder, command: ReportMetric) -> Answer:
    """Records a report and decides. O(rungs passed · log n).

    Raises:
        NotFound: TRIAL_NOT_FOUND.
        Aborted: LEASE_LOST.
        AlreadyExists: METRIC_CONFLICT, the step has another value recorded.
        FailedPrecondition: TRIAL_ENDED, by the worker's word.
    """
    state = recorder.state
    trial = find_trial(state, command.trial_number)
    paused = trial.earlier_verdict(command.attempt)
    if paused is not None:
        return _answer(recorder, trial, command.attempt, paused)
    attempt = _latest(state, trial, command.attempt)
    if attempt.known is None:
        state.recall_reports(trial)
    is_back = can_come_back(state, trial)
    if attempt.is_lost and not is_back:
        raise lease_lost(state, trial, command.attempt)
    known = attempt.known_at(command.step)
    if known is not None:
        _refuse_conflict(trial, command, known)
    metrics = known.unknown(command.metrics) if known is not None else command.metrics
    is_repeat = known is not None and not metrics
    if attempt.end is not None and not is_back:
        answer = known.decision if known is not None and is_repeat else attempt.verdict
        if answer is None:
            raise refusal(state, trial, attempt)
        if not is_repeat and command.checkpoint_uri:
            _keep_checkpoint(recorder, trial, command.step, command.checkpoint_uri)
        return _answer(recorder, trial, attempt.number, answer)
    if is_back:
        come_back(recorder, trial)
    if known is not None and is_repeat:
        return _answer(recorder, trial, attempt.number, known.decision)
    if known is None and attempt.is_forgotten(command.step):
        assert attempt.decision is not None
        return _answer(recorder, trial, attempt.number, attempt.decision)
    decision = _record(recorder, trial, attempt, command, metrics)
    deletable = state.take_deletable(DELETABLE_MAX)
    return _answer(recorder, trial, attempt.number, decision, deletable)


def _record(
    recorder: Recorder, trial: Trial, attempt: Attempt, command: ReportMetric, metrics: Metrics
) -> Decision:
    """Writes a report that is new, and what follows for the experiment."""
    state = recorder.state
    in_order = command.step >= attempt.max_step
    value = dict(metrics).get(state.spec.metric.name) if in_order else None
    judgement: Judgement | None = None
    if value is not None and command.step >= state.next_decision_step(trial):
        judgement = method_of(state.spec).judge(state, trial, command.step, value)
    decision = _decision(recorder, trial, judgement)
    known = attempt.known_at(command.step)
    if known is not None and value is None:
        # A part that decides nothing: the step's own decision holds, recorded once more.
        decision = msgspec.structs.replace(
            known.decision, sequence=decision.sequence, decided_us=decision.decided_us
        )
    trial_state = judgement.trial_state if judgement else TrialState.RUNNING
    end_reason = judgement.end_reason if judgement else None
    ending = _ending(state, attempt, command.step, value)
    if ending is not None and decision.verdict is not Verdict.STOP:
        decision = msgspec.structs.replace(
            decision,
            verdict=Verdict.STOP,
            reason=DecisionReason(ending.value),
            next_decision_step=0,
        )
        trial_state, end_reason = TrialState.STOPPED, TrialEndReason.EXPERIMENT_ENDED
    recorder.emit(
        MetricReported(
            trial_number=trial.number,
            attempt=attempt.number,
            step=command.step,
            metrics=metrics,
            value=value,
            checkpoint_uri=command.checkpoint_uri,
            decision=decision,
            first_rung=trial.rung,
            entered_count=judgement.entered_count if judgement else 0,
            promoted_count=judgement.promoted_count if judgement else 0,
            trial_state=trial_state,
            end_reason=end_reason,
            previous=attempt.last_report,
        )
    )
    if ending is not None:
        recorder.emit(ExperimentStateChanged(ExperimentState.COMPLETED, ending))
    return decision


def _decision(recorder: Recorder, trial: Trial, judgement: Judgement | None) -> Decision:
    decision = recorder.decision(
        trial, Verdict.CONTINUE, DecisionReason.BETWEEN_RUNGS, recorded=True
    )
    if judgement is None:
        return decision
    goes_on = judgement.verdict is Verdict.CONTINUE
    rungs = recorder.state.brackets[trial.bracket].rungs
    return msgspec.structs.replace(
        decision,
        verdict=judgement.verdict,
        reason=judgement.reason,
        rung=judgement.rung,
        rank=judgement.rank,
        competitors=judgement.competitors,
        cutoff=judgement.cutoff,
        next_decision_step=rungs[judgement.rung + 1].length if goes_on else 0,
    )


def _ending(state: State, attempt: Attempt, step: int, value: float | None) -> EndReason | None:
    """Whether this report ends the experiment: the target reached, or its length spent."""
    if state.reaches_target(value):
        return EndReason.TARGET_REACHED
    units = max(step - max(attempt.max_step, attempt.start_step), 0)
    if 0 < state.spec.max_total_length <= state.total_length + units:
        return EndReason.BUDGET_EXHAUSTED
    return None


def _refuse_conflict(trial: Trial, command: ReportMetric, known: KnownReport) -> None:
    name = known.conflict(command.metrics)
    if name is None:
        return
    recorded, offered = known.metrics[name], dict(command.metrics)[name]
    raise AlreadyExists(
        ErrorReason.METRIC_CONFLICT,
        f"trial {trial.number} has {name}={recorded!r} recorded at step {command.step}, not "
        f"{offered!r}; the first is kept. Its verdict was {known.decision.verdict}: act on that",
        trial_number=trial.number,
        attempt=command.attempt,
        step=command.step,
        metric=name,
        recorded_value=repr(recorded),
        verdict=known.decision.verdict,
        decision_reason=known.decision.reason,
        next_decision_step=known.decision.next_decision_step,
    )


def report_checkpoint(recorder: Recorder, command: ReportCheckpoint) -> Answer:
    """Keeps a checkpoint; after PAUSE too, until the trial is handed on.

    Raises:
        NotFound: TRIAL_NOT_FOUND.
        Aborted: LEASE_LOST.
        FailedPrecondition: TRIAL_ENDED, by the worker's word.
    """
    trial = find_trial(recorder.state, command.trial_number)
    decision = _renewed(recorder, trial, command.attempt)
    if command.attempt == trial.attempt_number:
        _keep_checkpoint(recorder, trial, command.step, command.checkpoint_uri)
    return _answer(recorder, trial, command.attempt, decision)


def _keep_checkpoint(recorder: Recorder, trial: Trial, step: int, uri: str) -> None:
    """Records a checkpoint of the latest attempt, unless it is known.

    Of a trial that has ended only a COMPLETED one's is wanted: its final model.
    """
    known = (trial.checkpoint_attempt, trial.checkpoint_step, trial.checkpoint_uri)
    is_wanted = recorder.state.state_of(trial) not in FREEING
    if is_wanted and known != (trial.attempt_number, step, uri):
        recorder.emit(CheckpointReported(trial.number, trial.attempt_number, step, uri))


def heartbeat(recorder: Recorder, command: Heartbeat) -> Answer:
    """Renews a lease; answers the present decision.

    Raises:
        NotFound: TRIAL_NOT_FOUND.
        Aborted: LEASE_LOST.
        FailedPrecondition: TRIAL_ENDED, by the worker's word.
    """
    trial = find_trial(recorder.state, command.trial_number)
    decision = _renewed(recorder, trial, command.attempt)
    return _answer(recorder, trial, command.attempt, decision)


def _renewed(recorder: Recorder, trial: Trial, attempt_number: int) -> Decision:
    """The present decision on an attempt whose worker gave a sign of life."""
    paused = trial.earlier_verdict(attempt_number)
    if paused is not None:
        return paused
    attempt = _latest(recorder.state, trial, attempt_number)
    if can_come_back(recorder.state, trial):
        come_back(recorder, trial)
    decision = present_decision(recorder, trial)
    if decision is None:
        raise refusal(recorder.state, trial, attempt)
    return decision


def present_decision(recorder: Recorder, trial: Trial) -> Decision | None:
    """The decision that stands on the trial's latest attempt; None if it is over without one."""
    attempt = trial.attempt
    assert attempt is not None
    if attempt.end is None:
        return attempt.decision or recorder.decision(
            trial, Verdict.CONTINUE, DecisionReason.BETWEEN_RUNGS
        )
    return attempt.verdict


def should_stop(recorder: Recorder, command: ShouldStop) -> Answer:
    """The verdict on an attempt. Reads only; never an error for what is over.

    Raises:
        NotFound: TRIAL_NOT_FOUND.
    """
    state = recorder.state
    trial = find_trial(state, command.trial_number)
    number = trial.attempt_number if command.attempt is None else command.attempt
    return _answer(recorder, trial, number, _standing(recorder, trial, number))


def _standing(recorder: Recorder, trial: Trial, attempt_number: int) -> Decision:
    """What is so for an attempt, whatever became of it; 0: the trial was never handed out."""
    attempt = trial.attempt
    if attempt_number != trial.attempt_number:
        paused = trial.earlier_verdict(attempt_number)
        return paused or recorder.decision(trial, Verdict.STOP, DecisionReason.LEASE_LOST)
    if attempt is None:
        if recorder.state.state_of(trial).is_terminal:
            return recorder.decision(trial, Verdict.STOP, DecisionReason.TRIAL_ENDED)
        return recorder.decision(trial, Verdict.CONTINUE, DecisionReason.BETWEEN_RUNGS)
    if is_awaited(recorder.state, trial) and attempt.decision is not None:
        return attempt.decision
    if is_awaited(recorder.state, trial):
        return recorder.decision(trial, Verdict.CONTINUE, DecisionReason.BETWEEN_RUNGS)
    reason = DecisionReason.LEASE_LOST if attempt.is_lost else DecisionReason.TRIAL_ENDED
    present = present_decision(recorder, trial)
    return present or recorder.decision(trial, Verdict.STOP, reason)


def _latest(state: State, trial: Trial, attempt_number: int) -> Attempt:
    """The trial's latest attempt, if that is the one named.

    Raises:
        Aborted: LEASE_LOST, the trial was handed on.
    """
    attempt = trial.attempt
    if attempt is None or attempt.number != attempt_number:
        raise lease_lost(state, trial, attempt_number)
    return attempt


def _answer(
    recorder: Recorder,
    trial: Trial,
    attempt_number: int,
    decision: Decision,
    deletable: tuple[str, ...] = (),
) -> Answer:
    state = recorder.state
    return Answer(
        decision,
        state.state_of(trial),
        is_live=state.is_live(trial, attempt_number),
        deletable=deletable,
    )

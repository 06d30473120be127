"""How attempts and trials end by something other than a report.

Complete, fail and release are a worker's word, expiry the engine's, cancel a person's. The same
call again on the attempt it ended gets the recorded answer. Source: search.md sections 6, 10.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from asha_server.search.command import Answer, TrialRef
from asha_server.search.event import ExperimentStateChanged, TrialStateChanged
from asha_server.search.lease import (
    can_come_back,
    come_back,
    find_trial,
    lease_lost,
    refusal,
    trial_ended,
)
from asha_server.search.terms import (
    AttemptEnd,
    DecisionReason,
    EndReason,
    ExperimentState,
    FailureKind,
    TrialEndReason,
    TrialState,
    TrialStateCause,
    Verdict,
)

if TYPE_CHECKING:
    from asha_server.search.command import (
        CancelTrial,
        CompleteTrial,
        ExpireLease,
        FailTrial,
        ReleaseTrial,
    )
    from asha_server.search.event import Decision
    from asha_server.search.recorder import Recorder
    from asha_server.search.trial import Trial


def complete_trial(recorder: Recorder, command: CompleteTrial) -> Answer:
    """Training ended by itself: the last value takes its place, the trial is never promoted.

    Without any value it is FAILED / NO_METRIC.

    Raises:
        NotFound: TRIAL_NOT_FOUND.
        Aborted: LEASE_LOST.
        FailedPrecondition: TRIAL_ENDED, in another way.
    """
    trial = find_trial(recorder.state, command.trial_number)
    over = _answer_if_over(recorder, trial, command.attempt, (AttemptEnd.COMPLETED,))
    if over is not None:
        return over
    has_value = trial.value is not None
    recorder.emit(
        TrialStateChanged(
            trial_number=trial.number,
            attempt=command.attempt,
            state=TrialState.COMPLETED if has_value else TrialState.FAILED,
            cause=TrialStateCause.COMPLETED_BY_WORKER,
            end_reason=TrialEndReason.ENDED_BY_ITSELF if has_value else TrialEndReason.NO_METRIC,
            entered_rung=trial.rung,
            entered_value=trial.value,
        )
    )
    return _answer_at_end(recorder, trial)


def fail_trial(recorder: Recorder, command: FailTrial) -> Answer:
    """Training failed: retried, or ended for good.

    Raises:
        NotFound: TRIAL_NOT_FOUND.
        Aborted: LEASE_LOST.
        FailedPrecondition: TRIAL_ENDED, in another way.
    """
    state = recorder.state
    trial = find_trial(state, command.trial_number)
    ends = (AttemptEnd.FAILED, AttemptEnd.INFEASIBLE)
    over = _answer_if_over(recorder, trial, command.attempt, ends, command.kind)
    if over is not None:
        return over
    match command.kind:
        case FailureKind.RETRYABLE:
            requeue(recorder, trial, TrialStateCause.FAILED_RETRYABLE, command.message)
        case FailureKind.CHECKPOINT_UNREADABLE:
            requeue(recorder, trial, TrialStateCause.CHECKPOINT_UNREADABLE, command.message)
        case FailureKind.PERMANENT:
            recorder.emit(
                TrialStateChanged(
                    trial_number=trial.number,
                    attempt=command.attempt,
                    state=TrialState.FAILED,
                    cause=TrialStateCause.FAILED_PERMANENT,
                    end_reason=TrialEndReason.PERMANENT_FAILURE,
                    message=command.message,
                    entered_rung=trial.rung,
                )
            )
        case FailureKind.INFEASIBLE:
            _declare_infeasible(recorder, trial, command.message)
        case _:
            assert_never(command.kind)
    return _answer_at_end(recorder, trial)


def _declare_infeasible(recorder: Recorder, trial: Trial, message: str) -> None:
    state = recorder.state
    recorder.emit(
        TrialStateChanged(
            trial_number=trial.number,
            attempt=trial.attempt_number,
            state=TrialState.INFEASIBLE,
            cause=TrialStateCause.INFEASIBLE,
            end_reason=TrialEndReason.INFEASIBLE,
            message=message,
        )
    )
    assert state.spec.max_infeasible is not None
    if state.infeasible_in_a_row > state.spec.max_infeasible:
        text = f"{state.infeasible_in_a_row} infeasible trials in a row: {message}"
        recorder.emit(
            ExperimentStateChanged(ExperimentState.FAILED, EndReason.TOO_MANY_INFEASIBLE, text)
        )


def release_trial(recorder: Recorder, command: ReleaseTrial) -> Answer:
    """The worker is going away: the trial is queued again, uncounted.

    Raises:
        NotFound: TRIAL_NOT_FOUND.
        Aborted: LEASE_LOST.
        FailedPrecondition: TRIAL_ENDED.
    """
    trial = find_trial(recorder.state, command.trial_number)
    over = _answer_if_over(recorder, trial, command.attempt, (AttemptEnd.RELEASED,))
    if over is not None:
        return over
    requeue(recorder, trial, TrialStateCause.RELEASED, command.message)
    return _answer_at_end(recorder, trial)


def expire_lease(recorder: Recorder, command: ExpireLease) -> Answer:
    """A lease ran out: the trial is queued again, counted. A lease that ended changes nothing.

    Raises:
        NotFound: TRIAL_NOT_FOUND.
    """
    state = recorder.state
    trial = find_trial(state, command.trial_number)
    if state.is_live(trial, command.attempt):
        requeue(recorder, trial, command.cause)
    return _answer_at_end(recorder, trial)


def cancel_trial(recorder: Recorder, command: CancelTrial) -> TrialRef:
    """A person ends a trial; in the rungs it is treated like a failed one.

    A paused trial keeps its value and takes no second place.

    Raises:
        NotFound: TRIAL_NOT_FOUND.
        FailedPrecondition: TRIAL_ENDED, otherwise than by a cancel.
    """
    state = recorder.state
    trial = find_trial(state, command.trial_number)
    trial_state = state.state_of(trial)
    if trial_state is TrialState.CANCELLED:
        return TrialRef(trial.number)
    if trial_state.is_terminal:
        raise trial_ended(state, trial)
    is_on_its_way = trial_state is not TrialState.PAUSED and trial.bracket >= 0
    recorder.emit(
        TrialStateChanged(
            trial_number=trial.number,
            attempt=trial.attempt_number,
            state=TrialState.CANCELLED,
            cause=TrialStateCause.CANCELLED,
            end_reason=TrialEndReason.CANCELLED,
            message=command.message,
            entered_rung=trial.rung if is_on_its_way else -1,
        )
    )
    return TrialRef(trial.number)


def requeue(recorder: Recorder, trial: Trial, cause: TrialStateCause, message: str = "") -> None:
    """Queues a trial again with its last checkpoint, or fails it beyond `max_restarts`.

    Preemptions are free; failures, expiries and restarts of its process count. A checkpoint that
    cannot be read is dropped, uncounted; without one it is a retryable failure.
    """
    is_exhausted = trial.counts(cause) and trial.restarts >= recorder.state.spec.max_restarts
    recorder.emit(
        TrialStateChanged(
            trial_number=trial.number,
            attempt=trial.attempt_number,
            state=TrialState.FAILED if is_exhausted else TrialState.QUEUED,
            cause=cause,
            end_reason=TrialEndReason.RESTARTS_EXHAUSTED if is_exhausted else None,
            message=message,
            entered_rung=trial.rung if is_exhausted else -1,
        )
    )


def _answer_if_over(
    recorder: Recorder,
    trial: Trial,
    attempt_number: int,
    ends: tuple[AttemptEnd, ...],
    kind: FailureKind | None = None,
) -> Answer | None:
    """The answer where the attempt is over already; None where the call is to be carried out.

    Args:
        recorder: of this command.
        trial: the trial named.
        attempt_number: the attempt that the caller's token carries.
        ends: how this call ends an attempt.
        kind: of the failure, for FailTrial.

    Raises:
        Aborted: LEASE_LOST.
        FailedPrecondition: TRIAL_ENDED.
    """
    state = recorder.state
    attempt = trial.attempt
    if attempt is None or attempt.number != attempt_number:
        earlier = trial.endings.get(attempt_number)
        if earlier is not None and earlier.verdict is not None:
            return Answer(earlier.verdict, state.state_of(trial))
        if earlier is None or earlier.end not in ends or earlier.failure is not kind:
            raise lease_lost(state, trial, attempt_number)
        return Answer(_ended_decision(recorder, trial, earlier.state), earlier.state)
    if attempt.end is None:
        return None
    if can_come_back(state, trial):
        come_back(recorder, trial)
        return None
    if attempt.verdict is not None:
        return Answer(attempt.verdict, state.state_of(trial))
    if attempt.end in ends and attempt.failure is kind:
        assert attempt.ended_state is not None
        return Answer(_ended_decision(recorder, trial, attempt.ended_state), attempt.ended_state)
    raise refusal(state, trial, attempt)


def _answer_at_end(recorder: Recorder, trial: Trial) -> Answer:
    trial_state = recorder.state.state_of(trial)
    return Answer(_ended_decision(recorder, trial, trial_state), trial_state)


def _ended_decision(recorder: Recorder, trial: Trial, trial_state: TrialState) -> Decision:
    reason = DecisionReason.TRIAL_ENDED if trial_state.is_terminal else DecisionReason.LEASE_LOST
    return recorder.decision(trial, Verdict.STOP, reason)

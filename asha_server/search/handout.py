"""Handing out work: what `GetSuggestion` answers.

In this order, the first that applies:

1. the trial the worker holds already,
2. a trial waiting to be retried, oldest first,
3. what the method promotes,
4. a new trial, given configurations first,
5. wait, or finished.

Source: search.md section 3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asha_server.errors import Aborted, ErrorReason, FailedPrecondition
from asha_server.search.command import Assignment, Finished, Wait
from asha_server.search.endings import requeue
from asha_server.search.event import TrialAssigned, TrialCreated
from asha_server.search.lease import can_come_back, come_back
from asha_server.search.method import method_of
from asha_server.search.spec import Pbt
from asha_server.search.terms import (
    AssignmentKind,
    ExperimentState,
    TrialStateCause,
    WaitReason,
)

if TYPE_CHECKING:
    from asha_server.search.command import GetSuggestion
    from asha_server.search.halving import Choice
    from asha_server.search.recorder import Recorder
    from asha_server.search.state import State
    from asha_server.search.trial import Trial


def get_suggestion(  # noqa: PLR0911 - the rules in order, each with its answer
    recorder: Recorder, command: GetSuggestion
) -> Assignment | Wait | Finished:
    """Answers a worker that asks for work. O(rungs · log n).

    Raises:
        FailedPrecondition: the request id was used by another worker.
        Aborted: the attempt that this request id got is over.
    """
    state = recorder.state
    repeated = _repeated(recorder, command)
    if repeated is not None:
        return repeated
    if state.state.is_ended:
        return finished(state)
    if state.state is ExperimentState.PAUSED:
        return Wait(WaitReason.EXPERIMENT_PAUSED)
    held = state.holding.get(command.worker_id)
    declined = command.declined
    if held is not None:
        trial = state.trials[held]
        if command.release_held:
            requeue(recorder, trial, TrialStateCause.RELEASED)
            declined = held
        elif _is_same_process(trial, command):
            return assignment(state, trial)
        else:
            requeue(recorder, trial, TrialStateCause.RESTARTED)
            if held in state.retries:
                blocked = _blocked(recorder, command)
                if blocked is not None:
                    return blocked
                return _assign(recorder, command, trial, AssignmentKind.RESUMED)
    return _hand_out(recorder, command, declined)


def finished(state: State) -> Finished:
    """The answer once the experiment has ended."""
    return Finished(state.state, state.end_reason, state.end_message)


def _hand_out(recorder: Recorder, command: GetSuggestion, declined: int) -> Assignment | Wait:
    """Rules 2 to 5.

    Args:
        recorder: of this command.
        command: who asks.
        declined: the trial given back by this very call, not handed out again in it; -1 none.
    """
    state = recorder.state
    blocked = _blocked(recorder, command)
    if blocked is not None:
        return blocked
    retry = next((number for number in state.retries if number != declined), None)
    method = method_of(state.spec)
    choice = method.suggest(state) if retry is None else None
    if retry is None and choice is None:
        return Wait(method.wait_reason(state))
    if not state.has_free_slot:
        return Wait(WaitReason.CONCURRENCY_LIMIT)
    if retry is not None:
        return _assign(recorder, command, state.trials[retry], AssignmentKind.RETRIED)
    assert choice is not None
    if choice.promoted is not None:
        promoted = state.trials[choice.promoted]
        return _assign(recorder, command, promoted, AssignmentKind.PROMOTED)
    return _start(recorder, command, choice)


def _start(recorder: Recorder, command: GetSuggestion, choice: Choice) -> Assignment:
    """Hands out a trial that nobody trained yet, given configurations first."""
    state = recorder.state
    if choice.parent is not None:
        return _copy(recorder, command, choice, state.trials[choice.parent])
    given = next(iter(state.given), None)
    if given is not None:
        return _assign(
            recorder, command, state.trials[given], AssignmentKind.ENQUEUED, choice.bracket
        )
    number = len(state.trials)
    if state.grid is not None:
        configuration = state.grid.propose(state.grid_cursor)
    else:
        configuration = state.sampler.propose(number)
    recorder.emit(TrialCreated(number, choice.bracket, configuration))
    return _assign(recorder, command, state.trials[number], AssignmentKind.NEW)


def _copy(recorder: Recorder, command: GetSuggestion, choice: Choice, parent: Trial) -> Assignment:
    """Hands out a new trial that starts from another one's weights."""
    state, number = recorder.state, len(recorder.state.trials)
    method = state.spec.method
    assert isinstance(method, Pbt)
    configuration = state.sampler.explore(
        number,
        state.configuration(parent),
        method.resample_probability,
        method.perturb_factor,
    )
    recorder.emit(
        TrialCreated(
            trial_number=number,
            bracket=choice.bracket,
            configuration=configuration,
            parent=parent.number,
            rung=choice.rung,
            checkpoint_step=parent.checkpoint_step,
            checkpoint_uri=parent.checkpoint_uri,
        )
    )
    return _assign(recorder, command, state.trials[number], AssignmentKind.NEW)


def _assign(
    recorder: Recorder,
    command: GetSuggestion,
    trial: Trial,
    kind: AssignmentKind,
    bracket: int | None = None,
) -> Assignment:
    recorder.emit(
        TrialAssigned(
            trial_number=trial.number,
            attempt=trial.attempt_number + 1,
            kind=kind,
            worker_id=command.worker_id,
            incarnation_id=command.incarnation_id,
            request_id=command.request_id,
            bracket=trial.bracket if bracket is None else bracket,
            rung=trial.rung,
            start_step=trial.checkpoint_step,
            checkpoint_uri=trial.checkpoint_uri,
        )
    )
    return assignment(recorder.state, trial)


def assignment(state: State, trial: Trial) -> Assignment:
    """What the holder of the trial's lease was and is told."""
    attempt = trial.attempt
    assert attempt is not None
    return Assignment(
        trial_number=trial.number,
        attempt=attempt.number,
        kind=attempt.kind,
        configuration=state.configuration(trial),
        trial_seed=state.trial_seed(trial),
        start_step=attempt.start_step,
        checkpoint_uri=attempt.start_checkpoint_uri,
        next_decision_step=state.next_decision_step(trial),
        bracket=trial.bracket,
        rung=trial.rung,
    )


def _repeated(recorder: Recorder, command: GetSuggestion) -> Assignment | None:
    """The answer this request id already got."""
    state = recorder.state
    if not command.request_id or command.request_id not in state.assigned_by:
        return None
    number, attempt_number = state.assigned_by[command.request_id]
    trial = state.trials[number]
    attempt = trial.attempt
    assert attempt is not None
    if attempt.number == attempt_number and attempt.worker_id != command.worker_id:
        raise FailedPrecondition(
            ErrorReason.REQUEST_ID_REUSED,
            f"request id {command.request_id!r} was used by another worker; "
            "make a fresh request_id for each request",
            request_id=command.request_id,
        )
    if attempt.number == attempt_number and can_come_back(state, trial):
        come_back(recorder, trial)
    if not state.is_live(trial, attempt_number):
        raise Aborted(
            ErrorReason.LEASE_LOST,
            f"the attempt that request id {command.request_id!r} got (trial {number}, attempt "
            f"{attempt_number}) is over; ask again with a fresh request_id",
            trial_number=number,
            attempt=attempt_number,
        )
    return assignment(state, trial)


def _is_same_process(trial: Trial, command: GetSuggestion) -> bool:
    """Whether the holder asks again before its attempt has reported."""
    attempt = trial.attempt
    assert attempt is not None
    return attempt.incarnation_id == command.incarnation_id and not attempt.has_reported


def _blocked(recorder: Recorder, command: GetSuggestion) -> Wait | None:
    """The wait of a worker whose assignments keep failing without a report."""
    state = recorder.state
    known = state.workers.get(command.worker_id)
    if known is None:
        return None
    until_us = known.blocked_until_us(state.spec.worker_failure_limit, state.spec.lease_ttl_us)
    if recorder.now_us >= until_us:
        return None
    return Wait(WaitReason.WORKER_FAILING, until_us - recorder.now_us)

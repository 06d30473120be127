"""What people and the clock do to an experiment: pause, resume, stop, change, give a trial."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec

from asha_server.errors import (
    Aborted,
    ErrorReason,
    FailedPrecondition,
    FieldViolation,
    InvalidRequest,
    ResourceExhausted,
)
from asha_server.search.command import Done, TrialRef
from asha_server.search.event import (
    ExperimentStateChanged,
    ExperimentUpdated,
    MetricReported,
    TrialCreated,
)
from asha_server.search.spec import validate
from asha_server.search.terms import (
    DecisionReason,
    EndReason,
    ExperimentState,
    HalvingVariant,
    TrialEndReason,
    TrialState,
    Verdict,
)
from asha_server.search.value import value_key

if TYPE_CHECKING:
    from asha_server.search.command import CreateTrial, StopExperiment, UpdateExperiment
    from asha_server.search.recorder import Recorder
    from asha_server.search.spec import ExperimentSpec
    from asha_server.search.state import State
    from asha_server.search.trial import Trial

MUTABLE_FIELDS = frozenset(
    {
        "display_name",
        "labels",
        "max_concurrent_trials",
        "target",
        "max_restarts",
        "max_infeasible",
        "max_wall_time_us",
        "max_total_length",
        "lease_ttl_us",
        "progress_timeout_us",
        "worker_failure_limit",
        "max_trials",
    }
)
MUTABLE_AFTER_END = frozenset({"display_name", "labels"})


def pause_experiment(recorder: Recorder) -> Done:
    """Every active trial is queued, uncounted; nothing is handed out; the wall-time clock stands.

    Raises:
        FailedPrecondition: EXPERIMENT_ENDED.
    """
    return _change_state(recorder, ExperimentState.PAUSED)


def resume_experiment(recorder: Recorder) -> Done:
    """Undoes a pause.

    Raises:
        FailedPrecondition: EXPERIMENT_ENDED.
    """
    return _change_state(recorder, ExperimentState.RUNNING)


def _change_state(recorder: Recorder, target: ExperimentState) -> Done:
    state = recorder.state
    if state.state.is_ended:
        raise experiment_ended(state)
    if state.state is not target:
        recorder.emit(ExperimentStateChanged(target))
    return Done(state.spec, state.state)


def stop_experiment(recorder: Recorder, command: StopExperiment) -> Done:
    """Ends the experiment: every trial that has not ended becomes STOPPED.

    Raises:
        FailedPrecondition: EXPERIMENT_ENDED, otherwise than by a person's stop.
    """
    state = recorder.state
    if state.end_reason is EndReason.STOPPED_BY_USER:
        return Done(state.spec, state.state)
    if state.state.is_ended:
        raise experiment_ended(state)
    recorder.emit(
        ExperimentStateChanged(
            ExperimentState.COMPLETED, EndReason.STOPPED_BY_USER, command.message
        )
    )
    return Done(state.spec, state.state)


def check_budget(recorder: Recorder) -> Done:
    """Ends the experiment once `max_wall_time` is over."""
    state = recorder.state
    budget_us = state.spec.max_wall_time_us
    is_running = state.state is ExperimentState.RUNNING
    if is_running and budget_us and state.running_us(recorder.now_us) >= budget_us:
        recorder.emit(ExperimentStateChanged(ExperimentState.COMPLETED, EndReason.BUDGET_EXHAUSTED))
    return Done(state.spec, state.state)


def experiment_ended(state: State) -> FailedPrecondition:
    """The refusal of what needs a living experiment."""
    return FailedPrecondition(
        ErrorReason.EXPERIMENT_ENDED,
        f"experiment {state.experiment_id!r} has ended ({state.state}, {state.end_reason}); "
        "create a new one",
        experiment_id=state.experiment_id,
        experiment_state=state.state,
        end_reason=state.end_reason or "",
    )


def etag(state: State) -> str:
    """Changes with the spec and the state, not with progress. 16 hex digits."""
    body = msgspec.json.encode(state.spec, order="sorted") + state.state.encode()
    return blake2b(body, digest_size=8).hexdigest()


def update_experiment(recorder: Recorder, command: UpdateExperiment) -> Done:
    """Changes fields of the spec that may change; `max_trials` can only be raised.

    Raises:
        Aborted: ETAG_MISMATCH.
        FailedPrecondition: IMMUTABLE_FIELD, of more fields once the experiment has ended.
        InvalidRequest: a value is wrong in itself.
    """
    state = recorder.state
    if command.etag and command.etag != etag(state):
        raise Aborted(
            ErrorReason.ETAG_MISMATCH,
            f"the experiment changed since etag {command.etag!r} was read; get it again",
            etag=command.etag,
            current_etag=etag(state),
        )
    _refuse_immutable(state, command)
    spec = msgspec.structs.replace(state.spec, **command.changes)
    violations = validate(spec)
    if violations:
        raise InvalidRequest(violations)
    assert state.spec.seed is not None
    spec = spec.completed(state.spec.seed)
    if spec != state.spec:
        recorder.emit(ExperimentUpdated(spec, _raised(state, spec)))
    return Done(state.spec, state.state)


def _refuse_immutable(state: State, command: UpdateExperiment) -> None:
    changed = {name for name, new in command.changes.items() if new != getattr(state.spec, name)}
    allowed = MUTABLE_AFTER_END if state.state.is_ended else MUTABLE_FIELDS
    refused = sorted(changed - allowed)
    if refused:
        when = "after the experiment has ended" if state.state.is_ended else "once it is created"
        raise FailedPrecondition(
            ErrorReason.IMMUTABLE_FIELD,
            f"{', '.join(refused)} cannot change {when}; create a new experiment",
            fields=",".join(refused),
        )
    if "max_trials" in changed:
        wanted, present = command.changes["max_trials"], state.spec.max_trials
        if present is None or wanted is None or wanted < present:
            raise FailedPrecondition(
                ErrorReason.IMMUTABLE_FIELD,
                f"max_trials can only be raised (now {present}), and only where the method takes "
                "it; stop the experiment to end it early",
                fields="max_trials",
            )


def _raised(state: State, spec: ExperimentSpec) -> tuple[int, ...]:
    """n_b of every bracket: added trials go by the same weights to those not closed out."""
    present = [bracket.max_trials for bracket in state.brackets]
    if spec.max_trials is None or state.spec.max_trials is None:
        return tuple(present)
    added = spec.max_trials - state.spec.max_trials
    if not added:
        return tuple(present)
    split = spec.chosen.split_added(
        [len(bracket.rungs) for bracket in state.brackets],
        [bracket.is_closed_out for bracket in state.brackets],
        added,
    )
    return tuple(n + more for n, more in zip(present, split, strict=True))


def create_trial(recorder: Recorder, command: CreateTrial) -> TrialRef:
    """Takes a configuration given by a person: to be tried first, or finished already.

    Raises:
        FailedPrecondition: EXPERIMENT_ENDED, REQUEST_ID_REUSED.
        InvalidRequest: a value outside the space, observations that are not possible.
        ResourceExhausted: LIMIT_EXCEEDED, all places of `max_trials` are taken.
    """
    state = recorder.state
    _refuse_given(state, command)
    if command.request_id in state.created_by and command.request_id:
        return _created_before(state, command)
    if state.state.is_ended:
        raise experiment_ended(state)
    takes_place = not command.observations or command.joins_rungs
    if takes_place and state.open_places() <= len(state.given):
        raise ResourceExhausted(
            ErrorReason.LIMIT_EXCEEDED,
            f"all {state.spec.max_trials} trials of max_trials are created or given; raise "
            "max_trials first",
            max_trials=state.spec.max_trials,
        )
    number = len(state.trials)
    bracket = -1
    if command.observations and command.joins_rungs:
        bracket = next(b.index for b in state.brackets if not b.is_full)
    recorder.emit(
        TrialCreated(
            trial_number=number,
            bracket=bracket,
            configuration=state.sampler.propose(number, dict(command.parameters)),
            is_given=True,
            request_id=command.request_id,
            has_observations=bool(command.observations),
        )
    )
    _observe(recorder, state.trials[number], command)
    return TrialRef(number)


def _refuse_given(state: State, command: CreateTrial) -> None:
    violations = state.space.validate_given(command.parameters)
    if state.grid is not None:
        violations.append(
            FieldViolation("parameters", "grid_search tries its own points; use random_search")
        )
    if command.joins_rungs and state.spec.chosen.keeps_round:
        violations.append(
            FieldViolation("joins_rungs", "pbt compares its own rounds; leave it out")
        )
    if command.joins_rungs and not command.observations:
        violations.append(FieldViolation("joins_rungs", "needs observations"))
    if violations:
        raise InvalidRequest(violations)


def _created_before(state: State, command: CreateTrial) -> TrialRef:
    trial = state.trials[state.created_by[command.request_id]]
    if not _is_same_creation(state, trial, command):
        raise FailedPrecondition(
            ErrorReason.REQUEST_ID_REUSED,
            f"request id {command.request_id!r} created trial {trial.number} with another "
            "configuration; make a fresh request_id for each trial",
            request_id=command.request_id,
            trial_number=trial.number,
        )
    return TrialRef(trial.number)


def _is_same_creation(state: State, trial: Trial, command: CreateTrial) -> bool:
    """Whether this command would have made this trial, as far as that is still known."""
    assert trial.given is not None
    again = state.sampler.propose(trial.number, dict(command.parameters))
    if [(name, value_key(value)) for name, value in again] != [
        (name, value_key(value)) for name, value in trial.given
    ]:
        return False
    is_finished = not trial.attempt_number and trial.own_state is TrialState.COMPLETED
    if not command.observations or not is_finished:
        return bool(command.observations) == is_finished
    last_step = max(point.step for point in command.observations)
    return last_step == trial.last_step and command.joins_rungs == (trial.bracket >= 0)


def _observe(recorder: Recorder, trial: Trial, command: CreateTrial) -> None:
    """Records what is known of a given configuration; its places, where it joins the rungs."""
    state = recorder.state
    observations = sorted(command.observations, key=lambda point: point.step)
    lengths = (
        [rung.length for rung in state.brackets[trial.bracket].rungs] if trial.bracket >= 0 else []
    )
    metric = state.spec.metric.name
    reached = [point.step for point in observations if metric in dict(point.metrics)]
    final_rung = sum(length <= max(reached, default=-1) for length in lengths)
    is_promoting = state.spec.variant is HalvingVariant.PROMOTION
    previous = 0
    for point in observations:
        value = dict(point.metrics).get(metric)
        entered = 0
        if value is not None:
            entered = sum(length <= point.step for length in lengths[trial.rung :])
        recorder.emit(
            MetricReported(
                trial_number=trial.number,
                attempt=0,
                step=point.step,
                metrics=point.metrics,
                value=value,
                checkpoint_uri="",
                decision=recorder.decision(
                    trial, Verdict.STOP, DecisionReason.TRIAL_ENDED, recorded=True
                ),
                first_rung=trial.rung,
                entered_count=entered,
                promoted_count=(
                    min(entered, max(final_rung - 1 - trial.rung, 0)) if is_promoting else 0
                ),
                trial_state=TrialState.COMPLETED,
                end_reason=TrialEndReason.ENDED_BY_ITSELF,
                previous=previous,
            )
        )
        previous = state.sequence

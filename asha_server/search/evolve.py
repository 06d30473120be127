"""The only writer of `State`: applies events, one function each. Total; it never decides.

What events of a trial have in common is in `trial_moves.py`, those of the experiment as a whole
are in `evolve_experiment.py`.

Live, reloaded and replayed experiments all pass through here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from asha_server.search.attempt_ending import (
    close_attempt,
    judge_worker,
    reach_overdue,
    trust,
)
from asha_server.search.event import (
    CheckpointReported,
    ExperimentCreated,
    ExperimentStateChanged,
    ExperimentUpdated,
    MetricReported,
    Record,
    RungClosed,
    TrialAssigned,
    TrialCreated,
    TrialStateChanged,
)
from asha_server.search.evolve_experiment import (
    advance_progress,
    experiment_state_changed,
    experiment_updated,
)
from asha_server.search.rung import Closing, RankKey, rank_key
from asha_server.search.spec import INT64_MAX
from asha_server.search.state import State
from asha_server.search.terms import (
    AttemptEnd,
    TrialEndReason,
    TrialState,
    TrialStateCause,
)
from asha_server.search.trial import Attempt, Entry, Trial
from asha_server.search.trial_moves import end, keep_checkpoint, leave, move, take

if TYPE_CHECKING:
    pass


def begin(record: Record) -> State:
    """The state that the first event of a history makes."""
    event = record.event
    assert isinstance(event, ExperimentCreated), "a history begins with ExperimentCreated"
    state = State(event.experiment_id, event.spec, record.time_us)
    state.create_request_id = event.request_id
    state.sequence = record.sequence
    state.changes.brackets.update(range(len(state.brackets)))
    return state


def apply(state: State, record: Record) -> None:
    """Applies the next event of a history.

    O(log n) in the number of trials, but for the experiment's pause and end: O(active trials).
    """
    assert record.sequence == state.sequence + 1, "a history has no gaps"
    state.sequence = record.sequence
    event = record.event
    match event:
        case MetricReported():
            _metric_reported(state, record, event)
        case TrialAssigned():
            _trial_assigned(state, record, event)
        case TrialCreated():
            _trial_created(state, record, event)
        case CheckpointReported():
            keep_checkpoint(
                state,
                state.trials[event.trial_number],
                event.attempt,
                event.step,
                event.checkpoint_uri,
            )
        case TrialStateChanged():
            _trial_state_changed(state, record, event)
        case RungClosed():
            _rung_closed(state, record, event)
        case ExperimentStateChanged():
            state.updated_us = record.time_us
            experiment_state_changed(state, record, event)
        case ExperimentUpdated():
            state.updated_us = record.time_us
            experiment_updated(state, event)
        case ExperimentCreated():
            raise AssertionError("an experiment is created once")
        case _:
            assert_never(event)
    advance_progress(state, record.time_us)


# -- trials come and are handed out ---------------------------------------------------------------


def _trial_created(state: State, record: Record, event: TrialCreated) -> None:
    assert event.trial_number == len(state.trials), "trials are numbered without gaps"
    trial = Trial(event.trial_number, event.bracket, record.time_us)
    trial.request_id = event.request_id
    state.trials.append(trial)
    state.counts[trial.own_state] += 1
    if event.request_id:
        state.created_by[event.request_id] = trial.number
    if event.is_given or state.grid is not None or event.parent >= 0:
        trial.given = event.configuration
    if event.parent >= 0:
        _start_from(state, trial, event)
    if state.grid is not None and not event.is_given:
        state.grid_cursor += 1
    if event.has_observations:
        move(state, trial, TrialState.COMPLETED)
        trial.end_reason = TrialEndReason.ENDED_BY_ITSELF
        trial.ended_us = record.time_us
        if event.bracket >= 0:
            _count_in(state, event.bracket)
    elif event.bracket < 0:
        trial.queued_sequence = record.sequence
        state.given[trial.number] = None
    else:
        _join_bracket(state, trial, event.bracket)
    state.changes.created.add(trial.number)
    state.changes.trials.add(trial.number)


def _start_from(state: State, trial: Trial, event: TrialCreated) -> None:
    """The trial starts from another one's checkpoint, in the rung that is next."""
    trial.parent, trial.rung = event.parent, event.rung
    trial.checkpoint_step, trial.checkpoint_uri = event.checkpoint_step, event.checkpoint_uri
    state.copy_count += 1
    if trial.inherits_checkpoint:
        state.inherited[trial.checkpoint_uri] += 1


def _trial_assigned(state: State, record: Record, event: TrialAssigned) -> None:
    trial = state.trials[event.trial_number]
    if trial.number in state.given:
        del state.given[trial.number]
        trial.bracket = event.bracket
        _join_bracket(state, trial, event.bracket)
    elif trial.own_state is TrialState.PAUSED:
        _promote_paused(state, trial)
    else:
        state.retries.pop(trial.number, None)
    trial.keep_ending()
    trial.started_us = trial.started_us or record.time_us
    if trial.attempt is not None and state.overdue.get(trial.attempt.worker_id) == trial.number:
        del state.overdue[trial.attempt.worker_id]
    attempt = Attempt(
        trial.number,
        event.attempt,
        event.kind,
        event.worker_id,
        event.incarnation_id,
        event.request_id,
        record.time_us,
        event.start_step,
        event.checkpoint_uri,
    )
    trial.begin_attempt(attempt)
    if event.request_id:
        state.assigned_by[event.request_id] = (trial.number, event.attempt)
    take(state, trial)


def _join_bracket(state: State, trial: Trial, bracket: int) -> None:
    if state.is_member(trial):
        _count_in(state, bracket)
    state.brackets[bracket].heading[trial.rung] += 1


def _count_in(state: State, bracket: int) -> None:
    state.brackets[bracket].created_count += 1
    state.changes.brackets.add(bracket)


def _promote_paused(state: State, trial: Trial) -> None:
    bracket, index = state.brackets[trial.bracket], trial.rung - 1
    rung, key = bracket.rungs[index], state.key_of(trial, index)
    entry = trial.entry(index)
    entry.is_promoted = True
    rung.promoted_count += 1
    rung.waiting.remove(key)
    bracket.heading[index + 1] += 1
    state.changes.entries[bracket.index, index, trial.number] = entry


# -- reports and checkpoints ----------------------------------------------------------------------


def _metric_reported(state: State, record: Record, event: MetricReported) -> None:
    trial = state.trials[event.trial_number]
    attempt = trial.attempt
    if attempt is not None and attempt.known is None:
        state.recall_reports(trial)
    if event.value is not None:
        trial.value = event.value
    if attempt is None or event.step >= attempt.max_step:
        trial.last_step = event.step
    if event.entered_count:
        _enter_by_report(state, record, event, trial)
    if attempt is not None and event.attempt:
        _train(state, trial, attempt, event.step)
        # A further part of a step that decides nothing repeats the step's decision: no news.
        is_news = event.value is not None or attempt.known_at(event.step) is None
        if is_news or event.trial_state is not TrialState.RUNNING:
            attempt.decision = event.decision
        attempt.remember(event.step, event.metrics, event.decision, event.entered_count > 0)
        attempt.last_report = record.sequence
        trust(state, attempt.worker_id)
        if event.only_trains and not event.checkpoint_uri:
            state.changes.trained[trial.number] = attempt
            return
        state.changes.attempt(attempt)
        if event.trial_state is not TrialState.RUNNING:
            attempt.close(_ENDS_BY_REPORT[event.trial_state], record.time_us, event.trial_state)
    keep_checkpoint(state, trial, event.attempt, event.step, event.checkpoint_uri)
    if event.trial_state is not trial.own_state:
        if event.trial_state.is_terminal:
            end(state, record, trial, event.trial_state, event.end_reason)
        else:
            leave(state, trial, event.trial_state)
    state.changes.trials.add(trial.number)


_ENDS_BY_REPORT = {
    TrialState.PAUSED: AttemptEnd.PAUSED,
    TrialState.STOPPED: AttemptEnd.STOPPED,
    TrialState.COMPLETED: AttemptEnd.COMPLETED,
}


def _train(state: State, trial: Trial, attempt: Attempt, step: int) -> None:
    """Counts the units that a report shows to be trained."""
    units = step - max(attempt.max_step, attempt.start_step)
    if units > 0:
        # Sums end at what a column holds: steps are what a worker says they are.
        attempt.units_trained = min(attempt.units_trained + units, INT64_MAX)
        trial.total_length = min(trial.total_length + units, INT64_MAX)
        state.total_length = min(state.total_length + units, INT64_MAX)
    attempt.max_step = max(attempt.max_step, step)


def _enter_by_report(state: State, record: Record, event: MetricReported, trial: Trial) -> None:
    bracket = state.brackets[trial.bracket]
    last = event.first_rung + event.entered_count - 1
    for index in range(event.first_rung, last + 1):
        promoted = index < event.first_rung + event.promoted_count
        key = _enter(state, record, trial, index, event.value, promoted)
        if event.trial_state is TrialState.PAUSED and index == last:
            bracket.rungs[index].waiting.add(key)
    if event.attempt:
        bracket.heading[event.first_rung] -= 1
        if event.trial_state is TrialState.RUNNING:
            bracket.heading[last + 1] += 1
        trial.restarts = 0
    state.infeasible_in_a_row = 0


def _enter(
    state: State, record: Record, trial: Trial, index: int, value: float | None, promoted: bool
) -> RankKey:
    """Puts the trial into the next rung. O(log n)."""
    assert index == trial.rung, "rungs are entered in order"
    bracket = state.brackets[trial.bracket]
    rung, entry = bracket.rungs[index], Entry(value, record.sequence, promoted)
    key = rank_key(value, state.goal, record.sequence, trial.number)
    rung.entries.add(key)
    rung.promoted_count += promoted
    trial.enter(entry)
    if len(rung.entries) <= bracket.nominal[index]:
        state.nominal_done += bracket.units_between(index)
    state.changes.entries[bracket.index, index, trial.number] = entry
    return key


# -- trials leave ---------------------------------------------------------------------------------


def _trial_state_changed(state: State, record: Record, event: TrialStateChanged) -> None:
    trial = state.trials[event.trial_number]
    attempt = trial.attempt
    state.changes.trials.add(trial.number)
    if event.cause is TrialStateCause.CAME_BACK:
        _come_back(state, trial)
        return
    if trial.counts(event.cause):
        trial.restarts += 1
    if event.cause is TrialStateCause.CHECKPOINT_UNREADABLE:
        if trial.inherits_checkpoint:
            state.let_go_of_checkpoint(trial)
        trial.drop_checkpoint()
    was_held = attempt is not None and trial.own_state is TrialState.RUNNING
    if attempt is not None and was_held:
        close_attempt(state, record, event, attempt)
        judge_worker(state, record, event, attempt)
    elif attempt is not None and attempt.is_overdue:
        reach_overdue(state, record, attempt, AttemptEnd.CANCELLED, event.state)
    if not event.state.is_terminal:
        leave(state, trial, event.state)
        trial.queued_sequence = record.sequence
        state.retries[trial.number] = None
        return
    _leave_the_way(state, record, event, trial)
    if event.state is TrialState.INFEASIBLE:
        _leave_every_rung(state, trial)
        state.infeasible_in_a_row += 1
    else:
        state.infeasible_in_a_row = 0
    end(state, record, trial, event.state, event.end_reason, event.message)


def _come_back(state: State, trial: Trial) -> None:
    """The worker came back before its overdue trial was handed on: as if nothing had been."""
    attempt = trial.attempt
    assert attempt is not None
    assert attempt.is_overdue
    trial.restarts -= 1
    known = state.workers.get(attempt.worker_id)
    if known is not None and not attempt.has_reported:
        known.failures -= 1
        if not known.failures:
            del state.workers[attempt.worker_id]
        state.changes.workers.add(attempt.worker_id)
    attempt.reopen()
    del state.retries[trial.number], state.overdue[attempt.worker_id]
    take(state, trial)


def _leave_the_way(state: State, record: Record, event: TrialStateChanged, trial: Trial) -> None:
    """The trial is no longer on its way to a rung, nor waiting in one."""
    if trial.bracket < 0 or trial.own_state.is_terminal:
        return
    bracket = state.brackets[trial.bracket]
    if trial.own_state is TrialState.PAUSED:
        bracket.rungs[trial.rung - 1].waiting.discard(state.key_of(trial, trial.rung - 1))
        return
    if trial.number not in state.given:
        bracket.heading[trial.rung] -= 1
    if event.entered_rung >= 0:
        _enter(state, record, trial, event.entered_rung, event.entered_value, promoted=False)


def _leave_every_rung(state: State, trial: Trial) -> None:
    bracket = state.brackets[trial.bracket]
    for index, entry in enumerate(trial.entries, trial.first_rung):
        rung = bracket.rungs[index]
        rung.entries.remove(state.key_of(trial, index))
        rung.promoted_count -= entry.is_promoted
        if len(rung.entries) < bracket.nominal[index]:
            state.nominal_done -= bracket.units_between(index)
        state.changes.entries[bracket.index, index, trial.number] = None
    if not state.spec.chosen.keeps_round:
        trial.rung = trial.first_rung
    trial.entries = ()
    is_replaced = state.spec.replaces_infeasible and trial.parent < 0 and not trial.rung
    if is_replaced:
        bracket.created_count -= 1
        state.changes.brackets.add(bracket.index)


def _rung_closed(state: State, record: Record, event: RungClosed) -> None:
    rung = state.brackets[event.bracket].rungs[event.rung]
    ended, rung.waiting = rung.waiting, type(rung.waiting)()
    rung.closings.append(Closing(record.sequence, record.time_us))
    state.counts[TrialState.PAUSED] -= len(ended)
    state.counts[TrialState.STOPPED] += len(ended)
    state.leave_unsettled(key[3] for key in ended)
    state.changes.brackets.add(event.bracket)

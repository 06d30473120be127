"""Events of the experiment as a whole: its state, its spec, its progress.

Part of `evolve.py`, the only writer of `State`.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from asha_server.search.attempt_ending import TOLD, reach_all_overdue, told, trust
from asha_server.search.terms import AttemptEnd, ExperimentState, TrialEndReason, TrialState
from asha_server.search.trial_moves import end, leave

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asha_server.search.event import ExperimentStateChanged, ExperimentUpdated, Record
    from asha_server.search.state import State
    from asha_server.search.trial import Trial


def experiment_state_changed(state: State, record: Record, event: ExperimentStateChanged) -> None:
    """The experiment pauses, goes on or ends, and with it all that is under way."""
    if state.state is ExperimentState.RUNNING:
        state.elapsed_us = state.running_us(record.time_us)
    state.state = event.state
    if event.state is ExperimentState.RUNNING:
        state.running_since_us = record.time_us
    elif event.state is ExperimentState.PAUSED:
        for number in sorted(state.active):
            _interrupt(state, record, state.trials[number])
        reach_all_overdue(state, record, AttemptEnd.EXPERIMENT_PAUSED, TrialState.QUEUED)
    else:
        state.end_reason, state.end_message = event.end_reason, event.message
        state.ended_us = record.time_us
        for number in sorted(state.active):
            _break_off(state, record, state.trials[number])
        reach_all_overdue(state, record, AttemptEnd.EXPERIMENT_ENDED, TrialState.STOPPED)
        state.leave_unsettled(_living(state))
        for living in (TrialState.QUEUED, TrialState.PAUSED):
            state.counts[TrialState.STOPPED] += state.counts[living]
            state.counts[living] = 0


def _interrupt(state: State, record: Record, trial: Trial) -> None:
    """A pause of the experiment queues an active trial, uncounted."""
    attempt = trial.attempt
    assert attempt is not None
    attempt.decision = told(state, record, attempt, *TOLD[AttemptEnd.EXPERIMENT_PAUSED])
    attempt.close(AttemptEnd.EXPERIMENT_PAUSED, record.time_us, TrialState.QUEUED)
    trust(state, attempt.worker_id)
    leave(state, trial, TrialState.QUEUED)
    trial.queued_sequence = record.sequence
    state.retries[trial.number] = None
    state.changes.attempt(attempt)
    state.changes.trials.add(trial.number)


def _break_off(state: State, record: Record, trial: Trial) -> None:
    """The end of the experiment stops an active trial."""
    attempt = trial.attempt
    assert attempt is not None
    attempt.decision = told(state, record, attempt, *TOLD[AttemptEnd.EXPERIMENT_ENDED])
    attempt.close(AttemptEnd.EXPERIMENT_ENDED, record.time_us, TrialState.STOPPED)
    state.changes.attempt(attempt)
    end(state, record, trial, TrialState.STOPPED, TrialEndReason.EXPERIMENT_ENDED)
    state.changes.trials.add(trial.number)


def _living(state: State) -> Iterator[int]:
    """Trials that the end of the experiment stops without a word to anybody."""
    paused = (key[3] for b in state.brackets for rung in b.rungs for key in rung.waiting)
    return chain(list(state.retries), list(state.given), paused)


def experiment_updated(state: State, event: ExperimentUpdated) -> None:
    """A person changed the spec; brackets take what follows from it."""
    state.spec, state.spec_text = event.spec, ""
    state.nominal_done = 0
    counts = tuple(len(bracket.rungs) for bracket in state.brackets)
    method = event.spec.chosen
    shares = method.shares(event.spec, counts, event.bracket_max_trials)
    for bracket, max_trials, share in zip(
        state.brackets, event.bracket_max_trials, shares, strict=True
    ):
        entries = method.entries(event.spec, bracket.index, len(bracket.rungs), max_trials)
        bracket.resize(entries, share)
        state.changes.brackets.add(bracket.index)
        state.nominal_done += bracket.nominal_units_done()
    state.nominal_total = sum(bracket.nominal_units() for bracket in state.brackets)


def advance_progress(state: State, time_us: int) -> None:
    """Raises the high-water mark; progress never falls and is exactly 1 at the end."""
    if state.state.is_ended:
        state.progress = 1.0
        return
    spec = state.spec
    done = state.nominal_done / state.nominal_total
    if spec.max_total_length:
        done = max(done, state.total_length / spec.max_total_length)
    if spec.max_wall_time_us:
        done = max(done, state.running_us(time_us) / spec.max_wall_time_us)
    state.progress = min(max(state.progress, done), 1.0)

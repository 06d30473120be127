"""How a trial changes hands and state: what every event that touches one is made of.

Part of `evolve.py`, the only writer of `State`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asha_server.search.terms import TrialState

if TYPE_CHECKING:
    from asha_server.search.event import Record
    from asha_server.search.state import State
    from asha_server.search.terms import TrialEndReason
    from asha_server.search.trial import Trial


def take(state: State, trial: Trial) -> None:
    """A worker holds the trial's lease from now on."""
    assert trial.attempt is not None
    _fence_overdue(state, trial.attempt.worker_id)
    move(state, trial, TrialState.RUNNING)
    state.active[trial.number] = None
    state.brackets[trial.bracket].active_count += 1
    state.holding[trial.attempt.worker_id] = trial.number
    state.changes.attempt(trial.attempt)
    state.changes.trials.add(trial.number)


def _fence_overdue(state: State, worker_id: str) -> None:
    """A worker that takes other work cannot come back to the trial it was overdue with."""
    number = state.overdue.pop(worker_id, None)
    if number is None:
        return
    attempt = state.trials[number].attempt
    assert attempt is not None
    if attempt.worker_id == worker_id and attempt.is_overdue:
        attempt.is_fenced = True
        state.changes.attempt(attempt)


def leave(state: State, trial: Trial, new_state: TrialState) -> None:
    """Nobody holds the trial's lease any more, if somebody did."""
    if trial.own_state is TrialState.RUNNING:
        assert trial.attempt is not None
        del state.active[trial.number]
        state.brackets[trial.bracket].active_count -= 1
        del state.holding[trial.attempt.worker_id]
    move(state, trial, new_state)


def move(state: State, trial: Trial, new_state: TrialState) -> None:
    """The trial has another state from now on."""
    state.counts[trial.own_state] -= 1
    state.counts[new_state] += 1
    trial.own_state = new_state


def keep_checkpoint(state: State, trial: Trial, attempt: int, step: int, uri: str) -> None:
    """The trial keeps a reported checkpoint if it would resume from it."""
    if not uri:
        return
    if trial.inherits_checkpoint:
        state.let_go_of_checkpoint(trial)
        trial.drop_checkpoint()
    superseded = trial.keep_checkpoint(attempt, step, uri)
    if superseded:
        state.deletable.append((trial.number, superseded))
    state.changes.trials.add(trial.number)


def end(
    state: State,
    record: Record,
    trial: Trial,
    new_state: TrialState,
    reason: TrialEndReason | None,
    message: str = "",
) -> None:
    """The trial is in a terminal state from now on."""
    state.retries.pop(trial.number, None)
    state.given.pop(trial.number, None)
    leave(state, trial, new_state)
    trial.end_reason, trial.end_message, trial.ended_us = reason, message, record.time_us
    if new_state is not TrialState.COMPLETED:
        state.let_go_of_checkpoint(trial)

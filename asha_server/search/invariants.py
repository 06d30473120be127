"""What must hold of every experiment at every moment, asserted. O(everything)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from asha_server.search.terms import HalvingVariant, TrialState

if TYPE_CHECKING:
    from asha_server.search.state import Bracket, State
    from asha_server.search.trial import Trial


def check(state: State) -> None:
    """Asserts every invariant of one experiment.

    Raises:
        AssertionError: with the invariant that is broken.
    """
    for number, trial in enumerate(state.trials):
        assert trial.number == number, f"trial {number} is numbered {trial.number}"
        _check_trial(state, trial)
    for bracket in state.brackets:
        _check_bracket(state, bracket)
    counted = Counter(state.state_of(trial) for trial in state.trials)
    for trial_state in TrialState:
        assert state.counts[trial_state] == counted[trial_state], f"count of {trial_state}"
    _check_queues(state)
    assert 0.0 <= state.progress <= 1.0, f"progress is {state.progress}"
    assert (state.progress == 1.0) or not state.state.is_ended, "progress is not 1 at the end"
    trained = sum(trial.total_length for trial in state.trials)
    assert state.total_length == trained, "units trained"
    done = sum(bracket.nominal_units_done() for bracket in state.brackets)
    assert state.nominal_done == done, "nominal work done"


def _check_trial(state: State, trial: Trial) -> None:
    name = f"trial {trial.number}"
    attempt = trial.attempt
    holds = trial.own_state is TrialState.RUNNING
    assert holds == (attempt is not None and attempt.end is None), f"{name}: lease"
    if holds:
        assert attempt is not None
        assert state.holding[attempt.worker_id] == trial.number, f"{name}: holder"
    assert holds == (trial.number in state.active), f"{name}: active"
    if state.state_of(trial) is TrialState.PAUSED:
        assert trial.entries, f"{name} is paused in no rung"
        assert not trial.entries[-1].is_promoted, f"{name} is paused and promoted"
    is_promoting = state.spec.variant is HalvingVariant.PROMOTION
    for below in trial.entries[:-1]:
        assert below.is_promoted == is_promoting, f"{name} went on from a rung without promotion"
    assert trial.restarts >= 0, f"{name}: restarts"
    if trial.own_state.is_terminal:
        assert trial.end_reason is not None, f"{name} ended without a reason"


def _check_bracket(state: State, bracket: Bracket) -> None:
    trials = [trial for trial in state.trials if trial.bracket == bracket.index]
    name = f"bracket {bracket.index}"
    for index, rung in enumerate(bracket.rungs):
        keys = [state.key_of(trial, index) for trial in trials if _is_in(trial, index)]
        assert list(rung.entries) == sorted(keys), f"{name} rung {index}: entries"
        promoted = sum(t.entry(index).is_promoted for t in trials if _is_in(t, index))
        assert rung.promoted_count == promoted, f"{name} rung {index}: promoted"
        waiting = [
            state.key_of(trial, index)
            for trial in trials
            if trial.rung == index + 1
            and trial.own_state is TrialState.PAUSED
            and state.end_reason_of(trial) is None
        ]
        if not state.state.is_ended:
            assert sorted(rung.waiting) == sorted(waiting), f"{name} rung {index}: waiting"
        heading = sum(
            trial.rung == index and trial.own_state in (TrialState.RUNNING, TrialState.QUEUED)
            for trial in trials
        )
        if not state.state.is_ended:
            assert bracket.heading[index] == heading, f"{name} rung {index}: heading"
    valid = sum(state.is_member(trial) for trial in trials)
    assert bracket.created_count == valid, f"{name}: created"
    assert bracket.created_count <= bracket.max_trials, f"{name}: more trials than planned"
    active = sum(trial.own_state is TrialState.RUNNING for trial in trials)
    assert bracket.active_count == active, f"{name}: active"
    if state.spec.variant is HalvingVariant.STOPPING:
        assert not any(rung.waiting for rung in bracket.rungs), f"{name}: stopping pauses nobody"


def _is_in(trial: Trial, rung: int) -> bool:
    """Whether the trial has a place in a rung."""
    return trial.first_rung <= rung < trial.rung


def _check_queues(state: State) -> None:
    if state.state.is_ended:
        assert not state.active, "active trials after the end"
        return
    queued = {t.number for t in state.trials if t.own_state is TrialState.QUEUED}
    assert queued == set(state.retries) | set(state.given), "queued trials"
    order = [state.trials[number].queued_sequence for number in state.retries]
    assert order == sorted(order), "retries are not oldest first"
    assert len(state.holding) == len(state.active), "a worker holds one trial at a time"

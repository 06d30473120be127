"""The state that the rows of an experiment make: what a restart reads."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

import msgspec

from asha_server.search.bracket import Geometry
from asha_server.search.rows import CLOSINGS, decode_configuration, restored
from asha_server.search.rung import rank_key
from asha_server.search.spec import ExperimentSpec
from asha_server.search.state import FREEING, State, WorkerRecord
from asha_server.search.stored_attempts import KnownAttempts, StoredAttempts
from asha_server.search.terms import (
    EndReason,
    ExperimentState,
    TrialEndReason,
    TrialState,
)
from asha_server.search.trial import Entry, Trial

if TYPE_CHECKING:
    from asha_server.search.rows import (
        BracketRow,
        ConfigurationRow,
        EntryRow,
        Rows,
        TrialRow,
    )
    from asha_server.search.rung import RankKey

_STATES = {state.value: state for state in TrialState}
_SPEC = msgspec.json.Decoder(ExperimentSpec)


def load(rows: Rows, attempts: StoredAttempts | None = None) -> State:
    """The state that all rows of an experiment make. O(rows · log rows).

    Attempts and their reports are recalled when somebody first speaks of them.

    Args:
        rows: of the experiment.
        attempts: where they are recalled from; None: `rows` has them, and no reports.
    """
    stored = attempts or StoredAttempts(KnownAttempts(rows.attempts))
    row = rows.experiment
    spec = _SPEC.decode(row.spec)
    state = State(row.id, spec, row.created_us, _geometries(spec, rows.brackets))
    state.create_request_id = row.request_id
    state.sequence = row.sequence
    state.state = ExperimentState(row.state)
    state.end_reason = EndReason(row.end_reason) if row.end_reason else None
    state.end_message = row.end_message
    state.updated_us = row.updated_us
    state.ended_us = row.ended_us
    state.elapsed_us = row.elapsed_us
    state.running_since_us = row.running_since_us
    state.infeasible_in_a_row = row.infeasible_in_a_row
    state.progress = row.progress
    for bracket, bracket_row in zip(state.brackets, rows.brackets, strict=True):
        closings = CLOSINGS.decode(bracket_row.closings)
        for rung, closed in zip(bracket.rungs, closings, strict=True):
            rung.closings = closed
    state.stored_attempts = stored
    state.trials = [_load_trial(trial, stored) for trial in rows.trials]
    if state.grid is not None:
        state.grid_cursor = len(state.trials)
    _load_configurations(state, rows.configurations)
    _load_entries(state, rows.entries)
    for request_id, trial, attempt in stored.requests():
        state.assigned_by[request_id] = (trial, attempt)
    for worker in rows.workers:
        state.workers[worker.worker_id] = WorkerRecord(worker.failures, worker.failed_us)
    _derive(state)
    return state


def _geometries(spec: ExperimentSpec, rows: list[BracketRow]) -> tuple[Geometry, ...]:
    lengths = [tuple(msgspec.json.decode(row.rung_lengths)) for row in rows]
    trials = [row.max_trials for row in rows]
    method = spec.chosen
    shares = method.shares(spec, [len(rungs) for rungs in lengths], trials)
    return tuple(
        Geometry(rungs, method.entries(spec, index, len(rungs), max_trials), share)
        for index, (rungs, max_trials, share) in enumerate(
            zip(lengths, trials, shares, strict=True)
        )
    )


def _load_trial(row: TrialRow, stored: StoredAttempts) -> Trial:
    (
        number, bracket, own_state, end_reason, end_message, rung, attempt, restarts, last_step,
        last_value, checkpoint_uri, checkpoint_step, checkpoint_attempt, queued_sequence,
        created_us, started_us, ended_us, total_length,
    ) = row  # fmt: skip
    trial = Trial(number, bracket, created_us)
    trial.own_state = _STATES[own_state]
    trial.rung = rung
    trial.end_reason = TrialEndReason(end_reason) if end_reason else None
    trial.end_message = end_message
    trial.restarts = restarts
    trial.last_step = last_step
    trial.value = restored(last_value)
    trial.checkpoint_uri = checkpoint_uri
    trial.checkpoint_step = checkpoint_step
    trial.checkpoint_attempt = checkpoint_attempt
    trial.queued_sequence = queued_sequence
    trial.started_us = started_us
    trial.ended_us = ended_us
    trial.total_length = total_length
    trial.begin_stored(stored, attempt)
    return trial


def _load_configurations(state: State, rows: list[ConfigurationRow]) -> None:
    for row in rows:
        trial = state.trials[row.trial]
        trial.request_id = row.request_id
        if row.request_id:
            state.created_by[row.request_id] = row.trial
        if row.is_given:
            trial.given = decode_configuration(row.configuration)
        if row.parent >= 0:
            trial.parent = row.parent
            state.copy_count += 1
            if trial.inherits_checkpoint and trial.own_state not in FREEING:
                state.inherited[trial.checkpoint_uri] += 1


def _load_entries(state: State, rows: list[EntryRow]) -> None:
    """Entries come in the order of (bracket, rung, trial), so each trial's lowest rung first."""
    for (bracket, index), entries in groupby(rows, key=itemgetter(0, 1)):
        rung = state.brackets[bracket].rungs[index]
        keys: list[RankKey] = []
        paused: list[RankKey] = []
        for _, _, number, stored_value, arrival, is_promoted in entries:
            trial = state.trials[number]
            value = restored(stored_value)
            trial.entries += (Entry(value, arrival, bool(is_promoted)),)
            key = rank_key(value, state.goal, arrival, trial.number)
            keys.append(key)
            if is_promoted:
                rung.promoted_count += 1
            elif trial.own_state is TrialState.PAUSED and trial.rung == index + 1:
                paused.append(key)
        rung.entries.update(keys)
        if not state.state.is_ended:
            closed = rung.closings[-1].sequence if rung.closings else 0
            rung.waiting.fill([key for key in paused if key[2] > closed] if closed else paused)


def _derive(state: State) -> None:
    """What follows from the rows of trials: counts, queues, holders, who is on the way where."""
    unsettled: list[int] = []
    queued: list[Trial] = []
    for trial in state.trials:
        current = state.state_of(trial)
        state.counts[current] += 1
        state.total_length += trial.total_length
        if current is not trial.own_state:
            unsettled.append(trial.number)
        if trial.bracket >= 0:
            _derive_place(state, trial, current)
            if current is TrialState.QUEUED:
                queued.append(trial)
        elif current is TrialState.QUEUED:
            state.given[trial.number] = None
    state.leave_unsettled(unsettled)
    for trial in sorted(queued, key=lambda trial: (trial.queued_sequence, trial.number)):
        state.retries[trial.number] = None
        attempt = trial.attempt
        if attempt is not None and attempt.is_overdue and not attempt.is_fenced:
            state.overdue[attempt.worker_id] = trial.number
    state.nominal_done = sum(bracket.nominal_units_done() for bracket in state.brackets)


def _derive_place(state: State, trial: Trial, current: TrialState) -> None:
    bracket = state.brackets[trial.bracket]
    bracket.created_count += state.is_member(trial)
    if not current.is_terminal and current is not TrialState.PAUSED:
        bracket.heading[trial.rung] += 1
    if current is TrialState.RUNNING:
        assert trial.attempt is not None
        bracket.active_count += 1
        state.active[trial.number] = None
        state.holding[trial.attempt.worker_id] = trial.number

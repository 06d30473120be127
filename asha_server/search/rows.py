"""An experiment as rows: every fact that the search reads has its column here.

`rows_of` takes what changed, `all_rows` everything; `loading.load` makes the state again. A store
only moves these tuples; the fields' order is the columns' order. Where each fact of search.md
stands: docs/reference/schema.md.

A number that is not finite is kept as the text NaN, Infinity or -Infinity where JSON holds it,
and as the text NaN in a column: SQLite has no NaN, its REAL has the infinities.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from asha_server.search.rung import Closing, closing_after
from asha_server.search.space import Configuration, decode_value, encode_value
from asha_server.search.state import State, WorkerRecord
from asha_server.search.terms import (
    ExperimentState,
    TrialEndReason,
    TrialState,
)
from asha_server.search.trial import Attempt, Trial

if TYPE_CHECKING:
    from asha_server.search.state import Bracket, Changes

Stored = float | str | None
"""A metric value in a column: a number, the text NaN, or nothing."""


class ExperimentRow(NamedTuple):
    """The experiment as a whole."""

    id: str
    spec: str
    state: str
    end_reason: str | None
    end_message: str
    sequence: int
    created_us: int
    updated_us: int
    ended_us: int
    elapsed_us: int
    running_since_us: int
    infeasible_in_a_row: int
    progress: float
    request_id: str


class BracketRow(NamedTuple):
    """A bracket: its rungs, its trials, its close-outs."""

    bracket: int
    rung_lengths: str
    max_trials: int
    closings: str


class TrialRow(NamedTuple):
    """A trial but for its configuration."""

    trial: int
    bracket: int
    state: str
    end_reason: str | None
    end_message: str
    rung: int
    attempt: int
    restarts: int
    last_step: int
    last_value: Stored
    checkpoint_uri: str
    checkpoint_step: int
    checkpoint_attempt: int
    queued_sequence: int
    created_us: int
    started_us: int
    ended_us: int
    total_length: int


class ConfigurationRow(NamedTuple):
    """What a trial trains with; written once."""

    trial: int
    configuration: str
    is_given: bool
    request_id: str
    parent: int


class AttemptRow(NamedTuple):
    """One assignment of a trial to a worker."""

    trial: int
    attempt: int
    kind: str
    worker_id: str
    incarnation_id: str
    request_id: str
    started_us: int
    start_step: int
    start_checkpoint_uri: str
    max_step: int
    units_trained: int
    last_report: int
    decision: str | None
    end: str | None
    ended_us: int
    failure: str | None
    ended_state: str | None
    message: str
    is_fenced: bool


class TrainedRow(NamedTuple):
    """What a report between rungs changes of a trial and of its attempt: most reports are such."""

    trial: int
    attempt: int
    last_step: int
    last_value: Stored
    total_length: int
    max_step: int
    units_trained: int
    last_report: int
    decision: str | None


class EntryRow(NamedTuple):
    """A trial's place in a rung."""

    bracket: int
    rung: int
    trial: int
    value: Stored
    arrival: int
    is_promoted: bool


class WorkerRow(NamedTuple):
    """A worker whose last assignments failed without a report."""

    worker_id: str
    failures: int
    failed_us: int


class Rows(NamedTuple):
    """Rows of one experiment: all of them, or those that changed.

    Attributes:
        experiment: the experiment.
        brackets: list[BracketRow].
        configurations: list[ConfigurationRow], of new trials.
        trials: list[TrialRow].
        attempts: list[AttemptRow].
        trained: list[TrainedRow], of those that changed in nothing else.
        entries: list[EntryRow].
        left_entries: list[tuple[bracket, rung, trial]], entries that left their rung.
        workers: list[WorkerRow].
        trusted_workers: list[str], workers whose row is to go.
    """

    experiment: ExperimentRow
    brackets: list[BracketRow]
    configurations: list[ConfigurationRow]
    trials: list[TrialRow]
    attempts: list[AttemptRow]
    trained: list[TrainedRow]
    entries: list[EntryRow]
    left_entries: list[tuple[int, int, int]]
    workers: list[WorkerRow]
    trusted_workers: list[str]


CLOSINGS = msgspec.json.Decoder(list[list[Closing]])
"""Reads the column `bracket.closings`."""
_encode = msgspec.json.encode


def stored(value: float | None) -> Stored:
    """A metric value as a column holds it."""
    return "NaN" if value is not None and math.isnan(value) else value


def restored(value: Stored) -> float | None:
    """A metric value from its column."""
    return None if value is None else float(value)


def encode_configuration(configuration: Configuration) -> str:
    """A configuration as a JSON object, in declared order."""
    return _encode({name: encode_value(value) for name, value in configuration}).decode()


def decode_configuration(text: str) -> Configuration:
    """A configuration from its JSON object."""
    return tuple((name, decode_value(value)) for name, value in msgspec.json.decode(text).items())


def rows_of(state: State, changes: Changes) -> Rows:
    """The rows that changed. O(changes)."""
    trials = state.trials
    known = [worker for worker in changes.workers if worker in state.workers]
    return Rows(
        experiment=_experiment_row(state),
        brackets=[_bracket_row(state.brackets[index]) for index in changes.brackets],
        configurations=[configuration_row(state, trials[n]) for n in changes.created],
        trials=[trial_row(state, trials[number]) for number in changes.trials],
        attempts=[attempt_row(attempt) for attempt in changes.attempts.values()],
        trained=[_trained_row(trials[n], attempt) for n, attempt in changes.trained.items()],
        entries=[
            EntryRow(*place, stored(entry.value), entry.arrival, entry.is_promoted)
            for place, entry in changes.entries.items()
            if entry is not None
        ],
        left_entries=[place for place, entry in changes.entries.items() if entry is None],
        workers=[_worker_row(worker, state.workers[worker]) for worker in known],
        trusted_workers=[worker for worker in changes.workers if worker not in state.workers],
    )


def all_rows(state: State) -> Rows:
    """Every row of the experiment, each kind in the order of its key. O(everything).

    Attempts before a trial's latest are not in memory, so only the latest are here.
    """
    return Rows(
        experiment=_experiment_row(state),
        brackets=[_bracket_row(bracket) for bracket in state.brackets],
        configurations=[configuration_row(state, trial) for trial in state.trials],
        trials=[trial_row(state, trial) for trial in state.trials],
        attempts=[attempt_row(t.attempt) for t in state.trials if t.attempt is not None],
        trained=[],
        entries=sorted(
            EntryRow(trial.bracket, rung, trial.number, stored(e.value), e.arrival, e.is_promoted)
            for trial in state.trials
            for rung, e in enumerate(trial.entries, trial.first_rung)
        ),
        left_entries=[],
        workers=sorted(_worker_row(worker, record) for worker, record in state.workers.items()),
        trusted_workers=[],
    )


def _experiment_row(state: State) -> ExperimentRow:
    state.spec_text = state.spec_text or _encode(state.spec).decode()
    return ExperimentRow(
        id=state.experiment_id,
        spec=state.spec_text,
        state=state.state.value,
        end_reason=state.end_reason,
        end_message=state.end_message,
        sequence=state.sequence,
        created_us=state.created_us,
        updated_us=state.updated_us,
        ended_us=state.ended_us,
        elapsed_us=state.elapsed_us,
        running_since_us=state.running_since_us,
        infeasible_in_a_row=state.infeasible_in_a_row,
        progress=state.progress,
        request_id=state.create_request_id,
    )


def _bracket_row(bracket: Bracket) -> BracketRow:
    return BracketRow(
        bracket=bracket.index,
        rung_lengths=_encode([rung.length for rung in bracket.rungs]).decode(),
        max_trials=bracket.max_trials,
        closings=_encode([rung.closings for rung in bracket.rungs]).decode(),
    )


def configuration_row(state: State, trial: Trial) -> ConfigurationRow:
    """What a trial trains with, as a row."""
    return ConfigurationRow(
        trial=trial.number,
        configuration=encode_configuration(state.configuration(trial)),
        is_given=trial.given is not None,
        request_id=trial.request_id,
        parent=trial.parent,
    )


def trial_row(state: State, trial: Trial) -> TrialRow:
    """A trial as a row, what a close-out or the experiment's end did to it included."""
    trial_state, end_reason, ended_us = state.standing_of(trial)
    return TrialRow(
        trial.number,
        trial.bracket,
        trial_state.value,
        end_reason,
        trial.end_message,
        trial.rung,
        trial.attempt_number,
        trial.restarts,
        trial.last_step,
        stored(trial.value),
        trial.checkpoint_uri,
        trial.checkpoint_step,
        trial.checkpoint_attempt,
        trial.queued_sequence,
        trial.created_us,
        trial.started_us,
        ended_us,
        trial.total_length,
    )


def attempt_row(attempt: Attempt) -> AttemptRow:
    """An attempt as a row."""
    return AttemptRow(
        attempt.trial_number,
        attempt.number,
        attempt.kind.value,
        attempt.worker_id,
        attempt.incarnation_id,
        attempt.request_id,
        attempt.started_us,
        attempt.start_step,
        attempt.start_checkpoint_uri,
        attempt.max_step,
        attempt.units_trained,
        attempt.last_report,
        _decision_text(attempt),
        attempt.end,
        attempt.ended_us,
        attempt.failure,
        attempt.ended_state,
        attempt.message,
        attempt.is_fenced,
    )


def _decision_text(attempt: Attempt) -> str | None:
    return _encode(attempt.decision).decode() if attempt.decision is not None else None


def _trained_row(trial: Trial, attempt: Attempt) -> TrainedRow:
    return TrainedRow(
        trial.number,
        attempt.number,
        trial.last_step,
        stored(trial.value),
        trial.total_length,
        attempt.max_step,
        attempt.units_trained,
        attempt.last_report,
        _decision_text(attempt),
    )


def with_bulk_end(
    row: TrialRow,
    experiment: ExperimentRow,
    brackets: list[BracketRow],
    last_entry: EntryRow | None,
) -> TrialRow:
    """A trial's row from a file, what one event did to many trials at once included.

    The rows of such trials are settled bit by bit; until then this says what `State.state_of`
    says.

    Args:
        row: the trial's.
        experiment: its experiment's.
        brackets: the experiment's, by index.
        last_entry: its place in the highest rung it entered; None without one.
    """
    if TrialState(row.state).is_terminal:
        return row
    stopped = TrialState.STOPPED.value
    if row.state == TrialState.PAUSED and last_entry is not None:
        bracket = brackets[row.bracket]
        closings = CLOSINGS.decode(bracket.closings)[last_entry.rung]
        closing = closing_after(closings, last_entry.arrival)
        if closing is not None:
            reason = TrialEndReason.NOT_PROMOTED.value
            return row._replace(state=stopped, end_reason=reason, ended_us=closing.time_us)
    if ExperimentState(experiment.state).is_ended:
        reason = TrialEndReason.EXPERIMENT_ENDED.value
        return row._replace(state=stopped, end_reason=reason, ended_us=experiment.ended_us)
    return row


def _worker_row(worker_id: str, record: WorkerRecord) -> WorkerRow:
    return WorkerRow(worker_id, record.failures, record.failed_us)

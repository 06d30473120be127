"""Trials and their attempts as shown to people, from their rows: live ones or the file's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from asha_server.pb import trial_pb2 as pb
from asha_server.search.event import Decision
from asha_server.search.rows import (
    attempt_row,
    configuration_row,
    decode_configuration,
    restored,
    stored,
    trial_row,
)
from asha_server.search.sampler import trial_seed
from asha_server.search.terms import AssignmentKind, AttemptEnd, TrialEndReason, TrialState
from asha_server.wire import enums
from asha_server.wire.suggestion import format_decision
from asha_server.wire.times import timestamp
from asha_server.wire.values import format_parameters

if TYPE_CHECKING:
    from asha_server.search.rows import AttemptRow, ConfigurationRow, Stored, TrialRow
    from asha_server.search.state import State

_DECISION = msgspec.json.Decoder(Decision)


class ShownTrial(msgspec.Struct, frozen=True):
    """Everything that is shown of a trial.

    Attributes:
        experiment_id: its experiment.
        seed: the experiment's.
        trial: its row, what a close-out or the experiment's end did to it included.
        configuration: what it trains with.
        attempt: its latest attempt; None before the first.
        best_length: length of the highest rung it has an entry in; None without one.
        best_value: its value there, as a column holds it.
        rung_count: rungs of its bracket; 0 where it has none.
    """

    experiment_id: str
    seed: int
    trial: TrialRow
    configuration: ConfigurationRow
    attempt: AttemptRow | None
    best_length: int | None
    best_value: Stored
    rung_count: int


def shown_trial(state: State, number: int) -> ShownTrial:
    """What is shown of a trial in memory."""
    trial = state.trials[number]
    rungs = state.brackets[trial.bracket].rungs if trial.bracket >= 0 else []
    last = trial.entries[-1] if trial.entries else None
    assert state.spec.seed is not None
    return ShownTrial(
        experiment_id=state.experiment_id,
        seed=state.spec.seed,
        trial=trial_row(state, trial),
        configuration=configuration_row(state, trial),
        attempt=attempt_row(trial.attempt) if trial.attempt is not None else None,
        best_length=rungs[trial.rung - 1].length if last else None,
        best_value=stored(last.value) if last else None,
        rung_count=len(rungs),
    )


def format_trial(shown: ShownTrial) -> pb.Trial:
    """A trial and what became of it."""
    row, attempt = shown.trial, shown.attempt
    decision = _DECISION.decode(attempt.decision) if attempt and attempt.decision else None
    return pb.Trial(
        experiment_id=shown.experiment_id,
        trial_number=row.trial,
        state=enums.TRIAL_STATE.of(TrialState(row.state)),
        end_reason=enums.TRIAL_END_REASON.of(
            TrialEndReason(row.end_reason) if row.end_reason else None
        ),
        bracket=row.bracket,
        rung=min(row.rung, shown.rung_count - 1),
        attempt=row.attempt,
        restarts=row.restarts,
        parameters=format_parameters(decode_configuration(shown.configuration.configuration)),
        trial_seed=trial_seed(shown.seed, row.trial),
        last_step=row.last_step,
        last_value=restored(row.last_value),
        checkpoint_uri=row.checkpoint_uri,
        checkpoint_step=row.checkpoint_step,
        worker_id=attempt.worker_id if attempt else "",
        best_rung_length=shown.best_length,
        best_rung_value=restored(shown.best_value),
        total_length=row.total_length,
        create_time=timestamp(row.created_us),
        start_time=timestamp(row.started_us),
        end_time=timestamp(row.ended_us),
        end_message=row.end_message,
        last_decision=format_decision(decision) if decision else None,
        parent_trial_number=parent if (parent := shown.configuration.parent) >= 0 else None,
    )


def format_attempt(row: AttemptRow) -> pb.Attempt:
    """One stretch of a trial's training on one worker."""
    return pb.Attempt(
        attempt=row.attempt,
        kind=enums.ASSIGNMENT_KIND.of(AssignmentKind(row.kind)),
        worker_id=row.worker_id,
        incarnation_id=row.incarnation_id,
        start_time=timestamp(row.started_us),
        end_time=timestamp(row.ended_us),
        start_step=row.start_step,
        units_trained=row.units_trained,
        end=enums.ATTEMPT_END.of(AttemptEnd(row.end) if row.end else None),
        message=row.message,
    )

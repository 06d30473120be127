"""Who may speak for a trial: live, overdue and lost leases.

The core knows an attempt's lease as held or ended; terms and clocks are the engine's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asha_server.errors import Aborted, ErrorReason, FailedPrecondition, NotFound
from asha_server.search.event import TrialStateChanged
from asha_server.search.terms import (
    ExperimentState,
    TrialState,
    TrialStateCause,
)

if TYPE_CHECKING:
    from asha_server.search.recorder import Recorder
    from asha_server.search.state import State
    from asha_server.search.trial import Attempt, Trial


def find_trial(state: State, trial_number: int) -> Trial:
    """The trial of that number.

    Raises:
        NotFound: TRIAL_NOT_FOUND.
    """
    if not 0 <= trial_number < len(state.trials):
        raise NotFound(
            ErrorReason.TRIAL_NOT_FOUND,
            f"experiment {state.experiment_id!r} has no trial {trial_number}; "
            f"it has {len(state.trials)}, numbered from 0",
            experiment_id=state.experiment_id,
            trial_number=trial_number,
        )
    return state.trials[trial_number]


def is_awaited(state: State, trial: Trial) -> bool:
    """Whether an overdue trial still waits for its holder: nobody has it, nor he other work."""
    attempt = trial.attempt
    return (
        attempt is not None
        and attempt.is_overdue
        and not attempt.is_fenced
        and trial.own_state is TrialState.QUEUED
        and state.state is ExperimentState.RUNNING
        and attempt.worker_id not in state.holding
    )


def can_come_back(state: State, trial: Trial) -> bool:
    """Whether the holder of an overdue lease may go on now: not if all slots are taken."""
    return is_awaited(state, trial) and state.has_free_slot


def come_back(recorder: Recorder, trial: Trial) -> None:
    """Lets the holder of an overdue lease go on in the same attempt, uncounted."""
    recorder.emit(
        TrialStateChanged(
            trial.number, trial.attempt_number, TrialState.RUNNING, TrialStateCause.CAME_BACK
        )
    )


def lease_lost(state: State, trial: Trial, attempt: int) -> Aborted:
    """The refusal of a call under a lease that is lost."""
    return Aborted(
        ErrorReason.LEASE_LOST,
        f"the lease of attempt {attempt} of trial {trial.number} is lost: the trial is "
        f"{state.state_of(trial)} in attempt {trial.attempt_number}; nothing was written. "
        "Stop training it and ask for a new suggestion",
        experiment_id=state.experiment_id,
        trial_number=trial.number,
        attempt=attempt,
        current_attempt=trial.attempt_number,
    )


def trial_ended(state: State, trial: Trial) -> FailedPrecondition:
    """The refusal of a call on a trial that has ended."""
    reason = state.end_reason_of(trial)
    return FailedPrecondition(
        ErrorReason.TRIAL_ENDED,
        f"trial {trial.number} already ended ({state.state_of(trial)}, {reason}); "
        "ask for a new suggestion",
        experiment_id=state.experiment_id,
        trial_number=trial.number,
        trial_state=state.state_of(trial),
        end_reason=reason or "",
    )


def refusal(state: State, trial: Trial, attempt: Attempt) -> Aborted | FailedPrecondition:
    """Why the latest attempt, being over and not answered STOP or PAUSE, may not speak."""
    if attempt.is_lost:
        return lease_lost(state, trial, attempt.number)
    return trial_ended(state, trial)

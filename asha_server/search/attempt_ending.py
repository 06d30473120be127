"""How attempts end otherwise than by a report, and what that says of their workers.

Part of `evolve.py`, the only writer of state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asha_server.search.event import Decision
from asha_server.search.state import WorkerRecord
from asha_server.search.terms import (
    AttemptEnd,
    DecisionReason,
    FailureKind,
    TrialState,
    TrialStateCause,
    Verdict,
)

if TYPE_CHECKING:
    from asha_server.search.event import Record, TrialStateChanged
    from asha_server.search.state import State
    from asha_server.search.trial import Attempt

_ATTEMPT_ENDS = {
    TrialStateCause.LEASE_EXPIRED: AttemptEnd.EXPIRED,
    TrialStateCause.PROGRESS_TIMEOUT: AttemptEnd.PROGRESS_TIMEOUT,
    TrialStateCause.RELEASED: AttemptEnd.RELEASED,
    TrialStateCause.FAILED_RETRYABLE: AttemptEnd.FAILED,
    TrialStateCause.FAILED_PERMANENT: AttemptEnd.FAILED,
    TrialStateCause.INFEASIBLE: AttemptEnd.INFEASIBLE,
    TrialStateCause.CHECKPOINT_UNREADABLE: AttemptEnd.FAILED,
    TrialStateCause.COMPLETED_BY_WORKER: AttemptEnd.COMPLETED,
    TrialStateCause.CANCELLED: AttemptEnd.CANCELLED,
    TrialStateCause.RESTARTED: AttemptEnd.SUPERSEDED,
}
_FAILURES = {
    TrialStateCause.FAILED_RETRYABLE: FailureKind.RETRYABLE,
    TrialStateCause.FAILED_PERMANENT: FailureKind.PERMANENT,
    TrialStateCause.INFEASIBLE: FailureKind.INFEASIBLE,
    TrialStateCause.CHECKPOINT_UNREADABLE: FailureKind.CHECKPOINT_UNREADABLE,
}
_OVERDUE = frozenset({TrialStateCause.LEASE_EXPIRED, TrialStateCause.PROGRESS_TIMEOUT})
_WORKER_AT_FAULT = frozenset(
    {
        *_OVERDUE,
        TrialStateCause.FAILED_RETRYABLE,
        TrialStateCause.FAILED_PERMANENT,
        TrialStateCause.CHECKPOINT_UNREADABLE,
        TrialStateCause.RESTARTED,
    }
)
TOLD = {
    AttemptEnd.CANCELLED: (Verdict.STOP, DecisionReason.CANCELLED),
    AttemptEnd.EXPERIMENT_PAUSED: (Verdict.PAUSE, DecisionReason.EXPERIMENT_PAUSED),
    AttemptEnd.EXPERIMENT_ENDED: (Verdict.STOP, DecisionReason.EXPERIMENT_STOPPED),
}
"""What an event without a report tells the worker of an active trial."""


def close_attempt(state: State, record: Record, event: TrialStateChanged, attempt: Attempt) -> None:
    """Ends the attempt of a trial that changed its state by something other than a report."""
    attempt.close(_ATTEMPT_ENDS[event.cause], record.time_us, event.state, event.message)
    attempt.failure = _FAILURES.get(event.cause)
    if event.cause is TrialStateCause.CANCELLED:
        attempt.decision = told(state, record, attempt, *TOLD[AttemptEnd.CANCELLED])
    if attempt.is_overdue and event.state is TrialState.QUEUED:
        state.overdue[attempt.worker_id] = attempt.trial_number
    state.changes.attempt(attempt)


def reach_overdue(
    state: State, record: Record, attempt: Attempt, end: AttemptEnd, trial_state: TrialState
) -> None:
    """A person's word, or the experiment's end, reaches a worker that is overdue."""
    if attempt.is_fenced or state.overdue.get(attempt.worker_id) != attempt.trial_number:
        return
    del state.overdue[attempt.worker_id]
    attempt.decision = told(state, record, attempt, *TOLD[end])
    attempt.close(end, record.time_us, trial_state)
    state.changes.attempt(attempt)


def reach_all_overdue(
    state: State, record: Record, end: AttemptEnd, trial_state: TrialState
) -> None:
    """The same to every worker that is overdue."""
    for number in sorted(state.overdue.values()):
        attempt = state.trials[number].attempt
        assert attempt is not None
        reach_overdue(state, record, attempt, end, trial_state)


def told(
    state: State, record: Record, attempt: Attempt, verdict: Verdict, reason: DecisionReason
) -> Decision:
    """The decision that an event without a report gives to an active trial."""
    trial = state.trials[attempt.trial_number]
    return Decision(
        verdict, reason, trial.bracket, trial.compared_rung, None, 0, None, 0,
        record.sequence, record.time_us,
    )  # fmt: skip


def judge_worker(state: State, record: Record, event: TrialStateChanged, attempt: Attempt) -> None:
    """Counts assignments in a row that failed or expired without a report."""
    if event.cause in _WORKER_AT_FAULT and not attempt.has_reported:
        known = state.workers.get(attempt.worker_id)
        failures = known.failures + 1 if known else 1
        state.workers[attempt.worker_id] = WorkerRecord(failures, record.time_us)
        state.changes.workers.add(attempt.worker_id)
    elif event.cause not in _WORKER_AT_FAULT:
        trust(state, attempt.worker_id)


def trust(state: State, worker_id: str) -> None:
    """Forgets a worker's failures in a row."""
    if state.workers.pop(worker_id, None) is not None:
        state.changes.workers.add(worker_id)

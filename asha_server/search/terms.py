"""The closed sets of the search: states, verdicts and reasons, by their names on the wire.

Each member's value is the name of the proto enum's value without its prefix, which `wire/enums.py`
adds.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property


class Goal(StrEnum):
    """The direction in which the search metric improves."""

    MINIMIZE = "MINIMIZE"
    MAXIMIZE = "MAXIMIZE"


class Verdict(StrEnum):
    """What a worker does next: train on, leave the trial for later, or leave it for good."""

    CONTINUE = "CONTINUE"
    STOP = "STOP"
    PAUSE = "PAUSE"


class DecisionReason(StrEnum):
    """Why a verdict was given."""

    BETWEEN_RUNGS = "BETWEEN_RUNGS"
    PROMOTED = "PROMOTED"
    PROMOTED_AT_CLOSE_OUT = "PROMOTED_AT_CLOSE_OUT"
    TOP_FRACTION = "TOP_FRACTION"
    AWAITING_PROMOTION = "AWAITING_PROMOTION"
    RUNG_CUTOFF = "RUNG_CUTOFF"
    MAX_LENGTH = "MAX_LENGTH"
    NON_FINITE = "NON_FINITE"
    NOT_PROMOTED = "NOT_PROMOTED"
    EXPERIMENT_STOPPED = "EXPERIMENT_STOPPED"
    EXPERIMENT_PAUSED = "EXPERIMENT_PAUSED"
    TARGET_REACHED = "TARGET_REACHED"
    BUDGET_EXHAUSTED = "BUDGET_EXHAUSTED"
    CANCELLED = "CANCELLED"
    TRIAL_ENDED = "TRIAL_ENDED"
    LEASE_LOST = "LEASE_LOST"


class TrialState(StrEnum):
    """Where a trial is in its life."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    COMPLETED = "COMPLETED"
    STOPPED = "STOPPED"
    FAILED = "FAILED"
    INFEASIBLE = "INFEASIBLE"
    CANCELLED = "CANCELLED"

    @cached_property  # asked several times a report
    def is_terminal(self) -> bool:
        """Whether nothing can happen to the trial any more."""
        return self not in _LIVING


_LIVING = frozenset({TrialState.QUEUED, TrialState.RUNNING, TrialState.PAUSED})


class TrialEndReason(StrEnum):
    """Why a trial ended."""

    MAX_LENGTH = "MAX_LENGTH"
    ENDED_BY_ITSELF = "ENDED_BY_ITSELF"
    RUNG_CUTOFF = "RUNG_CUTOFF"
    NON_FINITE = "NON_FINITE"
    NOT_PROMOTED = "NOT_PROMOTED"
    NO_METRIC = "NO_METRIC"
    PERMANENT_FAILURE = "PERMANENT_FAILURE"
    RESTARTS_EXHAUSTED = "RESTARTS_EXHAUSTED"
    INFEASIBLE = "INFEASIBLE"
    CANCELLED = "CANCELLED"
    EXPERIMENT_ENDED = "EXPERIMENT_ENDED"


class TrialStateCause(StrEnum):
    """What moved a trial from one state to another, where no report did."""

    LEASE_EXPIRED = "LEASE_EXPIRED"
    PROGRESS_TIMEOUT = "PROGRESS_TIMEOUT"
    CAME_BACK = "CAME_BACK"
    RELEASED = "RELEASED"
    FAILED_RETRYABLE = "FAILED_RETRYABLE"
    FAILED_PERMANENT = "FAILED_PERMANENT"
    INFEASIBLE = "INFEASIBLE"
    CHECKPOINT_UNREADABLE = "CHECKPOINT_UNREADABLE"
    COMPLETED_BY_WORKER = "COMPLETED_BY_WORKER"
    CANCELLED = "CANCELLED"
    RESTARTED = "RESTARTED"

    @property
    def is_counted(self) -> bool:
        """Whether it counts towards `max_restarts`."""
        return self in _COUNTED


_COUNTED = frozenset(
    {
        TrialStateCause.LEASE_EXPIRED,
        TrialStateCause.PROGRESS_TIMEOUT,
        TrialStateCause.FAILED_RETRYABLE,
        TrialStateCause.RESTARTED,
    }
)


class AssignmentKind(StrEnum):
    """Why a trial is handed out."""

    NEW = "NEW"
    PROMOTED = "PROMOTED"
    RETRIED = "RETRIED"
    RESUMED = "RESUMED"
    ENQUEUED = "ENQUEUED"


class AttemptEnd(StrEnum):
    """How an attempt (one assignment of a trial to one worker) ended."""

    PAUSED = "PAUSED"
    STOPPED = "STOPPED"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    INFEASIBLE = "INFEASIBLE"
    RELEASED = "RELEASED"
    EXPIRED = "EXPIRED"
    PROGRESS_TIMEOUT = "PROGRESS_TIMEOUT"
    SUPERSEDED = "SUPERSEDED"
    CANCELLED = "CANCELLED"
    EXPERIMENT_PAUSED = "EXPERIMENT_PAUSED"
    EXPERIMENT_ENDED = "EXPERIMENT_ENDED"


class FailureKind(StrEnum):
    """What a worker says of a failure."""

    RETRYABLE = "RETRYABLE"
    PERMANENT = "PERMANENT"
    INFEASIBLE = "INFEASIBLE"
    CHECKPOINT_UNREADABLE = "CHECKPOINT_UNREADABLE"


class WaitReason(StrEnum):
    """Why there is no work at the moment."""

    CONCURRENCY_LIMIT = "CONCURRENCY_LIMIT"
    BARRIER = "BARRIER"
    AWAITING_RESULTS = "AWAITING_RESULTS"
    EXPERIMENT_PAUSED = "EXPERIMENT_PAUSED"
    WORKER_FAILING = "WORKER_FAILING"


class ExperimentState(StrEnum):
    """Where an experiment is in its life."""

    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"

    @cached_property  # asked several times a report
    def is_ended(self) -> bool:
        """Whether nothing more is handed out, ever."""
        return self in (ExperimentState.COMPLETED, ExperimentState.FAILED)


class EndReason(StrEnum):
    """Why an experiment ended."""

    ALL_TRIALS_ENDED = "ALL_TRIALS_ENDED"
    STOPPED_BY_USER = "STOPPED_BY_USER"
    TARGET_REACHED = "TARGET_REACHED"
    BUDGET_EXHAUSTED = "BUDGET_EXHAUSTED"
    ALL_TRIALS_FAILED = "ALL_TRIALS_FAILED"
    TOO_MANY_INFEASIBLE = "TOO_MANY_INFEASIBLE"


class HalvingVariant(StrEnum):
    """What a rung does with those outside its best: pause them (PROMOTION) or stop them."""

    PROMOTION = "PROMOTION"
    STOPPING = "STOPPING"


class BracketMode(StrEnum):
    """How many brackets share the trials, from one (AGGRESSIVE) to all (CONSERVATIVE)."""

    AGGRESSIVE = "AGGRESSIVE"
    STANDARD = "STANDARD"
    CONSERVATIVE = "CONSERVATIVE"


class RungRule(StrEnum):
    """Which of a rung's entries go on."""

    TOP_K = "TOP_K"
    PERCENTILE = "PERCENTILE"
    RANK_FRACTION = "RANK_FRACTION"

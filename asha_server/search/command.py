"""What can be asked of an experiment, and what it answers.

Commands are imperative, replies are nouns. A trial is named by its number and, where a worker
speaks, by the attempt that its lease token carries.
"""

from __future__ import annotations

from typing import Any

import msgspec

from asha_server.search.event import Decision, Metrics, Record
from asha_server.search.space import Configuration, Value
from asha_server.search.spec import ExperimentSpec
from asha_server.search.terms import (
    AssignmentKind,
    EndReason,
    ExperimentState,
    FailureKind,
    TrialState,
    TrialStateCause,
    WaitReason,
)


class GetSuggestion(msgspec.Struct, frozen=True):
    """A worker asks for a trial to train.

    Attributes:
        worker_id: who asks.
        incarnation_id: which process of the worker.
        request_id: the same id again gets the same answer; "" none.
        release_held: give back what the worker holds, hand out something else.
        declined: a trial not to be handed out in this call; -1 none.
    """

    worker_id: str
    incarnation_id: str = ""
    request_id: str = ""
    release_held: bool = False
    declined: int = -1


class ReportMetric(msgspec.Struct, frozen=True):
    """A worker reports what it measured at a step."""

    trial_number: int
    attempt: int
    step: int
    metrics: Metrics
    checkpoint_uri: str = ""


class ShouldStop(msgspec.Struct, frozen=True):
    """Somebody asks for the verdict on an attempt; None asks about the latest."""

    trial_number: int
    attempt: int | None = None


class Heartbeat(msgspec.Struct, frozen=True):
    """A worker says that it is alive."""

    trial_number: int
    attempt: int


class ReportCheckpoint(msgspec.Struct, frozen=True):
    """A worker says that a checkpoint is complete."""

    trial_number: int
    attempt: int
    step: int
    checkpoint_uri: str


class CompleteTrial(msgspec.Struct, frozen=True):
    """Training ended by itself before the full length."""

    trial_number: int
    attempt: int


class FailTrial(msgspec.Struct, frozen=True):
    """Training failed."""

    trial_number: int
    attempt: int
    kind: FailureKind
    message: str = ""


class ReleaseTrial(msgspec.Struct, frozen=True):
    """The worker is going away; somebody else goes on."""

    trial_number: int
    attempt: int
    message: str = ""


class ExpireLease(msgspec.Struct, frozen=True):
    """The engine found a lease overdue, or a trial without progress."""

    trial_number: int
    attempt: int
    cause: TrialStateCause = TrialStateCause.LEASE_EXPIRED


class CancelTrial(msgspec.Struct, frozen=True):
    """A person ends a trial."""

    trial_number: int
    message: str = ""


class Observation(msgspec.Struct, frozen=True):
    """Values known of a given configuration at a step."""

    step: int
    metrics: Metrics


class CreateTrial(msgspec.Struct, frozen=True):
    """A person gives a configuration; with observations it is a finished trial."""

    parameters: tuple[tuple[str, Value], ...]
    request_id: str = ""
    observations: tuple[Observation, ...] = ()
    joins_rungs: bool = False


class PauseExperiment(msgspec.Struct, frozen=True):
    """A person pauses the experiment."""


class ResumeExperiment(msgspec.Struct, frozen=True):
    """A person resumes the experiment."""


class StopExperiment(msgspec.Struct, frozen=True):
    """A person ends the experiment."""

    message: str = ""


class UpdateExperiment(msgspec.Struct, frozen=True):
    """A person changes fields of the spec.

    Attributes:
        changes: field of `ExperimentSpec` -> new value.
        etag: refuse unless it is the current one; "" does not ask.
    """

    changes: dict[str, Any]
    etag: str = ""


class CheckBudget(msgspec.Struct, frozen=True):
    """The engine asks whether `max_wall_time` is over."""


Command = (
    GetSuggestion
    | ReportMetric
    | ShouldStop
    | Heartbeat
    | ReportCheckpoint
    | CompleteTrial
    | FailTrial
    | ReleaseTrial
    | ExpireLease
    | CancelTrial
    | CreateTrial
    | PauseExperiment
    | ResumeExperiment
    | StopExperiment
    | UpdateExperiment
    | CheckBudget
)


class Assignment(msgspec.Struct, frozen=True):
    """A trial to train, and how far.

    Attributes:
        trial_number: which trial.
        attempt: the attempt its lease carries.
        kind: why it is handed out.
        configuration: ordered as declared.
        trial_seed: 0 to 2^31 - 1.
        start_step: resume here; 0 from scratch.
        checkpoint_uri: resume from this; "" from scratch.
        next_decision_step: train at least this far, then report.
        bracket: the trial's bracket.
        rung: the rung it trains towards.
    """

    trial_number: int
    attempt: int
    kind: AssignmentKind
    configuration: Configuration
    trial_seed: int
    start_step: int
    checkpoint_uri: str
    next_decision_step: int
    bracket: int
    rung: int


class Wait(msgspec.Struct, frozen=True):
    """No work now.

    Attributes:
        reason: what is awaited.
        retry_after_us: a good time to ask again; 0: the engine knows better. Microseconds.
    """

    reason: WaitReason
    retry_after_us: int = 0


class Finished(msgspec.Struct, frozen=True):
    """No work ever again."""

    state: ExperimentState
    end_reason: EndReason | None
    message: str


class Answer(msgspec.Struct, frozen=True):
    """A verdict on an attempt, and where the trial stands.

    Attributes:
        decision: the verdict.
        trial_state: the trial's state now.
        is_live: whether the attempt holds its lease after the call.
        deletable: checkpoints that the search can never resume from again, at most 100.
    """

    decision: Decision
    trial_state: TrialState
    is_live: bool = False
    deletable: tuple[str, ...] = ()


class TrialRef(msgspec.Struct, frozen=True):
    """A trial that was created or cancelled."""

    trial_number: int


class Done(msgspec.Struct, frozen=True):
    """The experiment is in the state asked for."""

    spec: ExperimentSpec
    state: ExperimentState


Reply = Assignment | Wait | Finished | Answer | TrialRef | Done


class Outcome(msgspec.Struct, frozen=True):
    """What a command did.

    Attributes:
        records: list[Record], what happened, in order; empty if nothing was written.
        reply: the answer.
    """

    records: list[Record]
    reply: Reply

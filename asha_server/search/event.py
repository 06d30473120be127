"""What happened to an experiment: facts in the past tense, each carrying its outcome.

An event holds everything `evolve` needs, so that a history is never decided again to be
understood: the sampled configuration, the decision with its explanation, the rungs entered.
"""

from __future__ import annotations

import msgspec

from asha_server.search.space import Configuration
from asha_server.search.spec import ExperimentSpec
from asha_server.search.terms import (
    AssignmentKind,
    DecisionReason,
    EndReason,
    ExperimentState,
    TrialEndReason,
    TrialState,
    TrialStateCause,
    Verdict,
)

Metrics = tuple[tuple[str, float], ...]
"""(name, value) in the order of the report; values may be NaN or infinite."""


class Decision(msgspec.Struct, frozen=True):
    """A verdict with its explanation.

    Attributes:
        verdict: what the worker does next.
        reason: why.
        bracket: the trial's bracket; -1 where it has none.
        rung: the last rung compared at; -1 if none.
        rank: 0-based rank among the competitors at that moment; None when nothing was compared.
        competitors: entries of the rung at that moment, this one included; 0 when not compared.
        cutoff: the worst value among those that go on; None at the top rung, where there is no
            such place, or where it is not finite.
        next_decision_step: train at least this far, then report; 0 after STOP and PAUSE.
        sequence: of the event that carries the decision; 0: not recorded, an answer of the moment.
        decided_us: wall clock, microseconds since the epoch.
    """

    verdict: Verdict
    reason: DecisionReason
    bracket: int
    rung: int
    rank: int | None
    competitors: int
    cutoff: float | None
    next_decision_step: int
    sequence: int
    decided_us: int


class ExperimentCreated(msgspec.Struct, frozen=True, tag=True):
    """The experiment exists, with every default filled in and its seed drawn."""

    experiment_id: str
    spec: ExperimentSpec
    request_id: str = ""


class ExperimentUpdated(msgspec.Struct, frozen=True, tag=True):
    """The spec changed; `bracket_max_trials` is n_b of every bracket from now on."""

    spec: ExperimentSpec
    bracket_max_trials: tuple[int, ...]


class ExperimentStateChanged(msgspec.Struct, frozen=True, tag=True):
    """The experiment is running, paused or ended.

    Its active trials are queued by a pause, and stopped with every other living one by an end.
    """

    state: ExperimentState
    end_reason: EndReason | None = None
    message: str = ""


class TrialCreated(msgspec.Struct, frozen=True, tag=True):
    """A trial exists.

    Attributes:
        trial_number: 0-based, without gaps.
        bracket: where it starts; -1 for a given configuration that waits for its turn, and for
            a finished one that takes no part in the rungs.
        configuration: what it trains with.
        is_given: the configuration came from a person, not from the sampler.
        request_id: of the CreateTrial call.
        has_observations: it is finished already; its observations follow as reports.
        parent: the trial whose weights it starts from; -1: none.
        rung: the rung it trains towards first.
        checkpoint_step: units trained in the parent's checkpoint; 0 from scratch.
        checkpoint_uri: the parent's checkpoint; "" from scratch.
    """

    trial_number: int
    bracket: int
    configuration: Configuration
    is_given: bool = False
    request_id: str = ""
    has_observations: bool = False
    parent: int = -1
    rung: int = 0
    checkpoint_step: int = 0
    checkpoint_uri: str = ""


class TrialAssigned(msgspec.Struct, frozen=True, tag=True):
    """A worker holds the trial under a new attempt.

    Attributes:
        trial_number: which trial.
        attempt: from 1; each assignment is the next.
        kind: why it is handed out.
        worker_id: who trains it.
        incarnation_id: which process of that worker.
        request_id: of the GetSuggestion call.
        bracket: the trial's bracket.
        rung: the rung it trains towards.
        start_step: where it resumes; 0 from scratch.
        checkpoint_uri: what it resumes from; "" from scratch.
    """

    trial_number: int
    attempt: int
    kind: AssignmentKind
    worker_id: str
    incarnation_id: str
    request_id: str
    bracket: int
    rung: int
    start_step: int
    checkpoint_uri: str


class MetricReported(msgspec.Struct, frozen=True, tag=True):
    """A report was recorded, and this was decided.

    Attributes:
        trial_number: which trial.
        attempt: under which lease; 0 for a given observation.
        step: units trained so far.
        metrics: the values that are new at this step.
        value: the search metric's value if it decided something or was in order; else None.
        checkpoint_uri: what would resume at this step; "" none.
        decision: the answer.
        first_rung: the first rung the value entered.
        entered_count: rungs entered, from `first_rung` upward; 0 if it was compared nowhere.
        promoted_count: of those entries, how many are promoted, from the lowest; 0 in the
            stopping variant, which promotes nobody.
        trial_state: the trial's state after the report.
        end_reason: why it ended, if it did.
        previous: sequence of the attempt's previous report; 0 none. Reports of an attempt are
            found along it without an index.
    """

    trial_number: int
    attempt: int
    step: int
    metrics: Metrics
    value: float | None
    checkpoint_uri: str
    decision: Decision
    first_rung: int
    entered_count: int
    promoted_count: int
    trial_state: TrialState
    end_reason: TrialEndReason | None
    previous: int

    @property
    def only_trains(self) -> bool:
        """Whether the trial trains on and was compared nowhere, as after most reports."""
        return not self.entered_count and self.trial_state is TrialState.RUNNING


class CheckpointReported(msgspec.Struct, frozen=True, tag=True):
    """A checkpoint of the attempt is complete and can be resumed from."""

    trial_number: int
    attempt: int
    step: int
    checkpoint_uri: str


class TrialStateChanged(msgspec.Struct, frozen=True, tag=True):
    """A trial changed its state by something other than a report.

    Attributes:
        trial_number: which trial.
        attempt: its latest attempt; 0 if it never had one.
        state: the new state.
        cause: what happened.
        end_reason: why it ended, if it did.
        message: the worker's or the person's words.
        entered_rung: the rung in which it takes a place by ending; -1 none.
        entered_value: the value of that place; None for the place of a failure.
    """

    trial_number: int
    attempt: int
    state: TrialState
    cause: TrialStateCause
    end_reason: TrialEndReason | None = None
    message: str = ""
    entered_rung: int = -1
    entered_value: float | None = None


class RungClosed(msgspec.Struct, frozen=True, tag=True):
    """Nothing will enter or leave the rung any more: its paused, unpromoted trials are STOPPED.

    Attributes:
        bracket: which bracket.
        rung: which rung.
        trial_count: trials that this ends.
        competitors: entries of the rung.
        cutoff: the worst value among the best floor(n / d); None where there is none.
    """

    bracket: int
    rung: int
    trial_count: int
    competitors: int
    cutoff: float | None


Event = (
    ExperimentCreated
    | ExperimentUpdated
    | ExperimentStateChanged
    | TrialCreated
    | TrialAssigned
    | MetricReported
    | CheckpointReported
    | TrialStateChanged
    | RungClosed
)


class Record(msgspec.Struct, frozen=True):
    """An event in its place: one sequence per experiment, from 1, without gaps.

    Attributes:
        sequence: its place.
        time_us: wall clock, microseconds since the epoch.
        event: what happened.
    """

    sequence: int
    time_us: int
    event: Event

import datetime

from . import experiment_pb2 as _experiment_pb2
from . import trial_pb2 as _trial_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import Any as _Any, ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TrialStateCause(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TRIAL_STATE_CAUSE_UNSPECIFIED: _ClassVar[TrialStateCause]
    TRIAL_STATE_CAUSE_LEASE_EXPIRED: _ClassVar[TrialStateCause]
    TRIAL_STATE_CAUSE_PROGRESS_TIMEOUT: _ClassVar[TrialStateCause]
    TRIAL_STATE_CAUSE_CAME_BACK: _ClassVar[TrialStateCause]
    TRIAL_STATE_CAUSE_RELEASED: _ClassVar[TrialStateCause]
    TRIAL_STATE_CAUSE_FAILED_RETRYABLE: _ClassVar[TrialStateCause]
    TRIAL_STATE_CAUSE_FAILED_PERMANENT: _ClassVar[TrialStateCause]
    TRIAL_STATE_CAUSE_INFEASIBLE: _ClassVar[TrialStateCause]
    TRIAL_STATE_CAUSE_CHECKPOINT_UNREADABLE: _ClassVar[TrialStateCause]
    TRIAL_STATE_CAUSE_COMPLETED_BY_WORKER: _ClassVar[TrialStateCause]
    TRIAL_STATE_CAUSE_CANCELLED: _ClassVar[TrialStateCause]
    TRIAL_STATE_CAUSE_RESTARTED: _ClassVar[TrialStateCause]
TRIAL_STATE_CAUSE_UNSPECIFIED: TrialStateCause
TRIAL_STATE_CAUSE_LEASE_EXPIRED: TrialStateCause
TRIAL_STATE_CAUSE_PROGRESS_TIMEOUT: TrialStateCause
TRIAL_STATE_CAUSE_CAME_BACK: TrialStateCause
TRIAL_STATE_CAUSE_RELEASED: TrialStateCause
TRIAL_STATE_CAUSE_FAILED_RETRYABLE: TrialStateCause
TRIAL_STATE_CAUSE_FAILED_PERMANENT: TrialStateCause
TRIAL_STATE_CAUSE_INFEASIBLE: TrialStateCause
TRIAL_STATE_CAUSE_CHECKPOINT_UNREADABLE: TrialStateCause
TRIAL_STATE_CAUSE_COMPLETED_BY_WORKER: TrialStateCause
TRIAL_STATE_CAUSE_CANCELLED: TrialStateCause
TRIAL_STATE_CAUSE_RESTARTED: TrialStateCause

class ExperimentEvent(_message.Message):
    __slots__ = ("sequence", "time", "experiment_created", "experiment_updated", "experiment_state_changed", "trial_created", "trial_assigned", "metric_reported", "checkpoint_reported", "trial_state_changed", "rung_closed")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    EXPERIMENT_CREATED_FIELD_NUMBER: _ClassVar[int]
    EXPERIMENT_UPDATED_FIELD_NUMBER: _ClassVar[int]
    EXPERIMENT_STATE_CHANGED_FIELD_NUMBER: _ClassVar[int]
    TRIAL_CREATED_FIELD_NUMBER: _ClassVar[int]
    TRIAL_ASSIGNED_FIELD_NUMBER: _ClassVar[int]
    METRIC_REPORTED_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_REPORTED_FIELD_NUMBER: _ClassVar[int]
    TRIAL_STATE_CHANGED_FIELD_NUMBER: _ClassVar[int]
    RUNG_CLOSED_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    time: _timestamp_pb2.Timestamp
    experiment_created: ExperimentCreated
    experiment_updated: ExperimentUpdated
    experiment_state_changed: ExperimentStateChanged
    trial_created: TrialCreated
    trial_assigned: TrialAssigned
    metric_reported: MetricReported
    checkpoint_reported: CheckpointReported
    trial_state_changed: TrialStateChanged
    rung_closed: RungClosed
    def __init__(self, sequence: _Optional[int] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, _Any]]] = ..., experiment_created: _Optional[_Union[ExperimentCreated, _Mapping[str, _Any]]] = ..., experiment_updated: _Optional[_Union[ExperimentUpdated, _Mapping[str, _Any]]] = ..., experiment_state_changed: _Optional[_Union[ExperimentStateChanged, _Mapping[str, _Any]]] = ..., trial_created: _Optional[_Union[TrialCreated, _Mapping[str, _Any]]] = ..., trial_assigned: _Optional[_Union[TrialAssigned, _Mapping[str, _Any]]] = ..., metric_reported: _Optional[_Union[MetricReported, _Mapping[str, _Any]]] = ..., checkpoint_reported: _Optional[_Union[CheckpointReported, _Mapping[str, _Any]]] = ..., trial_state_changed: _Optional[_Union[TrialStateChanged, _Mapping[str, _Any]]] = ..., rung_closed: _Optional[_Union[RungClosed, _Mapping[str, _Any]]] = ...) -> None: ...

class ExperimentCreated(_message.Message):
    __slots__ = ("experiment_id", "spec", "state")
    EXPERIMENT_ID_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    experiment_id: str
    spec: _experiment_pb2.ExperimentSpec
    state: _experiment_pb2.ExperimentState
    def __init__(self, experiment_id: _Optional[str] = ..., spec: _Optional[_Union[_experiment_pb2.ExperimentSpec, _Mapping[str, _Any]]] = ..., state: _Optional[_Union[_experiment_pb2.ExperimentState, str]] = ...) -> None: ...

class ExperimentUpdated(_message.Message):
    __slots__ = ("spec",)
    SPEC_FIELD_NUMBER: _ClassVar[int]
    spec: _experiment_pb2.ExperimentSpec
    def __init__(self, spec: _Optional[_Union[_experiment_pb2.ExperimentSpec, _Mapping[str, _Any]]] = ...) -> None: ...

class ExperimentStateChanged(_message.Message):
    __slots__ = ("state", "end_reason", "end_message")
    STATE_FIELD_NUMBER: _ClassVar[int]
    END_REASON_FIELD_NUMBER: _ClassVar[int]
    END_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    state: _experiment_pb2.ExperimentState
    end_reason: _experiment_pb2.EndReason
    end_message: str
    def __init__(self, state: _Optional[_Union[_experiment_pb2.ExperimentState, str]] = ..., end_reason: _Optional[_Union[_experiment_pb2.EndReason, str]] = ..., end_message: _Optional[str] = ...) -> None: ...

class TrialCreated(_message.Message):
    __slots__ = ("trial_number", "bracket", "parameters", "trial_seed", "state", "end_reason", "is_given", "has_observations", "parent_trial_number", "start_step", "checkpoint_uri")
    TRIAL_NUMBER_FIELD_NUMBER: _ClassVar[int]
    BRACKET_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    TRIAL_SEED_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    END_REASON_FIELD_NUMBER: _ClassVar[int]
    IS_GIVEN_FIELD_NUMBER: _ClassVar[int]
    HAS_OBSERVATIONS_FIELD_NUMBER: _ClassVar[int]
    PARENT_TRIAL_NUMBER_FIELD_NUMBER: _ClassVar[int]
    START_STEP_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_URI_FIELD_NUMBER: _ClassVar[int]
    trial_number: int
    bracket: int
    parameters: _containers.RepeatedCompositeFieldContainer[_trial_pb2.Parameter]
    trial_seed: int
    state: _trial_pb2.TrialState
    end_reason: _trial_pb2.TrialEndReason
    is_given: bool
    has_observations: bool
    parent_trial_number: int
    start_step: int
    checkpoint_uri: str
    def __init__(self, trial_number: _Optional[int] = ..., bracket: _Optional[int] = ..., parameters: _Optional[_Iterable[_Union[_trial_pb2.Parameter, _Mapping[str, _Any]]]] = ..., trial_seed: _Optional[int] = ..., state: _Optional[_Union[_trial_pb2.TrialState, str]] = ..., end_reason: _Optional[_Union[_trial_pb2.TrialEndReason, str]] = ..., is_given: _Optional[bool] = ..., has_observations: _Optional[bool] = ..., parent_trial_number: _Optional[int] = ..., start_step: _Optional[int] = ..., checkpoint_uri: _Optional[str] = ...) -> None: ...

class TrialAssigned(_message.Message):
    __slots__ = ("trial_number", "attempt", "kind", "worker_id", "incarnation_id", "bracket", "rung", "start_step", "checkpoint_uri", "next_decision_step")
    TRIAL_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_ID_FIELD_NUMBER: _ClassVar[int]
    BRACKET_FIELD_NUMBER: _ClassVar[int]
    RUNG_FIELD_NUMBER: _ClassVar[int]
    START_STEP_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_URI_FIELD_NUMBER: _ClassVar[int]
    NEXT_DECISION_STEP_FIELD_NUMBER: _ClassVar[int]
    trial_number: int
    attempt: int
    kind: _trial_pb2.AssignmentKind
    worker_id: str
    incarnation_id: str
    bracket: int
    rung: int
    start_step: int
    checkpoint_uri: str
    next_decision_step: int
    def __init__(self, trial_number: _Optional[int] = ..., attempt: _Optional[int] = ..., kind: _Optional[_Union[_trial_pb2.AssignmentKind, str]] = ..., worker_id: _Optional[str] = ..., incarnation_id: _Optional[str] = ..., bracket: _Optional[int] = ..., rung: _Optional[int] = ..., start_step: _Optional[int] = ..., checkpoint_uri: _Optional[str] = ..., next_decision_step: _Optional[int] = ...) -> None: ...

class MetricReported(_message.Message):
    __slots__ = ("trial_number", "attempt", "step", "metrics", "checkpoint_uri", "decision", "trial_state")
    TRIAL_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_URI_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    TRIAL_STATE_FIELD_NUMBER: _ClassVar[int]
    trial_number: int
    attempt: int
    step: int
    metrics: _containers.RepeatedCompositeFieldContainer[_trial_pb2.MetricValue]
    checkpoint_uri: str
    decision: _trial_pb2.Decision
    trial_state: _trial_pb2.TrialState
    def __init__(self, trial_number: _Optional[int] = ..., attempt: _Optional[int] = ..., step: _Optional[int] = ..., metrics: _Optional[_Iterable[_Union[_trial_pb2.MetricValue, _Mapping[str, _Any]]]] = ..., checkpoint_uri: _Optional[str] = ..., decision: _Optional[_Union[_trial_pb2.Decision, _Mapping[str, _Any]]] = ..., trial_state: _Optional[_Union[_trial_pb2.TrialState, str]] = ...) -> None: ...

class CheckpointReported(_message.Message):
    __slots__ = ("trial_number", "attempt", "step", "checkpoint_uri")
    TRIAL_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_URI_FIELD_NUMBER: _ClassVar[int]
    trial_number: int
    attempt: int
    step: int
    checkpoint_uri: str
    def __init__(self, trial_number: _Optional[int] = ..., attempt: _Optional[int] = ..., step: _Optional[int] = ..., checkpoint_uri: _Optional[str] = ...) -> None: ...

class TrialStateChanged(_message.Message):
    __slots__ = ("trial_number", "attempt", "state", "cause", "end_reason", "message")
    TRIAL_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    END_REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    trial_number: int
    attempt: int
    state: _trial_pb2.TrialState
    cause: TrialStateCause
    end_reason: _trial_pb2.TrialEndReason
    message: str
    def __init__(self, trial_number: _Optional[int] = ..., attempt: _Optional[int] = ..., state: _Optional[_Union[_trial_pb2.TrialState, str]] = ..., cause: _Optional[_Union[TrialStateCause, str]] = ..., end_reason: _Optional[_Union[_trial_pb2.TrialEndReason, str]] = ..., message: _Optional[str] = ...) -> None: ...

class RungClosed(_message.Message):
    __slots__ = ("bracket", "rung", "competitors", "closed_trials", "cutoff")
    BRACKET_FIELD_NUMBER: _ClassVar[int]
    RUNG_FIELD_NUMBER: _ClassVar[int]
    COMPETITORS_FIELD_NUMBER: _ClassVar[int]
    CLOSED_TRIALS_FIELD_NUMBER: _ClassVar[int]
    CUTOFF_FIELD_NUMBER: _ClassVar[int]
    bracket: int
    rung: int
    competitors: int
    closed_trials: int
    cutoff: float
    def __init__(self, bracket: _Optional[int] = ..., rung: _Optional[int] = ..., competitors: _Optional[int] = ..., closed_trials: _Optional[int] = ..., cutoff: _Optional[float] = ...) -> None: ...

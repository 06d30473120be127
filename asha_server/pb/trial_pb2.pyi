import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import Any as _Any, ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TrialState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TRIAL_STATE_UNSPECIFIED: _ClassVar[TrialState]
    TRIAL_STATE_QUEUED: _ClassVar[TrialState]
    TRIAL_STATE_RUNNING: _ClassVar[TrialState]
    TRIAL_STATE_PAUSED: _ClassVar[TrialState]
    TRIAL_STATE_COMPLETED: _ClassVar[TrialState]
    TRIAL_STATE_STOPPED: _ClassVar[TrialState]
    TRIAL_STATE_FAILED: _ClassVar[TrialState]
    TRIAL_STATE_INFEASIBLE: _ClassVar[TrialState]
    TRIAL_STATE_CANCELLED: _ClassVar[TrialState]

class TrialEndReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TRIAL_END_REASON_UNSPECIFIED: _ClassVar[TrialEndReason]
    TRIAL_END_REASON_MAX_LENGTH: _ClassVar[TrialEndReason]
    TRIAL_END_REASON_ENDED_BY_ITSELF: _ClassVar[TrialEndReason]
    TRIAL_END_REASON_RUNG_CUTOFF: _ClassVar[TrialEndReason]
    TRIAL_END_REASON_NON_FINITE: _ClassVar[TrialEndReason]
    TRIAL_END_REASON_NOT_PROMOTED: _ClassVar[TrialEndReason]
    TRIAL_END_REASON_NO_METRIC: _ClassVar[TrialEndReason]
    TRIAL_END_REASON_PERMANENT_FAILURE: _ClassVar[TrialEndReason]
    TRIAL_END_REASON_RESTARTS_EXHAUSTED: _ClassVar[TrialEndReason]
    TRIAL_END_REASON_INFEASIBLE: _ClassVar[TrialEndReason]
    TRIAL_END_REASON_CANCELLED: _ClassVar[TrialEndReason]
    TRIAL_END_REASON_EXPERIMENT_ENDED: _ClassVar[TrialEndReason]

class AssignmentKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ASSIGNMENT_KIND_UNSPECIFIED: _ClassVar[AssignmentKind]
    ASSIGNMENT_KIND_NEW: _ClassVar[AssignmentKind]
    ASSIGNMENT_KIND_PROMOTED: _ClassVar[AssignmentKind]
    ASSIGNMENT_KIND_RETRIED: _ClassVar[AssignmentKind]
    ASSIGNMENT_KIND_RESUMED: _ClassVar[AssignmentKind]
    ASSIGNMENT_KIND_ENQUEUED: _ClassVar[AssignmentKind]

class Verdict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VERDICT_UNSPECIFIED: _ClassVar[Verdict]
    VERDICT_CONTINUE: _ClassVar[Verdict]
    VERDICT_STOP: _ClassVar[Verdict]
    VERDICT_PAUSE: _ClassVar[Verdict]

class DecisionReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DECISION_REASON_UNSPECIFIED: _ClassVar[DecisionReason]
    DECISION_REASON_BETWEEN_RUNGS: _ClassVar[DecisionReason]
    DECISION_REASON_PROMOTED: _ClassVar[DecisionReason]
    DECISION_REASON_PROMOTED_AT_CLOSE_OUT: _ClassVar[DecisionReason]
    DECISION_REASON_TOP_FRACTION: _ClassVar[DecisionReason]
    DECISION_REASON_AWAITING_PROMOTION: _ClassVar[DecisionReason]
    DECISION_REASON_RUNG_CUTOFF: _ClassVar[DecisionReason]
    DECISION_REASON_MAX_LENGTH: _ClassVar[DecisionReason]
    DECISION_REASON_NON_FINITE: _ClassVar[DecisionReason]
    DECISION_REASON_NOT_PROMOTED: _ClassVar[DecisionReason]
    DECISION_REASON_EXPERIMENT_STOPPED: _ClassVar[DecisionReason]
    DECISION_REASON_EXPERIMENT_PAUSED: _ClassVar[DecisionReason]
    DECISION_REASON_TARGET_REACHED: _ClassVar[DecisionReason]
    DECISION_REASON_BUDGET_EXHAUSTED: _ClassVar[DecisionReason]
    DECISION_REASON_CANCELLED: _ClassVar[DecisionReason]
    DECISION_REASON_TRIAL_ENDED: _ClassVar[DecisionReason]
    DECISION_REASON_LEASE_LOST: _ClassVar[DecisionReason]

class AttemptEnd(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ATTEMPT_END_UNSPECIFIED: _ClassVar[AttemptEnd]
    ATTEMPT_END_PAUSED: _ClassVar[AttemptEnd]
    ATTEMPT_END_STOPPED: _ClassVar[AttemptEnd]
    ATTEMPT_END_COMPLETED: _ClassVar[AttemptEnd]
    ATTEMPT_END_FAILED: _ClassVar[AttemptEnd]
    ATTEMPT_END_INFEASIBLE: _ClassVar[AttemptEnd]
    ATTEMPT_END_RELEASED: _ClassVar[AttemptEnd]
    ATTEMPT_END_EXPIRED: _ClassVar[AttemptEnd]
    ATTEMPT_END_PROGRESS_TIMEOUT: _ClassVar[AttemptEnd]
    ATTEMPT_END_SUPERSEDED: _ClassVar[AttemptEnd]
    ATTEMPT_END_CANCELLED: _ClassVar[AttemptEnd]
    ATTEMPT_END_EXPERIMENT_PAUSED: _ClassVar[AttemptEnd]
    ATTEMPT_END_EXPERIMENT_ENDED: _ClassVar[AttemptEnd]
TRIAL_STATE_UNSPECIFIED: TrialState
TRIAL_STATE_QUEUED: TrialState
TRIAL_STATE_RUNNING: TrialState
TRIAL_STATE_PAUSED: TrialState
TRIAL_STATE_COMPLETED: TrialState
TRIAL_STATE_STOPPED: TrialState
TRIAL_STATE_FAILED: TrialState
TRIAL_STATE_INFEASIBLE: TrialState
TRIAL_STATE_CANCELLED: TrialState
TRIAL_END_REASON_UNSPECIFIED: TrialEndReason
TRIAL_END_REASON_MAX_LENGTH: TrialEndReason
TRIAL_END_REASON_ENDED_BY_ITSELF: TrialEndReason
TRIAL_END_REASON_RUNG_CUTOFF: TrialEndReason
TRIAL_END_REASON_NON_FINITE: TrialEndReason
TRIAL_END_REASON_NOT_PROMOTED: TrialEndReason
TRIAL_END_REASON_NO_METRIC: TrialEndReason
TRIAL_END_REASON_PERMANENT_FAILURE: TrialEndReason
TRIAL_END_REASON_RESTARTS_EXHAUSTED: TrialEndReason
TRIAL_END_REASON_INFEASIBLE: TrialEndReason
TRIAL_END_REASON_CANCELLED: TrialEndReason
TRIAL_END_REASON_EXPERIMENT_ENDED: TrialEndReason
ASSIGNMENT_KIND_UNSPECIFIED: AssignmentKind
ASSIGNMENT_KIND_NEW: AssignmentKind
ASSIGNMENT_KIND_PROMOTED: AssignmentKind
ASSIGNMENT_KIND_RETRIED: AssignmentKind
ASSIGNMENT_KIND_RESUMED: AssignmentKind
ASSIGNMENT_KIND_ENQUEUED: AssignmentKind
VERDICT_UNSPECIFIED: Verdict
VERDICT_CONTINUE: Verdict
VERDICT_STOP: Verdict
VERDICT_PAUSE: Verdict
DECISION_REASON_UNSPECIFIED: DecisionReason
DECISION_REASON_BETWEEN_RUNGS: DecisionReason
DECISION_REASON_PROMOTED: DecisionReason
DECISION_REASON_PROMOTED_AT_CLOSE_OUT: DecisionReason
DECISION_REASON_TOP_FRACTION: DecisionReason
DECISION_REASON_AWAITING_PROMOTION: DecisionReason
DECISION_REASON_RUNG_CUTOFF: DecisionReason
DECISION_REASON_MAX_LENGTH: DecisionReason
DECISION_REASON_NON_FINITE: DecisionReason
DECISION_REASON_NOT_PROMOTED: DecisionReason
DECISION_REASON_EXPERIMENT_STOPPED: DecisionReason
DECISION_REASON_EXPERIMENT_PAUSED: DecisionReason
DECISION_REASON_TARGET_REACHED: DecisionReason
DECISION_REASON_BUDGET_EXHAUSTED: DecisionReason
DECISION_REASON_CANCELLED: DecisionReason
DECISION_REASON_TRIAL_ENDED: DecisionReason
DECISION_REASON_LEASE_LOST: DecisionReason
ATTEMPT_END_UNSPECIFIED: AttemptEnd
ATTEMPT_END_PAUSED: AttemptEnd
ATTEMPT_END_STOPPED: AttemptEnd
ATTEMPT_END_COMPLETED: AttemptEnd
ATTEMPT_END_FAILED: AttemptEnd
ATTEMPT_END_INFEASIBLE: AttemptEnd
ATTEMPT_END_RELEASED: AttemptEnd
ATTEMPT_END_EXPIRED: AttemptEnd
ATTEMPT_END_PROGRESS_TIMEOUT: AttemptEnd
ATTEMPT_END_SUPERSEDED: AttemptEnd
ATTEMPT_END_CANCELLED: AttemptEnd
ATTEMPT_END_EXPERIMENT_PAUSED: AttemptEnd
ATTEMPT_END_EXPERIMENT_ENDED: AttemptEnd

class ParameterValue(_message.Message):
    __slots__ = ("double_value", "int_value", "string_value", "bool_value", "json_value")
    DOUBLE_VALUE_FIELD_NUMBER: _ClassVar[int]
    INT_VALUE_FIELD_NUMBER: _ClassVar[int]
    STRING_VALUE_FIELD_NUMBER: _ClassVar[int]
    BOOL_VALUE_FIELD_NUMBER: _ClassVar[int]
    JSON_VALUE_FIELD_NUMBER: _ClassVar[int]
    double_value: float
    int_value: int
    string_value: str
    bool_value: bool
    json_value: str
    def __init__(self, double_value: _Optional[float] = ..., int_value: _Optional[int] = ..., string_value: _Optional[str] = ..., bool_value: _Optional[bool] = ..., json_value: _Optional[str] = ...) -> None: ...

class Parameter(_message.Message):
    __slots__ = ("name", "value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: ParameterValue
    def __init__(self, name: _Optional[str] = ..., value: _Optional[_Union[ParameterValue, _Mapping[str, _Any]]] = ...) -> None: ...

class MetricValue(_message.Message):
    __slots__ = ("name", "value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: float
    def __init__(self, name: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...

class MetricPoint(_message.Message):
    __slots__ = ("step", "metrics")
    STEP_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    step: int
    metrics: _containers.RepeatedCompositeFieldContainer[MetricValue]
    def __init__(self, step: _Optional[int] = ..., metrics: _Optional[_Iterable[_Union[MetricValue, _Mapping[str, _Any]]]] = ...) -> None: ...

class Decision(_message.Message):
    __slots__ = ("verdict", "reason", "bracket", "rung", "rank", "competitors", "cutoff", "next_decision_step", "sequence", "decide_time")
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    BRACKET_FIELD_NUMBER: _ClassVar[int]
    RUNG_FIELD_NUMBER: _ClassVar[int]
    RANK_FIELD_NUMBER: _ClassVar[int]
    COMPETITORS_FIELD_NUMBER: _ClassVar[int]
    CUTOFF_FIELD_NUMBER: _ClassVar[int]
    NEXT_DECISION_STEP_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    DECIDE_TIME_FIELD_NUMBER: _ClassVar[int]
    verdict: Verdict
    reason: DecisionReason
    bracket: int
    rung: int
    rank: int
    competitors: int
    cutoff: float
    next_decision_step: int
    sequence: int
    decide_time: _timestamp_pb2.Timestamp
    def __init__(self, verdict: _Optional[_Union[Verdict, str]] = ..., reason: _Optional[_Union[DecisionReason, str]] = ..., bracket: _Optional[int] = ..., rung: _Optional[int] = ..., rank: _Optional[int] = ..., competitors: _Optional[int] = ..., cutoff: _Optional[float] = ..., next_decision_step: _Optional[int] = ..., sequence: _Optional[int] = ..., decide_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, _Any]]] = ...) -> None: ...

class Lease(_message.Message):
    __slots__ = ("token", "attempt", "ttl", "expire_time")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    TTL_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    token: str
    attempt: int
    ttl: _duration_pb2.Duration
    expire_time: _timestamp_pb2.Timestamp
    def __init__(self, token: _Optional[str] = ..., attempt: _Optional[int] = ..., ttl: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping[str, _Any]]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, _Any]]] = ...) -> None: ...

class Trial(_message.Message):
    __slots__ = ("experiment_id", "trial_number", "state", "end_reason", "bracket", "rung", "attempt", "restarts", "parameters", "trial_seed", "last_step", "last_value", "checkpoint_uri", "checkpoint_step", "worker_id", "best_rung_length", "best_rung_value", "total_length", "create_time", "start_time", "end_time", "end_message", "last_decision", "parent_trial_number")
    EXPERIMENT_ID_FIELD_NUMBER: _ClassVar[int]
    TRIAL_NUMBER_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    END_REASON_FIELD_NUMBER: _ClassVar[int]
    BRACKET_FIELD_NUMBER: _ClassVar[int]
    RUNG_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    RESTARTS_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    TRIAL_SEED_FIELD_NUMBER: _ClassVar[int]
    LAST_STEP_FIELD_NUMBER: _ClassVar[int]
    LAST_VALUE_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_URI_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_STEP_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    BEST_RUNG_LENGTH_FIELD_NUMBER: _ClassVar[int]
    BEST_RUNG_VALUE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_LENGTH_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    END_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    LAST_DECISION_FIELD_NUMBER: _ClassVar[int]
    PARENT_TRIAL_NUMBER_FIELD_NUMBER: _ClassVar[int]
    experiment_id: str
    trial_number: int
    state: TrialState
    end_reason: TrialEndReason
    bracket: int
    rung: int
    attempt: int
    restarts: int
    parameters: _containers.RepeatedCompositeFieldContainer[Parameter]
    trial_seed: int
    last_step: int
    last_value: float
    checkpoint_uri: str
    checkpoint_step: int
    worker_id: str
    best_rung_length: int
    best_rung_value: float
    total_length: int
    create_time: _timestamp_pb2.Timestamp
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    end_message: str
    last_decision: Decision
    parent_trial_number: int
    def __init__(self, experiment_id: _Optional[str] = ..., trial_number: _Optional[int] = ..., state: _Optional[_Union[TrialState, str]] = ..., end_reason: _Optional[_Union[TrialEndReason, str]] = ..., bracket: _Optional[int] = ..., rung: _Optional[int] = ..., attempt: _Optional[int] = ..., restarts: _Optional[int] = ..., parameters: _Optional[_Iterable[_Union[Parameter, _Mapping[str, _Any]]]] = ..., trial_seed: _Optional[int] = ..., last_step: _Optional[int] = ..., last_value: _Optional[float] = ..., checkpoint_uri: _Optional[str] = ..., checkpoint_step: _Optional[int] = ..., worker_id: _Optional[str] = ..., best_rung_length: _Optional[int] = ..., best_rung_value: _Optional[float] = ..., total_length: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, _Any]]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, _Any]]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, _Any]]] = ..., end_message: _Optional[str] = ..., last_decision: _Optional[_Union[Decision, _Mapping[str, _Any]]] = ..., parent_trial_number: _Optional[int] = ...) -> None: ...

class Attempt(_message.Message):
    __slots__ = ("attempt", "kind", "worker_id", "incarnation_id", "start_time", "end_time", "start_step", "units_trained", "end", "message")
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_ID_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    START_STEP_FIELD_NUMBER: _ClassVar[int]
    UNITS_TRAINED_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    attempt: int
    kind: AssignmentKind
    worker_id: str
    incarnation_id: str
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    start_step: int
    units_trained: int
    end: AttemptEnd
    message: str
    def __init__(self, attempt: _Optional[int] = ..., kind: _Optional[_Union[AssignmentKind, str]] = ..., worker_id: _Optional[str] = ..., incarnation_id: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, _Any]]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, _Any]]] = ..., start_step: _Optional[int] = ..., units_trained: _Optional[int] = ..., end: _Optional[_Union[AttemptEnd, str]] = ..., message: _Optional[str] = ...) -> None: ...

class Observation(_message.Message):
    __slots__ = ("sequence", "trial_number", "attempt", "step", "metrics", "checkpoint_uri", "time")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TRIAL_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_URI_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    trial_number: int
    attempt: int
    step: int
    metrics: _containers.RepeatedCompositeFieldContainer[MetricValue]
    checkpoint_uri: str
    time: _timestamp_pb2.Timestamp
    def __init__(self, sequence: _Optional[int] = ..., trial_number: _Optional[int] = ..., attempt: _Optional[int] = ..., step: _Optional[int] = ..., metrics: _Optional[_Iterable[_Union[MetricValue, _Mapping[str, _Any]]]] = ..., checkpoint_uri: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, _Any]]] = ...) -> None: ...

class DecisionRecord(_message.Message):
    __slots__ = ("trial_number", "attempt", "step", "value", "decision")
    TRIAL_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    trial_number: int
    attempt: int
    step: int
    value: float
    decision: Decision
    def __init__(self, trial_number: _Optional[int] = ..., attempt: _Optional[int] = ..., step: _Optional[int] = ..., value: _Optional[float] = ..., decision: _Optional[_Union[Decision, _Mapping[str, _Any]]] = ...) -> None: ...

class CheckpointRecord(_message.Message):
    __slots__ = ("trial_number", "attempt", "step", "uri", "deletable")
    TRIAL_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    URI_FIELD_NUMBER: _ClassVar[int]
    DELETABLE_FIELD_NUMBER: _ClassVar[int]
    trial_number: int
    attempt: int
    step: int
    uri: str
    deletable: bool
    def __init__(self, trial_number: _Optional[int] = ..., attempt: _Optional[int] = ..., step: _Optional[int] = ..., uri: _Optional[str] = ..., deletable: _Optional[bool] = ...) -> None: ...

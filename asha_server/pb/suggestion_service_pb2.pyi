import datetime

from . import error_pb2 as _error_pb2
from . import experiment_pb2 as _experiment_pb2
from . import trial_pb2 as _trial_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import Any as _Any, ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class WaitReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WAIT_REASON_UNSPECIFIED: _ClassVar[WaitReason]
    WAIT_REASON_CONCURRENCY_LIMIT: _ClassVar[WaitReason]
    WAIT_REASON_BARRIER: _ClassVar[WaitReason]
    WAIT_REASON_AWAITING_RESULTS: _ClassVar[WaitReason]
    WAIT_REASON_EXPERIMENT_PAUSED: _ClassVar[WaitReason]
    WAIT_REASON_WORKER_FAILING: _ClassVar[WaitReason]

class FailureKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FAILURE_KIND_UNSPECIFIED: _ClassVar[FailureKind]
    FAILURE_KIND_RETRYABLE: _ClassVar[FailureKind]
    FAILURE_KIND_PERMANENT: _ClassVar[FailureKind]
    FAILURE_KIND_INFEASIBLE: _ClassVar[FailureKind]
    FAILURE_KIND_CHECKPOINT_UNREADABLE: _ClassVar[FailureKind]
WAIT_REASON_UNSPECIFIED: WaitReason
WAIT_REASON_CONCURRENCY_LIMIT: WaitReason
WAIT_REASON_BARRIER: WaitReason
WAIT_REASON_AWAITING_RESULTS: WaitReason
WAIT_REASON_EXPERIMENT_PAUSED: WaitReason
WAIT_REASON_WORKER_FAILING: WaitReason
FAILURE_KIND_UNSPECIFIED: FailureKind
FAILURE_KIND_RETRYABLE: FailureKind
FAILURE_KIND_PERMANENT: FailureKind
FAILURE_KIND_INFEASIBLE: FailureKind
FAILURE_KIND_CHECKPOINT_UNREADABLE: FailureKind

class GetSuggestionRequest(_message.Message):
    __slots__ = ("experiment_id", "worker_id", "incarnation_id", "request_id", "max_wait", "release_held")
    EXPERIMENT_ID_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    MAX_WAIT_FIELD_NUMBER: _ClassVar[int]
    RELEASE_HELD_FIELD_NUMBER: _ClassVar[int]
    experiment_id: str
    worker_id: str
    incarnation_id: str
    request_id: str
    max_wait: _duration_pb2.Duration
    release_held: bool
    def __init__(self, experiment_id: _Optional[str] = ..., worker_id: _Optional[str] = ..., incarnation_id: _Optional[str] = ..., request_id: _Optional[str] = ..., max_wait: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping[str, _Any]]] = ..., release_held: _Optional[bool] = ...) -> None: ...

class GetSuggestionResponse(_message.Message):
    __slots__ = ("assignment", "wait", "finished")
    ASSIGNMENT_FIELD_NUMBER: _ClassVar[int]
    WAIT_FIELD_NUMBER: _ClassVar[int]
    FINISHED_FIELD_NUMBER: _ClassVar[int]
    assignment: Assignment
    wait: Wait
    finished: Finished
    def __init__(self, assignment: _Optional[_Union[Assignment, _Mapping[str, _Any]]] = ..., wait: _Optional[_Union[Wait, _Mapping[str, _Any]]] = ..., finished: _Optional[_Union[Finished, _Mapping[str, _Any]]] = ...) -> None: ...

class Wait(_message.Message):
    __slots__ = ("retry_after", "reason")
    RETRY_AFTER_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    retry_after: _duration_pb2.Duration
    reason: WaitReason
    def __init__(self, retry_after: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping[str, _Any]]] = ..., reason: _Optional[_Union[WaitReason, str]] = ...) -> None: ...

class Finished(_message.Message):
    __slots__ = ("state", "end_reason", "end_message")
    STATE_FIELD_NUMBER: _ClassVar[int]
    END_REASON_FIELD_NUMBER: _ClassVar[int]
    END_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    state: _experiment_pb2.ExperimentState
    end_reason: _experiment_pb2.EndReason
    end_message: str
    def __init__(self, state: _Optional[_Union[_experiment_pb2.ExperimentState, str]] = ..., end_reason: _Optional[_Union[_experiment_pb2.EndReason, str]] = ..., end_message: _Optional[str] = ...) -> None: ...

class Assignment(_message.Message):
    __slots__ = ("experiment_id", "trial_number", "kind", "lease", "parameters", "trial_seed", "start_step", "checkpoint_uri", "next_decision_step", "max_length", "unit", "metric", "bracket", "rung")
    EXPERIMENT_ID_FIELD_NUMBER: _ClassVar[int]
    TRIAL_NUMBER_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    TRIAL_SEED_FIELD_NUMBER: _ClassVar[int]
    START_STEP_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_URI_FIELD_NUMBER: _ClassVar[int]
    NEXT_DECISION_STEP_FIELD_NUMBER: _ClassVar[int]
    MAX_LENGTH_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    METRIC_FIELD_NUMBER: _ClassVar[int]
    BRACKET_FIELD_NUMBER: _ClassVar[int]
    RUNG_FIELD_NUMBER: _ClassVar[int]
    experiment_id: str
    trial_number: int
    kind: _trial_pb2.AssignmentKind
    lease: _trial_pb2.Lease
    parameters: _containers.RepeatedCompositeFieldContainer[_trial_pb2.Parameter]
    trial_seed: int
    start_step: int
    checkpoint_uri: str
    next_decision_step: int
    max_length: int
    unit: str
    metric: str
    bracket: int
    rung: int
    def __init__(self, experiment_id: _Optional[str] = ..., trial_number: _Optional[int] = ..., kind: _Optional[_Union[_trial_pb2.AssignmentKind, str]] = ..., lease: _Optional[_Union[_trial_pb2.Lease, _Mapping[str, _Any]]] = ..., parameters: _Optional[_Iterable[_Union[_trial_pb2.Parameter, _Mapping[str, _Any]]]] = ..., trial_seed: _Optional[int] = ..., start_step: _Optional[int] = ..., checkpoint_uri: _Optional[str] = ..., next_decision_step: _Optional[int] = ..., max_length: _Optional[int] = ..., unit: _Optional[str] = ..., metric: _Optional[str] = ..., bracket: _Optional[int] = ..., rung: _Optional[int] = ...) -> None: ...

class ReportMetricRequest(_message.Message):
    __slots__ = ("experiment_id", "trial_number", "lease_token", "step", "metrics", "checkpoint_uri")
    EXPERIMENT_ID_FIELD_NUMBER: _ClassVar[int]
    TRIAL_NUMBER_FIELD_NUMBER: _ClassVar[int]
    LEASE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_URI_FIELD_NUMBER: _ClassVar[int]
    experiment_id: str
    trial_number: int
    lease_token: str
    step: int
    metrics: _containers.RepeatedCompositeFieldContainer[_trial_pb2.MetricValue]
    checkpoint_uri: str
    def __init__(self, experiment_id: _Optional[str] = ..., trial_number: _Optional[int] = ..., lease_token: _Optional[str] = ..., step: _Optional[int] = ..., metrics: _Optional[_Iterable[_Union[_trial_pb2.MetricValue, _Mapping[str, _Any]]]] = ..., checkpoint_uri: _Optional[str] = ...) -> None: ...

class ReportMetricResponse(_message.Message):
    __slots__ = ("decision", "deletable_checkpoint_uris")
    DECISION_FIELD_NUMBER: _ClassVar[int]
    DELETABLE_CHECKPOINT_URIS_FIELD_NUMBER: _ClassVar[int]
    decision: _trial_pb2.Decision
    deletable_checkpoint_uris: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, decision: _Optional[_Union[_trial_pb2.Decision, _Mapping[str, _Any]]] = ..., deletable_checkpoint_uris: _Optional[_Iterable[str]] = ...) -> None: ...

class ShouldStopRequest(_message.Message):
    __slots__ = ("experiment_id", "trial_number", "lease_token", "max_wait")
    EXPERIMENT_ID_FIELD_NUMBER: _ClassVar[int]
    TRIAL_NUMBER_FIELD_NUMBER: _ClassVar[int]
    LEASE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    MAX_WAIT_FIELD_NUMBER: _ClassVar[int]
    experiment_id: str
    trial_number: int
    lease_token: str
    max_wait: _duration_pb2.Duration
    def __init__(self, experiment_id: _Optional[str] = ..., trial_number: _Optional[int] = ..., lease_token: _Optional[str] = ..., max_wait: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping[str, _Any]]] = ...) -> None: ...

class ShouldStopResponse(_message.Message):
    __slots__ = ("should_stop", "decision")
    SHOULD_STOP_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    should_stop: bool
    decision: _trial_pb2.Decision
    def __init__(self, should_stop: _Optional[bool] = ..., decision: _Optional[_Union[_trial_pb2.Decision, _Mapping[str, _Any]]] = ...) -> None: ...

class HeartbeatRequest(_message.Message):
    __slots__ = ("experiment_id", "trial_number", "lease_token")
    EXPERIMENT_ID_FIELD_NUMBER: _ClassVar[int]
    TRIAL_NUMBER_FIELD_NUMBER: _ClassVar[int]
    LEASE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    experiment_id: str
    trial_number: int
    lease_token: str
    def __init__(self, experiment_id: _Optional[str] = ..., trial_number: _Optional[int] = ..., lease_token: _Optional[str] = ...) -> None: ...

class HeartbeatResponse(_message.Message):
    __slots__ = ("lease", "decision")
    LEASE_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    lease: _trial_pb2.Lease
    decision: _trial_pb2.Decision
    def __init__(self, lease: _Optional[_Union[_trial_pb2.Lease, _Mapping[str, _Any]]] = ..., decision: _Optional[_Union[_trial_pb2.Decision, _Mapping[str, _Any]]] = ...) -> None: ...

class ReportCheckpointRequest(_message.Message):
    __slots__ = ("experiment_id", "trial_number", "lease_token", "step", "checkpoint_uri")
    EXPERIMENT_ID_FIELD_NUMBER: _ClassVar[int]
    TRIAL_NUMBER_FIELD_NUMBER: _ClassVar[int]
    LEASE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_URI_FIELD_NUMBER: _ClassVar[int]
    experiment_id: str
    trial_number: int
    lease_token: str
    step: int
    checkpoint_uri: str
    def __init__(self, experiment_id: _Optional[str] = ..., trial_number: _Optional[int] = ..., lease_token: _Optional[str] = ..., step: _Optional[int] = ..., checkpoint_uri: _Optional[str] = ...) -> None: ...

class ReportCheckpointResponse(_message.Message):
    __slots__ = ("decision",)
    DECISION_FIELD_NUMBER: _ClassVar[int]
    decision: _trial_pb2.Decision
    def __init__(self, decision: _Optional[_Union[_trial_pb2.Decision, _Mapping[str, _Any]]] = ...) -> None: ...

class CompleteTrialRequest(_message.Message):
    __slots__ = ("experiment_id", "trial_number", "lease_token")
    EXPERIMENT_ID_FIELD_NUMBER: _ClassVar[int]
    TRIAL_NUMBER_FIELD_NUMBER: _ClassVar[int]
    LEASE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    experiment_id: str
    trial_number: int
    lease_token: str
    def __init__(self, experiment_id: _Optional[str] = ..., trial_number: _Optional[int] = ..., lease_token: _Optional[str] = ...) -> None: ...

class CompleteTrialResponse(_message.Message):
    __slots__ = ("trial_state", "decision")
    TRIAL_STATE_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    trial_state: _trial_pb2.TrialState
    decision: _trial_pb2.Decision
    def __init__(self, trial_state: _Optional[_Union[_trial_pb2.TrialState, str]] = ..., decision: _Optional[_Union[_trial_pb2.Decision, _Mapping[str, _Any]]] = ...) -> None: ...

class FailTrialRequest(_message.Message):
    __slots__ = ("experiment_id", "trial_number", "lease_token", "kind", "message")
    EXPERIMENT_ID_FIELD_NUMBER: _ClassVar[int]
    TRIAL_NUMBER_FIELD_NUMBER: _ClassVar[int]
    LEASE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    experiment_id: str
    trial_number: int
    lease_token: str
    kind: FailureKind
    message: str
    def __init__(self, experiment_id: _Optional[str] = ..., trial_number: _Optional[int] = ..., lease_token: _Optional[str] = ..., kind: _Optional[_Union[FailureKind, str]] = ..., message: _Optional[str] = ...) -> None: ...

class FailTrialResponse(_message.Message):
    __slots__ = ("trial_state", "decision")
    TRIAL_STATE_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    trial_state: _trial_pb2.TrialState
    decision: _trial_pb2.Decision
    def __init__(self, trial_state: _Optional[_Union[_trial_pb2.TrialState, str]] = ..., decision: _Optional[_Union[_trial_pb2.Decision, _Mapping[str, _Any]]] = ...) -> None: ...

class ReleaseTrialRequest(_message.Message):
    __slots__ = ("experiment_id", "trial_number", "lease_token", "reason")
    EXPERIMENT_ID_FIELD_NUMBER: _ClassVar[int]
    TRIAL_NUMBER_FIELD_NUMBER: _ClassVar[int]
    LEASE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    experiment_id: str
    trial_number: int
    lease_token: str
    reason: str
    def __init__(self, experiment_id: _Optional[str] = ..., trial_number: _Optional[int] = ..., lease_token: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ReleaseTrialResponse(_message.Message):
    __slots__ = ("trial_state", "decision")
    TRIAL_STATE_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    trial_state: _trial_pb2.TrialState
    decision: _trial_pb2.Decision
    def __init__(self, trial_state: _Optional[_Union[_trial_pb2.TrialState, str]] = ..., decision: _Optional[_Union[_trial_pb2.Decision, _Mapping[str, _Any]]] = ...) -> None: ...

class TrainingSessionRequest(_message.Message):
    __slots__ = ("request_number", "get_suggestion", "report_metrics", "heartbeat", "report_checkpoint", "complete_trial", "fail_trial", "release_trial", "should_stop", "traceparent")
    REQUEST_NUMBER_FIELD_NUMBER: _ClassVar[int]
    GET_SUGGESTION_FIELD_NUMBER: _ClassVar[int]
    REPORT_METRICS_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    REPORT_CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_TRIAL_FIELD_NUMBER: _ClassVar[int]
    FAIL_TRIAL_FIELD_NUMBER: _ClassVar[int]
    RELEASE_TRIAL_FIELD_NUMBER: _ClassVar[int]
    SHOULD_STOP_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    request_number: int
    get_suggestion: GetSuggestionRequest
    report_metrics: ReportMetricsRequest
    heartbeat: HeartbeatRequest
    report_checkpoint: ReportCheckpointRequest
    complete_trial: CompleteTrialRequest
    fail_trial: FailTrialRequest
    release_trial: ReleaseTrialRequest
    should_stop: ShouldStopRequest
    traceparent: str
    def __init__(self, request_number: _Optional[int] = ..., get_suggestion: _Optional[_Union[GetSuggestionRequest, _Mapping[str, _Any]]] = ..., report_metrics: _Optional[_Union[ReportMetricsRequest, _Mapping[str, _Any]]] = ..., heartbeat: _Optional[_Union[HeartbeatRequest, _Mapping[str, _Any]]] = ..., report_checkpoint: _Optional[_Union[ReportCheckpointRequest, _Mapping[str, _Any]]] = ..., complete_trial: _Optional[_Union[CompleteTrialRequest, _Mapping[str, _Any]]] = ..., fail_trial: _Optional[_Union[FailTrialRequest, _Mapping[str, _Any]]] = ..., release_trial: _Optional[_Union[ReleaseTrialRequest, _Mapping[str, _Any]]] = ..., should_stop: _Optional[_Union[ShouldStopRequest, _Mapping[str, _Any]]] = ..., traceparent: _Optional[str] = ...) -> None: ...

class ReportMetricsRequest(_message.Message):
    __slots__ = ("reports",)
    REPORTS_FIELD_NUMBER: _ClassVar[int]
    reports: _containers.RepeatedCompositeFieldContainer[ReportMetricRequest]
    def __init__(self, reports: _Optional[_Iterable[_Union[ReportMetricRequest, _Mapping[str, _Any]]]] = ...) -> None: ...

class ReportMetricsResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[ReportResult]
    def __init__(self, results: _Optional[_Iterable[_Union[ReportResult, _Mapping[str, _Any]]]] = ...) -> None: ...

class ReportResult(_message.Message):
    __slots__ = ("response", "error")
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    response: ReportMetricResponse
    error: _error_pb2.SessionError
    def __init__(self, response: _Optional[_Union[ReportMetricResponse, _Mapping[str, _Any]]] = ..., error: _Optional[_Union[_error_pb2.SessionError, _Mapping[str, _Any]]] = ...) -> None: ...

class PushedDecision(_message.Message):
    __slots__ = ("experiment_id", "trial_number", "attempt", "decision")
    EXPERIMENT_ID_FIELD_NUMBER: _ClassVar[int]
    TRIAL_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    experiment_id: str
    trial_number: int
    attempt: int
    decision: _trial_pb2.Decision
    def __init__(self, experiment_id: _Optional[str] = ..., trial_number: _Optional[int] = ..., attempt: _Optional[int] = ..., decision: _Optional[_Union[_trial_pb2.Decision, _Mapping[str, _Any]]] = ...) -> None: ...

class TrainingSessionResponse(_message.Message):
    __slots__ = ("request_number", "get_suggestion", "report_metrics", "heartbeat", "report_checkpoint", "complete_trial", "fail_trial", "release_trial", "should_stop", "pushed", "error")
    REQUEST_NUMBER_FIELD_NUMBER: _ClassVar[int]
    GET_SUGGESTION_FIELD_NUMBER: _ClassVar[int]
    REPORT_METRICS_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    REPORT_CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_TRIAL_FIELD_NUMBER: _ClassVar[int]
    FAIL_TRIAL_FIELD_NUMBER: _ClassVar[int]
    RELEASE_TRIAL_FIELD_NUMBER: _ClassVar[int]
    SHOULD_STOP_FIELD_NUMBER: _ClassVar[int]
    PUSHED_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    request_number: int
    get_suggestion: GetSuggestionResponse
    report_metrics: ReportMetricsResponse
    heartbeat: HeartbeatResponse
    report_checkpoint: ReportCheckpointResponse
    complete_trial: CompleteTrialResponse
    fail_trial: FailTrialResponse
    release_trial: ReleaseTrialResponse
    should_stop: ShouldStopResponse
    pushed: PushedDecision
    error: _error_pb2.SessionError
    def __init__(self, request_number: _Optional[int] = ..., get_suggestion: _Optional[_Union[GetSuggestionResponse, _Mapping[str, _Any]]] = ..., report_metrics: _Optional[_Union[ReportMetricsResponse, _Mapping[str, _Any]]] = ..., heartbeat: _Optional[_Union[HeartbeatResponse, _Mapping[str, _Any]]] = ..., report_checkpoint: _Optional[_Union[ReportCheckpointResponse, _Mapping[str, _Any]]] = ..., complete_trial: _Optional[_Union[CompleteTrialResponse, _Mapping[str, _Any]]] = ..., fail_trial: _Optional[_Union[FailTrialResponse, _Mapping[str, _Any]]] = ..., release_trial: _Optional[_Union[ReleaseTrialResponse, _Mapping[str, _Any]]] = ..., should_stop: _Optional[_Union[ShouldStopResponse, _Mapping[str, _Any]]] = ..., pushed: _Optional[_Union[PushedDecision, _Mapping[str, _Any]]] = ..., error: _Optional[_Union[_error_pb2.SessionError, _Mapping[str, _Any]]] = ...) -> None: ...

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

class Role(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROLE_UNSPECIFIED: _ClassVar[Role]
    ROLE_READ: _ClassVar[Role]
    ROLE_WORKER: _ClassVar[Role]
    ROLE_ADMIN: _ClassVar[Role]
ROLE_UNSPECIFIED: Role
ROLE_READ: Role
ROLE_WORKER: Role
ROLE_ADMIN: Role

class GetServerInfoRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetServerInfoResponse(_message.Message):
    __slots__ = ("version", "start_time", "database_path", "schema_version", "sqlite_version", "experiment_count", "live_lease_count", "open_watch_count", "waiting_call_count", "open_session_count", "inbox_depth", "uptime", "limits", "identity_limits")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    DATABASE_PATH_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_VERSION_FIELD_NUMBER: _ClassVar[int]
    SQLITE_VERSION_FIELD_NUMBER: _ClassVar[int]
    EXPERIMENT_COUNT_FIELD_NUMBER: _ClassVar[int]
    LIVE_LEASE_COUNT_FIELD_NUMBER: _ClassVar[int]
    OPEN_WATCH_COUNT_FIELD_NUMBER: _ClassVar[int]
    WAITING_CALL_COUNT_FIELD_NUMBER: _ClassVar[int]
    OPEN_SESSION_COUNT_FIELD_NUMBER: _ClassVar[int]
    INBOX_DEPTH_FIELD_NUMBER: _ClassVar[int]
    UPTIME_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_LIMITS_FIELD_NUMBER: _ClassVar[int]
    version: str
    start_time: _timestamp_pb2.Timestamp
    database_path: str
    schema_version: int
    sqlite_version: str
    experiment_count: int
    live_lease_count: int
    open_watch_count: int
    waiting_call_count: int
    open_session_count: int
    inbox_depth: int
    uptime: _duration_pb2.Duration
    limits: Limits
    identity_limits: IdentityLimits
    def __init__(self, version: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, _Any]]] = ..., database_path: _Optional[str] = ..., schema_version: _Optional[int] = ..., sqlite_version: _Optional[str] = ..., experiment_count: _Optional[int] = ..., live_lease_count: _Optional[int] = ..., open_watch_count: _Optional[int] = ..., waiting_call_count: _Optional[int] = ..., open_session_count: _Optional[int] = ..., inbox_depth: _Optional[int] = ..., uptime: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping[str, _Any]]] = ..., limits: _Optional[_Union[Limits, _Mapping[str, _Any]]] = ..., identity_limits: _Optional[_Union[IdentityLimits, _Mapping[str, _Any]]] = ...) -> None: ...

class IdentityLimits(_message.Message):
    __slots__ = ("requests_per_second", "reports_per_second", "max_calls", "max_waiting_calls", "max_open_sessions", "max_experiments", "max_trials")
    REQUESTS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    REPORTS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    MAX_CALLS_FIELD_NUMBER: _ClassVar[int]
    MAX_WAITING_CALLS_FIELD_NUMBER: _ClassVar[int]
    MAX_OPEN_SESSIONS_FIELD_NUMBER: _ClassVar[int]
    MAX_EXPERIMENTS_FIELD_NUMBER: _ClassVar[int]
    MAX_TRIALS_FIELD_NUMBER: _ClassVar[int]
    requests_per_second: int
    reports_per_second: int
    max_calls: int
    max_waiting_calls: int
    max_open_sessions: int
    max_experiments: int
    max_trials: int
    def __init__(self, requests_per_second: _Optional[int] = ..., reports_per_second: _Optional[int] = ..., max_calls: _Optional[int] = ..., max_waiting_calls: _Optional[int] = ..., max_open_sessions: _Optional[int] = ..., max_experiments: _Optional[int] = ..., max_trials: _Optional[int] = ...) -> None: ...

class Limits(_message.Message):
    __slots__ = ("max_request_bytes", "max_metrics_per_report", "max_reports_per_message", "max_parameters", "max_labels", "max_label_bytes", "max_name_bytes", "max_display_name_bytes", "max_uri_bytes", "max_message_bytes", "max_observations_per_trial", "max_experiments", "max_open_sessions", "max_open_watches", "max_waiting_calls", "max_inbox_depth", "max_page_size", "max_page_bytes", "max_chunk_bytes", "max_suggestion_wait", "max_should_stop_wait", "max_open_exports", "max_waiting_reads")
    MAX_REQUEST_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_METRICS_PER_REPORT_FIELD_NUMBER: _ClassVar[int]
    MAX_REPORTS_PER_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    MAX_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    MAX_LABELS_FIELD_NUMBER: _ClassVar[int]
    MAX_LABEL_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_NAME_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_DISPLAY_NAME_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_URI_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_MESSAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_OBSERVATIONS_PER_TRIAL_FIELD_NUMBER: _ClassVar[int]
    MAX_EXPERIMENTS_FIELD_NUMBER: _ClassVar[int]
    MAX_OPEN_SESSIONS_FIELD_NUMBER: _ClassVar[int]
    MAX_OPEN_WATCHES_FIELD_NUMBER: _ClassVar[int]
    MAX_WAITING_CALLS_FIELD_NUMBER: _ClassVar[int]
    MAX_INBOX_DEPTH_FIELD_NUMBER: _ClassVar[int]
    MAX_PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    MAX_PAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_CHUNK_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_SUGGESTION_WAIT_FIELD_NUMBER: _ClassVar[int]
    MAX_SHOULD_STOP_WAIT_FIELD_NUMBER: _ClassVar[int]
    MAX_OPEN_EXPORTS_FIELD_NUMBER: _ClassVar[int]
    MAX_WAITING_READS_FIELD_NUMBER: _ClassVar[int]
    max_request_bytes: int
    max_metrics_per_report: int
    max_reports_per_message: int
    max_parameters: int
    max_labels: int
    max_label_bytes: int
    max_name_bytes: int
    max_display_name_bytes: int
    max_uri_bytes: int
    max_message_bytes: int
    max_observations_per_trial: int
    max_experiments: int
    max_open_sessions: int
    max_open_watches: int
    max_waiting_calls: int
    max_inbox_depth: int
    max_page_size: int
    max_page_bytes: int
    max_chunk_bytes: int
    max_suggestion_wait: _duration_pb2.Duration
    max_should_stop_wait: _duration_pb2.Duration
    max_open_exports: int
    max_waiting_reads: int
    def __init__(self, max_request_bytes: _Optional[int] = ..., max_metrics_per_report: _Optional[int] = ..., max_reports_per_message: _Optional[int] = ..., max_parameters: _Optional[int] = ..., max_labels: _Optional[int] = ..., max_label_bytes: _Optional[int] = ..., max_name_bytes: _Optional[int] = ..., max_display_name_bytes: _Optional[int] = ..., max_uri_bytes: _Optional[int] = ..., max_message_bytes: _Optional[int] = ..., max_observations_per_trial: _Optional[int] = ..., max_experiments: _Optional[int] = ..., max_open_sessions: _Optional[int] = ..., max_open_watches: _Optional[int] = ..., max_waiting_calls: _Optional[int] = ..., max_inbox_depth: _Optional[int] = ..., max_page_size: _Optional[int] = ..., max_page_bytes: _Optional[int] = ..., max_chunk_bytes: _Optional[int] = ..., max_suggestion_wait: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping[str, _Any]]] = ..., max_should_stop_wait: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping[str, _Any]]] = ..., max_open_exports: _Optional[int] = ..., max_waiting_reads: _Optional[int] = ...) -> None: ...

class ListLeasesRequest(_message.Message):
    __slots__ = ("experiment_id", "page_size", "page_token")
    EXPERIMENT_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    experiment_id: str
    page_size: int
    page_token: str
    def __init__(self, experiment_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class LeaseRecord(_message.Message):
    __slots__ = ("experiment_id", "trial_number", "attempt", "worker_id", "incarnation_id", "expire_time", "remaining")
    EXPERIMENT_ID_FIELD_NUMBER: _ClassVar[int]
    TRIAL_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_ID_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    REMAINING_FIELD_NUMBER: _ClassVar[int]
    experiment_id: str
    trial_number: int
    attempt: int
    worker_id: str
    incarnation_id: str
    expire_time: _timestamp_pb2.Timestamp
    remaining: _duration_pb2.Duration
    def __init__(self, experiment_id: _Optional[str] = ..., trial_number: _Optional[int] = ..., attempt: _Optional[int] = ..., worker_id: _Optional[str] = ..., incarnation_id: _Optional[str] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, _Any]]] = ..., remaining: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping[str, _Any]]] = ...) -> None: ...

class ListLeasesResponse(_message.Message):
    __slots__ = ("leases", "next_page_token")
    LEASES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    leases: _containers.RepeatedCompositeFieldContainer[LeaseRecord]
    next_page_token: str
    def __init__(self, leases: _Optional[_Iterable[_Union[LeaseRecord, _Mapping[str, _Any]]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class Token(_message.Message):
    __slots__ = ("name", "role", "experiment_patterns", "create_time", "expire_time", "revoke_time", "limits")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    EXPERIMENT_PATTERNS_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    REVOKE_TIME_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    name: str
    role: Role
    experiment_patterns: _containers.RepeatedScalarFieldContainer[str]
    create_time: _timestamp_pb2.Timestamp
    expire_time: _timestamp_pb2.Timestamp
    revoke_time: _timestamp_pb2.Timestamp
    limits: IdentityLimits
    def __init__(self, name: _Optional[str] = ..., role: _Optional[_Union[Role, str]] = ..., experiment_patterns: _Optional[_Iterable[str]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, _Any]]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, _Any]]] = ..., revoke_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, _Any]]] = ..., limits: _Optional[_Union[IdentityLimits, _Mapping[str, _Any]]] = ...) -> None: ...

class CreateTokenRequest(_message.Message):
    __slots__ = ("name", "role", "experiment_patterns", "expire_time", "limits")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    EXPERIMENT_PATTERNS_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    name: str
    role: Role
    experiment_patterns: _containers.RepeatedScalarFieldContainer[str]
    expire_time: _timestamp_pb2.Timestamp
    limits: IdentityLimits
    def __init__(self, name: _Optional[str] = ..., role: _Optional[_Union[Role, str]] = ..., experiment_patterns: _Optional[_Iterable[str]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, _Any]]] = ..., limits: _Optional[_Union[IdentityLimits, _Mapping[str, _Any]]] = ...) -> None: ...

class CreateTokenResponse(_message.Message):
    __slots__ = ("token", "secret")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    token: Token
    secret: str
    def __init__(self, token: _Optional[_Union[Token, _Mapping[str, _Any]]] = ..., secret: _Optional[str] = ...) -> None: ...

class ListTokensRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListTokensResponse(_message.Message):
    __slots__ = ("tokens", "next_page_token")
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    tokens: _containers.RepeatedCompositeFieldContainer[Token]
    next_page_token: str
    def __init__(self, tokens: _Optional[_Iterable[_Union[Token, _Mapping[str, _Any]]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class RevokeTokenRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class RevokeTokenResponse(_message.Message):
    __slots__ = ("token",)
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    token: Token
    def __init__(self, token: _Optional[_Union[Token, _Mapping[str, _Any]]] = ...) -> None: ...

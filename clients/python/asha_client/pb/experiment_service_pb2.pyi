import datetime

from . import event_pb2 as _event_pb2
from . import experiment_pb2 as _experiment_pb2
from . import trial_pb2 as _trial_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import Any as _Any, ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CheckpointFilter(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CHECKPOINT_FILTER_UNSPECIFIED: _ClassVar[CheckpointFilter]
    CHECKPOINT_FILTER_DELETABLE: _ClassVar[CheckpointFilter]
    CHECKPOINT_FILTER_LIVE: _ClassVar[CheckpointFilter]
CHECKPOINT_FILTER_UNSPECIFIED: CheckpointFilter
CHECKPOINT_FILTER_DELETABLE: CheckpointFilter
CHECKPOINT_FILTER_LIVE: CheckpointFilter

class CreateExperimentRequest(_message.Message):
    __slots__ = ("experiment_id", "spec", "request_id", "validate_only")
    EXPERIMENT_ID_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    experiment_id: str
    spec: _experiment_pb2.ExperimentSpec
    request_id: str
    validate_only: bool
    def __init__(self, experiment_id: _Optional[str] = ..., spec: _Optional[_Union[_experiment_pb2.ExperimentSpec, _Mapping[str, _Any]]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class CreateExperimentResponse(_message.Message):
    __slots__ = ("experiment",)
    EXPERIMENT_FIELD_NUMBER: _ClassVar[int]
    experiment: _experiment_pb2.Experiment
    def __init__(self, experiment: _Optional[_Union[_experiment_pb2.Experiment, _Mapping[str, _Any]]] = ...) -> None: ...

class GetExperimentRequest(_message.Message):
    __slots__ = ("experiment_id",)
    EXPERIMENT_ID_FIELD_NUMBER: _ClassVar[int]
    experiment_id: str
    def __init__(self, experiment_id: _Optional[str] = ...) -> None: ...

class GetExperimentResponse(_message.Message):
    __slots__ = ("experiment",)
    EXPERIMENT_FIELD_NUMBER: _ClassVar[int]
    experiment: _experiment_pb2.Experiment
    def __init__(self, experiment: _Optional[_Union[_experiment_pb2.Experiment, _Mapping[str, _Any]]] = ...) -> None: ...

class ListExperimentsRequest(_message.Message):
    __slots__ = ("states", "page_size", "page_token")
    STATES_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    states: _containers.RepeatedScalarFieldContainer[_experiment_pb2.ExperimentState]
    page_size: int
    page_token: str
    def __init__(self, states: _Optional[_Iterable[_Union[_experiment_pb2.ExperimentState, str]]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListExperimentsResponse(_message.Message):
    __slots__ = ("experiments", "next_page_token")
    EXPERIMENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    experiments: _containers.RepeatedCompositeFieldContainer[_experiment_pb2.Experiment]
    next_page_token: str
    def __init__(self, experiments: _Optional[_Iterable[_Union[_experiment_pb2.Experiment, _Mapping[str, _Any]]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class UpdateExperimentRequest(_message.Message):
    __slots__ = ("experiment_id", "spec", "update_mask", "etag")
    EXPERIMENT_ID_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    experiment_id: str
    spec: _experiment_pb2.ExperimentSpec
    update_mask: _field_mask_pb2.FieldMask
    etag: str
    def __init__(self, experiment_id: _Optional[str] = ..., spec: _Optional[_Union[_experiment_pb2.ExperimentSpec, _Mapping[str, _Any]]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping[str, _Any]]] = ..., etag: _Optional[str] = ...) -> None: ...

class UpdateExperimentResponse(_message.Message):
    __slots__ = ("experiment",)
    EXPERIMENT_FIELD_NUMBER: _ClassVar[int]
    experiment: _experiment_pb2.Experiment
    def __init__(self, experiment: _Optional[_Union[_experiment_pb2.Experiment, _Mapping[str, _Any]]] = ...) -> None: ...

class DeleteExperimentRequest(_message.Message):
    __slots__ = ("experiment_id", "force")
    EXPERIMENT_ID_FIELD_NUMBER: _ClassVar[int]
    FORCE_FIELD_NUMBER: _ClassVar[int]
    experiment_id: str
    force: bool
    def __init__(self, experiment_id: _Optional[str] = ..., force: _Optional[bool] = ...) -> None: ...

class DeleteExperimentResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class PauseExperimentRequest(_message.Message):
    __slots__ = ("experiment_id",)
    EXPERIMENT_ID_FIELD_NUMBER: _ClassVar[int]
    experiment_id: str
    def __init__(self, experiment_id: _Optional[str] = ...) -> None: ...

class PauseExperimentResponse(_message.Message):
    __slots__ = ("experiment",)
    EXPERIMENT_FIELD_NUMBER: _ClassVar[int]
    experiment: _experiment_pb2.Experiment
    def __init__(self, experiment: _Optional[_Union[_experiment_pb2.Experiment, _Mapping[str, _Any]]] = ...) -> None: ...

class ResumeExperimentRequest(_message.Message):
    __slots__ = ("experiment_id",)
    EXPERIMENT_ID_FIELD_NUMBER: _ClassVar[int]
    experiment_id: str
    def __init__(self, experiment_id: _Optional[str] = ...) -> None: ...

class ResumeExperimentResponse(_message.Message):
    __slots__ = ("experiment",)
    EXPERIMENT_FIELD_NUMBER: _ClassVar[int]
    experiment: _experiment_pb2.Experiment
    def __init__(self, experiment: _Optional[_Union[_experiment_pb2.Experiment, _Mapping[str, _Any]]] = ...) -> None: ...

class StopExperimentRequest(_message.Message):
    __slots__ = ("experiment_id", "reason")
    EXPERIMENT_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    experiment_id: str
    reason: str
    def __init__(self, experiment_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class StopExperimentResponse(_message.Message):
    __slots__ = ("experiment",)
    EXPERIMENT_FIELD_NUMBER: _ClassVar[int]
    experiment: _experiment_pb2.Experiment
    def __init__(self, experiment: _Optional[_Union[_experiment_pb2.Experiment, _Mapping[str, _Any]]] = ...) -> None: ...

class PreviewExperimentRequest(_message.Message):
    __slots__ = ("spec", "worker_count", "seconds_per_unit", "with_forecast")
    SPEC_FIELD_NUMBER: _ClassVar[int]
    WORKER_COUNT_FIELD_NUMBER: _ClassVar[int]
    SECONDS_PER_UNIT_FIELD_NUMBER: _ClassVar[int]
    WITH_FORECAST_FIELD_NUMBER: _ClassVar[int]
    spec: _experiment_pb2.ExperimentSpec
    worker_count: int
    seconds_per_unit: float
    with_forecast: bool
    def __init__(self, spec: _Optional[_Union[_experiment_pb2.ExperimentSpec, _Mapping[str, _Any]]] = ..., worker_count: _Optional[int] = ..., seconds_per_unit: _Optional[float] = ..., with_forecast: _Optional[bool] = ...) -> None: ...

class PreviewExperimentResponse(_message.Message):
    __slots__ = ("preview",)
    PREVIEW_FIELD_NUMBER: _ClassVar[int]
    preview: Preview
    def __init__(self, preview: _Optional[_Union[Preview, _Mapping[str, _Any]]] = ...) -> None: ...

class PlannedLength(_message.Message):
    __slots__ = ("length", "trial_count")
    LENGTH_FIELD_NUMBER: _ClassVar[int]
    TRIAL_COUNT_FIELD_NUMBER: _ClassVar[int]
    length: int
    trial_count: int
    def __init__(self, length: _Optional[int] = ..., trial_count: _Optional[int] = ...) -> None: ...

class Preview(_message.Message):
    __slots__ = ("brackets", "planned_lengths", "total_trials", "total_units", "total_units_worst", "full_training_units", "wall_time", "wall_time_worst", "concurrency_limit", "forecast")
    BRACKETS_FIELD_NUMBER: _ClassVar[int]
    PLANNED_LENGTHS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_TRIALS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_UNITS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_UNITS_WORST_FIELD_NUMBER: _ClassVar[int]
    FULL_TRAINING_UNITS_FIELD_NUMBER: _ClassVar[int]
    WALL_TIME_FIELD_NUMBER: _ClassVar[int]
    WALL_TIME_WORST_FIELD_NUMBER: _ClassVar[int]
    CONCURRENCY_LIMIT_FIELD_NUMBER: _ClassVar[int]
    FORECAST_FIELD_NUMBER: _ClassVar[int]
    brackets: _containers.RepeatedCompositeFieldContainer[_experiment_pb2.Bracket]
    planned_lengths: _containers.RepeatedCompositeFieldContainer[PlannedLength]
    total_trials: int
    total_units: int
    total_units_worst: int
    full_training_units: int
    wall_time: _duration_pb2.Duration
    wall_time_worst: _duration_pb2.Duration
    concurrency_limit: int
    forecast: Forecast
    def __init__(self, brackets: _Optional[_Iterable[_Union[_experiment_pb2.Bracket, _Mapping[str, _Any]]]] = ..., planned_lengths: _Optional[_Iterable[_Union[PlannedLength, _Mapping[str, _Any]]]] = ..., total_trials: _Optional[int] = ..., total_units: _Optional[int] = ..., total_units_worst: _Optional[int] = ..., full_training_units: _Optional[int] = ..., wall_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping[str, _Any]]] = ..., wall_time_worst: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping[str, _Any]]] = ..., concurrency_limit: _Optional[int] = ..., forecast: _Optional[_Union[Forecast, _Mapping[str, _Any]]] = ...) -> None: ...

class Forecast(_message.Message):
    __slots__ = ("nominal", "expected", "worst", "search_count", "worker_count", "total_units_low", "total_units_high", "wall_time_low", "wall_time_high", "is_certain")
    NOMINAL_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    WORST_FIELD_NUMBER: _ClassVar[int]
    SEARCH_COUNT_FIELD_NUMBER: _ClassVar[int]
    WORKER_COUNT_FIELD_NUMBER: _ClassVar[int]
    TOTAL_UNITS_LOW_FIELD_NUMBER: _ClassVar[int]
    TOTAL_UNITS_HIGH_FIELD_NUMBER: _ClassVar[int]
    WALL_TIME_LOW_FIELD_NUMBER: _ClassVar[int]
    WALL_TIME_HIGH_FIELD_NUMBER: _ClassVar[int]
    IS_CERTAIN_FIELD_NUMBER: _ClassVar[int]
    nominal: SimulatedSearch
    expected: SimulatedSearch
    worst: SimulatedSearch
    search_count: int
    worker_count: int
    total_units_low: int
    total_units_high: int
    wall_time_low: _duration_pb2.Duration
    wall_time_high: _duration_pb2.Duration
    is_certain: bool
    def __init__(self, nominal: _Optional[_Union[SimulatedSearch, _Mapping[str, _Any]]] = ..., expected: _Optional[_Union[SimulatedSearch, _Mapping[str, _Any]]] = ..., worst: _Optional[_Union[SimulatedSearch, _Mapping[str, _Any]]] = ..., search_count: _Optional[int] = ..., worker_count: _Optional[int] = ..., total_units_low: _Optional[int] = ..., total_units_high: _Optional[int] = ..., wall_time_low: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping[str, _Any]]] = ..., wall_time_high: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping[str, _Any]]] = ..., is_certain: _Optional[bool] = ...) -> None: ...

class SimulatedSearch(_message.Message):
    __slots__ = ("lengths", "total_units", "wall_time")
    LENGTHS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_UNITS_FIELD_NUMBER: _ClassVar[int]
    WALL_TIME_FIELD_NUMBER: _ClassVar[int]
    lengths: _containers.RepeatedCompositeFieldContainer[PlannedLength]
    total_units: int
    wall_time: _duration_pb2.Duration
    def __init__(self, lengths: _Optional[_Iterable[_Union[PlannedLength, _Mapping[str, _Any]]]] = ..., total_units: _Optional[int] = ..., wall_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping[str, _Any]]] = ...) -> None: ...

class GetTrialRequest(_message.Message):
    __slots__ = ("experiment_id", "trial_number")
    EXPERIMENT_ID_FIELD_NUMBER: _ClassVar[int]
    TRIAL_NUMBER_FIELD_NUMBER: _ClassVar[int]
    experiment_id: str
    trial_number: int
    def __init__(self, experiment_id: _Optional[str] = ..., trial_number: _Optional[int] = ...) -> None: ...

class GetTrialResponse(_message.Message):
    __slots__ = ("trial", "attempts")
    TRIAL_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    trial: _trial_pb2.Trial
    attempts: _containers.RepeatedCompositeFieldContainer[_trial_pb2.Attempt]
    def __init__(self, trial: _Optional[_Union[_trial_pb2.Trial, _Mapping[str, _Any]]] = ..., attempts: _Optional[_Iterable[_Union[_trial_pb2.Attempt, _Mapping[str, _Any]]]] = ...) -> None: ...

class ListTrialsRequest(_message.Message):
    __slots__ = ("experiment_id", "states", "page_size", "page_token")
    EXPERIMENT_ID_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    experiment_id: str
    states: _containers.RepeatedScalarFieldContainer[_trial_pb2.TrialState]
    page_size: int
    page_token: str
    def __init__(self, experiment_id: _Optional[str] = ..., states: _Optional[_Iterable[_Union[_trial_pb2.TrialState, str]]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListTrialsResponse(_message.Message):
    __slots__ = ("trials", "next_page_token")
    TRIALS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    trials: _containers.RepeatedCompositeFieldContainer[_trial_pb2.Trial]
    next_page_token: str
    def __init__(self, trials: _Optional[_Iterable[_Union[_trial_pb2.Trial, _Mapping[str, _Any]]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CancelTrialRequest(_message.Message):
    __slots__ = ("experiment_id", "trial_number", "reason")
    EXPERIMENT_ID_FIELD_NUMBER: _ClassVar[int]
    TRIAL_NUMBER_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    experiment_id: str
    trial_number: int
    reason: str
    def __init__(self, experiment_id: _Optional[str] = ..., trial_number: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class CancelTrialResponse(_message.Message):
    __slots__ = ("trial",)
    TRIAL_FIELD_NUMBER: _ClassVar[int]
    trial: _trial_pb2.Trial
    def __init__(self, trial: _Optional[_Union[_trial_pb2.Trial, _Mapping[str, _Any]]] = ...) -> None: ...

class CreateTrialRequest(_message.Message):
    __slots__ = ("experiment_id", "parameters", "request_id", "observations", "joins_rungs")
    EXPERIMENT_ID_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    OBSERVATIONS_FIELD_NUMBER: _ClassVar[int]
    JOINS_RUNGS_FIELD_NUMBER: _ClassVar[int]
    experiment_id: str
    parameters: _containers.RepeatedCompositeFieldContainer[_trial_pb2.Parameter]
    request_id: str
    observations: _containers.RepeatedCompositeFieldContainer[_trial_pb2.MetricPoint]
    joins_rungs: bool
    def __init__(self, experiment_id: _Optional[str] = ..., parameters: _Optional[_Iterable[_Union[_trial_pb2.Parameter, _Mapping[str, _Any]]]] = ..., request_id: _Optional[str] = ..., observations: _Optional[_Iterable[_Union[_trial_pb2.MetricPoint, _Mapping[str, _Any]]]] = ..., joins_rungs: _Optional[bool] = ...) -> None: ...

class CreateTrialResponse(_message.Message):
    __slots__ = ("trial",)
    TRIAL_FIELD_NUMBER: _ClassVar[int]
    trial: _trial_pb2.Trial
    def __init__(self, trial: _Optional[_Union[_trial_pb2.Trial, _Mapping[str, _Any]]] = ...) -> None: ...

class ListObservationsRequest(_message.Message):
    __slots__ = ("experiment_id", "trial_number", "metric_name", "page_size", "page_token")
    EXPERIMENT_ID_FIELD_NUMBER: _ClassVar[int]
    TRIAL_NUMBER_FIELD_NUMBER: _ClassVar[int]
    METRIC_NAME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    experiment_id: str
    trial_number: int
    metric_name: str
    page_size: int
    page_token: str
    def __init__(self, experiment_id: _Optional[str] = ..., trial_number: _Optional[int] = ..., metric_name: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListObservationsResponse(_message.Message):
    __slots__ = ("observations", "next_page_token")
    OBSERVATIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    observations: _containers.RepeatedCompositeFieldContainer[_trial_pb2.Observation]
    next_page_token: str
    def __init__(self, observations: _Optional[_Iterable[_Union[_trial_pb2.Observation, _Mapping[str, _Any]]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListRungsRequest(_message.Message):
    __slots__ = ("experiment_id", "bracket", "rung", "page_size", "page_token")
    EXPERIMENT_ID_FIELD_NUMBER: _ClassVar[int]
    BRACKET_FIELD_NUMBER: _ClassVar[int]
    RUNG_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    experiment_id: str
    bracket: int
    rung: int
    page_size: int
    page_token: str
    def __init__(self, experiment_id: _Optional[str] = ..., bracket: _Optional[int] = ..., rung: _Optional[int] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class RungEntry(_message.Message):
    __slots__ = ("bracket", "rung", "trial_number", "value", "rank", "promoted", "arrival")
    BRACKET_FIELD_NUMBER: _ClassVar[int]
    RUNG_FIELD_NUMBER: _ClassVar[int]
    TRIAL_NUMBER_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    RANK_FIELD_NUMBER: _ClassVar[int]
    PROMOTED_FIELD_NUMBER: _ClassVar[int]
    ARRIVAL_FIELD_NUMBER: _ClassVar[int]
    bracket: int
    rung: int
    trial_number: int
    value: float
    rank: int
    promoted: bool
    arrival: int
    def __init__(self, bracket: _Optional[int] = ..., rung: _Optional[int] = ..., trial_number: _Optional[int] = ..., value: _Optional[float] = ..., rank: _Optional[int] = ..., promoted: _Optional[bool] = ..., arrival: _Optional[int] = ...) -> None: ...

class ListRungsResponse(_message.Message):
    __slots__ = ("entries", "next_page_token")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[RungEntry]
    next_page_token: str
    def __init__(self, entries: _Optional[_Iterable[_Union[RungEntry, _Mapping[str, _Any]]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListDecisionsRequest(_message.Message):
    __slots__ = ("experiment_id", "trial_number", "page_size", "page_token")
    EXPERIMENT_ID_FIELD_NUMBER: _ClassVar[int]
    TRIAL_NUMBER_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    experiment_id: str
    trial_number: int
    page_size: int
    page_token: str
    def __init__(self, experiment_id: _Optional[str] = ..., trial_number: _Optional[int] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListDecisionsResponse(_message.Message):
    __slots__ = ("decisions", "next_page_token")
    DECISIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    decisions: _containers.RepeatedCompositeFieldContainer[_trial_pb2.DecisionRecord]
    next_page_token: str
    def __init__(self, decisions: _Optional[_Iterable[_Union[_trial_pb2.DecisionRecord, _Mapping[str, _Any]]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetBestTrialsRequest(_message.Message):
    __slots__ = ("experiment_id", "limit")
    EXPERIMENT_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    experiment_id: str
    limit: int
    def __init__(self, experiment_id: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class GetBestTrialsResponse(_message.Message):
    __slots__ = ("trials",)
    TRIALS_FIELD_NUMBER: _ClassVar[int]
    trials: _containers.RepeatedCompositeFieldContainer[_trial_pb2.Trial]
    def __init__(self, trials: _Optional[_Iterable[_Union[_trial_pb2.Trial, _Mapping[str, _Any]]]] = ...) -> None: ...

class ListCheckpointsRequest(_message.Message):
    __slots__ = ("experiment_id", "filter", "trial_number", "page_size", "page_token")
    EXPERIMENT_ID_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    TRIAL_NUMBER_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    experiment_id: str
    filter: CheckpointFilter
    trial_number: int
    page_size: int
    page_token: str
    def __init__(self, experiment_id: _Optional[str] = ..., filter: _Optional[_Union[CheckpointFilter, str]] = ..., trial_number: _Optional[int] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListCheckpointsResponse(_message.Message):
    __slots__ = ("checkpoints", "next_page_token")
    CHECKPOINTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    checkpoints: _containers.RepeatedCompositeFieldContainer[_trial_pb2.CheckpointRecord]
    next_page_token: str
    def __init__(self, checkpoints: _Optional[_Iterable[_Union[_trial_pb2.CheckpointRecord, _Mapping[str, _Any]]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class WatchExperimentRequest(_message.Message):
    __slots__ = ("experiment_id", "after_sequence")
    EXPERIMENT_ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    experiment_id: str
    after_sequence: int
    def __init__(self, experiment_id: _Optional[str] = ..., after_sequence: _Optional[int] = ...) -> None: ...

class WatchExperimentResponse(_message.Message):
    __slots__ = ("event",)
    EVENT_FIELD_NUMBER: _ClassVar[int]
    event: _event_pb2.ExperimentEvent
    def __init__(self, event: _Optional[_Union[_event_pb2.ExperimentEvent, _Mapping[str, _Any]]] = ...) -> None: ...

class ExportExperimentRequest(_message.Message):
    __slots__ = ("experiment_id",)
    EXPERIMENT_ID_FIELD_NUMBER: _ClassVar[int]
    experiment_id: str
    def __init__(self, experiment_id: _Optional[str] = ...) -> None: ...

class ExportExperimentResponse(_message.Message):
    __slots__ = ("chunk",)
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    chunk: bytes
    def __init__(self, chunk: _Optional[bytes] = ...) -> None: ...

class ImportExperimentRequest(_message.Message):
    __slots__ = ("experiment_id", "chunk")
    EXPERIMENT_ID_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    experiment_id: str
    chunk: bytes
    def __init__(self, experiment_id: _Optional[str] = ..., chunk: _Optional[bytes] = ...) -> None: ...

class ImportExperimentResponse(_message.Message):
    __slots__ = ("experiment",)
    EXPERIMENT_FIELD_NUMBER: _ClassVar[int]
    experiment: _experiment_pb2.Experiment
    def __init__(self, experiment: _Optional[_Union[_experiment_pb2.Experiment, _Mapping[str, _Any]]] = ...) -> None: ...

import datetime

from . import trial_pb2 as _trial_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import Any as _Any, ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Goal(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GOAL_UNSPECIFIED: _ClassVar[Goal]
    GOAL_MINIMIZE: _ClassVar[Goal]
    GOAL_MAXIMIZE: _ClassVar[Goal]

class BracketMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BRACKET_MODE_UNSPECIFIED: _ClassVar[BracketMode]
    BRACKET_MODE_AGGRESSIVE: _ClassVar[BracketMode]
    BRACKET_MODE_STANDARD: _ClassVar[BracketMode]
    BRACKET_MODE_CONSERVATIVE: _ClassVar[BracketMode]

class HalvingVariant(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HALVING_VARIANT_UNSPECIFIED: _ClassVar[HalvingVariant]
    HALVING_VARIANT_PROMOTION: _ClassVar[HalvingVariant]
    HALVING_VARIANT_STOPPING: _ClassVar[HalvingVariant]

class RungRule(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RUNG_RULE_UNSPECIFIED: _ClassVar[RungRule]
    RUNG_RULE_TOP_K: _ClassVar[RungRule]
    RUNG_RULE_PERCENTILE: _ClassVar[RungRule]
    RUNG_RULE_RANK_FRACTION: _ClassVar[RungRule]

class ExperimentState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EXPERIMENT_STATE_UNSPECIFIED: _ClassVar[ExperimentState]
    EXPERIMENT_STATE_RUNNING: _ClassVar[ExperimentState]
    EXPERIMENT_STATE_PAUSED: _ClassVar[ExperimentState]
    EXPERIMENT_STATE_COMPLETED: _ClassVar[ExperimentState]
    EXPERIMENT_STATE_FAILED: _ClassVar[ExperimentState]

class EndReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    END_REASON_UNSPECIFIED: _ClassVar[EndReason]
    END_REASON_ALL_TRIALS_ENDED: _ClassVar[EndReason]
    END_REASON_STOPPED_BY_USER: _ClassVar[EndReason]
    END_REASON_TARGET_REACHED: _ClassVar[EndReason]
    END_REASON_BUDGET_EXHAUSTED: _ClassVar[EndReason]
    END_REASON_ALL_TRIALS_FAILED: _ClassVar[EndReason]
    END_REASON_TOO_MANY_INFEASIBLE: _ClassVar[EndReason]
GOAL_UNSPECIFIED: Goal
GOAL_MINIMIZE: Goal
GOAL_MAXIMIZE: Goal
BRACKET_MODE_UNSPECIFIED: BracketMode
BRACKET_MODE_AGGRESSIVE: BracketMode
BRACKET_MODE_STANDARD: BracketMode
BRACKET_MODE_CONSERVATIVE: BracketMode
HALVING_VARIANT_UNSPECIFIED: HalvingVariant
HALVING_VARIANT_PROMOTION: HalvingVariant
HALVING_VARIANT_STOPPING: HalvingVariant
RUNG_RULE_UNSPECIFIED: RungRule
RUNG_RULE_TOP_K: RungRule
RUNG_RULE_PERCENTILE: RungRule
RUNG_RULE_RANK_FRACTION: RungRule
EXPERIMENT_STATE_UNSPECIFIED: ExperimentState
EXPERIMENT_STATE_RUNNING: ExperimentState
EXPERIMENT_STATE_PAUSED: ExperimentState
EXPERIMENT_STATE_COMPLETED: ExperimentState
EXPERIMENT_STATE_FAILED: ExperimentState
END_REASON_UNSPECIFIED: EndReason
END_REASON_ALL_TRIALS_ENDED: EndReason
END_REASON_STOPPED_BY_USER: EndReason
END_REASON_TARGET_REACHED: EndReason
END_REASON_BUDGET_EXHAUSTED: EndReason
END_REASON_ALL_TRIALS_FAILED: EndReason
END_REASON_TOO_MANY_INFEASIBLE: EndReason

class Metric(_message.Message):
    __slots__ = ("name", "goal")
    NAME_FIELD_NUMBER: _ClassVar[int]
    GOAL_FIELD_NUMBER: _ClassVar[int]
    name: str
    goal: Goal
    def __init__(self, name: _Optional[str] = ..., goal: _Optional[_Union[Goal, str]] = ...) -> None: ...

class DoubleRange(_message.Message):
    __slots__ = ("min", "max", "log", "count")
    MIN_FIELD_NUMBER: _ClassVar[int]
    MAX_FIELD_NUMBER: _ClassVar[int]
    LOG_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    min: float
    max: float
    log: bool
    count: int
    def __init__(self, min: _Optional[float] = ..., max: _Optional[float] = ..., log: _Optional[bool] = ..., count: _Optional[int] = ...) -> None: ...

class IntRange(_message.Message):
    __slots__ = ("min", "max", "log", "step", "count")
    MIN_FIELD_NUMBER: _ClassVar[int]
    MAX_FIELD_NUMBER: _ClassVar[int]
    LOG_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    min: int
    max: int
    log: bool
    step: int
    count: int
    def __init__(self, min: _Optional[int] = ..., max: _Optional[int] = ..., log: _Optional[bool] = ..., step: _Optional[int] = ..., count: _Optional[int] = ...) -> None: ...

class Categorical(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedCompositeFieldContainer[_trial_pb2.ParameterValue]
    def __init__(self, values: _Optional[_Iterable[_Union[_trial_pb2.ParameterValue, _Mapping[str, _Any]]]] = ...) -> None: ...

class Constant(_message.Message):
    __slots__ = ("value",)
    VALUE_FIELD_NUMBER: _ClassVar[int]
    value: _trial_pb2.ParameterValue
    def __init__(self, value: _Optional[_Union[_trial_pb2.ParameterValue, _Mapping[str, _Any]]] = ...) -> None: ...

class ParameterGroup(_message.Message):
    __slots__ = ("parameters",)
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    parameters: _containers.RepeatedCompositeFieldContainer[ParameterSpec]
    def __init__(self, parameters: _Optional[_Iterable[_Union[ParameterSpec, _Mapping[str, _Any]]]] = ...) -> None: ...

class Condition(_message.Message):
    __slots__ = ("parent", "values")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    parent: str
    values: _containers.RepeatedCompositeFieldContainer[_trial_pb2.ParameterValue]
    def __init__(self, parent: _Optional[str] = ..., values: _Optional[_Iterable[_Union[_trial_pb2.ParameterValue, _Mapping[str, _Any]]]] = ...) -> None: ...

class ParameterSpec(_message.Message):
    __slots__ = ("name", "condition", "double_range", "int_range", "categorical", "constant", "group")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    DOUBLE_RANGE_FIELD_NUMBER: _ClassVar[int]
    INT_RANGE_FIELD_NUMBER: _ClassVar[int]
    CATEGORICAL_FIELD_NUMBER: _ClassVar[int]
    CONSTANT_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    name: str
    condition: Condition
    double_range: DoubleRange
    int_range: IntRange
    categorical: Categorical
    constant: Constant
    group: ParameterGroup
    def __init__(self, name: _Optional[str] = ..., condition: _Optional[_Union[Condition, _Mapping[str, _Any]]] = ..., double_range: _Optional[_Union[DoubleRange, _Mapping[str, _Any]]] = ..., int_range: _Optional[_Union[IntRange, _Mapping[str, _Any]]] = ..., categorical: _Optional[_Union[Categorical, _Mapping[str, _Any]]] = ..., constant: _Optional[_Union[Constant, _Mapping[str, _Any]]] = ..., group: _Optional[_Union[ParameterGroup, _Mapping[str, _Any]]] = ...) -> None: ...

class AdaptiveAsha(_message.Message):
    __slots__ = ("mode", "divisor", "max_rungs", "bracket_rungs", "variant", "rung_rule", "guarantee_full_length")
    MODE_FIELD_NUMBER: _ClassVar[int]
    DIVISOR_FIELD_NUMBER: _ClassVar[int]
    MAX_RUNGS_FIELD_NUMBER: _ClassVar[int]
    BRACKET_RUNGS_FIELD_NUMBER: _ClassVar[int]
    VARIANT_FIELD_NUMBER: _ClassVar[int]
    RUNG_RULE_FIELD_NUMBER: _ClassVar[int]
    GUARANTEE_FULL_LENGTH_FIELD_NUMBER: _ClassVar[int]
    mode: BracketMode
    divisor: float
    max_rungs: int
    bracket_rungs: _containers.RepeatedScalarFieldContainer[int]
    variant: HalvingVariant
    rung_rule: RungRule
    guarantee_full_length: bool
    def __init__(self, mode: _Optional[_Union[BracketMode, str]] = ..., divisor: _Optional[float] = ..., max_rungs: _Optional[int] = ..., bracket_rungs: _Optional[_Iterable[int]] = ..., variant: _Optional[_Union[HalvingVariant, str]] = ..., rung_rule: _Optional[_Union[RungRule, str]] = ..., guarantee_full_length: _Optional[bool] = ...) -> None: ...

class AsyncHalving(_message.Message):
    __slots__ = ("num_rungs", "divisor", "variant", "rung_rule", "guarantee_full_length")
    NUM_RUNGS_FIELD_NUMBER: _ClassVar[int]
    DIVISOR_FIELD_NUMBER: _ClassVar[int]
    VARIANT_FIELD_NUMBER: _ClassVar[int]
    RUNG_RULE_FIELD_NUMBER: _ClassVar[int]
    GUARANTEE_FULL_LENGTH_FIELD_NUMBER: _ClassVar[int]
    num_rungs: int
    divisor: float
    variant: HalvingVariant
    rung_rule: RungRule
    guarantee_full_length: bool
    def __init__(self, num_rungs: _Optional[int] = ..., divisor: _Optional[float] = ..., variant: _Optional[_Union[HalvingVariant, str]] = ..., rung_rule: _Optional[_Union[RungRule, str]] = ..., guarantee_full_length: _Optional[bool] = ...) -> None: ...

class SingleTrial(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RandomSearch(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GridSearch(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SyncHalving(_message.Message):
    __slots__ = ("num_rungs", "divisor", "total_length", "train_stragglers")
    NUM_RUNGS_FIELD_NUMBER: _ClassVar[int]
    DIVISOR_FIELD_NUMBER: _ClassVar[int]
    TOTAL_LENGTH_FIELD_NUMBER: _ClassVar[int]
    TRAIN_STRAGGLERS_FIELD_NUMBER: _ClassVar[int]
    num_rungs: int
    divisor: float
    total_length: int
    train_stragglers: bool
    def __init__(self, num_rungs: _Optional[int] = ..., divisor: _Optional[float] = ..., total_length: _Optional[int] = ..., train_stragglers: _Optional[bool] = ...) -> None: ...

class Adaptive(_message.Message):
    __slots__ = ("mode", "divisor", "max_rungs", "bracket_rungs", "total_length", "train_stragglers")
    MODE_FIELD_NUMBER: _ClassVar[int]
    DIVISOR_FIELD_NUMBER: _ClassVar[int]
    MAX_RUNGS_FIELD_NUMBER: _ClassVar[int]
    BRACKET_RUNGS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_LENGTH_FIELD_NUMBER: _ClassVar[int]
    TRAIN_STRAGGLERS_FIELD_NUMBER: _ClassVar[int]
    mode: BracketMode
    divisor: float
    max_rungs: int
    bracket_rungs: _containers.RepeatedScalarFieldContainer[int]
    total_length: int
    train_stragglers: bool
    def __init__(self, mode: _Optional[_Union[BracketMode, str]] = ..., divisor: _Optional[float] = ..., max_rungs: _Optional[int] = ..., bracket_rungs: _Optional[_Iterable[int]] = ..., total_length: _Optional[int] = ..., train_stragglers: _Optional[bool] = ...) -> None: ...

class AdaptiveSimple(_message.Message):
    __slots__ = ("mode", "divisor", "max_rungs")
    MODE_FIELD_NUMBER: _ClassVar[int]
    DIVISOR_FIELD_NUMBER: _ClassVar[int]
    MAX_RUNGS_FIELD_NUMBER: _ClassVar[int]
    mode: BracketMode
    divisor: float
    max_rungs: int
    def __init__(self, mode: _Optional[_Union[BracketMode, str]] = ..., divisor: _Optional[float] = ..., max_rungs: _Optional[int] = ...) -> None: ...

class Hyperband(_message.Message):
    __slots__ = ("divisor", "total_length")
    DIVISOR_FIELD_NUMBER: _ClassVar[int]
    TOTAL_LENGTH_FIELD_NUMBER: _ClassVar[int]
    divisor: float
    total_length: int
    def __init__(self, divisor: _Optional[float] = ..., total_length: _Optional[int] = ...) -> None: ...

class Pbt(_message.Message):
    __slots__ = ("population_size", "num_rounds", "length_per_round", "truncate_fraction", "resample_probability", "perturb_factor")
    POPULATION_SIZE_FIELD_NUMBER: _ClassVar[int]
    NUM_ROUNDS_FIELD_NUMBER: _ClassVar[int]
    LENGTH_PER_ROUND_FIELD_NUMBER: _ClassVar[int]
    TRUNCATE_FRACTION_FIELD_NUMBER: _ClassVar[int]
    RESAMPLE_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    PERTURB_FACTOR_FIELD_NUMBER: _ClassVar[int]
    population_size: int
    num_rounds: int
    length_per_round: int
    truncate_fraction: float
    resample_probability: float
    perturb_factor: float
    def __init__(self, population_size: _Optional[int] = ..., num_rounds: _Optional[int] = ..., length_per_round: _Optional[int] = ..., truncate_fraction: _Optional[float] = ..., resample_probability: _Optional[float] = ..., perturb_factor: _Optional[float] = ...) -> None: ...

class RandomSampler(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ExperimentSpec(_message.Message):
    __slots__ = ("display_name", "labels", "progress_timeout", "worker_failure_limit", "metric", "parameters", "adaptive_asha", "async_halving", "single", "random_search", "grid_search", "sync_halving", "adaptive", "adaptive_simple", "hyperband", "pbt", "random_sampler", "max_length", "unit", "max_trials", "max_concurrent_trials", "seed", "lease_ttl", "max_restarts", "max_infeasible", "target", "max_wall_time", "max_total_length")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    WORKER_FAILURE_LIMIT_FIELD_NUMBER: _ClassVar[int]
    METRIC_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    ADAPTIVE_ASHA_FIELD_NUMBER: _ClassVar[int]
    ASYNC_HALVING_FIELD_NUMBER: _ClassVar[int]
    SINGLE_FIELD_NUMBER: _ClassVar[int]
    RANDOM_SEARCH_FIELD_NUMBER: _ClassVar[int]
    GRID_SEARCH_FIELD_NUMBER: _ClassVar[int]
    SYNC_HALVING_FIELD_NUMBER: _ClassVar[int]
    ADAPTIVE_FIELD_NUMBER: _ClassVar[int]
    ADAPTIVE_SIMPLE_FIELD_NUMBER: _ClassVar[int]
    HYPERBAND_FIELD_NUMBER: _ClassVar[int]
    PBT_FIELD_NUMBER: _ClassVar[int]
    RANDOM_SAMPLER_FIELD_NUMBER: _ClassVar[int]
    MAX_LENGTH_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    MAX_TRIALS_FIELD_NUMBER: _ClassVar[int]
    MAX_CONCURRENT_TRIALS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    LEASE_TTL_FIELD_NUMBER: _ClassVar[int]
    MAX_RESTARTS_FIELD_NUMBER: _ClassVar[int]
    MAX_INFEASIBLE_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    MAX_WALL_TIME_FIELD_NUMBER: _ClassVar[int]
    MAX_TOTAL_LENGTH_FIELD_NUMBER: _ClassVar[int]
    display_name: str
    labels: _containers.ScalarMap[str, str]
    progress_timeout: _duration_pb2.Duration
    worker_failure_limit: int
    metric: Metric
    parameters: _containers.RepeatedCompositeFieldContainer[ParameterSpec]
    adaptive_asha: AdaptiveAsha
    async_halving: AsyncHalving
    single: SingleTrial
    random_search: RandomSearch
    grid_search: GridSearch
    sync_halving: SyncHalving
    adaptive: Adaptive
    adaptive_simple: AdaptiveSimple
    hyperband: Hyperband
    pbt: Pbt
    random_sampler: RandomSampler
    max_length: int
    unit: str
    max_trials: int
    max_concurrent_trials: int
    seed: int
    lease_ttl: _duration_pb2.Duration
    max_restarts: int
    max_infeasible: int
    target: float
    max_wall_time: _duration_pb2.Duration
    max_total_length: int
    def __init__(self, display_name: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ..., progress_timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping[str, _Any]]] = ..., worker_failure_limit: _Optional[int] = ..., metric: _Optional[_Union[Metric, _Mapping[str, _Any]]] = ..., parameters: _Optional[_Iterable[_Union[ParameterSpec, _Mapping[str, _Any]]]] = ..., adaptive_asha: _Optional[_Union[AdaptiveAsha, _Mapping[str, _Any]]] = ..., async_halving: _Optional[_Union[AsyncHalving, _Mapping[str, _Any]]] = ..., single: _Optional[_Union[SingleTrial, _Mapping[str, _Any]]] = ..., random_search: _Optional[_Union[RandomSearch, _Mapping[str, _Any]]] = ..., grid_search: _Optional[_Union[GridSearch, _Mapping[str, _Any]]] = ..., sync_halving: _Optional[_Union[SyncHalving, _Mapping[str, _Any]]] = ..., adaptive: _Optional[_Union[Adaptive, _Mapping[str, _Any]]] = ..., adaptive_simple: _Optional[_Union[AdaptiveSimple, _Mapping[str, _Any]]] = ..., hyperband: _Optional[_Union[Hyperband, _Mapping[str, _Any]]] = ..., pbt: _Optional[_Union[Pbt, _Mapping[str, _Any]]] = ..., random_sampler: _Optional[_Union[RandomSampler, _Mapping[str, _Any]]] = ..., max_length: _Optional[int] = ..., unit: _Optional[str] = ..., max_trials: _Optional[int] = ..., max_concurrent_trials: _Optional[int] = ..., seed: _Optional[int] = ..., lease_ttl: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping[str, _Any]]] = ..., max_restarts: _Optional[int] = ..., max_infeasible: _Optional[int] = ..., target: _Optional[float] = ..., max_wall_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping[str, _Any]]] = ..., max_total_length: _Optional[int] = ...) -> None: ...

class TrialCounts(_message.Message):
    __slots__ = ("created", "queued", "running", "paused", "completed", "stopped", "failed", "infeasible", "cancelled")
    CREATED_FIELD_NUMBER: _ClassVar[int]
    QUEUED_FIELD_NUMBER: _ClassVar[int]
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    PAUSED_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_FIELD_NUMBER: _ClassVar[int]
    STOPPED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    INFEASIBLE_FIELD_NUMBER: _ClassVar[int]
    CANCELLED_FIELD_NUMBER: _ClassVar[int]
    created: int
    queued: int
    running: int
    paused: int
    completed: int
    stopped: int
    failed: int
    infeasible: int
    cancelled: int
    def __init__(self, created: _Optional[int] = ..., queued: _Optional[int] = ..., running: _Optional[int] = ..., paused: _Optional[int] = ..., completed: _Optional[int] = ..., stopped: _Optional[int] = ..., failed: _Optional[int] = ..., infeasible: _Optional[int] = ..., cancelled: _Optional[int] = ...) -> None: ...

class RungSummary(_message.Message):
    __slots__ = ("rung", "length", "entries", "promoted", "paused", "best_value", "cutoff", "closed")
    RUNG_FIELD_NUMBER: _ClassVar[int]
    LENGTH_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    PROMOTED_FIELD_NUMBER: _ClassVar[int]
    PAUSED_FIELD_NUMBER: _ClassVar[int]
    BEST_VALUE_FIELD_NUMBER: _ClassVar[int]
    CUTOFF_FIELD_NUMBER: _ClassVar[int]
    CLOSED_FIELD_NUMBER: _ClassVar[int]
    rung: int
    length: int
    entries: int
    promoted: int
    paused: int
    best_value: float
    cutoff: float
    closed: bool
    def __init__(self, rung: _Optional[int] = ..., length: _Optional[int] = ..., entries: _Optional[int] = ..., promoted: _Optional[int] = ..., paused: _Optional[int] = ..., best_value: _Optional[float] = ..., cutoff: _Optional[float] = ..., closed: _Optional[bool] = ...) -> None: ...

class Bracket(_message.Message):
    __slots__ = ("bracket", "num_rungs", "rung_lengths", "max_trials", "concurrency_share", "created_trials", "rung_summaries", "planned_trials")
    BRACKET_FIELD_NUMBER: _ClassVar[int]
    NUM_RUNGS_FIELD_NUMBER: _ClassVar[int]
    RUNG_LENGTHS_FIELD_NUMBER: _ClassVar[int]
    MAX_TRIALS_FIELD_NUMBER: _ClassVar[int]
    CONCURRENCY_SHARE_FIELD_NUMBER: _ClassVar[int]
    CREATED_TRIALS_FIELD_NUMBER: _ClassVar[int]
    RUNG_SUMMARIES_FIELD_NUMBER: _ClassVar[int]
    PLANNED_TRIALS_FIELD_NUMBER: _ClassVar[int]
    bracket: int
    num_rungs: int
    rung_lengths: _containers.RepeatedScalarFieldContainer[int]
    max_trials: int
    concurrency_share: int
    created_trials: int
    rung_summaries: _containers.RepeatedCompositeFieldContainer[RungSummary]
    planned_trials: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, bracket: _Optional[int] = ..., num_rungs: _Optional[int] = ..., rung_lengths: _Optional[_Iterable[int]] = ..., max_trials: _Optional[int] = ..., concurrency_share: _Optional[int] = ..., created_trials: _Optional[int] = ..., rung_summaries: _Optional[_Iterable[_Union[RungSummary, _Mapping[str, _Any]]]] = ..., planned_trials: _Optional[_Iterable[int]] = ...) -> None: ...

class Experiment(_message.Message):
    __slots__ = ("experiment_id", "spec", "state", "end_reason", "end_message", "etag", "sequence", "progress", "trial_counts", "total_length", "incumbent", "brackets", "create_time", "update_time", "end_time", "wall_time")
    EXPERIMENT_ID_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    END_REASON_FIELD_NUMBER: _ClassVar[int]
    END_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    TRIAL_COUNTS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_LENGTH_FIELD_NUMBER: _ClassVar[int]
    INCUMBENT_FIELD_NUMBER: _ClassVar[int]
    BRACKETS_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    WALL_TIME_FIELD_NUMBER: _ClassVar[int]
    experiment_id: str
    spec: ExperimentSpec
    state: ExperimentState
    end_reason: EndReason
    end_message: str
    etag: str
    sequence: int
    progress: float
    trial_counts: TrialCounts
    total_length: int
    incumbent: _trial_pb2.Trial
    brackets: _containers.RepeatedCompositeFieldContainer[Bracket]
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    wall_time: _duration_pb2.Duration
    def __init__(self, experiment_id: _Optional[str] = ..., spec: _Optional[_Union[ExperimentSpec, _Mapping[str, _Any]]] = ..., state: _Optional[_Union[ExperimentState, str]] = ..., end_reason: _Optional[_Union[EndReason, str]] = ..., end_message: _Optional[str] = ..., etag: _Optional[str] = ..., sequence: _Optional[int] = ..., progress: _Optional[float] = ..., trial_counts: _Optional[_Union[TrialCounts, _Mapping[str, _Any]]] = ..., total_length: _Optional[int] = ..., incumbent: _Optional[_Union[_trial_pb2.Trial, _Mapping[str, _Any]]] = ..., brackets: _Optional[_Iterable[_Union[Bracket, _Mapping[str, _Any]]]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, _Any]]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, _Any]]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, _Any]]] = ..., wall_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping[str, _Any]]] = ...) -> None: ...

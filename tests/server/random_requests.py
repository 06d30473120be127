"""Random requests: a good one of every call, a little disturbed, or a message of random fields."""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import strategies as st

from asha_server.pb import admin_service_pb2 as a
from asha_server.pb import experiment_pb2 as x
from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import suggestion_service_pb2 as s
from asha_server.pb import trial_pb2 as t

TOKENS = tuple(f"token-{number}" for number in range(3))
"""Stand for the tokens of the first trials: they are known only once a server runs."""


def _spec() -> x.ExperimentSpec:
    """A spec with every kind of parameter and every field that a client may set."""
    text, number = t.ParameterValue(string_value="sgd"), t.ParameterValue(double_value=0.5)
    return x.ExperimentSpec(
        display_name="d", labels={"k": "v"}, metric=x.Metric(name="loss", goal=x.GOAL_MAXIMIZE),
        adaptive_asha=x.AdaptiveAsha(
            divisor=3, max_rungs=3, mode=x.BRACKET_MODE_CONSERVATIVE, bracket_rungs=[3, 2],
            variant=x.HALVING_VARIANT_STOPPING, rung_rule=x.RUNG_RULE_PERCENTILE,
        ),
        random_sampler=x.RandomSampler(),
        max_length=9, unit="epochs", max_trials=9, max_concurrent_trials=4, seed=7,
        lease_ttl={"seconds": 60}, progress_timeout={"seconds": 600}, max_restarts=2,
        max_infeasible=3, target=100.0, max_wall_time={"seconds": 600}, max_total_length=99,
        worker_failure_limit=0,
        parameters=[
            x.ParameterSpec(name="lr", double_range=x.DoubleRange(min=1, max=2, log=True)),
            x.ParameterSpec(name="width", int_range=x.IntRange(min=1, max=9, step=2, count=3)),
            x.ParameterSpec(name="kind", categorical=x.Categorical(values=[text, number])),
            x.ParameterSpec(name="fixed", constant=x.Constant(
                value=t.ParameterValue(json_value="[1]"))),
            x.ParameterSpec(
                name="group", condition=x.Condition(parent="kind", values=[text]),
                group=x.ParameterGroup(parameters=[
                    x.ParameterSpec(name="inner", int_range=x.IntRange(min=0, max=3))]),
            ),
        ],
    )  # fmt: skip


_OF_E: dict[str, Any] = {"experiment_id": "e"}
_OF_TRIAL: dict[str, Any] = {**_OF_E, "trial_number": 0}
_HELD: dict[str, Any] = {**_OF_TRIAL, "lease_token": TOKENS[0]}
_PAGE: dict[str, Any] = {**_OF_E, "page_size": 2}
_LOSS = t.MetricValue(name="loss", value=0.5)
_LR = t.Parameter(name="lr", value=t.ParameterValue(double_value=0.5))

GOOD: tuple[tuple[str, str, Message], ...] = (
    ("suggestions", "GetSuggestion", s.GetSuggestionRequest(
        **_OF_E, worker_id="w0", incarnation_id="i", request_id="r")),
    ("suggestions", "ReportMetric", s.ReportMetricRequest(
        **_HELD, step=1, metrics=[_LOSS], checkpoint_uri="u")),
    ("suggestions", "ShouldStop", s.ShouldStopRequest(**_HELD)),
    ("suggestions", "Heartbeat", s.HeartbeatRequest(**_HELD)),
    ("suggestions", "ReportCheckpoint", s.ReportCheckpointRequest(
        **_HELD, step=1, checkpoint_uri="u")),
    ("suggestions", "CompleteTrial", s.CompleteTrialRequest(**_HELD)),
    ("suggestions", "FailTrial", s.FailTrialRequest(
        **_HELD, kind=s.FAILURE_KIND_RETRYABLE, message="m")),
    ("suggestions", "ReleaseTrial", s.ReleaseTrialRequest(**_HELD, reason="r")),
    ("experiments", "CreateExperiment", e.CreateExperimentRequest(
        experiment_id="new", spec=_spec(), request_id="r")),
    ("experiments", "GetExperiment", e.GetExperimentRequest(**_OF_E)),
    ("experiments", "ListExperiments", e.ListExperimentsRequest(
        states=[x.EXPERIMENT_STATE_RUNNING], page_size=2)),
    ("experiments", "UpdateExperiment", e.UpdateExperimentRequest(
        **_OF_E, spec=_spec(), update_mask={"paths": ["labels", "max_trials", "target"]})),
    ("experiments", "DeleteExperiment", e.DeleteExperimentRequest(**_OF_E)),
    ("experiments", "PauseExperiment", e.PauseExperimentRequest(**_OF_E)),
    ("experiments", "ResumeExperiment", e.ResumeExperimentRequest(**_OF_E)),
    ("experiments", "StopExperiment", e.StopExperimentRequest(**_OF_E, reason="r")),
    ("experiments", "PreviewExperiment", e.PreviewExperimentRequest(
        spec=_spec(), worker_count=3, seconds_per_unit=0.5)),
    ("experiments", "GetTrial", e.GetTrialRequest(**_OF_TRIAL)),
    ("experiments", "ListTrials", e.ListTrialsRequest(**_PAGE, states=[t.TRIAL_STATE_RUNNING])),
    ("experiments", "CancelTrial", e.CancelTrialRequest(**_OF_TRIAL, reason="r")),
    ("experiments", "CreateTrial", e.CreateTrialRequest(
        **_OF_E, parameters=[_LR], request_id="r", joins_rungs=True,
        observations=[t.MetricPoint(step=1, metrics=[_LOSS])])),
    ("experiments", "ListObservations", e.ListObservationsRequest(
        **_PAGE, trial_number=0, metric_name="loss")),
    ("experiments", "ListRungs", e.ListRungsRequest(**_PAGE, bracket=0, rung=0)),
    ("experiments", "ListDecisions", e.ListDecisionsRequest(**_PAGE, trial_number=0)),
    ("experiments", "GetBestTrials", e.GetBestTrialsRequest(**_OF_E, limit=2)),
    ("experiments", "ListCheckpoints", e.ListCheckpointsRequest(
        **_PAGE, filter=e.CHECKPOINT_FILTER_LIVE, trial_number=0)),
    ("admin", "GetServerInfo", a.GetServerInfoRequest()),
    ("admin", "ListLeases", a.ListLeasesRequest(**_PAGE)),
    ("admin", "CreateToken", a.CreateTokenRequest(name="n", role=a.ROLE_READ)),
    ("admin", "ListTokens", a.ListTokensRequest(page_size=2)),
    ("admin", "RevokeToken", a.RevokeTokenRequest(name="n")),
)  # fmt: skip
"""(stub, method, request) of every unary call."""

_TEXTS = ("", "e", "loss", "lr", "a" * 128, "a" * 129, "ü😀", "a\0b", "'\"%\\", "{}", "[1]", "null")
_INT64 = (-(2**63), -1, 0, 1, 2, 3, 9, 10, 1_000, 2**40, 2**63 - 1)
_BY_NAME: dict[str, st.SearchStrategy[Any]] = {
    "experiment_id": st.sampled_from(("e", "e", "nobody", "", "-")),
    "trial_number": st.sampled_from((0, 1, 2, 3, -1, 2**63 - 1)),
    "lease_token": st.sampled_from((*TOKENS, "", "1.forged", "0.", "9" * 40 + ".x", "ä")),
    "worker_id": st.sampled_from(("w0", "w1", "w2", "x", "", "\n")),
    "request_id": st.sampled_from(("", "r", "s", "\0")),
    "page_token": st.sampled_from(("", "dHJpYWxzLzA", "cnVuZ3MvMC8wLzA", "%", "A")),
    "paths": st.sampled_from(("labels", "max_trials", "target", "lease_ttl", "seed", "x", "a.b")),
}
"""Fields whose meaning is worth hitting."""
_SCALARS: dict[int, st.SearchStrategy[Any]] = {
    FieldDescriptor.TYPE_DOUBLE: st.floats() | st.sampled_from((0.0, 1.0, 3.0, 5e-324, 1e308)),
    FieldDescriptor.TYPE_INT64: st.sampled_from(_INT64),
    FieldDescriptor.TYPE_INT32: st.sampled_from((-1, 0, 1, 7, 1_000, 1_001, 2**31 - 1)),
    FieldDescriptor.TYPE_BOOL: st.booleans(),
    FieldDescriptor.TYPE_STRING: st.sampled_from(_TEXTS) | st.text(max_size=20),
    FieldDescriptor.TYPE_ENUM: st.sampled_from((0, 1, 2, 3, 99)),
}
_DURATIONS = ((0, 0), (0, 1_000), (-1, 0), (1, -1), (0, 10**9))
"""Seconds and nanos: over at once, or refused. Nobody waits for a random time."""
_DEPTH_MAX = 5


@st.composite
def disturbed(draw: st.DrawFn, good: Message) -> Any:
    """A good request of which up to three fields are set anew or cleared, however deep."""
    message = type(good)()
    message.CopyFrom(good)
    for _ in range(draw(st.integers(0, 3))):
        _disturb(draw, message)
    return message


def _disturb(draw: st.DrawFn, message: Any) -> None:
    if not message.DESCRIPTOR.fields:
        return
    fields: list[FieldDescriptor] = list(message.DESCRIPTOR.fields)
    field = draw(st.sampled_from(fields))
    inner = _inside(message, field)
    is_deeper: int = draw(st.integers(0, 3))
    if inner and is_deeper:
        _disturb(draw, draw(st.sampled_from(inner)))
        return
    message.ClearField(field.name)
    if draw(st.integers(0, 3)):
        _set(draw, message, field, 2)


def _inside(message: Any, field: FieldDescriptor) -> list[Any]:
    """The messages that a field holds."""
    if field.message_type is None or field.message_type.GetOptions().map_entry:
        return []
    if field.is_repeated:
        return list(getattr(message, field.name))
    return [getattr(message, field.name)] if message.HasField(field.name) else []


@st.composite
def random_message(draw: st.DrawFn, kind: type[Message], depth: int = 0) -> Any:
    """A message with some of its fields set, whatever they mean together."""
    message: Any = kind()
    if kind.DESCRIPTOR.full_name == "google.protobuf.Duration":
        message.seconds, message.nanos = draw(st.sampled_from(_DURATIONS))
        return message
    for field in _chosen(draw, kind.DESCRIPTOR, depth):
        _set(draw, message, field, depth)
    return message


def _chosen(draw: st.DrawFn, kind: Any, depth: int) -> list[FieldDescriptor]:
    """Up to six of a message's fields; none that would go deeper than is sensible."""
    fields = [f for f in kind.fields if f.message_type is None or depth < _DEPTH_MAX]
    if not fields:
        return []
    chosen: list[FieldDescriptor] = draw(st.lists(st.sampled_from(fields), max_size=6, unique=True))
    return chosen


def _set(draw: st.DrawFn, message: Any, field: FieldDescriptor, depth: int) -> None:
    kind: Any = field.message_type
    if kind is None and field.is_repeated:
        getattr(message, field.name).extend(draw(st.lists(_scalar(field), max_size=3)))
    elif kind is None:
        setattr(message, field.name, draw(_scalar(field)))
    elif kind.GetOptions().map_entry:
        getattr(message, field.name)[draw(st.sampled_from(_TEXTS))] = draw(st.sampled_from(_TEXTS))
    else:
        inner = random_message(GetMessageClass(kind), depth + 1)
        if field.is_repeated:
            getattr(message, field.name).extend(draw(st.lists(inner, max_size=2)))
        else:
            getattr(message, field.name).CopyFrom(draw(inner))


def _scalar(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    return _BY_NAME[field.name] if field.name in _BY_NAME else _SCALARS[field.type]

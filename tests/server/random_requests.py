"""Random requests: a good one of every call, a little disturbed, or a message of random fields.

Chance comes from hypothesis, which shrinks what fails, or from a seeded generator, which is fast
enough for millions (tests/fuzz).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from typing import Any, Protocol, TypeVar

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from asha_server.pb import admin_service_pb2 as a
from asha_server.pb import experiment_pb2 as x
from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import suggestion_service_pb2 as s
from asha_server.pb import trial_pb2 as t

T = TypeVar("T")

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
_BY_NAME: dict[str, tuple[Any, ...]] = {
    "experiment_id": ("e", "e", "nobody", "", "-"),
    "trial_number": (0, 1, 2, 3, -1, 2**63 - 1),
    "lease_token": (*TOKENS, "", "1.forged", "0.", "9" * 40 + ".x", "ä"),
    "worker_id": ("w0", "w1", "w2", "x", "", "\n"),
    "request_id": ("", "r", "s", "\0"),
    "page_token": ("", "dHJpYWxzLzA", "cnVuZ3MvMC8wLzA", "%", "A"),
    "paths": ("labels", "max_trials", "target", "lease_ttl", "seed", "x", "a.b"),
}
"""Fields whose meaning is worth hitting."""
_SCALARS: dict[int, tuple[Any, ...]] = {
    FieldDescriptor.TYPE_DOUBLE: (
        0.0, -0.0, 0.5, 1.0, -1.0, 3.0, 5e-324, 1e308, 2.0**53, math.nan, math.inf, -math.inf,
    ),
    FieldDescriptor.TYPE_INT64: _INT64,
    FieldDescriptor.TYPE_INT32: (-1, 0, 1, 7, 1_000, 1_001, 2**31 - 1),
    FieldDescriptor.TYPE_BOOL: (False, True),
    FieldDescriptor.TYPE_STRING: _TEXTS,
    FieldDescriptor.TYPE_BYTES: (b"", b"{}", b"\xff", b'{"type":"header"}\n'),
    FieldDescriptor.TYPE_ENUM: (0, 1, 2, 3, 99),
}  # fmt: skip
_DURATIONS = ((0, 0), (0, 1_000), (-1, 0), (1, -1), (0, 10**9))
"""Seconds and nanos: over at once, or refused. Nobody waits for a random time."""
_DEPTH_MAX = 5


class Chance(Protocol):
    """Where what is random comes from."""

    def of(self, options: Sequence[T]) -> T:
        """One of them."""

    def number(self, most: int) -> int:
        """0 to `most`."""


class Dice:
    """Chance from a seeded generator.

    Args:
        random: the generator.
    """

    def __init__(self, random: Random) -> None:
        self._random = random

    def of(self, options: Sequence[T]) -> T:
        return options[int(self._random.random() * len(options))]

    def number(self, most: int) -> int:
        return int(self._random.random() * (most + 1))


def disturbed(chance: Chance, good: Message) -> Any:
    """A good request of which up to three fields are set anew or cleared, however deep."""
    message = type(good)()
    message.CopyFrom(good)
    for _ in range(chance.number(3)):
        _disturb(chance, message)
    return message


def _disturb(chance: Chance, message: Any) -> None:
    if not message.DESCRIPTOR.fields:
        return
    fields: list[Any] = list(message.DESCRIPTOR.fields)
    field = chance.of(fields)
    inner = _inside(message, field)
    if inner and chance.number(3):
        _disturb(chance, chance.of(inner))
        return
    message.ClearField(field.name)
    if chance.number(3):
        _set(chance, message, field, 2)


def _inside(message: Any, field: FieldDescriptor) -> list[Any]:
    """The messages that a field holds."""
    if field.message_type is None or field.message_type.GetOptions().map_entry:
        return []
    if field.is_repeated:
        return list(getattr(message, field.name))
    return [getattr(message, field.name)] if message.HasField(field.name) else []


def random_message(chance: Chance, kind: type[Message], depth: int = 0) -> Any:
    """A message with some of its fields set, whatever they mean together."""
    message: Any = kind()
    if kind.DESCRIPTOR.full_name == "google.protobuf.Duration":
        message.seconds, message.nanos = chance.of(_DURATIONS)
        return message
    every: list[Any] = list(kind.DESCRIPTOR.fields)
    fields = [field for field in every if field.message_type is None or depth < _DEPTH_MAX]
    for _ in range(chance.number(6) if fields else 0):
        field = chance.of(fields)
        message.ClearField(field.name)
        _set(chance, message, field, depth)
    return message


def _set(chance: Chance, message: Any, field: FieldDescriptor, depth: int) -> None:
    kind: Any = field.message_type
    if kind is None and field.is_repeated:
        several = [_scalar(chance, field) for _ in range(chance.number(3))]
        getattr(message, field.name).extend(several)
    elif kind is None:
        setattr(message, field.name, _scalar(chance, field))
    elif kind.GetOptions().map_entry:
        getattr(message, field.name)[chance.of(_TEXTS)] = chance.of(_TEXTS)
    elif field.is_repeated:
        for _ in range(chance.number(2)):
            inner = random_message(chance, GetMessageClass(kind), depth + 1)
            getattr(message, field.name).append(inner)
    else:
        inner = random_message(chance, GetMessageClass(kind), depth + 1)
        getattr(message, field.name).CopyFrom(inner)


def _scalar(chance: Chance, field: FieldDescriptor) -> Any:
    return chance.of(_BY_NAME.get(field.name) or _SCALARS[field.type])

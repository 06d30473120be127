"""Bad input: the right status with its reason and every violation; nothing written, no harm.

Never UNKNOWN, never INTERNAL: also for bytes that are no message at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asha_server.pb import admin_service_pb2 as a
from asha_server.pb import experiment_pb2 as x
from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import suggestion_service_pb2 as s
from asha_server.pb import trial_pb2 as t

from .calls import CODES, UNARY, path_of, raw_call
from .conftest import Client, Refused, halving, refused
from .random_requests import GOOD, TOKENS, disturbed, random_message

T = TypeVar("T")
LONG = "n" * 129

BAD: list[tuple[str, str, Any, set[str]]] = [
    ("suggestions", "GetSuggestion", s.GetSuggestionRequest(
        experiment_id="!", worker_id="", incarnation_id="ä", request_id=LONG,
        max_wait=Duration(seconds=-1),
    ), {"experiment_id", "worker_id", "incarnation_id", "request_id", "max_wait"}),
    ("suggestions", "ReportMetric", s.ReportMetricRequest(
        experiment_id="", trial_number=-1, lease_token="", step=-1, checkpoint_uri="u" * 2_049,
        metrics=[t.MetricValue(name="loss"), t.MetricValue(name="loss"), t.MetricValue(name="")],
    ), {"experiment_id", "trial_number", "lease_token", "step", "checkpoint_uri", "metrics",
        "metrics[2].name"}),
    ("suggestions", "ReportMetric", s.ReportMetricRequest(
        experiment_id="e", lease_token="x", step=1,
    ), {"metrics"}),
    ("suggestions", "ShouldStop", s.ShouldStopRequest(
        experiment_id="-a", trial_number=-1, max_wait=Duration(nanos=-1),
    ), {"experiment_id", "trial_number", "max_wait"}),
    ("suggestions", "Heartbeat", s.HeartbeatRequest(trial_number=-1),
     {"experiment_id", "trial_number", "lease_token"}),
    ("suggestions", "ReportCheckpoint", s.ReportCheckpointRequest(step=-1),
     {"experiment_id", "lease_token", "step", "checkpoint_uri"}),
    ("suggestions", "CompleteTrial", s.CompleteTrialRequest(), {"experiment_id", "lease_token"}),
    ("suggestions", "FailTrial", s.FailTrialRequest(message="m" * 4_097),
     {"experiment_id", "lease_token", "kind", "message"}),
    ("suggestions", "FailTrial", s.FailTrialRequest(
        experiment_id="e", lease_token="x", kind=99,  # type: ignore[arg-type]  # of the future
    ), {"kind"}),
    ("suggestions", "ReleaseTrial", s.ReleaseTrialRequest(reason="r" * 4_097),
     {"experiment_id", "lease_token", "reason"}),
    ("experiments", "CreateExperiment", e.CreateExperimentRequest(
        experiment_id=LONG, request_id="\n", spec=x.ExperimentSpec(),
    ), {"experiment_id", "request_id", "spec.metric.name", "spec.metric.goal", "spec.method",
        "spec.max_length"}),
    ("experiments", "CreateExperiment", e.CreateExperimentRequest(spec=x.ExperimentSpec(
        metric=x.Metric(name="loss", goal=x.GOAL_MINIMIZE), max_length=0, max_trials=-1,
        max_concurrent_trials=-1, seed=-1, max_restarts=-1, target=float("nan"),
        lease_ttl=Duration(seconds=0), max_wall_time=Duration(seconds=-5),
        adaptive_asha=x.AdaptiveAsha(divisor=1.0, max_rungs=0, bracket_rungs=[0, 3]),
        parameters=[
            x.ParameterSpec(name="", double_range=x.DoubleRange(min=1)),
            x.ParameterSpec(name="b", int_range=x.IntRange(min=3, max=1, step=0)),
            x.ParameterSpec(name="c", categorical=x.Categorical()),
            x.ParameterSpec(name="d", constant=x.Constant()),
            x.ParameterSpec(name="f"),
            x.ParameterSpec(name="g", constant=x.Constant(
                value=t.ParameterValue(json_value="{not json"))),
            x.ParameterSpec(name="h", condition=x.Condition(parent="nobody"),
                            constant=x.Constant(value=t.ParameterValue(int_value=1))),
        ],
    )), {"spec.max_length", "spec.max_trials", "spec.max_concurrent_trials", "spec.seed",
         "spec.max_restarts", "spec.target", "spec.lease_ttl", "spec.max_wall_time",
         "spec.adaptive_asha.divisor", "spec.adaptive_asha.max_rungs",
         "spec.adaptive_asha.bracket_rungs[0]", "spec.parameters[0].name",
         "spec.parameters[0].double_range.max", "spec.parameters[1].int_range.max",
         "spec.parameters[1].int_range.step", "spec.parameters[2].categorical.values",
         "spec.parameters[3].constant.value", "spec.parameters[4]",
         "spec.parameters[5].constant.value.json_value",
         "spec.parameters[6].condition.values", "spec.parameters[6].condition.parent"}),
    ("experiments", "CreateExperiment", e.CreateExperimentRequest(spec=x.ExperimentSpec(
        metric=x.Metric(name="loss", goal=9), max_length=1, single=x.SingleTrial(),  # type: ignore[arg-type]  # of the future
        max_trials=3, labels={"ä": "", "k": "v" * 400}, display_name="d" * 257,
    )), {"spec.metric.goal", "spec.max_trials", "spec.labels['ä']", "spec.labels['k']",
         "spec.display_name"}),
    ("experiments", "GetExperiment", e.GetExperimentRequest(), {"experiment_id"}),
    ("experiments", "ListExperiments", e.ListExperimentsRequest(
        states=[0, 77], page_size=-1, page_token="?",  # type: ignore[list-item]  # of the future
    ), {"states[0]", "states[1]", "page_size", "page_token"}),
    ("experiments", "UpdateExperiment", e.UpdateExperimentRequest(),
     {"experiment_id", "update_mask"}),
    ("experiments", "DeleteExperiment", e.DeleteExperimentRequest(), {"experiment_id"}),
    ("experiments", "PauseExperiment", e.PauseExperimentRequest(), {"experiment_id"}),
    ("experiments", "ResumeExperiment", e.ResumeExperimentRequest(), {"experiment_id"}),
    ("experiments", "StopExperiment", e.StopExperimentRequest(reason="r" * 4_097),
     {"experiment_id", "reason"}),
    ("experiments", "PreviewExperiment", e.PreviewExperimentRequest(
        worker_count=0, seconds_per_unit=-1.0,
    ), {"worker_count", "seconds_per_unit", "spec.method", "spec.max_length"}),
    ("experiments", "GetTrial", e.GetTrialRequest(trial_number=-1),
     {"experiment_id", "trial_number"}),
    ("experiments", "ListTrials", e.ListTrialsRequest(states=[t.TRIAL_STATE_UNSPECIFIED]),
     {"experiment_id", "states[0]"}),
    ("experiments", "CancelTrial", e.CancelTrialRequest(trial_number=-1),
     {"experiment_id", "trial_number"}),
    ("experiments", "CreateTrial", e.CreateTrialRequest(
        request_id=LONG,
        parameters=[t.Parameter(name="a"), *2 * [
            t.Parameter(name="b", value=t.ParameterValue(int_value=1))]],
        observations=[t.MetricPoint(step=3, metrics=[t.MetricValue(name="loss")]),
                      t.MetricPoint(step=-3)],
    ), {"experiment_id", "request_id", "parameters[0].value", "parameters[2].name",
        "observations[1].step", "observations[1].metrics", "observations"}),
    ("experiments", "ListObservations", e.ListObservationsRequest(
        trial_number=-1, metric_name="?",
    ), {"experiment_id", "trial_number", "metric_name"}),
    ("experiments", "ListRungs", e.ListRungsRequest(bracket=-1, rung=-1),
     {"experiment_id", "bracket", "rung"}),
    ("experiments", "ListDecisions", e.ListDecisionsRequest(page_size=1_001),
     {"experiment_id", "page_size"}),
    ("experiments", "GetBestTrials", e.GetBestTrialsRequest(limit=1_001),
     {"experiment_id", "limit"}),
    ("experiments", "ListCheckpoints", e.ListCheckpointsRequest(
        filter=9,  # type: ignore[arg-type]  # of the future
    ), {"experiment_id", "filter"}),
    ("admin", "ListLeases", a.ListLeasesRequest(experiment_id="!"), {"experiment_id"}),
]  # fmt: skip
"""(stub, method, request, proto paths of every violation)."""


NOT_THERE_YET = {"CreateToken", "ListTokens", "RevokeToken"}


def call_of(client: Client, stub: str, method: str) -> Any:
    return getattr(getattr(client, stub), method)


def test_every_unary_call_has_bad_and_good_requests() -> None:
    bad = {(stub, method) for stub, method, _, _ in BAD}
    good = {(stub, method) for stub, method, _ in GOOD}

    assert good == set(UNARY)
    assert {method for _, method in good - bad} == NOT_THERE_YET | {"GetServerInfo"}


@pytest.mark.parametrize(
    ("stub", "method", "request_", "fields"), BAD, ids=[f"{row[1]}{n}" for n, row in enumerate(BAD)]
)
async def test_every_violation_is_named_at_once(
    client: Client, tmp_path: Path, stub: str, method: str, request_: Any, fields: set[str]
) -> None:
    """Each with what is wrong; nothing is written, and the server still answers."""
    await client.create()
    written = (tmp_path / "asha.db-wal").read_bytes()

    refusal = await refused(call_of(client, stub, method)(request_))

    assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", "INVALID_REQUEST")
    assert set(refusal.fields) == fields
    assert all(refusal.fields.values())
    assert (tmp_path / "asha.db-wal").read_bytes() == written
    assert (await client.get()).sequence == 1


async def test_streams_refuse_likewise(client: Client) -> None:
    watch = client.experiments.WatchExperiment(
        e.WatchExperimentRequest(experiment_id="", after_sequence=-1)
    )
    assert set((await refused(watch.read())).fields) == {"experiment_id", "after_sequence"}
    export = client.experiments.ExportExperiment(e.ExportExperimentRequest())
    assert set((await refused(export.read())).fields) == {"experiment_id"}


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("CreateExperiment", e.CreateExperimentRequest(spec=halving(labels={"😀" * 20_000: "x"}))),
        ("CreateExperiment", e.CreateExperimentRequest(spec=halving(
            labels={"😀" * 90 + str(n): "x" for n in range(64)}))),
        ("CreateExperiment", e.CreateExperimentRequest(spec=halving(parameters=[
            x.ParameterSpec(name="ü" * 20, double_range=x.DoubleRange(min=5, max=1))
            for _ in range(900)]))),
        ("CreateExperiment", e.CreateExperimentRequest(spec=halving(parameters=[
            x.ParameterSpec(name="c", categorical=x.Categorical(
                values=200 * [t.ParameterValue(string_value="😀" * 5_000)]))]))),
        ("CreateTrial", e.CreateTrialRequest(parameters=50 * [
            t.Parameter(name="😀" * 500, value=t.ParameterValue(int_value=1))])),
        ("UpdateExperiment", e.UpdateExperimentRequest(
            experiment_id="e", update_mask={"paths": 40 * ["😀" * 5_000]})),
    ],
)  # fmt: skip
async def test_however_much_is_wrong_clients_can_read_why(
    client: Client, method: str, request_: Any
) -> None:
    """Java's client, as others by default, refuses trailers of more than 8 KiB on the wire.

    There each counts name, value and 32; binary ones are base64, and in the message every byte
    that is not plain ASCII takes three. What does not fit is counted.
    """
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await getattr(client.experiments, method)(request_)

    refusal = Refused(caught.value)
    assert refusal.code == "INVALID_ARGUMENT"
    assert refusal.fields
    message = sum(1 if 0x20 <= byte < 0x7F else 3 for byte in refusal.message.encode())
    trailers: Any = caught.value.trailing_metadata()
    details = dict(trailers)["grpc-status-details-bin"]
    sizes = len("grpc-message") + message, len("grpc-status-details-bin") + len(details) * 4 // 3
    assert sum(sizes) + 2 * 32 < 8_000


# -- bytes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("stub", "method"), UNARY)
async def test_bytes_that_are_no_message_are_a_bad_request(
    client: Client, stub: str, method: str
) -> None:
    """Garbage, and a message that ends too early."""
    for raw in (b"\xff" * 40, b"\x0a\x7f"):
        refusal = await refused(raw_call(client.channel, path_of(stub, method))(raw))
        assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", "INVALID_REQUEST")
        assert list(refusal.fields) == ["request"]


async def test_a_text_that_is_not_utf_8_is_a_bad_request(client: Client) -> None:
    """At the top, and inside a map of a message of a message."""
    label = b"\x0a\x02\xc3\x28"
    spec = b"\x12" + bytes([len(label)]) + label
    nested = b"\x12" + bytes([len(spec)]) + spec
    for method, raw in (("GetExperiment", label), ("CreateExperiment", nested)):
        refusal = await refused(raw_call(client.channel, path_of("experiments", method))(raw))
        assert (refusal.code, list(refusal.fields)) == ("INVALID_ARGUMENT", ["request"])
        assert "UTF-8" in refusal.fields["request"]


def nested_groups(depth: int) -> bytes:
    """A CreateExperimentRequest with groups in groups; no library would build more than 100."""
    body = b""
    # From the inside: parameters of a group, group of a parameter; then parameters of spec.
    for tag in (*depth * (b"\x0a", b"\x3a"), b"\x32", b"\x12"):
        size = len(body)
        length = bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7])
        body = tag + length + body
    return body


@pytest.mark.parametrize(("depth", "field"), [(40, "spec.parameters[0]"), (400, "request")])
async def test_a_message_that_nests_deeply_is_a_bad_request(
    client: Client, depth: int, field: str
) -> None:
    """Protobuf reads a hundred messages in each other; a search space has fewer."""
    raw = nested_groups(depth)

    refusal = await refused(
        raw_call(client.channel, path_of("experiments", "CreateExperiment"))(raw)
    )

    assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", "INVALID_REQUEST")
    assert any(path.startswith(field) for path in refusal.fields)


# -- anything at all ------------------------------------------------------------------------------


class Drawn:
    """Chance from hypothesis."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def of(self, options: Sequence[T]) -> T:
        return self._draw(st.sampled_from(options))

    def number(self, most: int) -> int:
        return self._draw(st.integers(0, most))


@st.composite
def requests(draw: st.DrawFn) -> list[tuple[str, str, Message]]:
    """Some calls in a row, most of them nearly right."""
    chance = Drawn(draw)
    calls = []
    for _ in range(4 + chance.number(6)):
        stub, method, good = chance.of(GOOD)
        is_near = chance.number(4)
        message = disturbed(chance, good) if is_near else random_message(chance, type(good))
        calls.append((stub, method, message))
    return calls


async def afresh(client: Client) -> list[str]:
    """Experiment e alone, with three trials that train; their tokens."""
    listed = await client.experiments.ListExperiments(e.ListExperimentsRequest())
    for found in listed.experiments:
        request = e.DeleteExperimentRequest(experiment_id=found.experiment_id, force=True)
        await client.experiments.DeleteExperiment(request)
    await client.create()
    return [(await client.take(f"w{number}")).lease.token for number in range(len(TOKENS))]


@given(calls=requests())
@settings(max_examples=100, suppress_health_check=list(HealthCheck), deadline=None)
async def test_whatever_is_sent_is_answered_or_refused_with_its_reason(
    client: Client, calls: list[tuple[str, str, Message]]
) -> None:
    """Never UNKNOWN, never INTERNAL, never a failure that looks like the store's."""
    tokens = dict(zip(TOKENS, await afresh(client), strict=True))
    for stub, method, request in calls:
        if hasattr(request, "lease_token"):
            request.lease_token = tokens.get(request.lease_token, request.lease_token)
        try:
            await call_of(client, stub, method)(request, timeout=20)
        except grpc.aio.AioRpcError as error:
            refusal = Refused(error)
            assert refusal.code == CODES.get(refusal.reason), (method, request, refusal)
            is_bad = refusal.reason == "INVALID_REQUEST"
            assert bool(refusal.fields) == is_bad, (method, request, refusal)


@given(calls=st.lists(st.tuples(st.sampled_from(UNARY), st.binary(max_size=60)), max_size=40))
@settings(max_examples=30, suppress_health_check=list(HealthCheck), deadline=None)
async def test_random_bytes_do_no_harm(
    client: Client, calls: list[tuple[tuple[str, str], bytes]]
) -> None:
    for (stub, method), raw in calls:
        try:
            await raw_call(client.channel, path_of(stub, method))(raw, timeout=20)
        except grpc.aio.AioRpcError as error:
            refusal = Refused(error)
            assert refusal.code == CODES.get(refusal.reason), (method, raw, refusal)


async def test_a_bug_shows_an_incident_and_nothing_inside(
    client: Client, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    await client.create()

    def broken(*_: object) -> None:
        raise RuntimeError("secret inner text")

    monkeypatch.setattr("asha_server.service.experiment.format_experiment", broken)
    refusal = await refused(client.get())

    assert (refusal.code, refusal.reason) == ("INTERNAL", "INTERNAL")
    assert "secret" not in refusal.message
    assert refusal.metadata["incident_id"] in refusal.message
    (logged,) = [record for record in caplog.records if record.message == "internal_error"]
    assert logged.__dict__["incident"] == refusal.metadata["incident_id"]
    assert "secret inner text" in str(logged.exc_info)

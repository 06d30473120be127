"""Bad input: the right status with its reason and every violation; nothing written, no harm.

Never UNKNOWN, never INTERNAL: also for bytes that are no message at all.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asha_server.pb import admin_service_pb2 as a
from asha_server.pb import experiment_pb2 as x
from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import suggestion_service_pb2 as s
from asha_server.pb import trial_pb2 as t

from .conftest import Client, Launch, halving, refused

LONG = "n" * 129
CODES_OF_BUGS = {grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL}

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

UNARY = sorted({(stub, method, type(request)) for stub, method, request, _ in BAD}, key=str)


@pytest.mark.parametrize(
    ("stub", "method", "request_", "fields"), BAD, ids=[f"{row[1]}{n}" for n, row in enumerate(BAD)]
)
async def test_every_violation_is_named_at_once(
    client: Client, stub: str, method: str, request_: Any, fields: set[str]
) -> None:
    await client.create()

    refusal = await refused(getattr(getattr(client, stub), method)(request_))

    assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", "INVALID_REQUEST")
    assert set(refusal.fields) == fields
    assert all(refusal.fields.values())
    assert (await client.get()).sequence == 1
    listed = await client.experiments.ListExperiments(e.ListExperimentsRequest())
    assert [found.experiment_id for found in listed.experiments] == ["e"]


async def test_streams_refuse_likewise(client: Client) -> None:
    watch = client.experiments.WatchExperiment(
        e.WatchExperimentRequest(experiment_id="", after_sequence=-1)
    )
    assert set((await refused(watch.read())).fields) == {"experiment_id", "after_sequence"}
    export = client.experiments.ExportExperiment(e.ExportExperimentRequest())
    assert set((await refused(export.read())).fields) == {"experiment_id"}


async def test_what_is_not_here_yet_says_so(client: Client) -> None:
    async def nothing() -> AsyncIterator[Any]:
        return
        yield

    spec = halving()
    spec.hyperband.SetInParent()
    for call in (
        client.experiments.CreateExperiment(e.CreateExperimentRequest(spec=spec)),
        client.experiments.PreviewExperiment(e.PreviewExperimentRequest(spec=spec)),
        client.admin.CreateToken(a.CreateTokenRequest(name="x")),
        client.admin.ListTokens(a.ListTokensRequest()),
        client.admin.RevokeToken(a.RevokeTokenRequest(name="x")),
        client.experiments.ImportExperiment(nothing()),
        client.suggestions.TrainingSession(nothing()).read(),
    ):
        refusal = await refused(call)
        assert (refusal.code, refusal.reason) == ("UNIMPLEMENTED", "NOT_IMPLEMENTED")


def _raw(client: Client, path: str) -> Any:
    return client.channel.unary_unary(path, lambda raw: raw, lambda raw: raw)


@pytest.mark.parametrize("raw", [b"\xff" * 40, b"\x0a\x02\xc3\x28", b"\x0a\x7f"])
async def test_bytes_that_are_no_message_are_a_bad_request(client: Client, raw: bytes) -> None:
    """Garbage, a text that is not UTF-8, and a message that ends too early."""
    refusal = await refused(_raw(client, "/asha.v1.ExperimentService/GetExperiment")(raw))

    assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", "INVALID_REQUEST")
    assert list(refusal.fields) == ["request"]


@given(data=st.data())
@settings(
    max_examples=1, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
async def test_random_bytes_do_no_harm(launch: Launch, data: st.DataObject) -> None:
    """Many random requests to every method of one server."""
    client = await launch(f"{data.draw(st.uuids())}.db")
    await client.create()
    for stub, method, kind in UNARY:
        service = kind.DESCRIPTOR.file.services_by_name
        path = f"/asha.v1.{next(iter(service))}/{method}"
        for raw in data.draw(st.lists(st.binary(max_size=60), min_size=12, max_size=12)):
            call = _raw(client, path)(raw, timeout=10)
            code = await call.code()
            assert code not in CODES_OF_BUGS, (stub, method, raw)
    assert await client.get() is not None


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

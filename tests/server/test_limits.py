"""Every limit, at it and over it."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import grpc
import pytest

from asha_server.config import Limits
from asha_server.pb import admin_service_pb2 as a
from asha_server.pb import experiment_pb2 as x
from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import suggestion_service_pb2 as s
from asha_server.pb import trial_pb2 as t

from .conftest import Client, Launch, halving, held, refused

RANGE = x.DoubleRange(min=0, max=1)


def metrics(count: int, name: str = "m") -> list[t.MetricValue]:
    return [t.MetricValue(name=f"{name}{n}", value=n) for n in range(count)]


async def test_the_limits_are_shown(launch: Launch) -> None:
    client = await launch(limits=Limits(metrics_max=7))

    shown = (await client.admin.GetServerInfo(a.GetServerInfoRequest())).limits

    assert shown.max_metrics_per_report == 7
    for field, value in shown.ListFields():
        if field.message_type is None:
            assert value >= 1
    assert len(shown.ListFields()) == len(shown.DESCRIPTOR.fields)
    assert (shown.max_suggestion_wait.seconds, shown.max_should_stop_wait.seconds) == (3_600, 60)


# -- one request ----------------------------------------------------------------------------------


async def test_a_request_has_at_most_so_many_bytes(launch: Launch) -> None:
    """Far above it gRPC itself refuses, without reading on and without details."""
    client = await launch(limits=Limits(request_bytes_max=1_000))

    def sized(size: int) -> e.GetExperimentRequest:
        request = e.GetExperimentRequest(experiment_id="x" * (size - 3))
        assert request.ByteSize() == size
        return request

    at = await refused(client.experiments.GetExperiment(sized(1_000)))
    over = await refused(client.experiments.GetExperiment(sized(1_001)))
    with pytest.raises(grpc.aio.AioRpcError) as far_over:
        await client.experiments.GetExperiment(sized(4_001))

    assert list(at.fields) == ["experiment_id"]
    assert list(over.fields) == ["request"]
    assert "1001 bytes; at most 1000" in over.fields["request"]
    assert far_over.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_a_report_has_at_most_so_many_metrics(client: Client) -> None:
    await client.create()
    given = await client.take()

    await client.report(given, 0, metrics=metrics(100))
    refusal = await refused(client.report(given, 0, metrics=metrics(101)))
    assert list(refusal.fields) == ["metrics"]
    observed = [t.MetricPoint(step=1, metrics=metrics(101))]
    request = e.CreateTrialRequest(experiment_id="e", observations=observed)
    refusal = await refused(client.experiments.CreateTrial(request))
    assert list(refusal.fields) == ["observations[0].metrics"]


async def test_a_given_trial_has_at_most_so_many_observations(client: Client) -> None:
    await client.create(max_trials=5)

    def given(count: int) -> e.CreateTrialRequest:
        points = [
            t.MetricPoint(step=n, metrics=[t.MetricValue(name="loss", value=1)])
            for n in range(count)
        ]
        return e.CreateTrialRequest(experiment_id="e", observations=points)

    await client.experiments.CreateTrial(given(1_000))
    refusal = await refused(client.experiments.CreateTrial(given(1_001)))
    assert list(refusal.fields) == ["observations"]


async def test_a_uri_has_at_most_so_many_bytes(client: Client) -> None:
    """Bytes, not characters."""
    await client.create()
    given = await client.take()
    at, over = "ä" * 1_024, "ä" * 1_024 + "x"

    await client.report(given, 0, 0.5, checkpoint_uri=at)
    refusal = await refused(client.report(given, 0, 0.5, checkpoint_uri=over))
    assert "has 2049 bytes; at most 2048" in refusal.fields["checkpoint_uri"]
    stored = s.ReportCheckpointRequest(**held(given), step=1, checkpoint_uri=at)
    await client.suggestions.ReportCheckpoint(stored)
    stored.checkpoint_uri = over
    refusal = await refused(client.suggestions.ReportCheckpoint(stored))
    assert list(refusal.fields) == ["checkpoint_uri"]
    assert (await client.trial(0)).checkpoint_uri == at


def _texts(size: int) -> list[tuple[str, str, Any, str]]:
    """(stub, method, request, field) of every call that takes a text for people."""
    text = "m" * size
    return [
        (
            "suggestions",
            "FailTrial",
            s.FailTrialRequest(kind="FAILURE_KIND_RETRYABLE", message=text),
            "message",
        ),
        ("suggestions", "ReleaseTrial", s.ReleaseTrialRequest(reason=text), "reason"),
        ("experiments", "CancelTrial", e.CancelTrialRequest(trial_number=1, reason=text), "reason"),
        ("experiments", "StopExperiment", e.StopExperimentRequest(reason=text), "reason"),
    ]


@pytest.mark.parametrize("index", range(4))
async def test_a_text_has_at_most_so_many_bytes(client: Client, index: int) -> None:
    await client.create()
    given = await client.take()
    await client.take("x")
    for size, is_refused in ((4_097, True), (4_096, False)):
        stub, method, request, field = _texts(size)[index]
        request.experiment_id = "e"
        if stub == "suggestions":
            request.lease_token = given.lease.token
        call = getattr(getattr(client, stub), method)(request)
        if is_refused:
            assert list((await refused(call)).fields) == [field]
        else:
            await call


async def test_a_name_has_at_most_128_bytes(client: Client) -> None:
    await client.create("n" * 128)
    of: dict[str, Any] = {"experiment_id": "n" * 128}
    most, over = "n" * 128, "n" * 129

    given = await client.take(most, incarnation_id=most, request_id=most, **of)
    await client.report(given, 0, metrics=[t.MetricValue(name=most, value=1)])
    await client.experiments.CreateTrial(e.CreateTrialRequest(request_id=most, **of))

    wrong = await refused(client.ask(over, incarnation_id=over, request_id=over, **of))
    assert set(wrong.fields) == {"worker_id", "incarnation_id", "request_id"}
    wrong = await refused(client.report(given, 0, metrics=[t.MetricValue(name=over, value=1)]))
    assert list(wrong.fields) == ["metrics[0].name"]
    wrong = await refused(client.create(over))
    assert list(wrong.fields) == ["experiment_id"]


async def test_parameters_names_labels_and_texts_have_limits(client: Client) -> None:
    async def violations(**changes: Any) -> list[str]:
        spec = x.ExperimentSpec()
        spec.CopyFrom(at)
        spec.MergeFrom(x.ExperimentSpec(**changes))
        request = e.CreateExperimentRequest(spec=spec)
        return list((await refused(client.experiments.CreateExperiment(request))).fields)

    at = halving(display_name="d" * 256, unit="u" * 128)
    at.labels.update({f"k{n}": "v" for n in range(63)})
    at.labels["k" * 128] = "v" * 256
    at.parameters.extend(x.ParameterSpec(name=f"{n:0128}", double_range=RANGE) for n in range(999))
    await client.experiments.CreateExperiment(
        e.CreateExperimentRequest(experiment_id="i" * 128, spec=at)
    )

    one_more = [x.ParameterSpec(name="one-more", double_range=RANGE)]
    assert await violations(parameters=one_more) == ["spec.parameters"]
    assert await violations(labels={"one-more": ""}) == ["spec.labels"]
    assert await violations(labels={"k" * 128: "v" * 257}) == [f"spec.labels['{'k' * 128}']"]
    assert await violations(display_name="d" * 257) == ["spec.display_name"]
    assert await violations(unit="u" * 129) == ["spec.unit"]


async def test_the_name_of_a_parameter_has_a_limit(client: Client) -> None:
    spec = halving(parameters=[x.ParameterSpec(name="p" * 129, double_range=RANGE)])

    request = e.CreateExperimentRequest(spec=spec)
    refusal = await refused(client.experiments.CreateExperiment(request))

    assert list(refusal.fields) == ["spec.parameters[1].name"]


async def test_a_request_with_thousands_of_violations_is_still_explained(client: Client) -> None:
    """GRPC clients refuse trailers above 8 KiB: what does not fit is counted."""
    names = [x.ParameterSpec(name="ü" * 20, double_range=x.DoubleRange(min=5, max=1))] * 900

    refusal = await refused(
        client.experiments.CreateExperiment(
            e.CreateExperimentRequest(spec=halving(parameters=names))
        )
    )

    assert refusal.code == "INVALID_ARGUMENT"
    assert len(refusal.fields) > 10
    shown = len(refusal.fields) - 1
    assert refusal.fields[""] == f"and {1_800 - shown} more violations"


# -- all requests together ------------------------------------------------------------------------


async def test_a_file_holds_so_many_experiments(launch: Launch) -> None:
    client = await launch(limits=Limits(experiments_max=2))
    await client.create("one")
    await client.create("two")

    refusal = await refused(client.create("three"))
    assert (refusal.code, refusal.reason) == ("RESOURCE_EXHAUSTED", "LIMIT_EXCEEDED")
    assert refusal.metadata["experiments_max"] == "2"
    assert refusal.retry_after_s is None, "the same call again would not do better"
    await client.experiments.DeleteExperiment(
        e.DeleteExperimentRequest(experiment_id="one", force=True)
    )
    await client.create("three")


async def test_so_many_calls_wait(launch: Launch) -> None:
    client = await launch(limits=Limits(waiting_calls_max=1))
    await client.create(max_concurrent_trials=1)
    given = await client.take()
    waiting = asyncio.create_task(client.ask("x", max_wait={"seconds": 30}))
    await client.until_waiting(1)

    verdict = s.ShouldStopRequest(**held(given), max_wait={"seconds": 30})
    for call in (client.ask("y", max_wait={"seconds": 30}), client.suggestions.ShouldStop(verdict)):
        refusal = await refused(call)
        assert (refusal.code, refusal.reason) == ("RESOURCE_EXHAUSTED", "LIMIT_EXCEEDED")
    assert (await client.ask("y")).HasField("wait")
    await client.stop()
    assert (await waiting).HasField("finished")


@pytest.mark.parametrize("seconds", [30, 315_576_000_000])
async def test_nobody_waits_longer_than_allowed(launch: Launch, seconds: int) -> None:
    client = await launch(
        limits=Limits(suggestion_wait_max_us=1_000, should_stop_wait_max_us=1_000)
    )
    await client.create(max_concurrent_trials=1)
    given = await client.take()

    async with asyncio.timeout(20):
        assert (await client.ask("x", max_wait={"seconds": seconds})).HasField("wait")
        request = s.ShouldStopRequest(**held(given), max_wait={"seconds": seconds})
        assert not (await client.suggestions.ShouldStop(request)).should_stop


async def test_so_many_commands_wait_to_be_decided(launch: Launch, tmp_path: Path) -> None:
    """While a batch cannot be written five more wait; all others are refused at once."""
    client = await launch(limits=Limits(inbox_max=5))
    await client.create(max_trials=1_000, max_concurrent_trials=0)
    with closing(sqlite3.connect(tmp_path / "asha.db", isolation_level=None)) as shell:
        shell.execute("BEGIN IMMEDIATE")
        asked = [asyncio.create_task(client.ask(f"w{number}")) for number in range(200)]
        refusals = asyncio.as_completed(asked)
        for _ in range(200 - 2 * 5):  # at most five are being written, and five wait
            with pytest.raises(grpc.aio.AioRpcError):
                await next(refusals)
        shell.execute("ROLLBACK")

    answers = await asyncio.gather(*asked, return_exceptions=True)
    given = [answer for answer in answers if isinstance(answer, s.GetSuggestionResponse)]
    errors = [answer for answer in answers if isinstance(answer, grpc.aio.AioRpcError)]
    assert given
    for error in errors:
        refusal = await refused(_raised(error))
        assert (refusal.code, refusal.reason) == ("RESOURCE_EXHAUSTED", "OVERLOADED")
        assert refusal.retry_after_s
    assert (await client.get()).trial_counts.created == len(given)


async def _raised(error: Exception) -> None:
    raise error


async def test_so_many_exports_are_open(launch: Launch) -> None:
    """The first is held by a client that does not read on."""
    client = await launch(limits=Limits(exports_max=1))
    await client.create()
    given = await client.take()
    for number in range(700):
        await client.report(given, 0, checkpoint_uri="x" * 2_000, metrics=metrics(1, f"{number}-"))
    request = e.ExportExperimentRequest(experiment_id="e")
    slow = client.experiments.ExportExperiment(request)
    assert await slow.read()

    refusal = await refused(client.experiments.ExportExperiment(request).read())

    assert (refusal.code, refusal.reason) == ("RESOURCE_EXHAUSTED", "OVERLOADED")
    assert refusal.retry_after_s == 10
    slow.cancel()
    while client.server.reader.export_count:
        await client.get()  # until the one that went away is noticed
    stream = client.experiments.ExportExperiment(request)
    assert len([response async for response in stream]) >= 2


async def test_so_many_reads_wait(launch: Launch) -> None:
    client = await launch(limits=Limits(reads_max=1))
    await client.create()
    request = e.ListTrialsRequest(experiment_id="e")

    calls = [client.experiments.ListTrials(request) for _ in range(20)]
    codes = {(await call.code()).name for call in calls}

    assert codes == {"OK", "RESOURCE_EXHAUSTED"}
    assert not (await client.experiments.ListTrials(request)).trials

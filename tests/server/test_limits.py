"""Every limit, at it and over it."""

from __future__ import annotations

import asyncio

from asha_server.config import Limits
from asha_server.pb import admin_service_pb2 as a
from asha_server.pb import experiment_pb2 as x
from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import suggestion_service_pb2 as s
from asha_server.pb import trial_pb2 as t

from .conftest import Client, Launch, halving, held, refused


async def test_a_request_has_at_most_so_many_bytes(launch: Launch) -> None:
    client = await launch(limits=Limits(request_bytes_max=1_000))

    def sized(size: int) -> e.GetExperimentRequest:
        request = e.GetExperimentRequest(experiment_id="x" * (size - 3))
        assert request.ByteSize() == size
        return request

    at = await refused(client.experiments.GetExperiment(sized(1_000)))
    over = await refused(client.experiments.GetExperiment(sized(1_001)))

    assert list(at.fields) == ["experiment_id"]
    assert list(over.fields) == ["request"]
    assert "1001 bytes; at most 1000" in over.fields["request"]


async def test_a_report_has_at_most_a_hundred_metrics(client: Client) -> None:
    await client.create()
    given = await client.take()

    def metrics(count: int) -> list[t.MetricValue]:
        return [t.MetricValue(name=f"m{n}", value=n) for n in range(count)]

    await client.report(given, 0, metrics=metrics(100))
    refusal = await refused(client.report(given, 0, metrics=metrics(101)))
    assert list(refusal.fields) == ["metrics"]


async def test_a_uri_has_at_most_so_many_bytes(client: Client) -> None:
    await client.create()
    given = await client.take()

    await client.report(given, 0, 0.5, checkpoint_uri="ä" * 1_024)
    refusal = await refused(client.report(given, 0, 0.5, checkpoint_uri="ä" * 1_024 + "x"))
    assert "has 2049 bytes; at most 2048" in refusal.fields["checkpoint_uri"]


async def test_a_message_has_at_most_so_many_bytes(client: Client) -> None:
    await client.create()
    given = await client.take()

    def failed(size: int) -> s.FailTrialRequest:
        return s.FailTrialRequest(**held(given), kind=s.FAILURE_KIND_RETRYABLE, message="m" * size)

    refusal = await refused(client.suggestions.FailTrial(failed(4_097)))
    assert list(refusal.fields) == ["message"]
    await client.suggestions.FailTrial(failed(4_096))


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


async def test_a_file_holds_so_many_experiments(launch: Launch) -> None:
    client = await launch(limits=Limits(experiments_max=2))
    await client.create("one")
    await client.create("two")

    refusal = await refused(client.create("three"))
    assert (refusal.code, refusal.reason) == ("RESOURCE_EXHAUSTED", "LIMIT_EXCEEDED")
    await client.experiments.DeleteExperiment(
        e.DeleteExperimentRequest(experiment_id="one", force=True)
    )
    await client.create("three")


async def test_so_many_calls_wait(launch: Launch) -> None:
    client = await launch(limits=Limits(waiting_calls_max=1))
    await client.create(max_concurrent_trials=1)
    await client.take()
    waiting = asyncio.create_task(client.ask("x", max_wait={"seconds": 30}))
    await client.until_waiting(1)

    refusal = await refused(client.ask("y", max_wait={"seconds": 30}))
    assert (refusal.code, refusal.reason) == ("RESOURCE_EXHAUSTED", "LIMIT_EXCEEDED")
    assert (await client.ask("y")).HasField("wait")
    await client.experiments.StopExperiment(e.StopExperimentRequest(experiment_id="e"))
    assert (await waiting).HasField("finished")


async def test_so_many_exports_are_open(launch: Launch) -> None:
    """The first is held by a client that does not read on."""
    client = await launch(limits=Limits(exports_max=1))
    await client.create()
    given = await client.take()
    for number in range(700):
        await client.report(
            given, 0, checkpoint_uri="x" * 2_000,
            metrics=[t.MetricValue(name=f"m{number}", value=1)],
        )  # fmt: skip
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


async def test_parameters_names_labels_and_texts_have_limits(client: Client) -> None:
    async def violations(spec: x.ExperimentSpec) -> list[str]:
        request = e.CreateExperimentRequest(spec=spec)
        return list((await refused(client.experiments.CreateExperiment(request))).fields)

    at = halving(display_name="d" * 256, unit="u" * 128)
    at.labels.update({f"k{n}": "v" for n in range(63)})
    at.labels["k" * 128] = "v" * 256
    at.parameters.extend(
        x.ParameterSpec(name=f"{n:0128}", double_range=x.DoubleRange(min=0, max=1))
        for n in range(999)
    )
    await client.experiments.CreateExperiment(
        e.CreateExperimentRequest(experiment_id="i" * 128, spec=at)
    )
    over = x.ExperimentSpec()
    over.CopyFrom(at)
    over.parameters.add(name="one-more").double_range.CopyFrom(x.DoubleRange(min=0, max=1))
    assert await violations(over) == ["spec.parameters"]
    over.CopyFrom(at)
    over.labels["one-more"] = ""
    over.display_name += "x"
    over.unit += "x"
    assert await violations(over) == ["spec.display_name", "spec.unit", "spec.labels"]


async def test_a_request_with_thousands_of_violations_is_still_explained(client: Client) -> None:
    """GRPC clients refuse trailers above 8 KiB: what does not fit is counted."""
    spec = halving()
    for _ in range(900):
        spec.parameters.add(name="ü" * 20, double_range=x.DoubleRange(min=5, max=1))

    refusal = await refused(
        client.experiments.CreateExperiment(e.CreateExperimentRequest(spec=spec))
    )

    assert refusal.code == "INVALID_ARGUMENT"
    assert len(refusal.fields) > 10
    assert refusal.fields[""].startswith("and ")
    assert refusal.fields[""].endswith(" more violations")


async def test_the_limits_are_shown(launch: Launch) -> None:
    client = await launch(limits=Limits(metrics_max=7))

    shown = (await client.admin.GetServerInfo(a.GetServerInfoRequest())).limits

    assert shown.max_metrics_per_report == 7
    for field, value in shown.ListFields():
        if field.message_type is None:
            assert value >= 1
    assert len(shown.ListFields()) == len(shown.DESCRIPTOR.fields)

"""PreviewExperiment with a forecast, which a process of its own simulates."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import grpc
import pytest

from asha_server.config import Config, Limits
from asha_server.pb import experiment_pb2 as x
from asha_server.pb import experiment_service_pb2 as e
from asha_server.server import Server
from asha_server.wire.preview import preview_response

from .conftest import Client, Launch, halving, refused


def forecast_request(**more: Any) -> e.PreviewExperimentRequest:
    more.setdefault("spec", halving())
    return e.PreviewExperimentRequest(with_forecast=True, **more)


def asking(client: Client, **more: Any) -> Awaitable[e.PreviewExperimentResponse]:
    call: Awaitable[e.PreviewExperimentResponse] = client.experiments.PreviewExperiment(
        forecast_request(**more)
    )
    return call


async def until_simulating(client: Client, count: int) -> list[int]:
    """So many processes that simulate, each held where it is as soon as it is there."""
    held: list[int] = []
    while len(held) < count:
        for pid in set(client.server.reader.forecast_pids).difference(held):
            os.kill(pid, signal.SIGSTOP)
            held.append(pid)
        await client.experiments.ListExperiments(e.ListExperimentsRequest())
    return held


async def until_asked(client: Client, count: int) -> None:
    """Returns once so many forecasts run or wait."""
    while client.server.reader.forecast_count != count:
        await client.experiments.ListExperiments(e.ListExperimentsRequest())


async def test_a_preview_tells_nominal_expected_and_worst(client: Client) -> None:
    """Of nine trials 3 and 1 go on nominally, and at worst 7 and 5: 21 and 53 units."""
    response = await asking(client, worker_count=1, seconds_per_unit=10)

    forecast = response.preview.forecast
    assert (forecast.nominal.total_units, forecast.worst.total_units) == (21, 53)
    assert [(end.length, end.trial_count) for end in forecast.worst.lengths] == [
        (1, 2), (3, 2), (9, 5)
    ]  # fmt: skip
    assert 21 <= forecast.total_units_low <= forecast.expected.total_units
    assert forecast.expected.total_units <= forecast.total_units_high < 53
    assert (forecast.nominal.wall_time.seconds, forecast.worst.wall_time.seconds) == (210, 530)
    assert (forecast.search_count, forecast.worker_count, forecast.is_certain) == (21, 1, False)


async def test_the_arithmetic_is_the_same_with_a_forecast_and_without(client: Client) -> None:
    request = e.PreviewExperimentRequest(spec=halving(), worker_count=2, seconds_per_unit=10)
    plain = (await client.experiments.PreviewExperiment(request)).preview
    assert not plain.HasField("forecast")

    full = (await asking(client, worker_count=2, seconds_per_unit=10)).preview

    full.ClearField("forecast")
    assert full == plain


async def test_the_server_forecasts_what_the_command_forecasts(client: Client) -> None:
    request = forecast_request(worker_count=3, seconds_per_unit=0.5)

    assert await client.experiments.PreviewExperiment(request) == preview_response(request)


async def test_a_forecast_without_workers_has_no_times(client: Client) -> None:
    for more in ({}, {"worker_count": 2}, {"seconds_per_unit": 10.0}):
        forecast = (await asking(client, **more)).preview.forecast
        assert forecast.expected.total_units
        for message in (forecast.nominal, forecast.expected, forecast.worst):
            assert not message.HasField("wall_time")
        assert not forecast.HasField("wall_time_low")
        assert not forecast.HasField("wall_time_high")


async def test_a_search_too_large_to_simulate_has_its_plan_alone(client: Client) -> None:
    """Three rungs a trial: 16,667 trials take 50,001 places, of which 50,000 are simulated."""
    preview = (await asking(client, spec=halving(max_trials=16_667))).preview

    assert preview.total_trials == 16_667
    assert not preview.HasField("forecast")


async def test_a_wrong_request_is_refused_with_all_that_is_wrong(client: Client) -> None:
    refusal = await refused(asking(client, spec=x.ExperimentSpec(max_length=0), worker_count=0))

    assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", "INVALID_REQUEST")
    assert {"worker_count", "spec.method", "spec.max_length"} <= set(refusal.fields)
    assert client.server.reader.forecast_count == 0


async def test_all_else_is_answered_while_a_forecast_is_simulated(client: Client) -> None:
    """The process is held, so that the forecast cannot be done before the other calls are."""
    await client.create()
    forecast = asyncio.ensure_future(asking(client))
    (pid,) = await until_simulating(client, 1)

    given = await client.take()
    await client.report(given, 1, 0.5)
    await client.experiments.ListTrials(e.ListTrialsRequest(experiment_id="e"))
    await client.experiments.PreviewExperiment(e.PreviewExperimentRequest(spec=halving()))

    assert not forecast.done()
    os.kill(pid, signal.SIGCONT)
    assert (await forecast).preview.forecast.nominal.total_units == 21


async def test_the_third_forecast_waits_for_its_turn(client: Client) -> None:
    forecasts = [asyncio.ensure_future(asking(client)) for _ in range(2)]
    pids = await until_simulating(client, 2)
    third = asyncio.ensure_future(asking(client))
    await until_asked(client, 3)

    assert sorted(client.server.reader.forecast_pids) == sorted(pids)
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    for response in await asyncio.gather(*forecasts, third):
        assert response.preview.HasField("forecast")


async def test_so_many_forecasts_wait(launch: Launch) -> None:
    client = await launch(limits=Limits(reads_max=1))
    forecasts = [asyncio.ensure_future(asking(client)) for _ in range(2)]
    pids = await until_simulating(client, 2)
    forecasts.append(asyncio.ensure_future(asking(client)))
    await until_asked(client, 3)

    refusal = await refused(asking(client))

    assert (refusal.code, refusal.reason) == ("RESOURCE_EXHAUSTED", "OVERLOADED")
    assert refusal.retry_after_s == 10
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    for response in await asyncio.gather(*forecasts):
        assert response.preview.HasField("forecast")


async def test_a_client_that_goes_away_ends_its_forecast(client: Client) -> None:
    call: Any = asking(client)
    forecast = asyncio.ensure_future(call)
    (pid,) = await until_simulating(client, 1)

    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await forecast
    await until_asked(client, 0)

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_forecast_whose_process_is_killed_may_be_asked_for_again(client: Client) -> None:
    forecast = asyncio.ensure_future(asking(client))
    (pid,) = await until_simulating(client, 1)

    os.kill(pid, signal.SIGKILL)

    refusal = await refused(forecast)
    assert (refusal.code, refusal.reason) == ("RESOURCE_EXHAUSTED", "OVERLOADED")
    assert (await asking(client)).preview.HasField("forecast")


async def test_a_forecast_is_answered_though_the_server_stops(client: Client) -> None:
    forecast = asyncio.ensure_future(asking(client))
    (pid,) = await until_simulating(client, 1)

    stopping = asyncio.create_task(client.server.stop())
    os.kill(pid, signal.SIGCONT)

    assert (await forecast).preview.HasField("forecast")
    await stopping


async def test_a_server_ends_with_its_forecasts(tmp_path: Path) -> None:
    """One that would not end within the time to drain: its process is held."""
    server = Server(Config(tmp_path / "asha.db", ("127.0.0.1:0",), drain_us=1_000))
    await server.start()
    async with grpc.aio.insecure_channel(server.addresses[0]) as channel:
        client = Client(server, channel)
        forecast = asyncio.ensure_future(asking(client))
        (pid,) = await until_simulating(client, 1)

        await server.stop()

        with pytest.raises(grpc.aio.AioRpcError):
            await forecast
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)

"""Watching: every committed event once, in order, from any point, until the end."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from asha_server import watch
from asha_server.config import Limits
from asha_server.pb import event_pb2
from asha_server.pb import experiment_pb2 as x
from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import trial_pb2 as t

from .conftest import Client, Launch, Refused


async def watched(client: Client, after: int | None) -> list[event_pb2.ExperimentEvent]:
    """All events of a watch until it ends."""
    request = e.WatchExperimentRequest(experiment_id="e", after_sequence=after)
    return [response.event async for response in client.experiments.WatchExperiment(request)]


async def stop(client: Client) -> None:
    await client.experiments.StopExperiment(e.StopExperimentRequest(experiment_id="e"))


async def until_watched(client: Client, count: int) -> None:
    """Returns once so many watches are open."""
    while client.server.watching.open_count < count:
        await client.get()


async def test_watchers_from_any_point_see_the_same_history(client: Client) -> None:
    await client.create()
    await client.arrive(0.1, 0.2)
    middle = (await client.get()).sequence
    watches = [asyncio.create_task(watched(client, after)) for after in (0, 3, middle, None)]
    await until_watched(client, 4)
    given = await client.take("x")
    await client.report(given, 1, 0.3)
    await stop(client)

    whole, *later = await asyncio.gather(*watches)

    assert [event.sequence for event in whole] == list(range(1, len(whole) + 1))
    assert whole[0].experiment_created.experiment_id == "e"
    assert whole[-1].experiment_state_changed.end_reason == x.END_REASON_STOPPED_BY_USER
    assert later == [whole[3:], whole[middle:], whole[middle:]]


async def test_a_watcher_that_falls_behind_reads_on_from_the_file(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It reads one event, then more come than are kept in memory."""
    monkeypatch.setattr(watch, "KEPT", 8)
    await client.create()
    given = await client.take()
    request = e.WatchExperimentRequest(experiment_id="e", after_sequence=0)
    responses = aiter(client.experiments.WatchExperiment(request))
    sequences = [(await anext(responses)).event.sequence]
    for number in range(60):
        await client.report(given, 0, metrics=[t.MetricValue(name=f"m{number}", value=1)])
    await stop(client)

    sequences += [response.event.sequence async for response in responses]

    assert sequences == list(range(1, (await client.get()).sequence + 1))
    assert len(sequences) > 60


async def test_no_event_is_missed_while_many_report(client: Client) -> None:
    await client.create(max_trials=200, max_concurrent_trials=0)
    watches = [asyncio.create_task(watched(client, None)) for _ in range(5)]
    await until_watched(client, 5)
    start = (await client.get()).sequence

    async def work(name: str) -> None:
        for _ in range(10):
            await client.report(await client.take(name), 1, hash(name) % 97 / 97)

    await asyncio.gather(*(work(f"w{n}") for n in range(10)))
    await stop(client)

    for events in await asyncio.gather(*watches):
        assert [event.sequence for event in events] == list(
            range(start + 1, (await client.get()).sequence + 1)
        )


async def test_a_watch_of_an_ended_experiment_ends(client: Client) -> None:
    await client.create()
    await stop(client)
    update = e.UpdateExperimentRequest(
        experiment_id="e", spec=x.ExperimentSpec(display_name="late"),
        update_mask=FieldMask(paths=["display_name"]),
    )  # fmt: skip
    await client.experiments.UpdateExperiment(update)

    assert [event.sequence for event in await watched(client, 0)] == [1, 2, 3]
    assert [event.sequence for event in await watched(client, 2)] == [3]
    assert await watched(client, 3) == []
    assert await watched(client, None) == []


async def test_a_watch_ends_with_what_ended_it(client: Client) -> None:
    await client.create()
    with pytest.raises(grpc.aio.AioRpcError) as beyond:
        await watched(client, 99)
    assert (Refused(beyond.value).code, Refused(beyond.value).reason) == (
        "OUT_OF_RANGE", "WATCH_LAGGED",
    )  # fmt: skip

    watching = asyncio.create_task(watched(client, None))
    await until_watched(client, 1)
    await client.experiments.DeleteExperiment(
        e.DeleteExperimentRequest(experiment_id="e", force=True)
    )
    with pytest.raises(grpc.aio.AioRpcError) as gone:
        await watching
    assert Refused(gone.value).reason == "EXPERIMENT_NOT_FOUND"


async def test_only_so_many_watches_are_open(launch: Launch) -> None:
    client = await launch(limits=Limits(watches_max=2))
    await client.create()
    open_ones = [asyncio.create_task(watched(client, None)) for _ in range(2)]
    await until_watched(client, 2)

    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await watched(client, None)

    assert (Refused(refusal.value).code, Refused(refusal.value).reason) == (
        "RESOURCE_EXHAUSTED", "LIMIT_EXCEEDED",
    )  # fmt: skip
    await stop(client)
    await asyncio.gather(*open_ones)
    assert await watched(client, None) == []

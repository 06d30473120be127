"""Watching: every committed event once, in order, from any point, until the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from asha_server import watch
from asha_server.config import Limits
from asha_server.pb import event_pb2
from asha_server.pb import experiment_pb2 as x
from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import suggestion_service_pb2 as s
from asha_server.pb import trial_pb2 as t

from .conftest import Client, Launch, held, refused


def watching(client: Client, after: int | None = None) -> Any:
    """The call of a watch."""
    request = e.WatchExperimentRequest(experiment_id="e", after_sequence=after)
    return client.experiments.WatchExperiment(request)


async def watched(client: Client, after: int | None = None) -> list[event_pb2.ExperimentEvent]:
    """All events of a watch until it ends."""
    return [response.event async for response in watching(client, after)]


async def sequences(responses: AsyncIterator[Any]) -> list[int]:
    """Of the events that are left of a watch."""
    return [response.event.sequence async for response in responses]


async def until_watched(client: Client, count: int) -> None:
    """Returns once so many watches are open."""
    while client.server.watching.open_count != count:
        await client.get()


async def report_often(client: Client, given: s.Assignment, times: int) -> None:
    """Reports that decide nothing, each an event of its own."""
    for number in range(times):
        await client.report(given, 0, metrics=[t.MetricValue(name=f"m{number}", value=1)])


# -- which events ---------------------------------------------------------------------------------


async def test_watchers_from_any_point_see_the_same_history(client: Client) -> None:
    """One from every event that there is, and one from now."""
    await client.create()
    await client.arrive(0.1, 0.2)
    middle = (await client.get()).sequence
    watches = [asyncio.create_task(watched(client, n)) for n in (*range(middle + 1), None)]
    await until_watched(client, middle + 2)
    given = await client.take("x")
    await client.report(given, 1, 0.3)
    await client.stop()

    whole, *later = await asyncio.gather(*watches)

    assert [event.sequence for event in whole] == list(range(1, len(whole) + 1))
    assert whole[0].experiment_created.experiment_id == "e"
    assert whole[-1].experiment_state_changed.end_reason == x.END_REASON_STOPPED_BY_USER
    assert later == [*(whole[n:] for n in range(1, middle + 1)), whole[middle:]]


async def test_events_say_what_happened(client: Client) -> None:
    await client.create(max_trials=2, max_concurrent_trials=0)
    given = await client.take("w", incarnation_id="i")
    decision = await client.report(given, 1, 0.5, checkpoint_uri="ckpt")
    other = await client.take("x")
    await client.suggestions.ReportCheckpoint(
        s.ReportCheckpointRequest(**held(other), step=1, checkpoint_uri="alone")
    )
    await client.experiments.CancelTrial(
        e.CancelTrialRequest(experiment_id="e", trial_number=1, reason="why")
    )
    await client.experiments.PauseExperiment(e.PauseExperimentRequest(experiment_id="e"))
    await client.update("display_name", display_name="d")
    await client.stop("enough")

    events = await watched(client, 0)

    assert [event.WhichOneof("event") for event in events] == [
        "experiment_created", "trial_created", "trial_assigned", "metric_reported",
        "trial_created", "trial_assigned", "checkpoint_reported", "trial_state_changed",
        "experiment_state_changed", "experiment_updated", "experiment_state_changed",
    ]  # fmt: skip
    assigned, reported = events[2].trial_assigned, events[3].metric_reported
    assert (assigned.worker_id, assigned.incarnation_id, assigned.attempt) == ("w", "i", 1)
    assert (assigned.kind, assigned.next_decision_step) == (t.ASSIGNMENT_KIND_NEW, 1)
    assert reported.decision == decision
    assert (reported.step, reported.checkpoint_uri) == (1, "ckpt")
    assert reported.trial_state == t.TRIAL_STATE_PAUSED
    assert events[6].checkpoint_reported.checkpoint_uri == "alone"
    cancelled = events[7].trial_state_changed
    assert (cancelled.cause, cancelled.message) == (event_pb2.TRIAL_STATE_CAUSE_CANCELLED, "why")
    assert events[8].experiment_state_changed.state == x.EXPERIMENT_STATE_PAUSED
    assert events[9].experiment_updated.spec.display_name == "d"
    assert events[10].experiment_state_changed.end_message == "enough"
    times = [event.time.ToMicroseconds() for event in events]
    assert times == sorted(times)


async def test_a_closed_rung_is_one_event(client: Client) -> None:
    """Two trials: none is promoted on the spot, the best is at the close-out, the other stops."""
    await client.create(max_trials=2)
    await client.arrive(0.1, 0.2)
    await client.report(await client.take("p"), 9, 0.1)

    (closed,) = [v.rung_closed for v in await watched(client, 0) if v.HasField("rung_closed")]

    assert (closed.bracket, closed.rung) == (0, 0)
    assert (closed.competitors, closed.closed_trials) == (2, 1)


async def test_a_watcher_resumes_where_it_left(client: Client) -> None:
    await client.create()
    first = watching(client, 0)
    seen = [(await first.read()).event.sequence]
    first.cancel()
    await until_watched(client, 0)
    await client.arrive(0.1, 0.2)
    await client.stop()

    seen += await sequences(watching(client, seen[-1]))

    assert seen == list(range(1, (await client.get()).sequence + 1))


# -- without gaps ---------------------------------------------------------------------------------


async def test_a_watcher_that_falls_behind_reads_on_from_the_file(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It reads one event, then more come than are kept in memory."""
    monkeypatch.setattr(watch, "KEPT", 8)
    await client.create()
    given = await client.take()
    slow = aiter(watching(client, 0))
    seen = [(await anext(slow)).event.sequence]
    await report_often(client, given, 60)
    await client.stop()

    seen += await sequences(slow)

    assert seen == list(range(1, (await client.get()).sequence + 1))
    assert len(seen) > 60


async def test_a_watcher_from_now_that_falls_behind_misses_nothing(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kept are fewer events than come between two looks of a watcher that does not read."""
    monkeypatch.setattr(watch, "KEPT", 2)
    await client.create()
    given = await client.take()
    start = (await client.get()).sequence
    slow = watching(client)
    await until_watched(client, 1)
    await report_often(client, given, 60)
    await client.stop()

    assert await sequences(slow) == list(range(start + 1, (await client.get()).sequence + 1))


async def test_no_event_is_missed_while_many_report(client: Client) -> None:
    """Watchers come all the while, some from the start, some from now."""
    await client.create(max_trials=200, max_concurrent_trials=0)
    watches: list[asyncio.Task[list[event_pb2.ExperimentEvent]]] = []

    async def work(worker: int) -> None:
        for number in range(10):
            given = await client.take(f"w{worker}")
            if number % 3 == 0:
                after = None if worker % 2 else 0
                watches.append(asyncio.create_task(watched(client, after)))
            await client.report(given, 1, (worker * 31 + number * 17) % 97)

    await asyncio.gather(*(work(n) for n in range(10)))
    await until_watched(client, len(watches))
    await client.stop()

    last = (await client.get()).sequence
    for events in await asyncio.gather(*watches):
        first = events[0].sequence
        assert [event.sequence for event in events] == list(range(first, last + 1))


# -- how a watch ends -----------------------------------------------------------------------------


async def test_a_watch_of_an_ended_experiment_ends(client: Client) -> None:
    await client.create()
    await client.stop()
    await client.update("display_name", display_name="late")

    assert [event.sequence for event in await watched(client, 0)] == [1, 2, 3]
    assert [event.sequence for event in await watched(client, 2)] == [3]
    assert await watched(client, 3) == []
    assert await watched(client, None) == []


async def test_a_sequence_that_there_is_not_yet_is_refused(client: Client) -> None:
    await client.create()

    beyond = await refused(watching(client, 2).read())

    assert (beyond.code, beyond.reason) == ("OUT_OF_RANGE", "WATCH_LAGGED")
    assert beyond.metadata["last_sequence"] == "1"
    assert client.server.watching.open_count == 0


@pytest.mark.parametrize("after", [0, None])
async def test_a_deletion_ends_every_watch(client: Client, after: int | None) -> None:
    await client.create()
    call = watching(client, after)
    if after == 0:
        assert (await call.read()).event.sequence == 1
    await until_watched(client, 1)

    await client.experiments.DeleteExperiment(
        e.DeleteExperimentRequest(experiment_id="e", force=True)
    )

    assert (await refused(call.read())).reason == "EXPERIMENT_NOT_FOUND"
    assert client.server.watching.open_count == 0


async def test_a_new_experiment_of_the_name_is_not_shown_to_a_watcher_of_the_former(
    client: Client,
) -> None:
    await client.create()
    call = watching(client)
    await until_watched(client, 1)
    request = e.DeleteExperimentRequest(experiment_id="e", force=True)

    await client.experiments.DeleteExperiment(request)
    await client.create()
    await client.take()

    assert (await refused(call.read())).reason == "EXPERIMENT_NOT_FOUND"


async def test_only_so_many_watches_are_open(launch: Launch) -> None:
    """One that ends, or whose client goes away, makes room."""
    client = await launch(limits=Limits(watches_max=2))
    await client.create()
    staying, going = watching(client), watching(client)
    await until_watched(client, 2)

    refusal = await refused(watching(client).read())
    assert (refusal.code, refusal.reason) == ("RESOURCE_EXHAUSTED", "LIMIT_EXCEEDED")
    assert refusal.metadata["watches_max"] == "2"
    going.cancel()
    await until_watched(client, 1)
    another = watching(client)
    await until_watched(client, 2)
    await client.stop()
    assert await sequences(staying) == await sequences(another) == [2]
    assert await watched(client, None) == []


async def test_nothing_is_kept_where_nobody_watches(client: Client) -> None:
    await client.create()
    call = watching(client)
    await until_watched(client, 1)
    await client.take()
    feed = client.server.engine.find("e").feed
    assert not feed.is_empty

    call.cancel()
    await until_watched(client, 0)
    await client.take("x")

    assert feed.is_empty

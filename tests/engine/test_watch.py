"""The feed of one experiment's committed events."""

from __future__ import annotations

import asyncio

import pytest

from asha_server.engine import Engine
from asha_server.errors import ErrorReason, NotFound
from asha_server.search.event import Record, TrialCreated
from asha_server.watch import KEPT, Feed

from .search import Worker, halving


def _records(first: int, last: int) -> list[Record]:
    return [Record(n, n, TrialCreated(n, 0, ())) for n in range(first, last + 1)]


def _sequences(records: list[Record] | None) -> list[int]:
    assert records is not None
    return [record.sequence for record in records]


async def test_a_watcher_reads_on_from_where_it_was() -> None:
    feed = Feed()
    feed.watchers = 1
    feed.publish(_records(1, 5))

    assert _sequences(feed.after(0)) == [1, 2, 3, 4, 5]
    assert _sequences(feed.after(3)) == [4, 5]
    assert feed.after(5) == []


async def test_events_older_than_the_kept_ones_are_only_in_the_store() -> None:
    feed = Feed()
    feed.watchers = 1
    feed.publish(_records(1, KEPT + 10))

    assert feed.after(9) is None  # 10 is gone
    assert len(feed.after(10) or []) == KEPT


async def test_nothing_is_kept_where_nobody_watches() -> None:
    feed = Feed()
    feed.watchers = 1
    feed.publish(_records(1, 5))
    feed.watchers = 0

    feed.publish(_records(6, 7))

    assert feed.is_empty
    feed.watchers = 1
    feed.publish(_records(8, 8))
    assert feed.after(7) is not None
    assert feed.after(6) is None  # 7 was published while nobody watched


async def test_an_event_wakes_every_watcher() -> None:
    feed = Feed()
    feed.watchers = 2
    waits = [asyncio.ensure_future(feed.wait()) for _ in range(2)]
    await asyncio.sleep(0)
    waits[0].cancel()  # one went away meanwhile

    feed.publish(_records(1, 1))

    await waits[1]


async def test_a_closed_feed_raises_what_closed_it() -> None:
    feed = Feed()
    feed.watchers = 1
    wait = asyncio.ensure_future(feed.wait())
    await asyncio.sleep(0)

    feed.close(NotFound(ErrorReason.EXPERIMENT_NOT_FOUND, "gone"))

    await wait
    await feed.wait()  # and nobody waits any more
    with pytest.raises(NotFound):
        feed.after(0)


async def test_events_are_published_in_order_without_gaps(engine: Engine) -> None:
    hosted = await engine.create("digits", halving())
    hosted.feed.watchers = 1
    a, b = Worker(engine, "a"), Worker(engine, "b")

    await a.report(await a.take(), 1, 0.5)
    await b.report(await b.take(), 1, 0.4)

    state = hosted.experiment.state
    assert _sequences(hosted.feed.after(1)) == list(range(2, state.sequence + 1))

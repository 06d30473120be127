"""Group commit: what is answered when, and what one commit carries."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from asha_server.config import Limits
from asha_server.engine import Engine
from asha_server.errors import Aborted, ErrorReason, ResourceExhausted
from asha_server.search.command import GetSuggestion, Heartbeat

from .conftest import CommitHeld, Launch
from .search import Worker, halving


async def _spoken(*calls: asyncio.Future[Any]) -> None:
    """Lets tasks that are ready put their calls into the inbox."""
    await asyncio.sleep(0)
    assert not any(call.done() for call in calls)


async def test_commands_that_come_during_a_commit_share_the_next_one(
    engine: Engine, commit_held: CommitHeld
) -> None:
    await engine.create("digits", halving(max_trials=100))
    before = engine.stats.commits
    async with commit_held() as commit_waits:
        first = asyncio.ensure_future(Worker(engine, "first").take())
        await commit_waits.wait()
        others = [asyncio.ensure_future(Worker(engine, f"w{n}").take()) for n in range(50)]
        await _spoken(first, *others)
        assert engine.inbox_depth == 50

    replies = await asyncio.gather(first, *others)

    assert {reply.trial_number for reply in replies} == set(range(51))
    assert engine.stats.commits - before == 2
    assert engine.stats.events == 1 + 51 * 2  # the creation; each trial created and assigned


async def test_nothing_leaves_before_the_commit(engine: Engine, commit_held: CommitHeld) -> None:
    """Neither the answer, nor a read of what was decided, nor an event for those who watch."""
    hosted = await engine.create("digits", halving())
    hosted.feed.watchers = 1
    async with commit_held() as commit_waits:
        command = asyncio.ensure_future(engine.submit("digits", GetSuggestion("a")))
        read = asyncio.ensure_future(
            engine.read("digits", lambda hosted: len(hosted.experiment.state.trials))
        )
        await commit_waits.wait()
        assert not command.done()
        assert not read.done()
        assert hosted.feed.is_empty

    await command
    assert await read == 1
    assert [record.sequence for record in hosted.feed.after(1) or []] == [2, 3]


async def test_what_writes_nothing_commits_nothing(engine: Engine) -> None:
    await engine.create("digits", halving())
    worker = Worker(engine, "a")
    given = await worker.take()
    before = engine.stats.commits

    await worker.heartbeat(given)
    await worker.should_stop(given)
    await engine.read("digits", lambda hosted: None)

    assert engine.stats.commits == before


async def test_a_refused_command_does_not_hold_up_its_batch(
    engine: Engine, commit_held: CommitHeld
) -> None:
    await engine.create("digits", halving())
    async with commit_held() as commit_waits:
        first = asyncio.ensure_future(Worker(engine, "a").ask())
        await commit_waits.wait()
        refused = asyncio.ensure_future(engine.submit("digits", Heartbeat(0, 99)))
        second = asyncio.ensure_future(Worker(engine, "b").take())
        await _spoken(first, refused, second)

    assert (await second).trial_number == 1
    with pytest.raises(Aborted) as refusal:
        await refused
    assert refusal.value.reason is ErrorReason.LEASE_LOST
    await first


async def test_a_full_inbox_refuses_with_a_time_to_retry(
    launch: Launch, commit_held: CommitHeld
) -> None:
    engine = await launch(Limits(inbox_max=3))
    await engine.create("digits", halving(max_trials=10))
    async with commit_held() as commit_waits:
        accepted = [asyncio.ensure_future(Worker(engine, "first").ask())]
        await commit_waits.wait()
        accepted += [asyncio.ensure_future(Worker(engine, f"w{n}").ask()) for n in range(3)]
        await _spoken(*accepted)

        with pytest.raises(ResourceExhausted) as refusal:
            await Worker(engine, "late").ask()

    assert refusal.value.reason is ErrorReason.OVERLOADED
    assert refusal.value.retry_after_us == 500_000
    assert len(await asyncio.gather(*accepted)) == 4

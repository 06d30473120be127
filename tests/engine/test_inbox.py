"""Fair admission: whoever sends thousands of commands waits for them, and others do not."""

from __future__ import annotations

import asyncio
from contextvars import copy_context
from typing import Any

import pytest

from asha_server import engine as engine_module
from asha_server.accounts import SERVER, Account, Kind, payer
from asha_server.config import IdentityLimits, Limits
from asha_server.engine import Engine
from asha_server.errors import ErrorReason, ResourceExhausted
from asha_server.hosted import Call
from asha_server.inbox import Inbox
from asha_server.search.command import Heartbeat

from .conftest import CommitHeld, Launch
from .search import Worker, halving
from .virtual_clock import VirtualClock


def account(name: str) -> Account:
    return Account(Kind.TOKEN, name, IdentityLimits(), {})


NOISY, QUIET, OTHER = map(account, ("noisy", "quiet", "other"))


async def _call(name: str) -> Call:
    return Call(name, lambda hosted: None, asyncio.get_running_loop().create_future())


async def filled(**lanes: int) -> Inbox:
    """An inbox with so many calls of each, those of one account one after another."""
    inbox = Inbox()
    for name, count in lanes.items():
        payer = {"noisy": NOISY, "quiet": QUIET, "other": OTHER, "server": SERVER}[name]
        for number in range(count):
            inbox.put(await _call(f"{name}{number}"), payer)
    return inbox


def names(calls: list[Call]) -> list[str]:
    return [call.experiment_id for call in calls]


async def test_lanes_are_served_in_turn_and_each_in_its_order() -> None:
    inbox = await filled(noisy=5, quiet=2, other=1)

    assert names(inbox.take(4)) == ["noisy0", "quiet0", "other0", "noisy1"]
    assert len(inbox) == 4
    assert names(inbox.take(4)) == ["quiet1", "noisy2", "noisy3", "noisy4"]
    assert len(inbox) == 0
    assert inbox.take(4) == []


async def test_a_lane_that_was_served_stands_behind_the_others() -> None:
    inbox = await filled(noisy=3, quiet=3)

    assert names(inbox.take(1)) == ["noisy0"]
    assert names(inbox.take(2)) == ["quiet0", "noisy1"]
    assert names(inbox.take_all()) == ["quiet1", "noisy2", "quiet2"]


async def test_one_lane_alone_is_taken_in_its_order() -> None:
    inbox = await filled(noisy=7)

    assert names(inbox.take(3)) == ["noisy0", "noisy1", "noisy2"]
    assert names(inbox.take(10)) == ["noisy3", "noisy4", "noisy5", "noisy6"]
    assert len(inbox) == 0


async def test_room_is_made_by_the_latest_call_of_the_longest_lane() -> None:
    inbox = await filled(noisy=4, quiet=2, server=9)

    pushed_out = inbox.push_out(OTHER)

    assert pushed_out is not None
    assert pushed_out.experiment_id == "noisy3"
    assert len(inbox) == 14
    assert inbox.push_out(NOISY) is None, "the longest lane makes no room for itself"
    assert inbox.push_out(QUIET) is None, "with one more it would be as long as the longest"


async def test_the_servers_own_calls_make_no_room() -> None:
    inbox = await filled(server=9)

    assert inbox.push_out(OTHER) is None


def as_(who: Account, call: Any) -> asyncio.Task[Any]:
    """A task of an account."""
    context = copy_context()
    context.run(payer.set, who)
    return asyncio.get_running_loop().create_task(call, context=context)


async def test_a_full_inbox_refuses_whoever_fills_it(
    launch: Launch, commit_held: CommitHeld
) -> None:
    engine = await launch(Limits(inbox_max=10))
    await engine.create("digits", halving(max_trials=100))
    async with commit_held() as commit_waits:
        first = asyncio.ensure_future(Worker(engine, "first").ask())
        await commit_waits.wait()
        noisy = [as_(NOISY, Worker(engine, f"n{n}").ask()) for n in range(10)]
        await asyncio.sleep(0)
        assert engine.inbox_depth == 10
        quiet = [as_(QUIET, Worker(engine, f"q{n}").ask()) for n in range(3)]
        done, _ = await asyncio.wait(noisy, return_when=asyncio.FIRST_COMPLETED)

        with pytest.raises(ResourceExhausted) as refusal:
            done.pop().result()
        with pytest.raises(ResourceExhausted):
            await as_(NOISY, Worker(engine, "late").ask())
        assert engine.inbox_depth == 10

    assert refusal.value.reason is ErrorReason.OVERLOADED
    await asyncio.gather(first, *quiet)
    ended = await asyncio.gather(*noisy, return_exceptions=True)
    assert [isinstance(end, ResourceExhausted) for end in ended] == [False] * 7 + [True] * 3


async def test_a_batch_is_bounded_and_shared(
    launch: Launch, commit_held: CommitHeld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever comes behind thirty commands waits for one batch of ten, not for three."""
    monkeypatch.setattr(engine_module, "BATCH_MAX", 10)
    engine = await launch()
    await engine.create("digits", halving(max_trials=100))
    async with commit_held() as commit_waits:
        first = asyncio.ensure_future(Worker(engine, "first").ask())
        await commit_waits.wait()
        noisy = [as_(NOISY, Worker(engine, f"n{n}").ask()) for n in range(30)]
        quiet = as_(QUIET, Worker(engine, "q").ask())
        await asyncio.sleep(0)

    await quiet

    assert sum(call.done() for call in noisy) < 30
    await asyncio.gather(first, *noisy)


async def test_a_lease_lives_whose_heartbeat_waits_behind_others(
    launch: Launch, commit_held: CommitHeld, monkeypatch: pytest.MonkeyPatch, clock: VirtualClock
) -> None:
    """What was said in time counts, though its batch comes late."""
    monkeypatch.setattr(engine_module, "BATCH_MAX", 10)
    engine: Engine = await launch()
    spec = halving(max_trials=100, lease_ttl_us=60_000_000)
    await engine.create("digits", spec)
    worker = Worker(engine, "a")
    given = await worker.take()
    await clock.advance(59.5)
    async with commit_held() as commit_waits:
        first = asyncio.ensure_future(Worker(engine, "first").ask())
        await commit_waits.wait()
        others = [as_(QUIET, Worker(engine, f"n{n}").ask()) for n in range(30)]
        await asyncio.sleep(0)
        beat = as_(QUIET, engine.submit("digits", Heartbeat(given.trial_number, given.attempt)))
        await asyncio.sleep(0)
        clock.stand_still(0.9)

    answer = await beat

    assert answer.is_live
    assert engine.stats.expiries == 0
    await asyncio.gather(first, *others)

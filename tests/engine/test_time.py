"""Neither a clock that jumps nor a server that stands still ends a lease, or makes it endless."""

from __future__ import annotations

import asyncio

import pytest

from asha_server.engine import Engine
from asha_server.hosted import Hosted
from asha_server.search.terms import TrialState

from .conftest import CommitHeld
from .search import Worker, everything_said, halving
from .virtual_clock import SECOND_US, VirtualClock

YEAR_S = 365 * 86_400


async def _state(engine: Engine) -> TrialState:
    """Of the first trial, once every lease that ran out has been ended."""
    await everything_said(engine)
    found: TrialState = await engine.read(
        "digits", lambda h: h.experiment.state.state_of(h.experiment.state.trials[0])
    )
    return found


# -- a wall clock that jumps ----------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [YEAR_S, -YEAR_S], ids=["forwards", "backwards"])
async def test_a_lease_lasts_its_term_whatever_the_wall_clock_does(
    engine: Engine, clock: VirtualClock, seconds: int
) -> None:
    await engine.create("digits", halving())
    await Worker(engine, "a").take()
    await clock.advance(30)

    clock.set_wall(seconds)

    await clock.advance(29.9)
    assert await _state(engine) is TrialState.RUNNING
    await clock.advance(0.1)
    assert await _state(engine) is TrialState.QUEUED


@pytest.mark.parametrize("seconds", [YEAR_S, -YEAR_S], ids=["forwards", "backwards"])
async def test_a_renewal_after_a_jump_is_for_one_term(
    engine: Engine, clock: VirtualClock, seconds: int
) -> None:
    await engine.create("digits", halving(progress_timeout_us=90 * SECOND_US))
    worker = Worker(engine, "a")
    given = await worker.take()
    clock.set_wall(seconds)
    await clock.advance(50)

    await worker.report(given, 0, 0.5)

    await clock.advance(59.9)
    assert await _state(engine) is TrialState.RUNNING
    await clock.advance(0.1)
    assert await _state(engine) is TrialState.QUEUED


@pytest.mark.parametrize("seconds", [YEAR_S, -YEAR_S], ids=["forwards", "backwards"])
async def test_a_long_poll_lasts_as_long_as_it_was_asked_for(
    engine: Engine, clock: VirtualClock, seconds: int
) -> None:
    await engine.create("digits", halving(max_concurrent_trials=1))
    await Worker(engine, "a").take()
    waiting = asyncio.ensure_future(Worker(engine, "b").ask(10))
    await everything_said(engine)

    clock.set_wall(seconds)

    await clock.advance(9.9)
    await everything_said(engine)
    assert not waiting.done()
    await clock.advance(0.1)
    await waiting


# -- a server that stands still -------------------------------------------------------------------


@pytest.mark.parametrize("stood_s", [0.95, 1.5, 100], ids=["less than a tick", "more", "long"])
async def test_what_came_while_the_server_stood_still_is_read_before_anything_expires(
    engine: Engine, clock: VirtualClock, stood_s: float
) -> None:
    """The shortest lease there is; its heartbeat is there when the server wakes up."""
    await engine.create("digits", halving(lease_ttl_us=SECOND_US))
    worker = Worker(engine, "a")
    given = await worker.take()
    await clock.advance(0.5)

    waking = asyncio.ensure_future(clock.jump(stood_s))
    for _ in range(5):  # the engine wakes up before the heartbeat is read
        await asyncio.sleep(0)
    await worker.heartbeat(given)
    await waking

    assert await _state(engine) is TrialState.RUNNING
    assert engine.stats.expiries == 0


async def test_a_stall_in_the_middle_of_a_turn_takes_nothing_from_anybody(
    engine: Engine, clock: VirtualClock
) -> None:
    await engine.create("digits", halving())
    worker = Worker(engine, "a")
    given = await worker.take()
    await clock.advance(50)

    def stand_still(hosted: Hosted) -> None:
        clock.stand_still(100)

    await engine.read("digits", stand_still)
    await worker.heartbeat(given)

    assert await _state(engine) is TrialState.RUNNING
    assert engine.stats.expiries == 0


async def test_a_commit_that_waits_for_longer_than_a_lease_takes_nothing_from_anybody(
    engine: Engine, clock: VirtualClock, commit_held: CommitHeld
) -> None:
    """A shell's lock is waited out; the heartbeat that came meanwhile counts."""
    await engine.create("digits", halving())
    worker = Worker(engine, "a")
    given = await worker.take()
    async with commit_held() as commit_waits:
        blocker = asyncio.ensure_future(engine.create("blocker", halving()))
        await commit_waits.wait()
        clock.stand_still(100)
        alive = asyncio.ensure_future(worker.heartbeat(given))
        await asyncio.sleep(0)

    await asyncio.gather(blocker, alive)
    assert await _state(engine) is TrialState.RUNNING
    assert engine.stats.expiries == 0


async def test_a_stall_immortalises_no_lease(engine: Engine, clock: VirtualClock) -> None:
    """A worker that died meanwhile has its rest of the term, and no more."""
    await engine.create("digits", halving())
    await Worker(engine, "a").take()
    await clock.advance(50)
    await clock.jump(1_000)

    await clock.advance(9)
    assert await _state(engine) is TrialState.RUNNING
    await clock.advance(2)  # with the tick within which nobody can tell when it began

    assert await _state(engine) is TrialState.QUEUED

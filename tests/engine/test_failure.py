"""What fails: a commit, one experiment, and what a stop does to those who wait."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from asha_server.engine import Engine
from asha_server.errors import ErrorReason, Unavailable
from asha_server.hosted import Hosted
from asha_server.search.asha import AsynchronousHalving
from asha_server.search.event import RungClosed
from asha_server.search.halving import Choice, Judgement
from asha_server.search.method import METHODS
from asha_server.search.spec import ExperimentSpec, RandomSearch
from asha_server.search.state import State
from asha_server.search.terms import AssignmentKind, TrialState
from asha_server.search.trial import Trial
from asha_server.store import StoreFailed, TokenRow
from asha_server.verify import verify_file

from .conftest import CommitHeld
from .search import Worker, everything_said, halving
from .virtual_clock import VirtualClock

HOUR_S = 3_600


# -- a commit -------------------------------------------------------------------------------------


def _fill_the_disk(engine: Engine) -> None:
    """No page more than there are, as on a full disk."""
    connection: sqlite3.Connection = engine._store._connection  # type: ignore[attr-defined]  # of SQLite's
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")


async def test_a_failed_commit_refuses_every_call_and_ends_the_engine(
    engine: Engine, path: Path
) -> None:
    await engine.create("busy", halving(max_trials=10_000))
    await engine.create("digits", halving(max_concurrent_trials=1))
    given = await Worker(engine, "a").take()
    held = [
        asyncio.ensure_future(Worker(engine, "b").ask(HOUR_S)),
        asyncio.ensure_future(Worker(engine, "a").should_stop(given, HOUR_S)),
    ]
    await everything_said(engine)
    hosted = engine.find("busy")
    hosted.feed.watchers = 1
    _fill_the_disk(engine)

    busy = [Worker(engine, f"w{n}" * 20, "busy").take() for n in range(500)]
    results = await asyncio.gather(*busy, *held, return_exceptions=True)

    for refusal in results:
        assert isinstance(refusal, Unavailable)
        assert refusal.reason is ErrorReason.STORE_FAILED
        assert refusal.retry_after_us > 0
    with pytest.raises(Unavailable) as later:
        await engine.read("digits", lambda hosted: None)
    assert later.value.reason is ErrorReason.STORE_FAILED
    with pytest.raises(Unavailable):
        hosted.feed.after(0)
    assert engine._task is not None
    await asyncio.wait([engine._task])
    assert isinstance(engine._task.exception(), StoreFailed)
    await engine.stop()
    verification = verify_file(path)
    assert verification.ok
    assert [found.trial_count for found in verification.experiments] == [0, 1]


async def test_a_failed_write_of_a_token_ends_the_engine_too(engine: Engine, path: Path) -> None:
    await engine.create("digits", halving())
    _fill_the_disk(engine)
    pattern = json.dumps(["x" * 100_000])

    with pytest.raises(Unavailable) as refused:
        await engine.keep_token(TokenRow("t", b"digest", "READ", pattern, 1, 0, 0, "{}"))

    assert refused.value.reason is ErrorReason.STORE_FAILED
    assert engine._task is not None
    await asyncio.wait([engine._task])
    assert isinstance(engine._task.exception(), StoreFailed)
    with pytest.raises(Unavailable):
        await engine.claim_worker("digits", "w", "t")
    await engine.stop()
    assert verify_file(path).ok


# -- a stop ---------------------------------------------------------------------------------------


async def test_a_stop_answers_what_is_in_the_inbox_and_ends_every_wait(
    engine: Engine, commit_held: CommitHeld
) -> None:
    await engine.create("digits", halving(max_concurrent_trials=1))
    hosted = engine.find("digits")
    given = await Worker(engine, "a").take()
    held = asyncio.ensure_future(Worker(engine, "b").ask(HOUR_S))
    await everything_said(engine)
    async with commit_held() as commit_waits:
        first = asyncio.ensure_future(Worker(engine, "a").report(given, 0, 0.5))
        await commit_waits.wait()
        queued = asyncio.ensure_future(Worker(engine, "a").report(given, 1, 0.4))
        await asyncio.sleep(0)
        stop = asyncio.ensure_future(engine.stop())
        await asyncio.sleep(0)
        with pytest.raises(Unavailable) as refusal:
            await Worker(engine, "late").ask()
        assert refusal.value.reason is ErrorReason.SHUTTING_DOWN

    await asyncio.gather(first, queued, stop)
    # The report paused the trial, so the one that waited was given the next.
    assert (await held).trial_number == 1  # type: ignore[union-attr]  # an assignment
    with pytest.raises(Unavailable):
        hosted.feed.after(0)


async def test_a_stop_refuses_those_who_wait(engine: Engine) -> None:
    await engine.create("digits", halving(max_concurrent_trials=1))
    await Worker(engine, "a").take()
    held = asyncio.ensure_future(Worker(engine, "b").ask(HOUR_S))
    await everything_said(engine)

    await engine.stop()

    with pytest.raises(Unavailable) as refusal:
        await held
    assert refusal.value.reason is ErrorReason.SHUTTING_DOWN


# -- one experiment -------------------------------------------------------------------------------


class Faulty(AsynchronousHalving):
    """A search method with bugs that a value of 666 brings out, and one in a hand-out."""

    def __init__(self) -> None:
        self.cannot_suggest = False

    def judge(self, state: State, trial: Trial, step: int, value: float) -> Judgement:
        if value == 666:
            raise ZeroDivisionError("judge")
        return super().judge(state, trial, step, value)

    def settle(self, state: State) -> Iterator[RungClosed]:
        if any(trial.value == 667 for trial in state.trials):
            raise ZeroDivisionError("settle")
        return super().settle(state)

    def suggest(self, state: State) -> Choice | None:
        if self.cannot_suggest:
            raise ZeroDivisionError("suggest")
        return super().suggest(state)


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> Faulty:
    method = Faulty()
    methods: dict[Any, Any] = METHODS
    monkeypatch.setitem(methods, RandomSearch, method)
    return method


def _faulty_spec(**changes: object) -> ExperimentSpec:
    return halving(method=RandomSearch(), max_length=1, max_trials=5, **changes)


@pytest.mark.parametrize("value", [666, 667], ids=["before any event", "after an event"])
async def test_a_bug_in_one_experiment_puts_it_back_to_what_is_durable(
    engine: Engine, faulty: Faulty, path: Path, value: float
) -> None:
    await engine.create("digits", _faulty_spec())
    worker = Worker(engine, "a")
    given = await worker.take()

    with pytest.raises(ZeroDivisionError):
        await worker.report(given, 1, value)

    state = await engine.read("digits", lambda hosted: hosted.experiment.state)
    assert state.sequence == 3  # created; created, assigned
    assert state.state_of(state.trials[0]) is TrialState.RUNNING
    engine.find("digits").experiment.check()
    assert len(engine.leases) == 1
    answer = await worker.report(given, 1, 0.5)
    assert answer.trial_state is TrialState.COMPLETED
    assert verify_file(path).ok


async def test_a_bug_leaves_other_experiments_of_the_batch_alone(
    engine: Engine, faulty: Faulty, commit_held: CommitHeld
) -> None:
    """Those who had something done in the same experiment are told to ask again."""
    await engine.create("faulty", _faulty_spec())
    await engine.create("digits", halving())
    a, b = Worker(engine, "a", "faulty"), Worker(engine, "b", "faulty")
    given = await a.take()
    async with commit_held() as commit_waits:
        blocker = asyncio.ensure_future(engine.create("blocker", halving()))
        await commit_waits.wait()
        undone = asyncio.ensure_future(b.take())
        seen = asyncio.ensure_future(engine.read("faulty", lambda h: h.experiment.state.sequence))
        bug = asyncio.ensure_future(a.report(given, 1, 666))
        other = asyncio.ensure_future(Worker(engine, "a").take())
        await asyncio.sleep(0)

    assert (await other).trial_number == 0
    with pytest.raises(ZeroDivisionError):
        await bug
    for call in (undone, seen):
        with pytest.raises(Unavailable) as refusal:
            await call
        assert refusal.value.reason is ErrorReason.STORE_FAILED
    assert len(engine.leases) == 2  # the undone one is none
    assert (await b.take()).trial_number == 1
    await blocker


async def test_a_lease_that_is_given_back_in_vain_goes_on(
    engine: Engine, faulty: Faulty, commit_held: CommitHeld, clock: VirtualClock
) -> None:
    """Its release is undone with the rest of the batch, so its trial must not run for ever."""
    await engine.create("digits", _faulty_spec())
    a, b = Worker(engine, "a"), Worker(engine, "b")
    given, other = await a.take(), await b.take()
    async with commit_held() as commit_waits:
        blocker = asyncio.ensure_future(engine.create("blocker", halving()))
        await commit_waits.wait()
        release = asyncio.ensure_future(a.release(given))
        bug = asyncio.ensure_future(b.report(other, 1, 666))
        await asyncio.sleep(0)
    await asyncio.gather(blocker, release, bug, return_exceptions=True)
    assert isinstance(release.exception(), Unavailable)

    await clock.advance(60)

    await everything_said(engine)
    state = engine.find("digits").experiment.state
    assert [state.state_of(trial) for trial in state.trials] == [TrialState.QUEUED] * 2


async def test_a_bug_met_in_serving_those_who_wait_hangs_nobody(
    engine: Engine, faulty: Faulty
) -> None:
    await engine.create("digits", _faulty_spec(max_concurrent_trials=1))
    a, b = Worker(engine, "a"), Worker(engine, "b")
    given = await a.take()
    first = asyncio.ensure_future(b.take(HOUR_S))
    second = asyncio.ensure_future(Worker(engine, "c").take(HOUR_S))
    await everything_said(engine)

    faulty.cannot_suggest = True
    with pytest.raises(Unavailable):
        await a.report(given, 1, 0.5)
    with pytest.raises(ZeroDivisionError):
        await first
    faulty.cannot_suggest = False
    await a.report(given, 1, 0.5)

    assert (await second).kind is AssignmentKind.NEW


async def test_a_bug_in_a_new_experiment_leaves_nothing_of_it(
    engine: Engine, faulty: Faulty, commit_held: CommitHeld
) -> None:
    await engine.create("other", halving())
    faulty.cannot_suggest = True
    async with commit_held() as commit_waits:
        blocker = asyncio.ensure_future(Worker(engine, "a", "other").take())
        await commit_waits.wait()
        created = asyncio.ensure_future(engine.create("digits", _faulty_spec(), "request"))
        bug = asyncio.ensure_future(Worker(engine, "a").take(HOUR_S))
        await asyncio.sleep(0)

    with pytest.raises(Unavailable):
        await created
    with pytest.raises(ZeroDivisionError):
        await bug
    await blocker
    assert list(engine.hosted) == ["other"]
    await engine.create("digits", halving(), "request")


async def test_a_bug_in_a_question_changes_nothing(engine: Engine) -> None:
    await engine.create("digits", halving())
    before = engine.find("digits").experiment

    def ask(hosted: Hosted) -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await engine.read("digits", ask)

    assert engine.find("digits").experiment is before

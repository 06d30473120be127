"""Long polls: who is woken by what, in which order, and what ends the wait."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from asha_server.clock import SECOND_US
from asha_server.config import Limits
from asha_server.engine import Engine
from asha_server.errors import ErrorReason, FailedPrecondition, ResourceExhausted
from asha_server.search.command import (
    CancelTrial,
    FailTrial,
    Finished,
    GetSuggestion,
    PauseExperiment,
    ResumeExperiment,
    StopExperiment,
    UpdateExperiment,
    Wait,
)
from asha_server.search.terms import (
    AssignmentKind,
    DecisionReason,
    EndReason,
    FailureKind,
    Verdict,
    WaitReason,
)

from .conftest import CommitHeld, Launch
from .search import Worker, everything_said, halving
from .virtual_clock import VirtualClock

HOUR_S = 3_600


async def _held(engine: Engine, *calls: Any) -> list[asyncio.Task[Any]]:
    """Starts calls, in order; returns once the engine holds all of them."""
    tasks = [asyncio.ensure_future(call) for call in calls]
    await everything_said(engine)
    assert not any(task.done() for task in tasks)
    return tasks


# -- GetSuggestion --------------------------------------------------------------------------------


async def test_a_promotion_wakes_a_waiting_worker(engine: Engine) -> None:
    await engine.create("digits", halving())
    a, b, c = (Worker(engine, name) for name in "abc")
    await a.report(await a.take(), 1, 0.5)  # trial 0, paused in rung 0
    given = await b.take()
    (waiting,) = await _held(engine, c.take(HOUR_S))

    await b.report(given, 1, 0.6)  # two entries, one goes on: trial 0

    promoted = await waiting
    assert (promoted.kind, promoted.trial_number) == (AssignmentKind.PROMOTED, 0)


async def test_a_released_trial_goes_to_the_worker_that_waited_longest(engine: Engine) -> None:
    await engine.create("digits", halving())
    a, b = Worker(engine, "a"), Worker(engine, "b")
    first, second = await a.take(), await b.take()
    waiting = await _held(engine, *(Worker(engine, name).take(HOUR_S) for name in ("x", "y", "z")))

    await b.release(second)
    got = await waiting[0]
    assert (got.kind, got.trial_number) == (AssignmentKind.RETRIED, 1)
    assert not waiting[1].done()
    await a.release(first)

    assert (await waiting[1]).trial_number == 0
    assert not waiting[2].done()
    waiting[2].cancel()


async def test_a_worker_is_not_given_back_what_it_gave_back_in_the_same_call(
    engine: Engine,
) -> None:
    """However often the experiment changes while it waits; anybody else may have the trial."""
    await engine.create("digits", halving(max_trials=1))
    given = await Worker(engine, "a").take()
    asked = GetSuggestion("a", release_held=True)
    (waiting,) = await _held(engine, engine.wait_for("digits", asked, HOUR_S * SECOND_US))

    await engine.submit("digits", UpdateExperiment({"display_name": "changed"}))
    await everything_said(engine)

    assert not waiting.done()
    retried = await Worker(engine, "b").take()
    assert (retried.kind, retried.trial_number) == (AssignmentKind.RETRIED, given.trial_number)
    waiting.cancel()


async def test_a_worker_that_comes_later_does_not_overtake(
    engine: Engine, commit_held: CommitHeld
) -> None:
    """Not even in the batch that brings the work."""
    await engine.create("digits", halving())
    a = Worker(engine, "a")
    given = await a.take()
    await Worker(engine, "b").take()
    (waiting,) = await _held(engine, Worker(engine, "early").take(HOUR_S))
    async with commit_held() as commit_waits:
        other = asyncio.ensure_future(engine.create("other", halving()))
        await commit_waits.wait()
        release = asyncio.ensure_future(a.release(given))
        late = asyncio.ensure_future(Worker(engine, "late").ask())
        await asyncio.sleep(0)

    assert (await waiting).trial_number == 0
    assert isinstance(await late, Wait)
    await asyncio.gather(other, release)


async def test_when_the_time_is_over_a_wait_is_the_answer(
    engine: Engine, clock: VirtualClock
) -> None:
    await engine.create("digits", halving(max_concurrent_trials=1))
    holder = Worker(engine, "a")
    given = await holder.take()
    (waiting,) = await _held(engine, Worker(engine, "b").ask(30))

    await clock.advance(29.9)
    await everything_said(engine)
    assert not waiting.done()
    await clock.advance(0.1)

    assert await waiting == Wait(WaitReason.CONCURRENCY_LIMIT)
    assert engine.waiting_calls == 0
    await holder.release(given)  # and nobody is left to be given the trial
    assert (await Worker(engine, "c").take()).trial_number == 0


async def test_the_end_of_the_experiment_is_told_to_all(engine: Engine) -> None:
    await engine.create("digits", halving())
    await Worker(engine, "a").take()
    await Worker(engine, "b").take()
    waiting = await _held(engine, *(Worker(engine, f"w{n}").ask(HOUR_S) for n in range(5)))

    await engine.submit("digits", StopExperiment("enough"))

    for reply in await asyncio.gather(*waiting):
        assert isinstance(reply, Finished)
        assert (reply.end_reason, reply.message) == (EndReason.STOPPED_BY_USER, "enough")


async def test_a_resumed_experiment_wakes_its_workers(engine: Engine) -> None:
    await engine.create("digits", halving())
    await engine.submit("digits", PauseExperiment())
    waiting = await _held(engine, *(Worker(engine, f"w{n}").take(HOUR_S) for n in range(2)))

    await engine.submit("digits", ResumeExperiment())

    assert [given.trial_number for given in await asyncio.gather(*waiting)] == [0, 1]


async def _fail_three_times(worker: Worker) -> None:
    for _ in range(3):
        given = await worker.take()
        command = FailTrial(given.trial_number, given.attempt, FailureKind.RETRYABLE)
        await worker.engine.submit("digits", command)


async def test_the_wait_of_a_failing_worker_ends_by_itself(
    engine: Engine, clock: VirtualClock
) -> None:
    """It is blocked for one lease term, 60 s, and nothing else happens meanwhile."""
    await engine.create("digits", halving())
    bad = Worker(engine, "bad")
    await _fail_three_times(bad)
    (waiting,) = await _held(engine, bad.take(HOUR_S))

    await clock.advance(59.9)
    await everything_said(engine)
    assert not waiting.done()
    await clock.advance(0.1)

    assert (await waiting).trial_number == 0


async def test_a_failing_worker_does_not_stand_in_the_way(engine: Engine) -> None:
    await engine.create("digits", halving(max_concurrent_trials=1))
    bad, good = Worker(engine, "bad"), Worker(engine, "good")
    await _fail_three_times(bad)
    given = await good.take()
    waiting = await _held(engine, bad.ask(HOUR_S), Worker(engine, "next").take(HOUR_S))

    await good.release(given)

    assert (await waiting[1]).trial_number == 0
    assert not waiting[0].done()
    waiting[0].cancel()


async def test_a_caller_that_went_away_is_given_nothing(engine: Engine) -> None:
    await engine.create("digits", halving(max_concurrent_trials=1))
    holder = Worker(engine, "a")
    given = await holder.take()
    gone, waiting = await _held(
        engine, Worker(engine, "gone").take(HOUR_S), Worker(engine, "there").take(HOUR_S)
    )

    gone.cancel()
    await asyncio.wait([gone])
    assert engine.waiting_calls == 1
    await holder.release(given)

    assert (await waiting).trial_number == 0


async def test_nothing_is_kept_of_callers_that_went_away(engine: Engine) -> None:
    hosted = await engine.create("digits", halving(max_concurrent_trials=1))
    given = await Worker(engine, "a").take()
    gone = await _held(
        engine, Worker(engine, "b").take(HOUR_S), Worker(engine, "a").should_stop(given, HOUR_S)
    )

    for task in gone:
        task.cancel()
    await asyncio.wait(gone)

    assert hosted.waiting.take_all() == []


async def test_a_refusal_ends_a_wait(engine: Engine) -> None:
    """Another worker was faster with the same request id."""
    await engine.create("digits", halving(max_concurrent_trials=1))
    holder = Worker(engine, "a")
    given = await holder.take()
    first, second = await _held(
        engine,
        Worker(engine, "b").ask(HOUR_S, request_id="r"),
        Worker(engine, "c").ask(HOUR_S, request_id="r"),
    )

    await holder.release(given)

    await first
    with pytest.raises(FailedPrecondition) as refusal:
        await second
    assert refusal.value.reason is ErrorReason.REQUEST_ID_REUSED


async def test_only_so_many_calls_are_held(launch: Launch) -> None:
    engine = await launch(Limits(waiting_calls_max=2))
    await engine.create("digits", halving(max_concurrent_trials=1))
    await Worker(engine, "a").take()
    waiting = await _held(engine, *(Worker(engine, name).ask(HOUR_S) for name in "bc"))
    assert engine.waiting_calls == 2

    with pytest.raises(ResourceExhausted) as refusal:
        await Worker(engine, "d").ask(HOUR_S)
    assert refusal.value.reason is ErrorReason.LIMIT_EXCEEDED
    assert refusal.value.retry_after_us == 0  # it can be long; asking without waiting cannot
    assert isinstance(await Worker(engine, "d").ask(), Wait)

    for task in waiting:
        task.cancel()


# -- ShouldStop -----------------------------------------------------------------------------------


async def test_a_cancel_wakes_those_who_ask_about_that_trial(engine: Engine) -> None:
    await engine.create("digits", halving())
    a, b = Worker(engine, "a"), Worker(engine, "b")
    first, second = await a.take(), await b.take()
    asked = await _held(
        engine, a.should_stop(first, 60), a.should_stop(first, 60), b.should_stop(second, 60)
    )

    await engine.submit("digits", CancelTrial(0))

    for answer in await asyncio.gather(*asked[:2]):
        assert (answer.decision.verdict, answer.decision.reason) == (
            Verdict.STOP,
            DecisionReason.CANCELLED,
        )
    await everything_said(engine)
    assert not asked[2].done()
    asked[2].cancel()


async def test_a_stop_of_the_experiment_wakes_all_who_ask(engine: Engine) -> None:
    await engine.create("digits", halving())
    workers = [Worker(engine, name) for name in "ab"]
    asked = await _held(
        engine, *[worker.should_stop(await worker.take(), 60) for worker in workers]
    )

    await engine.submit("digits", StopExperiment())

    answers = await asyncio.gather(*asked)
    assert [answer.decision.reason for answer in answers] == [DecisionReason.EXPERIMENT_STOPPED] * 2


async def test_a_report_that_goes_on_leaves_the_question_open(
    engine: Engine, clock: VirtualClock
) -> None:
    await engine.create("digits", halving())
    worker = Worker(engine, "a")
    given = await worker.take()
    (asked,) = await _held(engine, worker.should_stop(given, 60))

    await worker.report(given, 0, 0.9)
    await everything_said(engine)
    assert not asked.done()
    await clock.advance(59)
    await worker.heartbeat(given)
    await clock.advance(1)

    answer = await asked
    assert answer.decision.verdict is Verdict.CONTINUE


async def test_a_verdict_that_is_known_is_told_at_once(engine: Engine) -> None:
    await engine.create("digits", halving())
    worker = Worker(engine, "a")
    given = await worker.take()
    await worker.report(given, 1, 0.5)

    answer = await worker.should_stop(given, 60)

    assert (answer.decision.verdict, answer.decision.reason) == (
        Verdict.PAUSE,
        DecisionReason.AWAITING_PROMOTION,
    )


async def test_a_lost_lease_wakes_its_holder(engine: Engine) -> None:
    """The container restarted: another process of the same name was given the trial."""
    await engine.create("digits", halving())
    worker = Worker(engine, "a")
    given = await worker.take()
    (asked,) = await _held(engine, worker.should_stop(given, 60))

    await engine.submit("digits", GetSuggestion("a", incarnation_id="another process"))

    assert (await asked).decision.reason is DecisionReason.LEASE_LOST

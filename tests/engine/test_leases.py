"""Leases by the engine's clock: begun, renewed, run out, and what a pause of the server does."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import pytest

from asha_server.engine import Engine
from asha_server.errors import Aborted
from asha_server.leases import LeaseTable, TokenMint, load_key
from asha_server.search.command import (
    CancelTrial,
    PauseExperiment,
    StopExperiment,
    UpdateExperiment,
    Wait,
)
from asha_server.search.event import TrialStateChanged
from asha_server.search.terms import AssignmentKind, TrialState, TrialStateCause

from .conftest import Launch
from .search import Worker, everything_said, halving
from .virtual_clock import SECOND_US, VirtualClock


async def _state(engine: Engine, trial_number: int = 0) -> TrialState:
    """Twice, since leases run out at the end of a batch."""
    await everything_said(engine)
    found: TrialState = await engine.read(
        "digits", lambda h: h.experiment.state.state_of(h.experiment.state.trials[trial_number])
    )
    return found


async def test_a_lease_that_nobody_renews_runs_out_after_its_term(
    engine: Engine, clock: VirtualClock
) -> None:
    await engine.create("digits", halving())
    await Worker(engine, "a").take()

    await clock.advance(59.9)
    assert await _state(engine) is TrialState.RUNNING
    await clock.advance(0.1)

    assert await _state(engine) is TrialState.QUEUED
    assert engine.stats.expiries == 1
    assert len(engine.leases) == 0


async def test_an_overdue_trial_is_handed_to_a_waiting_worker(
    engine: Engine, clock: VirtualClock
) -> None:
    await engine.create("digits", halving(max_concurrent_trials=1))
    await Worker(engine, "a").take()
    waiting = asyncio.ensure_future(Worker(engine, "b").take(100))
    await everything_said(engine)

    await clock.advance(60)

    given = await waiting
    assert (given.kind, given.trial_number, given.attempt) == (AssignmentKind.RETRIED, 0, 2)


@pytest.mark.parametrize("sign", ["report", "heartbeat"])
async def test_a_sign_of_life_begins_a_fresh_term(
    engine: Engine, clock: VirtualClock, sign: str
) -> None:
    await engine.create("digits", halving())
    worker = Worker(engine, "a")
    given = await worker.take()
    await clock.advance(59)

    if sign == "report":
        await worker.report(given, 0, 0.5)
    else:
        await worker.heartbeat(given)

    await clock.advance(59.9)
    assert await _state(engine) is TrialState.RUNNING
    await clock.advance(0.1)
    assert await _state(engine) is TrialState.QUEUED


async def test_asking_whether_to_stop_renews_nothing(engine: Engine, clock: VirtualClock) -> None:
    await engine.create("digits", halving())
    worker = Worker(engine, "a")
    given = await worker.take()
    await clock.advance(59)

    await worker.should_stop(given)
    await clock.advance(1)

    assert await _state(engine) is TrialState.QUEUED


async def test_asking_for_work_again_renews_the_lease_that_is_held(
    engine: Engine, clock: VirtualClock
) -> None:
    await engine.create("digits", halving())
    worker = Worker(engine, "a")
    given = await worker.take()
    await clock.advance(59)

    assert await worker.take() == given

    await clock.advance(59)
    assert await _state(engine) is TrialState.RUNNING


async def test_a_trial_without_a_report_is_taken_from_a_worker_that_lives(
    engine: Engine, clock: VirtualClock
) -> None:
    await engine.create("digits", halving(progress_timeout_us=90 * SECOND_US))
    worker = Worker(engine, "a")
    given = await worker.take()
    await clock.advance(50)
    await worker.heartbeat(given)

    await clock.advance(39.9)
    assert await _state(engine) is TrialState.RUNNING
    await clock.advance(0.1)

    assert await _state(engine) is TrialState.QUEUED
    history = await engine.read("digits", lambda hosted: hosted.key)
    last = engine._store.history(history, 0, 100)[-1].event
    assert isinstance(last, TrialStateChanged)
    assert last.cause is TrialStateCause.PROGRESS_TIMEOUT


async def test_a_progress_timeout_that_is_switched_off_ends_with_the_next_report(
    engine: Engine, clock: VirtualClock
) -> None:
    await engine.create("digits", halving(progress_timeout_us=70 * SECOND_US))
    worker = Worker(engine, "a")
    given = await worker.take()
    await engine.submit("digits", UpdateExperiment({"progress_timeout_us": 0}))
    await worker.report(given, 0, 0.5)
    await clock.advance(50)

    await worker.heartbeat(given)
    await clock.advance(30)  # 80 s after the report

    assert await _state(engine) is TrialState.RUNNING


async def test_a_worker_that_comes_back_in_time_goes_on(
    engine: Engine, clock: VirtualClock
) -> None:
    await engine.create("digits", halving())
    worker = Worker(engine, "a")
    given = await worker.take()
    await clock.advance(61)
    assert await _state(engine) is TrialState.QUEUED

    await worker.heartbeat(given)

    assert await _state(engine) is TrialState.RUNNING
    await clock.advance(59)
    assert await _state(engine) is TrialState.RUNNING
    await clock.advance(1)
    assert await _state(engine) is TrialState.QUEUED


async def test_a_worker_that_was_paused_does_not_touch_its_successors_lease(
    engine: Engine, clock: VirtualClock
) -> None:
    """It repeats itself under its old token, and is told PAUSE again."""
    await engine.create("digits", halving())
    a, b = Worker(engine, "a"), Worker(engine, "b")
    old = await a.take()
    await a.report(old, 1, 0.5)
    await b.report(await b.take(), 1, 0.6)
    await b.take()  # trial 0, promoted
    await clock.advance(59)

    await a.heartbeat(old)

    assert len(engine.leases) == 1
    await clock.advance(1)
    assert await _state(engine) is TrialState.QUEUED


async def test_the_time_that_the_server_stood_still_counts_for_nobody(
    engine: Engine, clock: VirtualClock
) -> None:
    await engine.create("digits", halving())
    await Worker(engine, "a").take()
    await clock.advance(50)

    await clock.jump(100)  # a suspended machine

    assert await _state(engine) is TrialState.RUNNING
    assert engine.stats.stalls == 1
    await clock.advance(8)
    assert await _state(engine) is TrialState.RUNNING
    await clock.advance(3)  # 61 s in all, less a tick that the engine cannot tell from sleep
    assert await _state(engine) is TrialState.QUEUED


async def test_a_restart_gives_each_live_lease_a_fresh_term(
    launch: Launch, clock: VirtualClock
) -> None:
    engine = await launch()
    await engine.create("digits", halving())
    given = await Worker(engine, "a").take()
    await clock.advance(59)
    await engine.stop()

    engine = await launch()

    assert len(engine.leases) == 1
    await clock.advance(59.9)
    assert await _state(engine) is TrialState.RUNNING
    await clock.advance(0.1)
    assert await _state(engine) is TrialState.QUEUED
    await Worker(engine, "b").take()
    with pytest.raises(Aborted):
        await Worker(engine, "a").heartbeat(given)


async def test_a_restarted_server_knows_what_was_reported(launch: Launch) -> None:
    engine = await launch()
    await engine.create("digits", halving())
    given = await Worker(engine, "a").take()
    said = await Worker(engine, "a").report(given, 0, 0.5)
    await engine.stop()

    engine = await launch()

    assert (await Worker(engine, "a").report(given, 0, 0.5)).decision == said.decision
    assert await engine.read("digits", lambda h: h.experiment.state.sequence) == 4


@pytest.mark.parametrize(
    "end", [CancelTrial(0), PauseExperiment(), StopExperiment()], ids=lambda end: type(end).__name__
)
async def test_a_lease_that_is_taken_away_is_no_lease(
    engine: Engine, end: CancelTrial | PauseExperiment | StopExperiment
) -> None:
    await engine.create("digits", halving(max_trials=1))
    await Worker(engine, "a").take()
    assert len(engine.leases) == 1

    await engine.submit("digits", end)

    assert len(engine.leases) == 0


async def test_a_lease_ends_with_its_attempt(engine: Engine) -> None:
    await engine.create("digits", halving(max_concurrent_trials=1))
    worker = Worker(engine, "a")
    await worker.release(await worker.take())
    assert len(engine.leases) == 0

    await worker.report(await worker.take(), 1, 0.5)  # PAUSE

    assert len(engine.leases) == 0
    await worker.take()
    assert isinstance(await Worker(engine, "b").ask(), Wait)
    assert len(engine.leases) == 1


# -- terms by themselves --------------------------------------------------------------------------


def test_overdue_leases_come_by_deadline_then_trial() -> None:
    table = LeaseTable()
    for trial, ttl_us in ((5, 20), (3, 10), (4, 10)):
        table.grant(1, trial, 1, ttl_us, 0, now_us=100)

    assert table.next_us() == 110
    assert list(table.overdue(109)) == []
    assert [(one.trial_number, one.deadline_us) for one in table.overdue(120)] == [
        (3, 110),
        (4, 110),
        (5, 120),
    ]
    assert table.next_us() is None


def test_a_renewed_lease_is_overdue_by_its_new_term_alone() -> None:
    table = LeaseTable()
    table.grant(1, 0, 1, 10, 0, now_us=100)
    table.renew(1, 0, 1, 10, None, now_us=105)

    assert list(table.overdue(110)) == []
    assert table.remaining_us(1, 0, now_us=110) == 5
    assert len(list(table.overdue(115))) == 1


def test_a_term_that_is_shortened_ends_sooner() -> None:
    table = LeaseTable()
    table.grant(1, 0, 1, 1_000, 0, now_us=100)
    table.renew(1, 0, 1, 10, None, now_us=100)

    assert len(list(table.overdue(110))) == 1
    assert list(table.overdue(2_000)) == []


def test_a_dropped_lease_is_never_overdue() -> None:
    table = LeaseTable()
    table.grant(1, 0, 1, 10, 0, now_us=100)
    table.grant(2, 0, 1, 10, 0, now_us=100)
    table.grant(2, 1, 1, 10, 0, now_us=100)

    table.drop(1, 0)
    table.drop(1, 0)
    table.drop_all(2)

    assert len(table) == 0
    assert list(table.overdue(1_000)) == []


def test_a_lease_says_whose_it_is() -> None:
    table = LeaseTable()
    table.grant(1, 0, 2, 10, 0, now_us=100)

    assert table.holds(1, 0, 2)
    assert not table.holds(1, 0, 1)
    assert not table.holds(2, 0, 2)
    assert table.remaining_us(2, 0, now_us=100) == 0


# -- tokens ---------------------------------------------------------------------------------------


def test_a_token_carries_its_attempt_and_nothing_else_is_one() -> None:
    mint = TokenMint(b"secret")
    token = mint.token("digits", 3, 2)

    assert mint.attempt("digits", 3, token) == 2
    for experiment, trial, text in (
        ("other", 3, token),
        ("digits", 4, token),
        ("digits", 3, token.replace("2.", "3.", 1)),
        ("digits", 3, token[:-1]),
        ("digits", 3, ""),
        ("digits", 3, "2"),
        ("digits", 3, "²." + token[2:]),
        ("digits", 3, "9" * 5_000 + "." + token[2:]),
    ):
        assert mint.attempt(experiment, trial, text) is None
    assert TokenMint(b"another").attempt("digits", 3, token) is None


def test_the_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    key = load_key(tmp_path / "asha.db.key")

    assert len(key) == 32
    assert load_key(tmp_path / "asha.db.key") == key
    assert stat.S_IMODE((tmp_path / "asha.db.key").stat().st_mode) == 0o600

"""Experiments come and go: creation, deletion, and the end by a budget."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from pathlib import Path

import pytest

from asha_server import engine as engine_module
from asha_server.config import Limits
from asha_server.engine import Engine
from asha_server.errors import (
    AlreadyExists,
    ErrorReason,
    FailedPrecondition,
    InvalidRequest,
    NotFound,
    ResourceExhausted,
)
from asha_server.search.command import PauseExperiment, ResumeExperiment, StopExperiment
from asha_server.search.terms import DecisionReason, EndReason, ExperimentState

from .conftest import CommitHeld, Launch
from .search import Worker, everything_said, halving
from .virtual_clock import SECOND_US, VirtualClock

HOUR_S = 3_600


# -- creation -------------------------------------------------------------------------------------


async def test_the_same_request_creates_one_experiment(launch: Launch) -> None:
    """The answer to the first was lost; the second may even reach the next server."""
    engine = await launch()
    spec = halving(seed=None)  # drawn by the server
    first = await engine.create("", spec, "request")
    assert await engine.create("", spec, "request") is first
    await Worker(engine, "a", first.experiment.state.experiment_id).take()
    await engine.stop()
    engine = await launch()

    again = await engine.create("", spec, "request")

    assert again.key == first.key
    assert len(await engine.experiments()) == 1


async def test_a_repeated_creation_is_found_beside_new_events_of_its_batch(
    engine: Engine, commit_held: CommitHeld
) -> None:
    first = await engine.create("digits", halving(), "request")
    async with commit_held() as commit_waits:
        blocker = asyncio.ensure_future(engine.create("other", halving()))
        await commit_waits.wait()
        event = asyncio.ensure_future(Worker(engine, "a").take())
        again = asyncio.ensure_future(engine.create("digits", halving(), "request"))
        await asyncio.sleep(0)

    assert await again is first
    await asyncio.gather(blocker, event)


async def test_a_request_id_with_another_spec_is_refused(engine: Engine) -> None:
    await engine.create("digits", halving(), "request")

    for experiment_id, spec in (("digits", halving(max_trials=9)), ("other", halving())):
        with pytest.raises(FailedPrecondition) as refusal:
            await engine.create(experiment_id, spec, "request")
        assert refusal.value.reason is ErrorReason.REQUEST_ID_REUSED
        assert refusal.value.metadata["experiment_id"] == "digits"


async def test_a_name_that_is_taken_is_refused(engine: Engine) -> None:
    await engine.create("digits", halving(), "one")

    with pytest.raises(AlreadyExists) as refusal:
        await engine.create("digits", halving(), "two")

    assert refusal.value.reason is ErrorReason.EXPERIMENT_EXISTS


async def test_a_wrong_spec_creates_nothing(engine: Engine) -> None:
    with pytest.raises(InvalidRequest):
        await engine.create("digits", halving(max_length=-1))

    assert await engine.experiments() == []
    await engine.create("digits", halving())


async def test_an_experiment_without_a_name_is_given_one(engine: Engine) -> None:
    hosted = await engine.create("", halving())

    name = hosted.experiment.state.experiment_id
    assert re.fullmatch(r"[a-z]+-[a-z]+-[0-9a-f]{4}", name)
    assert engine.find(name) is hosted


async def test_a_server_holds_only_so_many(launch: Launch) -> None:
    engine = await launch(Limits(experiments_max=2))
    await engine.create("a", halving())
    await engine.create("b", halving())

    with pytest.raises(ResourceExhausted) as refusal:
        await engine.create("c", halving())

    assert refusal.value.reason is ErrorReason.LIMIT_EXCEEDED
    assert refusal.value.retry_after_us == 0
    await engine.delete("a", force=True)
    await engine.create("c", halving())
    assert [h.experiment.state.experiment_id for h in await engine.experiments()] == ["b", "c"]


async def test_an_unknown_experiment_is_not_found(engine: Engine) -> None:
    for call in (
        Worker(engine, "a", "nowhere").ask(),
        Worker(engine, "a", "nowhere").ask(HOUR_S),
        engine.read("nowhere", lambda hosted: None),
        engine.delete("nowhere", force=True),
    ):
        with pytest.raises(NotFound) as refusal:
            await call
        assert refusal.value.reason is ErrorReason.EXPERIMENT_NOT_FOUND


# -- deletion -------------------------------------------------------------------------------------


async def test_a_running_experiment_is_deleted_by_force_alone(engine: Engine) -> None:
    await engine.create("digits", halving())

    with pytest.raises(FailedPrecondition) as refusal:
        await engine.delete("digits", force=False)

    assert refusal.value.reason is ErrorReason.EXPERIMENT_RUNNING
    await engine.submit("digits", StopExperiment())
    await engine.delete("digits", force=False)
    assert await engine.experiments() == []


async def test_a_deletion_ends_every_wait_watch_and_lease(engine: Engine) -> None:
    hosted = await engine.create("digits", halving(max_concurrent_trials=1))
    hosted.feed.watchers = 1
    given = await Worker(engine, "a").take()
    held = [
        asyncio.ensure_future(Worker(engine, "b").ask(HOUR_S)),
        asyncio.ensure_future(Worker(engine, "a").should_stop(given, HOUR_S)),
    ]
    watch = asyncio.ensure_future(hosted.feed.wait())
    await everything_said(engine)

    await engine.delete("digits", force=True)

    for call in [*held, asyncio.ensure_future(Worker(engine, "a").report(given, 1, 0.5))]:
        with pytest.raises(NotFound) as refusal:
            await call
        assert refusal.value.reason is ErrorReason.EXPERIMENT_NOT_FOUND
    await watch
    with pytest.raises(NotFound):
        hosted.feed.after(0)
    assert len(engine.leases) == 0


async def test_a_deleted_name_is_free_and_an_old_token_is_not_one_of_the_new(
    engine: Engine,
) -> None:
    first = await engine.create("digits", halving(), "request")
    await engine.delete("digits", force=True)

    second = await engine.create("digits", halving(), "request")

    assert second.key != first.key
    assert second.token_scope != first.token_scope
    assert (await Worker(engine, "a").take()).trial_number == 0


async def test_the_rows_of_a_deleted_experiment_go_bit_by_bit(
    launch: Launch, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what a stop leaves of them goes in the next server."""
    monkeypatch.setattr(engine_module, "FORGOTTEN_PER_BATCH", 2)
    engine = await launch()
    await engine.create("digits", halving(max_trials=20))
    await engine.create("other", halving())
    for number in range(20):
        await Worker(engine, f"w{number}").take()
    await engine.delete("digits", force=True)
    await engine.stop()
    left = _rows(path)
    assert 0 < left["event"] < 42  # 41 of the one, and one of the other

    engine = await launch()
    while engine._forgetting:
        await engine.experiments()

    assert _rows(path) == {"experiment": 1, "bracket": 1, "trial": 0, "attempt": 0, "event": 1}
    assert [h.experiment.state.experiment_id for h in await engine.experiments()] == ["other"]


def _rows(path: Path) -> dict[str, int]:
    person = sqlite3.connect(path)
    tables = ("experiment", "bracket", "trial", "attempt", "event")
    counts = {t: person.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in tables}
    person.close()
    return counts


# -- the end --------------------------------------------------------------------------------------


async def test_an_experiment_ends_when_its_wall_time_is_over(
    engine: Engine, clock: VirtualClock
) -> None:
    """Pauses do not count."""
    hosted = await engine.create("digits", halving(max_wall_time_us=100 * SECOND_US))
    worker = Worker(engine, "a")
    given = await worker.take()
    asked = asyncio.ensure_future(worker.should_stop(given, 10 * HOUR_S))
    for _ in range(4):
        await clock.advance(20)
        await worker.heartbeat(given)
    await everything_said(engine)
    assert not asked.done()
    await engine.submit("digits", PauseExperiment())
    assert (await asked).decision.reason is DecisionReason.EXPERIMENT_PAUSED
    await clock.advance(1_000)
    await engine.submit("digits", ResumeExperiment())
    given = await worker.take()
    asked = asyncio.ensure_future(worker.should_stop(given, 10 * HOUR_S))

    await clock.advance(19)
    await everything_said(engine)
    assert not asked.done()
    await clock.advance(2)

    assert (await asked).decision.reason is DecisionReason.EXPERIMENT_STOPPED
    state = hosted.experiment.state
    assert (state.state, state.end_reason) == (
        ExperimentState.COMPLETED,
        EndReason.BUDGET_EXHAUSTED,
    )


async def test_ends_in_bulk_are_written_to_the_last_row_by_an_idle_server(
    launch: Launch, path: Path
) -> None:
    """1,100 paused trials: four batches of 300 rows."""
    engine = await launch()
    await engine.create("digits", halving(max_trials=3_000))
    worker = Worker(engine, "a")
    for number in range(1_100):
        given = await worker.take()
        await worker.report(given, 1, float("nan"))
        assert given.trial_number == number
    before = engine.stats.commits

    await engine.submit("digits", StopExperiment())
    while engine._decider.has_unsettled:
        await engine.experiments()
    await engine.experiments()  # answered after the commit of the last rows

    assert engine.stats.commits - before == 4
    person = sqlite3.connect(path)
    states = person.execute("SELECT state, count(*) FROM trial GROUP BY state").fetchall()
    person.close()
    assert states == [("STOPPED", 1_100)]

"""Attempts that are left to the store at once, as they are after a thousand others in a server."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from asha_server import ended_attempts
from asha_server.engine import Engine
from asha_server.errors import AlreadyExists
from asha_server.search.command import FailTrial, ShouldStop
from asha_server.search.stored_attempts import KnownAttempts, StoredAttempts
from asha_server.search.terms import FailureKind, Verdict
from asha_server.search.trial import Trial
from asha_server.store.reading import ReadOnlyStore

from .search import Worker, halving
from .virtual_clock import VirtualClock


@pytest.fixture(autouse=True)
def _nothing_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ended_attempts, "REMEMBERED_MAX", 0)


def _is_stored(engine: Engine, trial: int, experiment_id: str = "digits") -> bool:
    held = engine.hosted[experiment_id].experiment.state.trials[trial]
    return isinstance(held._attempt, StoredAttempts)


async def test_a_paused_attempt_is_recalled_and_left_again(engine: Engine) -> None:
    await engine.create("digits", halving())
    given = await Worker(engine, "a").take()
    said = await Worker(engine, "a").report(given, 1, 0.5)
    assert said.decision.verdict is Verdict.PAUSE
    assert _is_stored(engine, 0)

    assert (await Worker(engine, "a").report(given, 1, 0.5)).decision == said.decision
    with pytest.raises(AlreadyExists):
        await Worker(engine, "a").report(given, 1, 0.4)
    asked = await engine.submit("digits", ShouldStop(0, 1))

    assert asked.decision == said.decision
    assert _is_stored(engine, 0)


async def test_what_a_worker_ended_it_may_end_again(engine: Engine) -> None:
    await engine.create("digits", halving())
    await Worker(engine, "a").take()
    failed = FailTrial(0, 1, FailureKind.RETRYABLE, "out of memory")
    said = await engine.submit("digits", failed)
    assert _is_stored(engine, 0)

    assert await engine.submit("digits", failed) == said
    assert (await Worker(engine, "b").take()).attempt == 2


async def test_an_import_goes_on_with_an_attempt_that_came_back(
    engine: Engine, clock: VirtualClock, path: Path
) -> None:
    await engine.create("digits", halving())
    worker = Worker(engine, "a")
    given = await worker.take()
    await worker.report(given, 0, 0.9)
    await clock.advance(61)
    assert _is_stored(engine, 0)
    await worker.heartbeat(given)
    await worker.report(given, 1, 0.5)
    store = ReadOnlyStore(path)
    created, *others = store.history(1, 0, 100)
    store.close()
    renamed = msgspec.structs.replace(created.event, experiment_id="again")
    records = [msgspec.structs.replace(created, event=renamed), *others]

    arrival = await engine.announce("again")
    for record in records:
        await engine.take_in(arrival, [record])
    await engine.complete(arrival)

    read = engine.hosted["again"].experiment.state.trials[0].attempt
    assert read is not None
    assert (read.last_report, read.max_step) == (records[-1].sequence, 1)


def test_a_store_without_a_trials_attempts_is_told_of() -> None:
    trial = Trial(7, 0, created_us=1)
    trial.begin_stored(StoredAttempts(KnownAttempts([])), 2)

    with pytest.raises(ValueError, match="attempt 2 of trial 7 is missing"):
        trial.attempt  # noqa: B018 - it is read

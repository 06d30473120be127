"""Every query of docs/howto/read-the-database.md runs and finds something."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from asha_server.search.command import (
    Answer,
    Assignment,
    Command,
    FailTrial,
    GetSuggestion,
    Reply,
    ReportMetric,
)
from asha_server.search.experiment import Experiment
from asha_server.search.parameter import DoubleRange
from asha_server.search.rows import rows_of
from asha_server.search.space import ParameterSpec
from asha_server.search.spec import AsyncHalving, ExperimentSpec, Metric
from asha_server.search.terms import FailureKind, Goal, Verdict
from asha_server.store import Write
from asha_server.store.sqlite import SqliteStore

from .page import DOCS, blocks

PAGE = DOCS / "howto" / "read-the-database.md"
QUERIES = [block for block in blocks(PAGE) if block.mark == "sql"]
SECOND_US = 1_000_000


class Searched:
    """A search as a server would have written it, one command a second.

    Args:
        path: of the database file.
    """

    def __init__(self, path: Path) -> None:
        spec = ExperimentSpec(
            metric=Metric("val_loss", Goal.MINIMIZE),
            parameters=(ParameterSpec("lr", DoubleRange(0.001, 1.0)),),
            method=AsyncHalving(num_rungs=2, divisor=3.0),
            max_length=3,
            max_trials=6,
        )
        self._store = SqliteStore(path)
        self._store.acquire()
        self._key, self._now_us = self._store.next_key(), SECOND_US
        self._experiment, record = Experiment.create("digits", spec, 7, self._now_us)
        changes = self._experiment.state.take_changes()
        rows = rows_of(self._experiment.state, changes)
        self._store.append([Write(self._key, rows, [record])])

    def run(self) -> None:
        self._fail_once()
        while isinstance(given := self._decide(GetSuggestion("worker")), Assignment):
            step, verdict = given.start_step, Verdict.CONTINUE
            while verdict is Verdict.CONTINUE:
                step += 1
                loss = (7 * given.trial_number % 5) / 10 + 1 / step
                metrics = (("val_loss", loss), ("accuracy", 1 - loss / 2))
                uri = f"/models/{given.trial_number}/{step}"
                answer = self._decide(
                    ReportMetric(given.trial_number, given.attempt, step, metrics, uri)
                )
                assert isinstance(answer, Answer)
                verdict = answer.decision.verdict
        self._store.close()

    def _fail_once(self) -> None:
        given = self._decide(GetSuggestion("broken"))
        assert isinstance(given, Assignment)
        kind = FailureKind.RETRYABLE
        self._decide(FailTrial(given.trial_number, given.attempt, kind, "no such device"))

    def _decide(self, command: Command) -> Reply:
        self._now_us += SECOND_US
        outcome = self._experiment.decide(command, self._now_us)
        state = self._experiment.state
        if outcome.records:
            rows = rows_of(state, state.take_changes())
            self._store.append([Write(self._key, rows, outcome.records)])
        return outcome.reply


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    path = tmp_path_factory.mktemp("queries") / "search.db"
    Searched(path).run()
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    yield connection
    connection.close()


@pytest.mark.parametrize("number", range(len(QUERIES)))
def test_the_query_gives_its_columns_and_finds_rows(
    connection: sqlite3.Connection, number: int
) -> None:
    query = QUERIES[number]

    cursor = connection.execute(query.text)

    columns = [column[0] for column in cursor.description]
    assert f"columns {', '.join(columns)}" == query.argument
    assert cursor.fetchall()


def _rows(connection: sqlite3.Connection, columns: str) -> list[tuple[object, ...]]:
    (block,) = (block for block in QUERIES if block.argument == f"columns {columns}")
    return connection.execute(block.text).fetchall()


def test_the_best_trial_is_the_one_with_the_smallest_loss_at_full_length(
    connection: sqlite3.Connection,
) -> None:
    best = _rows(connection, "number, length, value, lr, checkpoint_uri")[0]

    # Losses are (7 * trial % 5) / 10 + 1 / step: trials 0 and 5 have 0 / 10 + 1 / 3 at step 3.
    assert best[0] == 0
    assert best[1] == 3
    assert best[2] == pytest.approx(1 / 3)
    assert best[4] == "/models/0/3"


def test_the_lost_trial_is_listed_with_its_worker(connection: sqlite3.Connection) -> None:
    lost = _rows(connection, "trial, attempt, worker_id, end, message")

    assert lost == [(0, 1, "broken", "FAILED", "no such device")]


def test_the_history_has_no_gap(connection: sqlite3.Connection) -> None:
    history = _rows(connection, "sequence, type, trial, body")

    assert [row[0] for row in history] == list(range(1, len(history) + 1))

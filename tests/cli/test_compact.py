"""`asha compact`: the room of deleted experiments goes back to the disk, nothing else changes."""

from __future__ import annotations

import re
import shutil
import sqlite3
from pathlib import Path

import pytest

from asha_server.search.command import GetSuggestion, ReportMetric
from asha_server.search.experiment import Experiment
from asha_server.search.rows import Rows, rows_of
from asha_server.search.space import DoubleRange, ParameterSpec
from asha_server.search.spec import ExperimentSpec, Metric, RandomSearch
from asha_server.search.terms import Goal
from asha_server.store import Write
from asha_server.store.reading import ReadOnlyStore
from asha_server.store.sqlite import SqliteStore
from asha_server.verify import verify_file

from .conftest import Asha
from .test_restart import end, serve

OLD = Path(__file__).parents[1] / "store" / "files" / "schema-1.db"


def _search(store: SqliteStore, name: str, reports: int) -> int:
    """An experiment of one trial with so many reports; its key."""
    spec = ExperimentSpec(
        metric=Metric("loss", Goal.MINIMIZE),
        parameters=(ParameterSpec("lr", DoubleRange(0.0, 1.0)),),
        method=RandomSearch(),
        max_length=reports + 1,
        max_trials=1,
    )
    key = store.next_key()
    experiment, created = Experiment.create(name, spec, seed=1, now_us=1)
    records = [created, *experiment.decide(GetSuggestion("w"), now_us=2).records]
    for step in range(1, reports + 1):
        report = ReportMetric(0, 1, step, (("loss", 1 / step),), f"s3://{name}/{step}")
        records += experiment.decide(report, now_us=2 + step).records
    state = experiment.state
    store.append([Write(key, rows_of(state, state.take_changes()), records)])
    return key


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A closed file: one small experiment, a large one that was deleted and not forgotten yet."""
    store = SqliteStore(tmp_path / "asha.db")
    store.acquire()
    _search(store, "kept", 10)
    doomed = _search(store, "doomed", 5_000)
    store.append([], [doomed])
    store.close()
    return tmp_path / "asha.db"


def _kept(path: Path) -> tuple[list[tuple[int, Rows]], list[object]]:
    store = ReadOnlyStore(path)
    try:
        return [*store.load()], [*store.history(1, 0, 100)]
    finally:
        store.close()


def test_a_file_shrinks_and_holds_what_it_held(path: Path, asha: Asha) -> None:
    before, size = _kept(path), path.stat().st_size

    said = asha("compact", str(path))

    assert said.status == 0
    told = re.fullmatch(r".*: ([\d,]+) bytes before, ([\d,]+) now\n", said.out)
    assert told is not None
    assert int(told[1].replace(",", "")) == size
    assert int(told[2].replace(",", "")) == path.stat().st_size < size / 4
    assert not path.with_name("asha.db-wal").exists()
    assert _kept(path) == before
    assert verify_file(path).ok


def test_a_file_that_is_served_is_refused_with_who_serves_it(tmp_path: Path, asha: Asha) -> None:
    process, _ = serve(tmp_path / "asha.db", "127.0.0.1:0")
    try:
        said = asha("compact", str(tmp_path / "asha.db"))
    finally:
        end(process)

    assert said.status == 1
    assert f"is being served (pid {process.pid} on " in said.err
    assert "stop that server first" in said.err


def test_a_file_that_somebody_reads_is_left_as_it_is(path: Path, asha: Asha) -> None:
    shell = sqlite3.connect(path)
    shell.execute("BEGIN")
    shell.execute("SELECT count(*) FROM report").fetchone()

    said = asha("compact", str(path))

    shell.close()
    assert said.status == 1
    assert "another program reads " in said.err
    assert verify_file(path).ok
    assert asha("compact", str(path)).status == 0


def test_an_older_file_is_neither_rewritten_nor_brought_up_to_date(
    tmp_path: Path, asha: Asha
) -> None:
    shutil.copy(OLD, tmp_path / "old.db")

    said = asha("compact", str(tmp_path / "old.db"))

    assert said.status == 1
    assert "was written by an older server" in said.err
    assert (tmp_path / "old.db").read_bytes() == OLD.read_bytes()

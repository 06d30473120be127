"""Files of former schemas: brought up to date, whole, and gone on with (files/README.md)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sqlite_utils import Database

from asha_server.search.command import StopExperiment
from asha_server.search.experiment import Experiment
from asha_server.search.loading import load
from asha_server.search.rows import rows_of
from asha_server.store import StoreError, Write
from asha_server.store.backup import back_up
from asha_server.store.reading import ReadOnlyStore
from asha_server.store.sqlite import SqliteStore
from asha_server.store.versions import SCHEMA_VERSION
from asha_server.verify import verify_file

FILES = sorted(Path(__file__).with_name("files").glob("schema-*.db"))


@pytest.fixture(params=FILES, ids=lambda file: file.stem)
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of an old file."""
    return Path(shutil.copy(request.param, tmp_path / "asha.db"))


def _applied(path: Path) -> int:
    db = Database(path)
    try:
        return db.table("_sqlite_migrations").count
    finally:
        db.close()


def test_there_is_a_file_of_every_former_schema() -> None:
    assert [file.name for file in FILES] == [f"schema-{n}.db" for n in range(1, SCHEMA_VERSION)]


def test_an_old_file_is_read_by_no_one_before_it_is_up_to_date(path: Path) -> None:
    with pytest.raises(StoreError, match=r"older server: `asha serve .* brings it up to date"):
        ReadOnlyStore(path)


def test_an_old_file_is_copied_as_it_is(path: Path, tmp_path: Path) -> None:
    """The copy before an upgrade is the one that is wanted most."""
    before = _applied(path)

    back_up(path, tmp_path / "copy.db")

    assert _applied(tmp_path / "copy.db") == _applied(path) == before < SCHEMA_VERSION


def test_an_old_file_is_brought_up_to_date_whole_and_gone_on_with(path: Path) -> None:
    store = SqliteStore(path)
    store.acquire()
    found = {rows.experiment.id: (key, rows) for key, rows in store.load()}

    assert _applied(path) == SCHEMA_VERSION
    assert {name: rows.experiment.sequence for name, (_, rows) in found.items()} == {
        "digits": 35,
        "stopped": 14,
        "grid": 11,
    }
    assert verify_file(path).ok
    key, rows = found["digits"]
    experiment = Experiment(load(rows))
    records = experiment.decide(StopExperiment(), now_us=rows.experiment.updated_us).records
    state = experiment.state
    store.append([Write(key, rows_of(state, state.take_changes()), records)])
    store.close()
    assert verify_file(path).ok

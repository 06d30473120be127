"""Files that were cut off or overwritten while nobody served them: refused, or a whole prefix."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from asha_server.config import Limits
from asha_server.engine import Engine
from asha_server.leases import load_key
from asha_server.search.command import GetSuggestion, ReportMetric
from asha_server.store import StoreError, StoreFailed
from asha_server.store.sqlite import SqliteStore
from asha_server.verify import verify_file
from tests.store.scribe import Scribe

TRIALS = 6


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "asha.db"


def _search(store: SqliteStore) -> Scribe:
    """Each trial is created, and then reports twice, a commit each."""
    scribe = Scribe(store)
    for number in range(TRIALS):
        scribe.do(GetSuggestion(f"w{number}"))
    for number in range(TRIALS):
        scribe.do(ReportMetric(number, 1, 0, (("loss", 1.0),)))
        scribe.do(ReportMetric(number, 1, 1, (("loss", 0.5),)))
    return scribe


@pytest.fixture
def killed(path: Path) -> Path:
    """The file of a server that was killed: all of a small search is in the log alone."""
    store = SqliteStore(path)
    store.acquire()
    store._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    _search(store)
    left = path.with_name("left.db")
    for ending in ("", "-wal"):
        shutil.copy(f"{path}{ending}", f"{left}{ending}")
    store.close()
    return left


def _sequence(path: Path) -> int:
    """Of the latest event in a file that is opened as a server opens it."""
    store = SqliteStore(path)
    found = [rows.experiment.sequence for _, rows in store.load()]
    store.close()
    assert verify_file(path).ok
    return max(found, default=0)


def test_a_log_that_is_cut_off_anywhere_gives_a_whole_prefix(killed: Path, tmp_path: Path) -> None:
    log = killed.with_name("left.db-wal").read_bytes()
    cut = tmp_path / "cut.db"
    sequences = []
    for length in range(0, len(log) + 1, len(log) // 24):
        shutil.copy(killed, cut)
        cut.with_name("cut.db-wal").write_bytes(log[:length])
        sequences.append(_sequence(cut))

    assert sequences[0] == 0
    assert sequences == sorted(sequences)
    assert _sequence(killed) == 1 + 4 * TRIALS  # created; created, assigned, two reports
    assert len(set(sequences)) > TRIALS


def test_a_log_with_a_changed_byte_gives_what_came_before_it(killed: Path) -> None:
    log = killed.with_name("left.db-wal")
    content = bytearray(log.read_bytes())
    content[len(content) // 2] ^= 1
    log.write_bytes(content)

    assert 0 < _sequence(killed) < 1 + 4 * TRIALS


def _pages(path: Path) -> Iterator[Path]:
    """The file with one page after another overwritten."""
    whole = path.read_bytes()
    with closing(sqlite3.connect(path)) as connection:
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    for offset in range(0, len(whole), size):
        path.write_bytes(whole[:offset] + b"\xff" * size + whole[offset + size :])
        yield path


def test_a_damaged_page_is_told_of_wherever_it_is_met(path: Path) -> None:
    """A start reads the rows of what lives; what it need not read it cannot find damaged."""
    store = SqliteStore(path)
    store.acquire()
    _search(store)
    store.close()
    outcomes = []
    for damaged in _pages(path):
        try:
            store = SqliteStore(damaged)
        except StoreError as error:
            outcomes.append(str(error))
            continue
        try:
            Engine(store, Limits()).load()
            outcomes.append("")
        except StoreError as error:
            outcomes.append(str(error))
        finally:
            store.close()

    told = [outcome for outcome in outcomes if outcome]
    assert len(told) >= 6  # the schema, and the tables that a start reads
    assert all("damaged" in outcome for outcome in told), told
    assert all(str(path) in outcome or "asha verify" in outcome for outcome in told)


def test_rows_that_make_no_sense_are_told_of_by_the_name_of_their_experiment(path: Path) -> None:
    store = SqliteStore(path)
    store.acquire()
    _search(store)
    store.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE experiment SET spec = '{'")
    store = SqliteStore(path)

    with pytest.raises(StoreError, match=r"experiment 'digits' are damaged .*asha verify"):
        Engine(store, Limits()).load()
    store.close()


def test_a_damaged_report_is_the_stores_failure_and_not_a_bug(path: Path) -> None:
    """Met when an attempt speaks again after a restart, which has its reports read back."""
    store = SqliteStore(path)
    store.acquire()
    scribe = _search(store)
    store.close()
    with closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'report'"
        ).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    store = SqliteStore(path)

    with pytest.raises(StoreFailed, match=r"cannot read .*malformed.*damaged"):
        store.attempts(scribe.key).reports(4, [])
    store.close()


def test_a_shell_that_folds_the_log_in_cuts_nothing_off(path: Path) -> None:
    """It leaves an empty log behind, as somebody who cuts it off would."""
    store = SqliteStore(path)
    store.acquire()
    scribe = _search(store)
    with closing(sqlite3.connect(path)) as shell:
        assert shell.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() == (0, 0, 0)
    assert path.with_name("asha.db-wal").stat().st_size == 0

    scribe.do(GetSuggestion("another"))

    store.close()
    assert verify_file(path).ok


def test_an_empty_key_is_refused_with_the_way_out(tmp_path: Path) -> None:
    """As a full disk leaves it; every token would be easy to forge."""
    key = tmp_path / "asha.db.key"
    key.touch()

    with pytest.raises(StoreError, match=r"key .* is empty: put the former one"):
        load_key(key)


def test_a_key_that_cannot_be_made_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="give --key-file another"):
        load_key(tmp_path / "nowhere" / "key")

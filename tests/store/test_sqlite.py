"""The SQLite store: the contract, and what is so of files, locks and disks."""

from __future__ import annotations

import logging
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database

from asha_server.search.command import GetSuggestion
from asha_server.store import StoreError, StoreFailed, lock, transaction
from asha_server.store.migrations import migrations
from asha_server.store.opening import open_read_only
from asha_server.store.sqlite import SqliteStore
from asha_server.store.versions import SCHEMA_VERSION, VERSIONS
from asha_server.verify import verify_file

from .contract import OpenStore, StoreContract
from .scribe import Scribe


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "asha.db"


@pytest.fixture
def open_store(path: Path) -> Iterator[OpenStore]:
    opened: list[SqliteStore] = []

    def open_it() -> SqliteStore:
        opened.append(SqliteStore(path))
        return opened[-1]

    yield open_it
    for store in opened:
        store.close()


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(path)
    store.acquire()
    yield store
    store.close()


class TestContract(StoreContract):
    @pytest.fixture
    def open_store(self, open_store: OpenStore) -> OpenStore:
        return open_store


# -- the file -------------------------------------------------------------------------------------


def test_a_commit_is_on_the_disk_when_it_returns(store: SqliteStore) -> None:
    assert store._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert store._connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL


def test_a_closed_file_stands_alone(path: Path) -> None:
    store = SqliteStore(path)
    store.acquire()
    Scribe(store)
    store.close()

    names = sorted(file.name for file in path.parent.iterdir())

    assert names == ["asha.db", "asha.db.lock"]


def test_a_person_can_query_the_file_while_it_is_served(store: SqliteStore, path: Path) -> None:
    """And a reader that stays in its transaction holds up no commit."""
    scribe = Scribe(store)
    person = sqlite3.connect(path, isolation_level=None)
    person.execute("BEGIN")
    before = person.execute("SELECT count(*) FROM trial").fetchone()

    scribe.do(GetSuggestion("a"))

    assert before == (0,)
    assert person.execute("SELECT count(*) FROM trial").fetchone() == (0,)
    person.execute("COMMIT")
    row = person.execute("SELECT experiment, number, state, bracket FROM trial").fetchone()
    assert row == (scribe.key, 0, "RUNNING", 0)
    person.close()


def test_the_store_says_what_it_is(store: SqliteStore, path: Path) -> None:
    assert store.info() == (str(path), SCHEMA_VERSION, sqlite3.sqlite_version)


def test_the_versions_are_the_migrations() -> None:
    known = migrations.pending(Database(memory=True))

    assert tuple(migration.name for migration in known) == VERSIONS


@pytest.mark.parametrize("module", ["asha_server.reader.child", "asha_server.cli.serve"])
def test_what_only_migrations_need_is_not_loaded_for_others(module: str) -> None:
    """It takes 0.1 s, of every start of a server or of its reader."""
    loaded = subprocess.run(
        (sys.executable, "-c", f"import sys, {module}; print(*sys.modules)"),
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip

    assert module in loaded
    assert not {"sqlite_utils", "numpy", "pandas"} & set(loaded)


# -- files that are refused -----------------------------------------------------------------------


def test_a_file_of_a_newer_schema_is_refused_by_server_and_reader(path: Path) -> None:
    SqliteStore(path).close()
    with closing(sqlite3.connect(path)) as newer, newer:
        newer.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) "
            "VALUES ('asha', 'm999_later', '2100-01-01')"
        )
    newer.close()

    with pytest.raises(StoreError, match=r"newer server \(it has m999_later\): upgrade this one"):
        SqliteStore(path)
    with pytest.raises(StoreError, match="newer server"):
        open_read_only(path)


def test_a_file_of_an_older_schema_is_refused_by_a_reader(path: Path) -> None:
    SqliteStore(path).close()
    with closing(sqlite3.connect(path)) as older, older:
        older.execute("DELETE FROM _sqlite_migrations WHERE name = 'm001_initial'")
    older.close()

    with pytest.raises(StoreError, match="older server: `asha serve"):
        open_read_only(path)


def test_a_file_of_the_first_schema_is_brought_up_to_date(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        migrations.apply(Database(connection), stop_before="m002_parent")
        connection.execute("INSERT INTO server (only) VALUES (1)")
        connection.execute(
            "INSERT INTO trial (id, configuration, is_given, request_id) VALUES (0, '{}', 0, '')"
        )
        connection.commit()

    SqliteStore(path).close()

    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT parent FROM trial").fetchall() == [(-1,)]


def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(path: Path) -> None:
    path.write_bytes(b"epoch,loss\n" * 1_000)

    with pytest.raises(StoreError, match="cannot be used as a database"):
        SqliteStore(path)
    with pytest.raises(StoreError, match="not an ASHA database"):
        open_read_only(path)
    assert path.read_bytes() == b"epoch,loss\n" * 1_000


def test_the_database_of_another_program_is_refused_and_left_as_it_is(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("CREATE TABLE study (id INTEGER)")
    other.close()
    before = path.read_bytes()

    with pytest.raises(StoreError, match="something else; choose another"):
        SqliteStore(path)
    with pytest.raises(StoreError, match="not an ASHA database"):
        open_read_only(path)
    assert path.read_bytes() == before


def test_a_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()

    with pytest.raises(StoreError, match="is a directory"):
        SqliteStore(tmp_path / "data")


def test_a_missing_directory_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"give --database a file in a directory that exists"):
        SqliteStore(tmp_path / "nowhere" / "asha.db")


def test_a_reader_makes_no_file(path: Path) -> None:
    with pytest.raises(StoreError, match="there is no database"):
        open_read_only(path)
    assert not path.exists()


def test_a_network_file_system_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kind of file system that the test runs on is declared to be one."""
    kind = lock.file_system_of(path.parent)
    monkeypatch.setattr(lock, "NETWORK_FILE_SYSTEMS", lock.NETWORK_FILE_SYSTEMS | {kind})

    with pytest.raises(StoreError, match=rf"network file system \({kind}\).*local disk"):
        SqliteStore(path)
    assert not path.exists()


def test_the_kind_of_a_file_system_is_that_of_the_nearest_mount() -> None:
    assert lock.file_system_of(Path("/proc/self")) == "proc"
    assert "nfs4" in lock.NETWORK_FILE_SYSTEMS


# -- one server a file ----------------------------------------------------------------------------

_HOLDER = """
import sys
from pathlib import Path
from asha_server.store.sqlite import SqliteStore
store = SqliteStore(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
store.close()
"""


@pytest.fixture
def holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that serves the file until its standard input is closed."""
    command = [sys.executable, "-c", _HOLDER, str(path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process


def test_a_second_server_is_refused_and_told_who_holds_the_file(
    path: Path, holder: subprocess.Popen[str]
) -> None:
    with pytest.raises(StoreError, match=rf"pid {holder.pid} on .*--wait-for-lock"):
        SqliteStore(path)


def test_a_killed_server_holds_nothing(path: Path, holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.wait()

    SqliteStore(path).close()


def test_a_standby_takes_over_when_the_server_stops(
    path: Path, holder: subprocess.Popen[str], caplog: pytest.LogCaptureFixture
) -> None:
    standing_by = _wait_for_log("standing_by")
    taken: list[SqliteStore] = []

    standby = threading.Thread(target=lambda: taken.append(SqliteStore(path, wait_for_lock=True)))
    standby.start()
    assert standing_by.wait(10)
    assert taken == []
    assert holder.stdin is not None
    holder.stdin.close()
    standby.join(10)

    assert len(taken) == 1
    taken[0].close()


def test_a_server_that_lost_the_file_unawares_cannot_commit(path: Path, store: SqliteStore) -> None:
    """Somebody removed the lock file, and a second server took over."""
    scribe = Scribe(store)
    path.with_name("asha.db.lock").unlink()
    usurper = SqliteStore(path)
    usurper.acquire()

    with pytest.raises(StoreFailed, match="another server took over"):
        scribe.do(GetSuggestion("a"))

    ((_, rows),) = usurper.load()
    assert rows.trials == []
    assert not store._connection.in_transaction  # nor does it stand in the way
    usurper.close()


def _wait_for_log(event: str) -> threading.Event:
    """Set once an event of that name was logged by a store."""
    seen = threading.Event()

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage() == event:
                seen.set()

    for module in (lock, transaction):
        module.log.addHandler(Listener())
    return seen


# -- commits that wait, and commits that fail -----------------------------------------------------


def test_a_lock_that_somebodys_shell_holds_is_waited_out_and_logged(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transaction, "_LOCKED_WARN_S", 0.0)
    scribe = Scribe(store)
    scribe.experiment.decide(GetSuggestion("a"), now_us=5)
    shell = sqlite3.connect(path, isolation_level=None)
    shell.execute("BEGIN IMMEDIATE")
    locked = _wait_for_log("database_locked_by_another")

    commit = threading.Thread(target=store.append, args=([scribe.take()],))
    commit.start()
    assert locked.wait(10)
    assert commit.is_alive()
    shell.execute("ROLLBACK")
    commit.join(10)
    shell.close()

    ((_, rows),) = store.load()
    assert len(rows.trials) == 1


def test_nothing_of_a_batch_that_finds_the_disk_full_is_there(
    store: SqliteStore, path: Path
) -> None:
    """Neither of its two experiments; and the file is whole and can be served again."""
    scribes = [Scribe(store, name) for name in ("a", "b")]
    for number in range(200):
        for scribe in scribes:
            scribe.experiment.decide(GetSuggestion(f"w{number}" * 20), now_us=5)
    (pages,) = store._connection.execute("PRAGMA page_count").fetchone()
    store._connection.execute(f"PRAGMA max_page_count = {pages + 2}")

    with pytest.raises(StoreFailed, match="database or disk is full"):
        store.append([scribe.take() for scribe in scribes])

    assert [len(rows.trials) for _, rows in store.load()] == [0, 0]
    store.close()
    assert verify_file(path).ok
    again = SqliteStore(path)
    again.acquire()
    Scribe(again, "c")
    assert [rows.experiment.sequence for _, rows in again.load()] == [1, 1, 1]
    again.close()


def test_a_commit_without_a_connection_fails(store: SqliteStore) -> None:
    scribe = Scribe(store)
    store._connection.close()

    with pytest.raises(StoreFailed, match="closed database"):
        scribe.do(GetSuggestion("a"))
    with pytest.raises(StoreFailed, match="closed database"):
        store.forget(scribe.key, 10)

"""The store in one SQLite file: WAL, synchronous=FULL, one transaction a batch.

One connection writes, in whatever single thread calls `append`; another reads. A lock that
somebody's shell holds is waited out and logged; any other failure of a commit is final.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from asha_server.search.event import MetricReported, Record
from asha_server.search.rows import (
    AttemptRow,
    BracketRow,
    ConfigurationRow,
    EntryRow,
    ExperimentRow,
    Rows,
    TrialRow,
    WorkerRow,
)
from asha_server.search.trial import REMEMBERED_REPORTS
from asha_server.store import ReportParts, StoreError, StoreFailed, StoreInfo, Write
from asha_server.store.history import (
    EVENT_COLUMNS,
    REPORT_COLUMNS,
    SEQUENCE_BITS,
    event_row,
    record_of_event,
    record_of_report,
    report_row,
    row_id,
)
from asha_server.store.lock import FileLock, refuse_network_file_system
from asha_server.store.migrations import SCHEMA_VERSION, migrations

log = logging.getLogger(__name__)

SQLITE_MIN = (3, 37, 0)
"""STRICT tables."""

_LOCKED_PAUSE_S = 0.02
_LOCKED_WARN_S = 5.0

_TRIAL_COLUMNS = TrialRow._fields[1:]


def _insert(table: str, columns: Iterable[str], verb: str = "INSERT") -> str:
    names = tuple(columns)
    return f"{verb} INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"


_INSERT_REPORT = _insert("report", REPORT_COLUMNS)
_INSERT_EVENT = _insert("event", EVENT_COLUMNS)
_INSERT_TRIAL = _insert("trial", ("id", "configuration", "is_given", "request_id"))
_UPDATE_TRIAL = (
    f"UPDATE trial SET {', '.join(f'{column} = ?' for column in _TRIAL_COLUMNS)} WHERE id = ?"
)
_PUT_ATTEMPT = _insert("attempt", ("experiment", *AttemptRow._fields), "INSERT OR REPLACE")
_PUT_ENTRY = _insert("rung_entry", ("experiment", *EntryRow._fields), "INSERT OR REPLACE")
_PUT_BRACKET = _insert("bracket", ("experiment", *BracketRow._fields), "INSERT OR REPLACE")
_PUT_WORKER = _insert("worker", ("experiment", *WorkerRow._fields), "INSERT OR REPLACE")
_PUT_EXPERIMENT = _insert("experiment", ("key", *ExperimentRow._fields), "INSERT OR REPLACE")
_DROP_ENTRY = (
    "DELETE FROM rung_entry WHERE experiment = ? AND bracket = ? AND rung = ? AND trial = ?"
)
_DROP_WORKER = "DELETE FROM worker WHERE experiment = ? AND worker_id = ?"
DELETED = "DELETED"


def open_read_only(path: Path) -> sqlite3.Connection:
    """A connection that cannot write; it sees whole transactions and stalls nobody.

    Raises:
        StoreError: no such file, or not a database of ours.
    """
    if not path.exists():
        raise StoreError(f"there is no database {path}")
    connection = sqlite3.connect(
        f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=10
    )
    try:
        connection.execute("SELECT epoch FROM server").fetchone()
    except sqlite3.DatabaseError as error:
        connection.close()
        raise StoreError(f"{path} is not an ASHA database: {error}") from None
    return connection


class SqliteStore:
    """All experiments of a server in one file.

    Args:
        path: the file; made if it does not exist.
        wait_for_lock: stand by while another server holds it.

    Raises:
        StoreError: the file cannot be used; the message says why and what to do.
    """

    def __init__(self, path: Path, *, wait_for_lock: bool = False) -> None:
        self.path = path
        if sqlite3.sqlite_version_info < SQLITE_MIN:
            raise StoreError(
                f"this Python has SQLite {sqlite3.sqlite_version}; the server needs "
                f"{'.'.join(map(str, SQLITE_MIN))} or newer: use a newer Python or system"
            )
        refuse_network_file_system(path)
        self._lock = FileLock(path, wait=wait_for_lock)
        self._epoch = 0
        try:
            self._connection = self._open()
            self._reader = open_read_only(path)
        except BaseException:
            self._lock.release()
            raise

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, timeout=10
        )
        try:
            db = Database(connection)
            db.enable_wal()
            connection.execute("PRAGMA synchronous = FULL")
            self._refuse_future(db)
            migrations.apply(db)
            connection.execute("INSERT OR IGNORE INTO server (only, epoch) VALUES (1, 0)")
            # From here on a lock is waited out by `append` itself, which says so.
            connection.execute("PRAGMA busy_timeout = 0")
        except sqlite3.DatabaseError as error:
            connection.close()
            raise StoreError(f"{self.path} cannot be used as a database: {error}") from None
        except StoreError:
            connection.close()
            raise
        return connection

    def _refuse_future(self, db: Database) -> None:
        if not db.table("_sqlite_migrations").exists():
            if db.table_names():
                raise StoreError(f"{self.path} is a database of something else; choose another")
            return
        ours = {m.name for m in migrations.pending(db)} | {m.name for m in migrations.applied(db)}
        known = {row["name"] for row in db["_sqlite_migrations"].rows}
        if known - ours:
            raise StoreError(
                f"{self.path} was written by a newer server (it has {sorted(known - ours)}): "
                "upgrade this one"
            )

    def info(self) -> StoreInfo:
        """What it is, for people."""
        return StoreInfo(str(self.path.resolve()), SCHEMA_VERSION, sqlite3.sqlite_version)

    def acquire(self) -> int:
        """Raises the epoch, so that a server that lost the file unawares cannot commit."""
        with self._transaction():
            self._connection.execute("UPDATE server SET epoch = epoch + 1")
        self._epoch = self._connection.execute("SELECT epoch FROM server").fetchone()[0]
        return self._epoch

    # -- writing ----------------------------------------------------------------------------------

    def append(self, writes: list[Write], deleted: Iterable[int] = ()) -> None:
        """Writes a batch; durable when it returns.

        Args:
            writes: what changed, at most one of each experiment.
            deleted: keys of experiments that are gone; `forget` removes their rows.

        Raises:
            StoreFailed: nothing of it is in the file, or it is not known what is.
        """
        try:
            with self._transaction():
                epoch = self._connection.execute("SELECT epoch FROM server").fetchone()[0]
                if epoch != self._epoch:
                    raise StoreFailed(f"another server took over {self.path}")
                for write in writes:
                    self._write(write)
                for key in deleted:
                    self._connection.execute(
                        "UPDATE experiment SET state = ? WHERE key = ?", (DELETED, key)
                    )
        except sqlite3.Error as error:
            raise StoreFailed(f"cannot write to {self.path}: {error}") from error

    def _write(self, write: Write) -> None:
        key, rows, records = write
        many = self._connection.executemany
        reports = [report_row(key, r) for r in records if isinstance(r.event, MetricReported)]
        if reports:
            many(_INSERT_REPORT, reports)
        if len(reports) < len(records):
            others = (r for r in records if not isinstance(r.event, MetricReported))
            many(_INSERT_EVENT, [event_row(key, record) for record in others])
        if rows.configurations:
            many(_INSERT_TRIAL, [(row_id(key, row.trial), *row[1:]) for row in rows.configurations])
        if rows.trials:
            many(_UPDATE_TRIAL, [(*row[1:], row_id(key, row.trial)) for row in rows.trials])
        for statement, changed in (
            (_PUT_ATTEMPT, rows.attempts),
            (_PUT_ENTRY, rows.entries),
            (_DROP_ENTRY, rows.left_entries),
            (_PUT_BRACKET, rows.brackets),
            (_PUT_WORKER, rows.workers),
        ):
            if changed:
                many(statement, [(key, *row) for row in changed])
        if rows.trusted_workers:
            many(_DROP_WORKER, [(key, worker) for worker in rows.trusted_workers])
        self._connection.execute(_PUT_EXPERIMENT, (key, *rows.experiment))

    def _transaction(self) -> _Transaction:
        return _Transaction(self._connection, self.path)

    def forget(self, key: int, most: int) -> bool:
        """Deletes up to `most` rows of each table of a deleted experiment."""
        first, last = row_id(key, 0), row_id(key + 1, 0)
        left = 0
        try:
            with self._transaction():
                for table in ("report", "event", "trial"):
                    left += self._connection.execute(
                        f"DELETE FROM {table} WHERE id IN "
                        f"(SELECT id FROM {table} WHERE id >= ? AND id < ? LIMIT ?)",
                        (first, last, most),
                    ).rowcount
                for table, columns in (
                    ("attempt", "experiment, trial, attempt"),
                    ("rung_entry", "experiment, bracket, rung, trial"),
                    ("worker", "experiment, worker_id"),
                    ("bracket", "experiment, bracket"),
                ):
                    left += self._connection.execute(
                        f"DELETE FROM {table} WHERE ({columns}) IN "
                        f"(SELECT {columns} FROM {table} WHERE experiment = ? LIMIT ?)",
                        (key, most),
                    ).rowcount
                if not left:
                    self._connection.execute("DELETE FROM experiment WHERE key = ?", (key,))
        except sqlite3.Error as error:
            raise StoreFailed(f"cannot write to {self.path}: {error}") from error
        return left > 0

    # -- reading ----------------------------------------------------------------------------------

    def load(self) -> Iterator[tuple[int, Rows]]:
        """Every experiment's key and rows, in order of creation."""
        yield from load_rows(self._reader)

    def leftovers(self) -> list[int]:
        """Keys of deleted experiments of which some rows are left."""
        found = self._reader.execute("SELECT key FROM experiment WHERE state = ?", (DELETED,))
        return [key for (key,) in found]

    def next_key(self) -> int:
        """A key that no experiment has or had."""
        highest = self._reader.execute("SELECT max(key) FROM experiment").fetchone()[0]
        return (highest or 0) + 1

    def history(self, key: int, after_sequence: int, most: int) -> list[Record]:
        """Up to `most` events after a sequence, in order."""
        return read_history(self._reader, key, after_sequence, most)

    def recall(
        self, key: int, last_report: int, entered: Iterable[int]
    ) -> tuple[ReportParts, bool]:
        """An attempt's latest reports and those that decided, by its chain of `previous`."""
        metric = read_metric(self._reader, key)
        records: dict[int, Record] = {}
        sequence = last_report
        while sequence and len(records) < REMEMBERED_REPORTS:
            record = self._report(key, sequence, metric)
            records[sequence] = record
            assert isinstance(record.event, MetricReported)
            sequence = record.event.previous
        latest = records.get(last_report)
        for decided in entered:
            found = self._find_report(key, decided, metric) if decided not in records else None
            if found is not None and latest is not None and _same_attempt(found, latest):
                records[decided] = found
        parts: ReportParts = []
        for _, record in sorted(records.items()):
            event = record.event
            assert isinstance(event, MetricReported)
            parts.append((event.step, event.metrics, event.decision, event.entered_count > 0))
        return parts, sequence > 0

    def _report(self, key: int, sequence: int, metric: str) -> Record:
        record = self._find_report(key, sequence, metric)
        assert record is not None, f"report {sequence} of experiment {key} is missing"
        return record

    def _find_report(self, key: int, sequence: int, metric: str) -> Record | None:
        row = self._reader.execute(
            f"SELECT {', '.join(REPORT_COLUMNS)} FROM report WHERE id = ?",
            (row_id(key, sequence),),
        ).fetchone()
        return record_of_report(row, metric) if row else None

    def close(self) -> None:
        """Folds the write-ahead log into the file and lets go of both; idempotent."""
        try:
            self._reader.close()
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            # Not a loss: the log beside the file holds everything, and the next open folds it in.
            log.warning("wal_left_behind", extra={"database": str(self.path), "error": str(error)})
        self._connection.close()
        self._lock.release()


class _Transaction:
    """BEGIN IMMEDIATE … COMMIT, or ROLLBACK; waits for somebody's shell to let go."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path

    def __enter__(self) -> None:
        self._patiently(lambda: self._connection.execute("BEGIN IMMEDIATE"))

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._patiently(lambda: self._connection.execute("COMMIT"))
        elif self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _patiently(self, action: Callable[[], Any]) -> None:
        started = warned = time.monotonic()
        while True:
            try:
                action()
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF not in (
                    sqlite3.SQLITE_BUSY,
                    sqlite3.SQLITE_LOCKED,
                ):
                    raise
            now = time.monotonic()
            if now - warned >= _LOCKED_WARN_S:
                warned = now
                log.warning(
                    "database_locked_by_another",
                    extra={"database": str(self._path), "waited_s": round(now - started, 1)},
                )
            time.sleep(_LOCKED_PAUSE_S)


def _same_attempt(one: Record, other: Record) -> bool:
    first, second = one.event, other.event
    assert isinstance(first, MetricReported)
    assert isinstance(second, MetricReported)
    return (first.trial_number, first.attempt) == (second.trial_number, second.attempt)


# -- what a read-only connection can be asked ------------------------------------------------------


def load_rows(connection: sqlite3.Connection) -> Iterator[tuple[int, Rows]]:
    """Every living experiment's key and rows, in one consistent view of the file."""
    connection.execute("BEGIN")
    try:
        experiments = connection.execute(
            f"SELECT key, {', '.join(ExperimentRow._fields)} FROM experiment "
            "WHERE state <> ? ORDER BY key",
            (DELETED,),
        ).fetchall()
        for key, *row in experiments:
            yield key, _rows(connection, key, ExperimentRow._make(row))
    finally:
        connection.execute("COMMIT")


def _rows(connection: sqlite3.Connection, key: int, experiment: ExperimentRow) -> Rows:
    ids = (row_id(key, 0), row_id(key + 1, 0))

    def select(table: str, columns: Iterable[str], order: str) -> sqlite3.Cursor:
        return connection.execute(
            f"SELECT {', '.join(columns)} FROM {table} WHERE experiment = ? ORDER BY {order}",
            (key,),
        )

    def select_trials(columns: Iterable[str]) -> sqlite3.Cursor:
        return connection.execute(
            f"SELECT number, {', '.join(columns)} FROM trial WHERE id >= ? AND id < ? ORDER BY id",
            ids,
        )

    entry_order = "bracket, rung, trial"
    attempts = select("attempt", AttemptRow._fields, "trial, attempt")
    return Rows(
        experiment=experiment,
        brackets=[*map(BracketRow._make, select("bracket", BracketRow._fields, "bracket"))],
        configurations=[*map(ConfigurationRow._make, select_trials(ConfigurationRow._fields[1:]))],
        trials=[*map(TrialRow._make, select_trials(_TRIAL_COLUMNS))],
        attempts=[*map(AttemptRow._make, attempts)],
        entries=[*map(EntryRow._make, select("rung_entry", EntryRow._fields, entry_order))],
        left_entries=[],
        workers=[*map(WorkerRow._make, select("worker", WorkerRow._fields, "worker_id"))],
        trusted_workers=[],
    )


def read_metric(connection: sqlite3.Connection, key: int) -> str:
    """The name of an experiment's search metric."""
    row = connection.execute(
        "SELECT json_extract(spec, '$.metric.name') FROM experiment WHERE key = ?", (key,)
    ).fetchone()
    return str(row[0])


def read_history(
    connection: sqlite3.Connection, key: int, after_sequence: int, most: int
) -> list[Record]:
    """Up to `most` events of an experiment after a sequence, in order. O(most · log n)."""
    metric = read_metric(connection, key)
    bounds = (row_id(key, after_sequence), row_id(key + 1, 0), most)
    where = "WHERE id > ? AND id < ? ORDER BY id LIMIT ?"
    connection.execute("BEGIN")
    try:
        reports = connection.execute(
            f"SELECT {', '.join(REPORT_COLUMNS)} FROM report {where}",
            bounds,
        ).fetchall()
        events = connection.execute(
            f"SELECT {', '.join(EVENT_COLUMNS)} FROM event {where}",
            bounds,
        ).fetchall()
    finally:
        connection.execute("COMMIT")
    records = [record_of_report(row, metric) for row in reports]
    records += [record_of_event(row) for row in events]
    records.sort(key=lambda record: record.sequence)
    return records[:most]


assert SEQUENCE_BITS == 40, "the generated columns of migrations.py say 40"

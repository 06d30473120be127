"""The store in one SQLite file: WAL, synchronous=FULL, one transaction a batch.

One connection writes, in whatever single thread calls `append`; another reads. A lock that
somebody's shell holds is waited out and logged; any other failure is final, and then nothing more
is written: the next open finds out what is on the disk, by the checksums in the log.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

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
from asha_server.store import StoreFailed, StoreInfo, TokenRow, Write
from asha_server.store.attempts import AttemptTable
from asha_server.store.copying import write_copy
from asha_server.store.failure import REPAIR, failing
from asha_server.store.history import (
    EVENT_COLUMNS,
    REPORT_COLUMNS,
    event_row,
    report_row,
    row_id,
)
from asha_server.store.lock import FileLock, refuse_network_file_system
from asha_server.store.opening import open_for_writing, open_read_only
from asha_server.store.served_file import ServedFile
from asha_server.store.snapshot import DELETED, load_rows, read_history
from asha_server.store.transaction import Transaction
from asha_server.store.versions import SCHEMA_VERSION

log = logging.getLogger(__name__)

_TRIAL_COLUMNS = TrialRow._fields[1:]


def _insert(table: str, columns: Iterable[str], verb: str = "INSERT") -> str:
    names = tuple(columns)
    return f"{verb} INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"


_INSERT_REPORT = _insert("report", REPORT_COLUMNS)
_INSERT_EVENT = _insert("event", EVENT_COLUMNS)
_INSERT_TRIAL = _insert("trial", ("id", *ConfigurationRow._fields[1:]))
_UPDATE_TRIAL = (
    f"UPDATE trial SET {', '.join(f'{column} = ?' for column in _TRIAL_COLUMNS)} WHERE id = ?"
)
_PUT_ATTEMPT = _insert("attempt", ("experiment", *AttemptRow._fields), "INSERT OR REPLACE")
_UPDATE_TRIAL_TRAINED = (
    "UPDATE trial SET last_step = ?, last_value = ?, total_length = ? WHERE id = ?"
)
_UPDATE_ATTEMPT_TRAINED = (
    "UPDATE attempt SET max_step = ?, units_trained = ?, last_report = ?, decision = ? "
    "WHERE experiment = ? AND trial = ? AND attempt = ?"
)
_PUT_ENTRY = _insert("rung_entry", ("experiment", *EntryRow._fields), "INSERT OR REPLACE")
_PUT_BRACKET = _insert("bracket", ("experiment", *BracketRow._fields), "INSERT OR REPLACE")
_PUT_WORKER = _insert("worker", ("experiment", *WorkerRow._fields), "INSERT OR REPLACE")
_INSERT_EXPERIMENT = _insert("experiment", ("key", *ExperimentRow._fields, "created_by"))
# Not INSERT OR REPLACE, which writes a long spec again with every commit: an UPDATE leaves the
# pages that it does not change alone (measured at 1,000 parameters: 139 -> 15 µs).
_UPDATE_EXPERIMENT = (
    f"UPDATE experiment SET {', '.join(f'{column} = ?' for column in ExperimentRow._fields)} "
    "WHERE key = ?"
)
_DROP_ENTRY = (
    "DELETE FROM rung_entry WHERE experiment = ? AND bracket = ? AND rung = ? AND trial = ?"
)
_PUT_TOKEN = _insert("token", TokenRow._fields, "INSERT OR REPLACE")
_PUT_OWNER = "INSERT OR REPLACE INTO worker_owner VALUES (?, ?, ?)"
_DROP_WORKER = "DELETE FROM worker WHERE experiment = ? AND worker_id = ?"


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
        refuse_network_file_system(path)
        self._lock = FileLock(path, wait=wait_for_lock)
        self._epoch = 0
        # Whether closing folds the log into the file.
        self._is_sound = True
        try:
            self._connection = open_for_writing(path)
            try:
                self._reader = open_read_only(path)
                self._file = ServedFile(path)
            except BaseException:
                self._connection.close()
                raise
        except BaseException:
            self._lock.release()
            raise

    def info(self) -> StoreInfo:
        """What it is, for people."""
        return StoreInfo(str(self.path.resolve()), SCHEMA_VERSION, sqlite3.sqlite_version)

    def acquire(self) -> int:
        """Raises the epoch, so that a server that lost the file unawares cannot commit."""
        with self._transaction():
            self._connection.execute("UPDATE server SET epoch = epoch + 1")
        with self._reading():
            (self._epoch,) = self._connection.execute("SELECT epoch FROM server").fetchone()
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
        with self._transaction():
            self._refuse_other_epoch()
            for write in writes:
                self._write(write)
            for key in deleted:
                self._connection.execute(
                    "UPDATE experiment SET state = ? WHERE key = ?", (DELETED, key)
                )

    def put_token(self, token: TokenRow) -> None:
        """Writes a token, over the one of its name; durable when it returns."""
        self._put(_PUT_TOKEN, token)

    def put_worker_owner(self, key: int, worker_id: str, identity: str) -> None:
        """Writes whose a worker name is; durable when it returns."""
        self._put(_PUT_OWNER, (key, worker_id, identity))

    def _put(self, statement: str, row: tuple[object, ...]) -> None:
        with self._transaction():
            self._refuse_other_epoch()
            self._connection.execute(statement, row)

    def _refuse_other_epoch(self) -> None:
        """A server that lost the file unawares writes nothing more.

        Raises:
            StoreFailed: another server took over.
        """
        (epoch,) = self._connection.execute("SELECT epoch FROM server").fetchone()
        if epoch != self._epoch:
            raise StoreFailed(f"another server took over {self.path}")

    def _write(self, write: Write) -> None:
        key, rows, records, is_hidden, created_by = write
        experiment = rows.experiment._replace(state=DELETED) if is_hidden else rows.experiment
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
        if rows.trained:
            many(
                _UPDATE_TRIAL_TRAINED,
                [(row[2], row[3], row[4], row_id(key, row[0])) for row in rows.trained],
            )
            many(
                _UPDATE_ATTEMPT_TRAINED,
                [(row[5], row[6], row[7], row[8], key, row[0], row[1]) for row in rows.trained],
            )
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
        if records and records[0].sequence == 1:
            self._connection.execute(_INSERT_EXPERIMENT, (key, *experiment, created_by))
            self._connection.execute("UPDATE server SET last_key = max(last_key, ?)", (key,))
        else:
            self._connection.execute(_UPDATE_EXPERIMENT, (*experiment, key))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """One transaction on a file that is still there.

        Raises:
            StoreFailed: with the way out.
        """
        try:
            with failing(self.path, "write to"):
                self._file.check()
                with Transaction(self._connection, self.path):
                    yield
                    self._file.check()
        except StoreFailed as error:
            # A log that was removed is still open and whole: folding it in loses nothing.
            self._is_sound = self._is_sound and self._file.is_log_removed
            if not self._file.is_in_place:
                raise StoreFailed(f"{error}; {self._rescue()}") from error
            raise

    def _rescue(self) -> str:
        """Saves what the file held, which goes with this process; what to do with it."""
        copy = self.path.with_name(f"{self.path.name}.rescued")
        try:
            write_copy(self._connection, copy, in_a_hurry=True)
        except (sqlite3.Error, OSError) as error:
            return f"and it could not be saved ({error}): put a copy in its place ({REPAIR})"
        return f"all that was answered is saved in {copy}: rename it and start the server again"

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Reads of a file that may turn out to be damaged.

        Raises:
            StoreFailed: with the way out.
        """
        try:
            with failing(self.path, "read"):
                yield
        except StoreFailed:
            self._is_sound = False
            raise

    def forget(self, key: int, most: int) -> bool:
        """Deletes up to `most` rows of each table of a deleted experiment."""
        first, last = row_id(key, 0), row_id(key + 1, 0)
        left = 0
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
                ("worker_owner", "experiment, worker_id"),
                ("bracket", "experiment, bracket"),
            ):
                left += self._connection.execute(
                    f"DELETE FROM {table} WHERE ({columns}) IN "
                    f"(SELECT {columns} FROM {table} WHERE experiment = ? LIMIT ?)",
                    (key, most),
                ).rowcount
            if not left:
                self._connection.execute("DELETE FROM experiment WHERE key = ?", (key,))
        return left > 0

    def vacuum(self) -> None:
        """Rewrites the file without the gaps that deleted rows left, and empties the log.

        O(the file); nobody may read it meanwhile.

        Raises:
            StoreFailed: somebody reads it, or the disk is full; it holds what it held.
        """
        with failing(self.path, "rewrite"):
            self._empty_log()
            self._connection.execute("VACUUM")
            self._empty_log()

    def _empty_log(self) -> None:
        (is_busy, *_) = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if is_busy:
            raise StoreFailed(
                f"another program reads {self.path}: end it (a shell, an export, a backup) and try "
                "again"
            )

    # -- reading ----------------------------------------------------------------------------------

    def load(
        self, only: int | None = None, *, is_streamed: bool = False
    ) -> Generator[tuple[int, Rows]]:
        """Every living experiment's key and rows, in order of creation."""
        with self._reading():
            yield from load_rows(self._reader, only, is_streamed=is_streamed)

    def tokens(self) -> list[TokenRow]:
        """Every access token, revoked ones included."""
        with self._reading():
            found = self._reader.execute(f"SELECT {', '.join(TokenRow._fields)} FROM token")
            return [TokenRow(*row) for row in found]

    def creators(self) -> list[tuple[int, str]]:
        """(key of the experiment, who created it) of every one of whom it is known."""
        with self._reading():
            statement = "SELECT key, created_by FROM experiment WHERE created_by != ''"
            return list(self._reader.execute(statement))

    def worker_owners(self) -> Iterator[tuple[int, str, str]]:
        """(key of the experiment, worker, identity) of every worker name that is somebody's."""
        with self._reading():
            yield from self._reader.execute(
                "SELECT experiment, worker_id, identity FROM worker_owner"
            )

    def leftovers(self) -> list[int]:
        """Keys of experiments of which some rows are left: deleted ones, and hidden ones."""
        with self._reading():
            found = self._reader.execute("SELECT key FROM experiment WHERE state = ?", (DELETED,))
            return [key for (key,) in found]

    def next_key(self) -> int:
        """A key that no experiment has or had."""
        with self._reading():
            (last,) = self._reader.execute("SELECT last_key FROM server").fetchone()
        return int(last) + 1

    def history(self, key: int, after_sequence: int, most: int) -> list[Record]:
        """Up to `most` events after a sequence, in order."""
        with self._reading():
            return read_history(self._reader, key, after_sequence, most)

    def attempts(self, key: int) -> AttemptTable:
        """An experiment's attempts and their reports, each read when it is asked for."""
        return AttemptTable(self._reader, key, self._reading)

    def close(self) -> None:
        """Folds the log into the file, unless a failure forbids it, and lets go; idempotent."""
        if self._is_sound:
            self._fold()
        # In this order: whoever closes last folds the log in, and the reader may not write.
        self._connection.close()
        self._reader.close()
        self._file.close()
        self._lock.release()

    def _fold(self) -> None:
        try:
            self._reader.close()
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            # Not a loss: the log beside the file holds everything, and the next open folds it in.
            log.warning("wal_left_behind", extra={"database": str(self.path), "error": str(error)})

"""What any connection to a server's file can be asked: one committed state, whole or by pages."""

from __future__ import annotations

import contextlib
import sqlite3
from functools import partial
from typing import TYPE_CHECKING, Any

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
from asha_server.store.history import (
    EVENT_COLUMNS,
    REPORT_COLUMNS,
    record_of_event,
    record_of_report,
    row_id,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from asha_server.search.event import Record

DELETED = "DELETED"
"""State of an experiment that is gone, while some of its rows are left; or not all here yet."""


_REMEMBERED = "AND (is_given OR request_id <> '' OR parent >= 0)"
"""Trials whose configuration's row says something that does not follow from their number."""


@contextlib.contextmanager
def snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """All reads inside see the same committed state; one inside another joins it."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("COMMIT")


def load_rows(
    connection: sqlite3.Connection, only: int | None = None, *, is_streamed: bool = False
) -> Iterator[tuple[int, Rows]]:
    """Every living experiment's key and rows, in one consistent view of the file.

    Args:
        connection: which reads.
        only: the key of the one that is wanted; None: all.
        is_streamed: rows of trials and entries are read as they are asked for, once, before the
            next experiment: never all in memory. Of configurations only those that an experiment
            keeps in memory, as the sampler knows the others; of attempts none.
    """
    with snapshot(connection):
        experiments = connection.execute(
            f"SELECT key, {', '.join(ExperimentRow._fields)} FROM experiment "
            "WHERE state <> ? AND ? IN (key, 0) ORDER BY key",
            (DELETED, only or 0),
        ).fetchall()
        for key, *row in experiments:
            rows = _rows(connection, key, ExperimentRow._make(row), is_streamed=is_streamed)
            yield key, rows if is_streamed else _whole(rows)


def _whole(rows: Rows) -> Rows:
    """The same rows as lists."""
    return rows._replace(
        configurations=[*rows.configurations],
        trials=[*rows.trials],
        attempts=[*rows.attempts],
        entries=[*rows.entries],
    )


def _rows(
    connection: sqlite3.Connection, key: int, experiment: ExperimentRow, *, is_streamed: bool
) -> Rows:
    ids = (row_id(key, 0), row_id(key + 1, 0))

    def select(table: str, columns: Iterable[str], order: str) -> sqlite3.Cursor:
        return connection.execute(
            f"SELECT {', '.join(columns)} FROM {table} WHERE experiment = ? ORDER BY {order}",
            (key,),
        )

    def select_trials(columns: Iterable[str], which: str = "") -> sqlite3.Cursor:
        return connection.execute(
            f"SELECT number, {', '.join(columns)} FROM trial WHERE id >= ? AND id < ? {which} "
            "ORDER BY id",
            ids,
        )

    def many(kind: Any, found: sqlite3.Cursor) -> Any:  # a list, once it was read
        return map(partial(tuple.__new__, kind), found)  # as kind._make, but not in Python

    return Rows(
        experiment=experiment,
        brackets=[*map(BracketRow._make, select("bracket", BracketRow._fields, "bracket"))],
        configurations=many(
            ConfigurationRow,
            select_trials(ConfigurationRow._fields[1:], _REMEMBERED if is_streamed else ""),
        ),
        trials=many(TrialRow, select_trials(TrialRow._fields[1:])),
        attempts=[]
        if is_streamed
        else many(AttemptRow, select("attempt", AttemptRow._fields, "trial, attempt")),
        trained=[],
        entries=many(EntryRow, select("rung_entry", EntryRow._fields, "bracket, rung, trial")),
        left_entries=[],
        workers=[*map(WorkerRow._make, select("worker", WorkerRow._fields, "worker_id"))],
        trusted_workers=[],
    )


def read_metric(connection: sqlite3.Connection, key: int) -> str:
    """The name of an experiment's search metric; "" once it is forgotten."""
    row = connection.execute(
        "SELECT json_extract(spec, '$.metric.name') FROM experiment WHERE key = ?", (key,)
    ).fetchone()
    return str(row[0]) if row else ""


def read_history(
    connection: sqlite3.Connection, key: int, after_sequence: int, most: int
) -> list[Record]:
    """Up to `most` events of an experiment after a sequence, in order. O(most · log n)."""
    metric = read_metric(connection, key)
    bounds = (row_id(key, after_sequence), row_id(key + 1, 0), most)
    where = "WHERE id > ? AND id < ? ORDER BY id LIMIT ?"
    with snapshot(connection):
        reports = connection.execute(
            f"SELECT {', '.join(REPORT_COLUMNS)} FROM report {where}", bounds
        ).fetchall()
        events = connection.execute(
            f"SELECT {', '.join(EVENT_COLUMNS)} FROM event {where}", bounds
        ).fetchall()
    records = [record_of_report(row, metric) for row in reports]
    records += [record_of_event(row) for row in events]
    records.sort(key=lambda record: record.sequence)
    return records[:most]

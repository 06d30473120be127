"""Reading a server's file without being the server: one read-only connection, pages of rows.

For the reader process, for export and for people's tools. Every method reads one committed state
and stalls nobody.
"""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, NamedTuple

from asha_server.search.rows import (
    AttemptRow,
    BracketRow,
    ConfigurationRow,
    EntryRow,
    ExperimentRow,
    TrialRow,
    with_bulk_end,
)
from asha_server.search.state import FREEING
from asha_server.store import StoreError
from asha_server.store.history import REPORT_COLUMNS, SEQUENCE_MASK, record_of_report, row_id
from asha_server.store.opening import open_read_only
from asha_server.store.snapshot import DELETED, load_rows, read_history, read_metric, snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from asha_server.search.event import Record
    from asha_server.search.rows import Rows

_REPORT = ", ".join(REPORT_COLUMNS)
_ATTEMPT = ", ".join(AttemptRow._fields)
_TRIAL = ", ".join(("number", *ConfigurationRow._fields[1:], *TrialRow._fields[1:]))
_CONFIGURATION_WIDTH = len(ConfigurationRow._fields)


class StoredExperiment(NamedTuple):
    """An experiment's own row and its brackets'."""

    row: ExperimentRow
    brackets: list[BracketRow]


class StoredTrial(NamedTuple):
    """A trial with what is shown beside it.

    Attributes:
        row: its row, what a close-out or the experiment's end did to it included.
        configuration: what it trains with.
        attempt: its latest attempt; None before the first.
        entry: its place in the highest rung it entered; None without one.
    """

    row: TrialRow
    configuration: ConfigurationRow
    attempt: AttemptRow | None
    entry: EntryRow | None


class StoredCheckpoint(NamedTuple):
    """One reported checkpoint, in its place in the history."""

    trial: int
    sequence: int
    attempt: int
    step: int
    uri: str


class ReadOnlyStore:
    """A server's file, read.

    Args:
        path: the file.

    Raises:
        StoreError: no such file, or not a database of ours.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = open_read_only(path)

    def close(self) -> None:
        """Lets go of the file."""
        self._connection.close()

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """Within it every method reads the same committed state.

        Raises:
            StoreError: what is to be read is damaged.
        """
        try:
            with snapshot(self._connection):
                yield
        except sqlite3.DatabaseError as error:
            raise StoreError(
                f"{self._path} is damaged ({error}): go back to a backup, or save what is left "
                f"with `sqlite3 {self._path} .recover`"
            ) from error

    def load(self) -> Iterator[tuple[int, Rows]]:
        """Every living experiment's key and rows, in order of creation."""
        return load_rows(self._connection)

    def problems(self) -> list[str]:
        """What is wrong with the file as a whole, at most 100. O(the file)."""
        found = self._connection.execute("PRAGMA integrity_check(100)").fetchall()
        problems = [text for (text,) in found if text != "ok"]
        for table in ("bracket", "trial", "attempt", "rung_entry", "worker", "report", "event"):
            (count,) = self._connection.execute(
                f"SELECT count(*) FROM {table} WHERE experiment NOT IN (SELECT key FROM experiment)"
            ).fetchone()
            if count:
                problems.append(f"{count} rows of {table} belong to no experiment")
        return problems

    def experiment(self, key: int) -> StoredExperiment | None:
        """An experiment and its brackets; None once it is deleted."""
        row = self._connection.execute(
            f"SELECT {', '.join(ExperimentRow._fields)} FROM experiment "
            "WHERE key = ? AND state <> ?",
            (key, DELETED),
        ).fetchone()
        if row is None:
            return None
        brackets = self._connection.execute(
            f"SELECT {', '.join(BracketRow._fields)} FROM bracket WHERE experiment = ? "
            "ORDER BY bracket",
            (key,),
        )
        return StoredExperiment(ExperimentRow._make(row), [*map(BracketRow._make, brackets)])

    def trials(
        self, key: int, experiment: StoredExperiment, first: int, most: int
    ) -> list[StoredTrial]:
        """Up to `most` trials from a number on. O(most · log n)."""
        rows = self._connection.execute(
            f"SELECT {_TRIAL} FROM trial WHERE id >= ? AND id < ? ORDER BY id LIMIT ?",
            (row_id(key, first), row_id(key + 1, 0), most),
        )
        return [self._trial(key, experiment, row) for row in rows]

    def trial(self, key: int, experiment: StoredExperiment, number: int) -> StoredTrial:
        """One trial, which exists."""
        return self.trials(key, experiment, number, 1)[0]

    def _trial(
        self, key: int, experiment: StoredExperiment, columns: tuple[object, ...]
    ) -> StoredTrial:
        configuration = ConfigurationRow._make(columns[:_CONFIGURATION_WIDTH])
        row = TrialRow._make((columns[0], *columns[_CONFIGURATION_WIDTH:]))
        entry = self._last_entry(key, row)
        attempts = self.attempts(key, row.trial, 1) if row.attempt else []
        return StoredTrial(
            row=with_bulk_end(row, experiment.row, experiment.brackets, entry),
            configuration=configuration,
            attempt=attempts[-1] if attempts else None,
            entry=entry,
        )

    def _last_entry(self, key: int, row: TrialRow) -> EntryRow | None:
        """The place in the highest rung; a trial that left every rung has none."""
        if row.rung == 0:
            return None
        found = self._connection.execute(
            f"SELECT {', '.join(EntryRow._fields)} FROM rung_entry "
            "WHERE experiment = ? AND bracket = ? AND rung = ? AND trial = ?",
            (key, row.bracket, row.rung - 1, row.trial),
        ).fetchone()
        return EntryRow._make(found) if found else None

    def attempts(self, key: int, trial: int, most: int) -> list[AttemptRow]:
        """The latest `most` attempts of a trial, first to latest."""
        rows = self._connection.execute(
            f"SELECT {_ATTEMPT} FROM attempt WHERE experiment = ? AND trial = ? "
            "ORDER BY attempt DESC LIMIT ?",
            (key, trial, most),
        ).fetchall()
        return [AttemptRow._make(row) for row in reversed(rows)]

    # -- history ----------------------------------------------------------------------------------

    def history(self, key: int, after_sequence: int, most: int) -> list[Record]:
        """Up to `most` events after a sequence, in order."""
        return read_history(self._connection, key, after_sequence, most)

    def reports(self, key: int, after_sequence: int, most: int) -> list[Record]:
        """Up to `most` reports after a sequence, in order."""
        metric = read_metric(self._connection, key)
        rows = self._connection.execute(
            f"SELECT {_REPORT} FROM report WHERE id > ? AND id < ? ORDER BY id LIMIT ?",
            (row_id(key, after_sequence), row_id(key + 1, 0), most),
        )
        return [record_of_report(row, metric) for row in rows]

    def reports_of_trial(
        self, key: int, trial: int, after_sequence: int, most: int
    ) -> list[Record]:
        """Up to `most` reports of one trial after a sequence. O(its reports · log n).

        Reports have no index by trial, which would cost each more than the rest of its insert:
        each names the one before it in its attempt instead.
        """
        metric = read_metric(self._connection, key)
        sequences = sorted(self._sequences_of_trial(key, trial, after_sequence))[:most]
        return [record_of_report(self._report(key, s), metric) for s in sequences]

    def _sequences_of_trial(self, key: int, trial: int, after_sequence: int) -> Iterable[int]:
        given = self._connection.execute(
            "SELECT id FROM report WHERE experiment = ? AND trial = ? AND attempt = 0 AND id > ?",
            (key, trial, row_id(key, after_sequence)),
        )
        for (report_id,) in given:
            yield report_id & SEQUENCE_MASK
        lasts = self._connection.execute(
            "SELECT last_report FROM attempt WHERE experiment = ? AND trial = ?", (key, trial)
        ).fetchall()
        for (last,) in lasts:
            sequence = last
            while sequence > after_sequence:
                yield sequence
                sequence = self._connection.execute(
                    "SELECT previous FROM report WHERE id = ?", (row_id(key, sequence),)
                ).fetchone()[0]

    def _report(self, key: int, sequence: int) -> tuple[object, ...]:
        row: tuple[object, ...] = self._connection.execute(
            f"SELECT {_REPORT} FROM report WHERE id = ?", (row_id(key, sequence),)
        ).fetchone()
        return row

    def inherited_checkpoints(self, key: int) -> set[str]:
        """Checkpoints of other trials that a copy would still resume from."""
        freed = ", ".join(f"'{state.value}'" for state in sorted(FREEING))
        found = self._connection.execute(
            "SELECT DISTINCT checkpoint_uri FROM trial WHERE id >= ? AND id < ? AND parent >= 0 "
            f"AND checkpoint_attempt = 0 AND checkpoint_uri <> '' AND state NOT IN ({freed})",
            (row_id(key, 0), row_id(key + 1, 0)),
        )
        return {uri for (uri,) in found}

    def checkpoints(
        self, key: int, trial: int | None, after: tuple[int, int], most: int
    ) -> list[StoredCheckpoint]:
        """Up to `most` checkpoints, by trial, then in the order of their reports.

        Args:
            key: the experiment's key.
            trial: only of this one; None: of all.
            after: (trial, sequence) of the last one of the page before; (-1, 0) the first.
            most: how many.
        """
        only = "" if trial is None else "AND trial = :trial"
        bounds = {
            "key": key,
            "trial": trial,
            "after_trial": after[0],
            "after_id": row_id(key, after[1]),
            "most": most,
        }
        rest = (
            f"experiment = :key AND (trial, id) > (:after_trial, :after_id) {only} "
            "ORDER BY trial, id LIMIT :most"
        )
        reported = self._connection.execute(
            "SELECT trial, id, attempt, step, checkpoint_uri FROM report "
            f"WHERE checkpoint_uri IS NOT NULL AND {rest}",
            bounds,
        ).fetchall()
        alone = self._connection.execute(
            "SELECT trial, id, json_extract(body, '$.attempt'), json_extract(body, '$.step'), "
            "json_extract(body, '$.checkpoint_uri') FROM event "
            f"WHERE type = 'CheckpointReported' AND {rest}",
            bounds,
        ).fetchall()
        found = [
            StoredCheckpoint(number, report_id & SEQUENCE_MASK, attempt, step, uri)
            for number, report_id, attempt, step, uri in (*reported, *alone)
        ]
        return sorted(found)[:most]

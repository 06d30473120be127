"""The attempts of one experiment and their reports, read from a server's file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asha_server.search.event import MetricReported
from asha_server.search.rows import AttemptRow
from asha_server.search.trial import REMEMBERED_REPORTS
from asha_server.store.history import REPORT_COLUMNS, record_of_report, row_id
from asha_server.store.snapshot import read_metric

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager

    from asha_server.search.event import Record
    from asha_server.search.stored_attempts import ReportParts

_OF_TRIAL = (
    f"SELECT {', '.join(AttemptRow._fields)} FROM attempt "
    "WHERE experiment = ? AND trial = ? ORDER BY attempt"
)
_REQUESTS = (
    "SELECT request_id, trial, attempt FROM attempt WHERE experiment = ? AND request_id <> '' "
    "ORDER BY trial, attempt"
)
_REPORT = f"SELECT {', '.join(REPORT_COLUMNS)} FROM report WHERE id = ?"


class AttemptTable:
    """The attempts of one experiment.

    Args:
        connection: which reads.
        key: the experiment's key.
        reading: what every read is done within.
    """

    __slots__ = ("_connection", "_key", "_reading")

    def __init__(
        self,
        connection: sqlite3.Connection,
        key: int,
        reading: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._connection = connection
        self._key = key
        self._reading = reading

    def requests(self) -> Iterable[tuple[str, int, int]]:
        """(request id, trial, attempt) of every assignment that was asked for by one."""
        with self._reading():
            yield from self._connection.execute(_REQUESTS, (self._key,))

    def of_trial(self, trial_number: int) -> list[AttemptRow]:
        """Every attempt of a trial, first to latest. O(their number · log n)."""
        with self._reading():
            found = self._connection.execute(_OF_TRIAL, (self._key, trial_number))
            return [AttemptRow._make(row) for row in found]

    def reports(self, last_report: int, entered: Iterable[int]) -> tuple[ReportParts, bool]:
        """An attempt's latest reports and those that decided, by its chain of `previous`."""
        with self._reading():
            return self._reports(last_report, entered)

    def _reports(self, last_report: int, entered: Iterable[int]) -> tuple[ReportParts, bool]:
        metric = read_metric(self._connection, self._key)
        records: dict[int, Record] = {}
        sequence = last_report
        while sequence and len(records) < REMEMBERED_REPORTS:
            record = self._find_report(sequence, metric)
            assert record is not None, f"report {sequence} of experiment {self._key} is missing"
            records[sequence] = record
            assert isinstance(record.event, MetricReported)
            sequence = record.event.previous
        latest = records.get(last_report)
        for decided in entered:
            found = self._find_report(decided, metric) if decided not in records else None
            if found is not None and latest is not None and _same_attempt(found, latest):
                records[decided] = found
        parts: ReportParts = []
        for _, record in sorted(records.items()):
            event = record.event
            assert isinstance(event, MetricReported)
            parts.append((event.step, event.metrics, event.decision, event.entered_count > 0))
        return parts, sequence > 0

    def _find_report(self, sequence: int, metric: str) -> Record | None:
        row = self._connection.execute(_REPORT, (row_id(self._key, sequence),)).fetchone()
        return record_of_report(row, metric) if row else None


def _same_attempt(one: Record, other: Record) -> bool:
    first, second = one.event, other.event
    assert isinstance(first, MetricReported)
    assert isinstance(second, MetricReported)
    return (first.trial_number, first.attempt) == (second.trial_number, second.attempt)

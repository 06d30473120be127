"""Proves that a database file is whole: what its rows say is what its history says.

Every experiment's events are replayed from the first, and the state they make is compared row by
row with the rows that a server starts from. All of it is one snapshot of the file, so a server
may go on writing beside it.
"""

from __future__ import annotations

import dataclasses
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from asha_server.search.event import Decision, MetricReported
from asha_server.search.experiment import Experiment
from asha_server.search.loading import load
from asha_server.search.replay import Replay
from asha_server.search.rows import all_rows, attempt_row, with_bulk_end
from asha_server.search.spec import ExperimentSpec
from asha_server.store.reading import ReadOnlyStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from asha_server.search.event import Record
    from asha_server.search.rows import AttemptRow, EntryRow, Rows, TrialRow

PROBLEMS_MAX = 100
"""Problems told of one experiment: a file with more is not mended line by line."""
_PAGE = 1_000


@dataclasses.dataclass(frozen=True)
class VerifiedExperiment:
    """What was found of one experiment.

    Attributes:
        experiment_id: its name.
        event_count: events in its history.
        trial_count: its trials.
        problems: list[str], what is wrong, at most 100; empty if it is whole.
    """

    experiment_id: str
    event_count: int
    trial_count: int
    problems: list[str]


@dataclasses.dataclass(frozen=True)
class Verification:
    """What was found of a file.

    Attributes:
        experiments: list[VerifiedExperiment], in order of creation.
        problems: list[str], what is wrong with the file as a whole.
    """

    experiments: list[VerifiedExperiment]
    problems: list[str]

    @property
    def ok(self) -> bool:
        """Whether the file is whole."""
        return not self.problems and not any(found.problems for found in self.experiments)


def verify_file(path: Path) -> Verification:
    """Checks a database file, which a server may have open.

    Memory: twice what a server needs for the largest experiment. History is read by pages.

    Raises:
        StoreError: there is no such file, it is not a database of ours, of another version, or
            too damaged to be read.
    """
    store = ReadOnlyStore(path)
    try:
        with store.snapshot():
            problems = store.problems()
            experiments = [_verify(store, key, rows) for key, rows in store.load()]
    finally:
        store.close()
    return Verification(experiments, problems)


def _verify(store: ReadOnlyStore, key: int, rows: Rows) -> VerifiedExperiment:
    history = _StoredHistory(store, key)
    problems = [*islice(_problems(history, rows), PROBLEMS_MAX)]
    return VerifiedExperiment(rows.experiment.id, history.count, len(rows.trials), problems)


def _problems(history: _StoredHistory, rows: Rows) -> Iterator[str]:
    """What is wrong with the rows by themselves, with the history, and where the two part."""
    try:
        Experiment(load(rows)).check()
    except Exception as error:
        yield f"a server cannot start from its rows: {_said(error)}"
    try:
        experiment = history.run()
    except Exception as error:
        yield f"its history cannot be replayed beyond event {history.count}: {_said(error)}"
        return
    yield from history.problems
    try:
        experiment.check()
    except AssertionError as error:
        yield f"its history makes what cannot be: {_said(error)}"
    told = all_rows(experiment.state)._replace(attempts=[*history.attempts.values()])
    yield from _differences(rows._replace(trials=[*_settled(rows)]), told)


class _StoredHistory:
    """One experiment's history in the file, on its way through a replay.

    Attributes:
        attempts: (trial, attempt) -> AttemptRow, every attempt there ever was.
        problems: list[str], what is wrong with events that replay all the same.
    """

    def __init__(self, store: ReadOnlyStore, key: int) -> None:
        self.attempts: dict[tuple[int, int], AttemptRow] = {}
        self.problems: list[str] = []
        self._replay = Replay()
        self._store = store
        self._key = key
        # (trial, attempt) -> sequence of its latest report.
        self._last_reports: dict[tuple[int, int], int] = {}

    @property
    def count(self) -> int:
        """Events replayed so far."""
        return self._replay.count

    def run(self) -> Experiment:
        """The experiment that all events make.

        Raises:
            Exception: an event is missing, there twice, unreadable or impossible.
        """
        while page := self._store.history(self._key, self.count, _PAGE):
            for record in page:
                self._replay.take(record)
                self._follow(record)
            # Only a trial's latest attempt stays in memory: the others are kept as they pass.
            changes = self._replay.experiment.state.take_changes()
            for attempt in (*changes.attempts.values(), *changes.trained.values()):
                self.attempts[attempt.trial_number, attempt.number] = attempt_row(attempt)
        if not self.count:
            raise ValueError("there is no event")
        return self._replay.experiment

    def _follow(self, record: Record) -> None:
        """Each report names the one before it in its attempt."""
        event = record.event
        if not isinstance(event, MetricReported):
            return
        attempt = event.trial_number, event.attempt
        before = self._last_reports.get(attempt, 0)
        if event.previous != before:
            self.problems.append(
                f"report {record.sequence}: previous is {event.previous}, the history says {before}"
            )
        self._last_reports[attempt] = record.sequence


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__


def _settled(rows: Rows) -> Iterator[TrialRow]:
    """The rows of trials, with the ends of those that are not settled yet."""
    last_entries: dict[int, EntryRow] = {}
    for entry in rows.entries:  # by (bracket, rung, trial), so a trial's highest rung comes last
        last_entries[entry.trial] = entry
    for trial in rows.trials:
        last_entry = last_entries.get(trial.trial)
        try:
            yield with_bulk_end(trial, rows.experiment, rows.brackets, last_entry)
        except (LookupError, ValueError, msgspec.MsgspecError):  # it is no row of ours
            yield trial


class _Table(NamedTuple):
    """A table to be compared.

    Attributes:
        name: of the table.
        field: of `Rows`, where its rows are.
        key_width: how many leading columns are its key.
    """

    name: str
    field: str
    key_width: int


_TABLES = (
    _Table("bracket", "brackets", 1),
    _Table("trial", "configurations", 1),
    _Table("trial", "trials", 1),
    _Table("attempt", "attempts", 2),
    _Table("rung_entry", "entries", 3),
    _Table("worker", "workers", 1),
)
_PARSED: dict[str, Any] = {"spec": ExperimentSpec, "decision": Decision}
"""Columns whose text may differ where the values are the same: a later server may add a field."""


def _differences(live: Rows, told: Rows) -> Iterator[str]:
    """Where the rows of the file differ from those of the replayed history."""
    yield from _columns("experiment", live.experiment, told.experiment)
    for table in _TABLES:
        expected = {row[: table.key_width]: row for row in getattr(told, table.field)}
        for row in getattr(live, table.field):
            name = _name(table, row)
            other = expected.pop(row[: table.key_width], None)
            if other is None:
                yield f"{name} is there, but not in the history"
            else:
                yield from _columns(name, row, other)
        yield from (f"{_name(table, row)} is missing" for row in expected.values())


def _name(table: _Table, row: Any) -> str:
    key = ", ".join(f"{column} {row[i]}" for i, column in enumerate(row._fields[: table.key_width]))
    return f"{table.name} ({key})"


def _columns(name: str, live: Any, told: Any) -> Iterator[str]:
    for column, is_so, should_be in zip(live._fields, live, told, strict=True):
        if is_so != should_be and not _is_same(column, is_so, should_be):
            yield f"{name}: {column} is {_shown(is_so)}, the history says {_shown(should_be)}"


def _shown(value: Any) -> str:
    return repr(str(value) if isinstance(value, str) else value)


def _is_same(column: str, one: Any, other: Any) -> bool:
    if column not in _PARSED or one is None or other is None:
        return False
    decode = msgspec.json.Decoder(_PARSED[column]).decode
    try:
        return bool(decode(one) == decode(other))
    except msgspec.MsgspecError:
        return False

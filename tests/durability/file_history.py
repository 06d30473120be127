"""What a database file says, as it lies there: every experiment's events and what follows."""

from __future__ import annotations

import shutil
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from asha_server.search.event import (
    CheckpointReported,
    ExperimentUpdated,
    MetricReported,
    Record,
    TrialAssigned,
    TrialCreated,
    TrialStateChanged,
)
from asha_server.search.loading import load
from asha_server.search.state import State
from asha_server.store.reading import ReadOnlyStore

PAGE = 10_000


@dataclass
class History:
    """One experiment's events, found by what they are about.

    Attributes:
        state: as a server would load it.
        records: in order; the first has sequence 1.
        reports: (trial, attempt, step) -> sequences of its reports; several where in parts.
        assigned: (trial, attempt) -> sequence.
        by_request: request id of a GetSuggestion -> sequences of what it was handed.
        gifts: request id of a CreateTrial -> sequences.
        checkpoints: (trial, attempt, step, uri) of those reported by themselves.
        changes: (trial, attempt) -> sequences of its changes of state.
        names: display names that it was given, in order.
    """

    state: State
    records: list[Record]
    reports: dict[tuple[int, int, int], list[int]] = field(
        default_factory=lambda: defaultdict(list)
    )
    assigned: dict[tuple[int, int], int] = field(default_factory=dict)
    by_request: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    gifts: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    checkpoints: set[tuple[int, int, int, str]] = field(default_factory=set)
    changes: dict[tuple[int, int], list[int]] = field(default_factory=lambda: defaultdict(list))
    names: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for record in self.records:
            event, sequence = record.event, record.sequence
            match event:
                case MetricReported():
                    place = (event.trial_number, event.attempt, event.step)
                    self.reports[place].append(sequence)
                case TrialAssigned():
                    self.assigned[event.trial_number, event.attempt] = sequence
                    self.by_request[event.request_id].append(sequence)
                case TrialCreated(is_given=True):
                    self.gifts[event.request_id].append(sequence)
                case CheckpointReported():
                    self.checkpoints.add(
                        (event.trial_number, event.attempt, event.step, event.checkpoint_uri)
                    )
                case TrialStateChanged():
                    self.changes[event.trial_number, event.attempt].append(sequence)
                case ExperimentUpdated():
                    self.names.append(event.spec.display_name)

    def at(self, sequence: int) -> Record:
        """The event of that sequence."""
        return self.records[sequence - 1]


def read_file(path: Path) -> dict[str, History]:
    """Every experiment of a file by its id."""
    store = ReadOnlyStore(path)
    try:
        with store.snapshot():
            return {
                rows.experiment.id: History(load(rows), list(_records(store, key)))
                for key, rows in store.load()
            }
    finally:
        store.close()


def _records(store: ReadOnlyStore, key: int) -> list[Record]:
    records: list[Record] = []
    while page := store.history(key, len(records), PAGE):
        records += page
    return records


def copy_of(database: Path, directory: Path) -> Path:
    """The file as a dead server left it, with its write-ahead log, to be looked at elsewhere."""
    directory.mkdir()
    for suffix in ("", "-wal"):
        source = database.with_name(f"{database.name}{suffix}")
        if source.exists():
            shutil.copyfile(source, directory / source.name)
    return directory / database.name

"""A store without a file: the rows that a real one would hold, kept by their keys."""

from __future__ import annotations

from collections.abc import Iterable

from asha_server.search.event import MetricReported, Record
from asha_server.search.experiment import Experiment
from asha_server.search.loading import load
from asha_server.search.rows import (
    AttemptRow,
    BracketRow,
    ConfigurationRow,
    EntryRow,
    ExperimentRow,
    Rows,
    TrialRow,
    WorkerRow,
    rows_of,
)
from asha_server.search.state import State
from asha_server.search.stored_attempts import KnownAttempts, ReportParts, StoredAttempts


class Tables:
    """The rows of one experiment, written as they change and read as a restart reads them."""

    def __init__(self) -> None:
        self.experiment: ExperimentRow | None = None
        self.brackets: dict[int, BracketRow] = {}
        self.configurations: dict[int, ConfigurationRow] = {}
        self.trials: dict[int, TrialRow] = {}
        self.attempts: dict[tuple[int, int], AttemptRow] = {}
        self.entries: dict[tuple[int, int, int], EntryRow] = {}
        self.workers: dict[str, WorkerRow] = {}

    def write(self, state: State) -> None:
        """What a commit writes: the rows that changed since the last one."""
        rows = rows_of(state, state.take_changes())
        self.experiment = rows.experiment
        self.brackets |= {row.bracket: row for row in rows.brackets}
        self.configurations |= {row.trial: row for row in rows.configurations}
        self.trials |= {row.trial: row for row in rows.trials}
        self.attempts |= {(row.trial, row.attempt): row for row in rows.attempts}
        for row in rows.trained:
            self.trials[row.trial] = self.trials[row.trial]._replace(
                last_step=row.last_step, last_value=row.last_value, total_length=row.total_length
            )
            attempt = self.attempts[row.trial, row.attempt]
            self.attempts[row.trial, row.attempt] = attempt._replace(
                max_step=row.max_step,
                units_trained=row.units_trained,
                last_report=row.last_report,
                decision=row.decision,
            )
        for left in rows.left_entries:
            self.entries.pop(left, None)
        self.entries |= {(row.bracket, row.rung, row.trial): row for row in rows.entries}
        self.workers |= {row.worker_id: row for row in rows.workers}
        for worker in rows.trusted_workers:
            self.workers.pop(worker, None)

    def read(self, records: list[Record]) -> Experiment:
        """The experiment after a restart, which recalls reports from the history."""
        return Experiment(load(self._rows(), StoredAttempts(self.attempts_with(records))))

    def _rows(self) -> Rows:
        assert self.experiment is not None
        return Rows(
            experiment=self.experiment,
            brackets=[self.brackets[key] for key in sorted(self.brackets)],
            configurations=[self.configurations[key] for key in sorted(self.configurations)],
            trials=[self.trials[key] for key in sorted(self.trials)],
            attempts=[],
            trained=[],
            entries=[self.entries[key] for key in sorted(self.entries)],
            left_entries=[],
            workers=list(self.workers.values()),
            trusted_workers=[],
        )

    def attempts_with(self, records: list[Record]) -> AttemptsWithReports:
        """The attempts as rows, and their reports from the history."""
        rows = [self.attempts[key] for key in sorted(self.attempts)]
        return AttemptsWithReports(rows, records)


class AttemptsWithReports(KnownAttempts):
    """Attempts whose rows are at hand, and their reports too.

    Args:
        rows: in the order of (trial, attempt).
        records: the experiment's history.
    """

    def __init__(self, rows: list[AttemptRow], records: list[Record]) -> None:
        super().__init__(rows)
        self._records = records

    def reports(self, last_report: int, entered: Iterable[int]) -> tuple[ReportParts, bool]:
        """All of an attempt's reports."""
        latest = self._records[last_report - 1].event
        assert isinstance(latest, MetricReported)
        parts: ReportParts = []
        for event in (record.event for record in self._records):
            if isinstance(event, MetricReported) and (event.trial_number, event.attempt) == (
                latest.trial_number,
                latest.attempt,
            ):
                parts.append((event.step, event.metrics, event.decision, event.entered_count > 0))
        return parts, False

"""Attempts that only the store remembers: most of a million trials are spoken of never again.

A trial whose latest attempt is over may leave its attempts to the store, as all trials do that a
restart reads. They are recalled when somebody speaks of them: what they answer is the same.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Protocol

import msgspec

from asha_server.search.event import Decision
from asha_server.search.terms import AssignmentKind, AttemptEnd, FailureKind, TrialState
from asha_server.search.trial import Attempt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from asha_server.search.event import Metrics
    from asha_server.search.rows import AttemptRow
    from asha_server.search.trial import Trial

ReportParts = list[tuple[int, "Metrics", Decision, bool]]
"""list[(step, metrics, decision, whether compared in a rung)], in order of arrival."""

_DECISION = msgspec.json.Decoder(Decision)


class AttemptRows(Protocol):
    """The attempts of one experiment, as a store keeps them."""

    def requests(self) -> Iterable[tuple[str, int, int]]:
        """(request id, trial, attempt) of every assignment that was asked for by one."""

    def of_trial(self, trial_number: int) -> list[AttemptRow]:
        """Every attempt of a trial, first to latest."""

    def reports(self, last_report: int, entered: Iterable[int]) -> tuple[ReportParts, bool]:
        """An attempt's latest reports and those that decided; whether there are older ones.

        Args:
            last_report: sequence of the attempt's latest report.
            entered: sequences at which the trial entered rungs, of any attempt.
        """


class KnownAttempts:
    """Attempts whose rows are at hand; of their reports nothing is known.

    Args:
        rows: in the order of (trial, attempt).
    """

    def __init__(self, rows: Iterable[AttemptRow]) -> None:
        self._by_trial: dict[int, list[AttemptRow]] = defaultdict(list)
        for row in rows:
            self._by_trial[row.trial].append(row)

    def requests(self) -> Iterable[tuple[str, int, int]]:
        """(request id, trial, attempt) of every assignment that was asked for by one."""
        rows = (row for attempts in self._by_trial.values() for row in attempts)
        return ((row.request_id, row.trial, row.attempt) for row in rows if row.request_id)

    def of_trial(self, trial_number: int) -> list[AttemptRow]:
        """Every attempt of a trial, first to latest."""
        return self._by_trial.get(trial_number, [])

    def reports(self, last_report: int, entered: Iterable[int]) -> tuple[ReportParts, bool]:
        """Refuses.

        Raises:
            LookupError: reports are no part of an experiment's rows.
        """
        raise LookupError(f"report {last_report} is not at hand")


class StoredAttempts:
    """Gives trials of one experiment their attempts back.

    Args:
        rows: what the store has.
        recalled: told of each trial that was given its attempts back, and may leave them again.
    """

    __slots__ = ("_recalled", "_rows")

    def __init__(
        self, rows: AttemptRows, recalled: Callable[[Trial, StoredAttempts], None] | None = None
    ) -> None:
        self._rows = rows
        self._recalled = recalled

    def requests(self) -> Iterable[tuple[str, int, int]]:
        """(request id, trial, attempt) of every assignment that was asked for by one."""
        return self._rows.requests()

    def recall(self, trial: Trial) -> None:
        """Gives a trial its attempts back; the reports of the latest are not recalled yet.

        Raises:
            ValueError: the store does not have them.
        """
        trial.take_back([_attempt_of(row) for row in self._rows.of_trial(trial.number)])
        if self._recalled is not None:
            self._recalled(trial, self)

    def recall_reports(self, trial: Trial) -> None:
        """Has the trial's latest attempt know its reports again."""
        attempt = trial.attempt
        assert attempt is not None
        arrivals = [entry.arrival for entry in trial.entries]
        attempt.recall(*self._rows.reports(attempt.last_report, arrivals))


def _attempt_of(row: AttemptRow) -> Attempt:
    attempt = Attempt(
        row.trial,
        row.attempt,
        AssignmentKind(row.kind),
        row.worker_id,
        row.incarnation_id,
        row.request_id,
        row.started_us,
        row.start_step,
        row.start_checkpoint_uri,
    )
    attempt.max_step = row.max_step
    attempt.units_trained = row.units_trained
    attempt.last_report = row.last_report
    attempt.decision = _DECISION.decode(row.decision) if row.decision else None
    attempt.end = AttemptEnd(row.end) if row.end else None
    attempt.ended_us = row.ended_us
    attempt.failure = FailureKind(row.failure) if row.failure else None
    attempt.ended_state = TrialState(row.ended_state) if row.ended_state else None
    attempt.message = row.message
    attempt.is_fenced = bool(row.is_fenced)
    if row.last_report:
        attempt.known = None
    return attempt

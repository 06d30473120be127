"""Keeps the terms of leases in step with what was decided: begun, renewed, ended, run out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asha_server.search.command import (
    Answer,
    Assignment,
    ExpireLease,
    Heartbeat,
    ReportCheckpoint,
    ReportMetric,
)
from asha_server.search.event import ExperimentStateChanged, TrialStateChanged
from asha_server.search.terms import TrialStateCause

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from asha_server.clock import Clock
    from asha_server.hosted import Hosted
    from asha_server.leases import LeaseTable
    from asha_server.search.command import Command, Outcome
    from asha_server.search.event import Record

_RENEWING = (ReportMetric, ReportCheckpoint, Heartbeat)


class LeaseKeeper:
    """The only one that touches the table of leases.

    Args:
        leases: the terms of all live leases.
        clock: by which they run.
    """

    def __init__(self, leases: LeaseTable, clock: Clock) -> None:
        self._leases = leases
        self._clock = clock

    def take_up(self, hosted: Hosted) -> None:
        """Gives every live lease of an experiment a fresh term, and ends all others."""
        self._leases.drop_all(hosted.key)
        state = hosted.experiment.state
        for number in state.active:
            attempt = state.trials[number].attempt
            assert attempt is not None
            self._grant(hosted, number, attempt.number)

    def end_all(self, hosted: Hosted) -> None:
        """Ends every lease of an experiment that is gone."""
        self._leases.drop_all(hosted.key)

    def keep(self, hosted: Hosted, command: Command, outcome: Outcome) -> None:
        """Follows what one command did."""
        self._end_lost(hosted, outcome.records)
        reply = outcome.reply
        if isinstance(reply, Assignment):
            self._renew_or_grant(hosted, reply.trial_number, reply.attempt, is_report=False)
        elif isinstance(command, _RENEWING) and isinstance(reply, Answer):
            self._follow_worker(hosted, command, reply)

    def _follow_worker(
        self, hosted: Hosted, command: ReportMetric | ReportCheckpoint | Heartbeat, reply: Answer
    ) -> None:
        number, attempt = command.trial_number, command.attempt
        if reply.is_live:
            is_report = isinstance(command, ReportMetric)
            self._renew_or_grant(hosted, number, attempt, is_report=is_report)
        elif self._leases.holds(hosted.key, number, attempt):
            self._leases.drop(hosted.key, number)

    def _end_lost(self, hosted: Hosted, records: list[Record]) -> None:
        """Ends the leases that events took from their holders."""
        state = hosted.experiment.state
        for record in records:
            event = record.event
            if isinstance(event, TrialStateChanged):
                if event.trial_number not in state.active:
                    self._leases.drop(hosted.key, event.trial_number)
            elif isinstance(event, ExperimentStateChanged) and not state.active:
                self._leases.drop_all(hosted.key)

    def _grant(self, hosted: Hosted, trial_number: int, attempt: int) -> None:
        spec = hosted.experiment.state.spec
        self._leases.grant(
            hosted.key, trial_number, attempt, spec.lease_ttl_us, spec.progress_timeout_us,
            self._clock.monotonic_us(),
        )  # fmt: skip

    def _renew_or_grant(
        self, hosted: Hosted, trial_number: int, attempt: int, *, is_report: bool
    ) -> None:
        """A fresh term; without one the attempt is new, or came back before it was handed on."""
        spec = hosted.experiment.state.spec
        is_renewed = self._leases.renew(
            hosted.key, trial_number, attempt, spec.lease_ttl_us,
            spec.progress_timeout_us if is_report else None, self._clock.monotonic_us(),
        )  # fmt: skip
        if not is_renewed:
            self._grant(hosted, trial_number, attempt)

    def overdue(
        self, hosted: Mapping[int, Hosted], now_us: int
    ) -> Iterator[tuple[Hosted, ExpireLease]]:
        """Takes out every lease that ran out, with the command that ends it.

        Args:
            hosted: the experiments, by key.
            now_us: by when; monotonic.
        """
        for overdue in self._leases.overdue(now_us):
            cause = TrialStateCause.LEASE_EXPIRED
            if overdue.is_stuck:
                cause = TrialStateCause.PROGRESS_TIMEOUT
            command = ExpireLease(overdue.trial_number, overdue.attempt, cause)
            yield hosted[overdue.experiment], command

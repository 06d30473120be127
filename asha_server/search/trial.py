"""A trial, its attempts and its places in the rungs: what is true of one configuration now."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from asha_server.search.event import Decision
from asha_server.search.terms import (
    AssignmentKind,
    AttemptEnd,
    FailureKind,
    TrialEndReason,
    TrialState,
    TrialStateCause,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from asha_server.search.event import Metrics
    from asha_server.search.space import Configuration
    from asha_server.search.stored_attempts import StoredAttempts

REMEMBERED_REPORTS = 64
"""Reports of an attempt, latest first, that a repeat is compared with; those that decided are
compared for ever (search.md section 10)."""


class Entry:
    """A trial's place in one rung.

    Attributes:
        value: what was reported; None is the place of a failed or cancelled trial.
        arrival: sequence of the event that brought it.
        is_promoted: whether it went on from here.
    """

    __slots__ = ("arrival", "is_promoted", "value")

    def __init__(self, value: float | None, arrival: int, is_promoted: bool) -> None:
        self.value = value
        self.arrival = arrival
        self.is_promoted = is_promoted


class KnownReport(msgspec.Struct, frozen=True):
    """What is recorded at one step of an attempt.

    Attributes:
        metrics: name -> value, all parts reported so far.
        decision: the answer to its latest part.
    """

    metrics: dict[str, float]
    decision: Decision

    def conflict(self, metrics: Metrics) -> str | None:
        """The first name that is recorded here with another value; NaN equals NaN."""
        for name, value in metrics:
            if name in self.metrics and not same_number(self.metrics[name], value):
                return name
        return None

    def unknown(self, metrics: Metrics) -> Metrics:
        """Those of `metrics` that are not recorded at this step yet."""
        return tuple((name, value) for name, value in metrics if name not in self.metrics)


def same_number(one: float, other: float) -> bool:
    """Whether two metric values are the same; NaN equals NaN."""
    return one == other or (math.isnan(one) and math.isnan(other))


class Attempt:
    """One assignment of a trial to one worker.

    Attributes:
        trial_number: which trial.
        number: from 1.
        kind: why it was handed out.
        worker_id: who trains.
        incarnation_id: which process of the worker.
        request_id: of the GetSuggestion call; "" none.
        started_us: wall clock, microseconds.
        start_step: where it resumed.
        start_checkpoint_uri: what it resumed from.
        max_step: highest step reported; -1 before the first report.
        units_trained: units of length trained by this attempt.
        last_report: sequence of its latest report; 0 none.
        decision: the latest decision on it, or None before the first.
        end: how it ended; None while it holds its lease.
        ended_us: wall clock, microseconds; 0 while live.
        failure: what the worker said, where it ended by FailTrial.
        ended_state: the trial's state that ended it, the answer to the same call again.
        message: the worker's words at its end.
        is_fenced: its worker took other work while it was overdue, and cannot come back to it.
        has_forgotten: some of its reports are too old to be remembered.
        known: step -> KnownReport, the latest 64 in order of arrival; None: not recalled from
            the store yet.
        known_decided: step -> KnownReport, those compared in a rung.
    """

    __slots__ = (
        "decision",
        "end",
        "ended_state",
        "ended_us",
        "failure",
        "has_forgotten",
        "incarnation_id",
        "is_fenced",
        "kind",
        "known",
        "known_decided",
        "last_report",
        "max_step",
        "message",
        "number",
        "request_id",
        "start_checkpoint_uri",
        "start_step",
        "started_us",
        "trial_number",
        "units_trained",
        "worker_id",
    )

    def __init__(
        self,
        trial_number: int,
        number: int,
        kind: AssignmentKind,
        worker_id: str,
        incarnation_id: str,
        request_id: str,
        started_us: int,
        start_step: int,
        start_checkpoint_uri: str,
    ) -> None:
        self.trial_number = trial_number
        self.number = number
        self.kind = kind
        self.worker_id = worker_id
        self.incarnation_id = incarnation_id
        self.request_id = request_id
        self.started_us = started_us
        self.start_step = start_step
        self.start_checkpoint_uri = start_checkpoint_uri
        self.max_step = -1
        self.units_trained = 0
        self.last_report = 0
        self.decision: Decision | None = None
        self.end: AttemptEnd | None = None
        self.ended_us = 0
        self.failure: FailureKind | None = None
        self.ended_state: TrialState | None = None
        self.message = ""
        self.is_fenced = False
        self.has_forgotten = False
        self.known: dict[int, KnownReport] | None = {}
        self.known_decided: dict[int, KnownReport] = {}

    @property
    def has_reported(self) -> bool:
        """Whether a report was recorded under it."""
        return self.last_report > 0

    @property
    def is_overdue(self) -> bool:
        """Whether its lease ran out."""
        return self.end in (AttemptEnd.EXPIRED, AttemptEnd.PROGRESS_TIMEOUT)

    @property
    def verdict(self) -> Decision | None:
        """The STOP or PAUSE that it was answered; None if it was not.

        It is the answer to every later question about the attempt.
        """
        if self.end is None or self.decision is None or self.decision.verdict is Verdict.CONTINUE:
            return None
        return self.decision

    @property
    def is_lost(self) -> bool:
        """Whether its lease is lost, so that not even a repeat is answered."""
        if self.end is None or self.verdict is not None:
            return False
        is_superseded = self.end is AttemptEnd.SUPERSEDED
        return self.is_overdue or is_superseded or self.ended_state is TrialState.QUEUED

    def close(self, end: AttemptEnd, time_us: int, state: TrialState, message: str = "") -> None:
        """Ends the attempt: its lease is gone."""
        self.end = end
        self.ended_us = time_us
        self.ended_state = state
        self.message = message

    def reopen(self) -> None:
        """Undoes an expiry: the worker came back before its trial was handed on."""
        self.end = None
        self.ended_us = 0
        self.ended_state = None
        self.message = ""

    def remember(self, step: int, metrics: Metrics, decision: Decision, compared: bool) -> None:
        """Keeps a report, so that a repeat gets its recorded answer. O(1)."""
        assert self.known is not None, "the attempt's reports must be recalled first"
        before = self.known.pop(step, None) or self.known_decided.get(step)
        merged: Mapping[str, float] = before.metrics if before else {}
        report = KnownReport({**merged, **dict(metrics)}, decision)
        self.known[step] = report
        if compared or step in self.known_decided:
            self.known_decided[step] = report
        if len(self.known) > REMEMBERED_REPORTS:
            del self.known[next(iter(self.known))]
            self.has_forgotten = True

    def recall(self, reports: list[tuple[int, Metrics, Decision, bool]], more: bool) -> None:
        """Takes back from the store what was forgotten by a restart.

        Args:
            reports: (step, metrics, decision, whether compared in a rung), in order of arrival.
            more: whether the store has older ones.
        """
        self.known, self.known_decided = {}, {}
        for step, metrics, decision, compared in reports:
            self.remember(step, metrics, decision, compared)
        self.has_forgotten = self.has_forgotten or more

    def is_forgotten(self, step: int) -> bool:
        """Whether a step is older than all that is remembered: its report may be a repeat."""
        assert self.known is not None
        return self.has_forgotten and step < self.max_step and step < min(self.known)

    def known_at(self, step: int) -> KnownReport | None:
        """What is remembered at a step."""
        assert self.known is not None, "the attempt's reports must be recalled first"
        return self.known.get(step) or self.known_decided.get(step)


class Ending(msgspec.Struct, frozen=True):
    """How an earlier attempt ended, where that stays the answer to whoever held it.

    Attributes:
        end: how it ended.
        failure: what its worker said, if it failed.
        state: the trial's state that this left, the answer to the same call again.
        verdict: the PAUSE that it was answered; None where its worker ended it.
    """

    end: AttemptEnd
    failure: FailureKind | None
    state: TrialState
    verdict: Decision | None


_NO_ENDINGS: dict[int, Ending] = {}
"""Of a trial with one attempt, as most are. Never written."""


class Trial:
    """One configuration and how far it came.

    Attributes:
        number: 0-based.
        bracket: its bracket; -1 while a given configuration waits, or if it joins none.
        own_state: its state but for what a close-out or the experiment's end did to many at
            once; ask `State.state_of`.
        end_reason: why it ended by itself; see `own_state`.
        end_message: words that came with the end.
        restarts: failures and expiries since its last rung entry.
        parent: the trial whose weights it started from; -1 none.
        rung: the rung it trains towards: the first it has no place in yet.
        entries: tuple[Entry, ...], its places from `first_rung` upward.
        attempt_number: its latest attempt; 0 before the first.
        value: the last value in order, of any attempt; None before the first.
        last_step: step of the last report in order; 0 before the first.
        checkpoint_uri: what it would resume from; "" from scratch.
        checkpoint_step: units trained at that checkpoint.
        checkpoint_attempt: the attempt that reported it; 0 none, or its parent's.
        queued_sequence: the event that queued it last; 0 never.
        created_us: wall clock, microseconds.
        started_us: when its first attempt began; wall clock, microseconds; 0 before it.
        ended_us: wall clock, microseconds; 0 while living.
        total_length: units trained over all attempts.
        given: its configuration where a person gave it, or it follows from another trial's; None:
            the sampler's.
        request_id: of the CreateTrial call; "" none.
    """

    __slots__ = (
        "_attempt",
        "_endings",
        "attempt_number",
        "bracket",
        "checkpoint_attempt",
        "checkpoint_step",
        "checkpoint_uri",
        "created_us",
        "end_message",
        "end_reason",
        "ended_us",
        "entries",
        "given",
        "last_step",
        "number",
        "own_state",
        "parent",
        "queued_sequence",
        "request_id",
        "restarts",
        "rung",
        "started_us",
        "total_length",
        "value",
    )

    def __init__(self, number: int, bracket: int, created_us: int) -> None:
        self.number = number
        self.bracket = bracket
        self.own_state = TrialState.QUEUED
        self.end_reason: TrialEndReason | None = None
        self.end_message = ""
        self.restarts = 0
        self.parent = -1
        self.rung = 0
        self.entries: tuple[Entry, ...] = ()
        # In memory, or left to the store with all earlier ones.
        self._attempt: Attempt | StoredAttempts | None = None
        self._endings = _NO_ENDINGS
        self.attempt_number = 0
        self.value: float | None = None
        self.last_step = 0
        self.checkpoint_uri = ""
        self.checkpoint_step = 0
        self.checkpoint_attempt = 0
        self.queued_sequence = 0
        self.created_us = created_us
        self.started_us = 0
        self.ended_us = 0
        self.total_length = 0
        self.given: Configuration | None = None
        self.request_id = ""

    @property
    def first_rung(self) -> int:
        """The rung of its first entry."""
        return self.rung - len(self.entries)

    def enter(self, entry: Entry) -> None:
        """It has a place in the next rung."""
        self.entries += (entry,)
        self.rung += 1

    @property
    def compared_rung(self) -> int:
        """The last rung it was compared at; -1 none."""
        return self.rung - 1 if self.entries else -1

    def entry(self, rung: int) -> Entry:
        """Its place in a rung that it entered."""
        return self.entries[rung - self.first_rung]

    @property
    def inherits_checkpoint(self) -> bool:
        """Whether what it would resume from is another trial's checkpoint."""
        return self.parent >= 0 and not self.checkpoint_attempt and bool(self.checkpoint_uri)

    @property
    def attempt(self) -> Attempt | None:
        """Its latest attempt; None before the first."""
        attempt = self._attempt
        if attempt is None or isinstance(attempt, Attempt):
            return attempt
        attempt.recall(self)
        return self.attempt

    @property
    def endings(self) -> dict[int, Ending]:
        """Attempt number -> Ending, of earlier attempts whose end stays the answer to them."""
        if not isinstance(self._attempt, Attempt) and self._attempt is not None:
            self._attempt.recall(self)
        return self._endings

    def begin_attempt(self, attempt: Attempt) -> None:
        """From now on that is its latest attempt."""
        self._attempt = attempt
        self.attempt_number = attempt.number

    def leave_to(self, stored: StoredAttempts) -> None:
        """Leaves its attempts to the store if the latest is over; they must be durable."""
        if isinstance(self._attempt, Attempt) and self._attempt.end is not None:
            self.begin_stored(stored, self.attempt_number)

    def begin_stored(self, stored: StoredAttempts, number: int) -> None:
        """Its attempts up to that number are in the store."""
        self._attempt = stored if number else None
        self._endings = _NO_ENDINGS
        self.attempt_number = number

    def take_back(self, attempts: Iterable[Attempt]) -> None:
        """Has its attempts in memory again.

        Args:
            attempts: every one, first to latest.

        Raises:
            ValueError: the latest one is not among them.
        """
        latest = self.attempt_number
        self._attempt = None
        for attempt in attempts:
            self.keep_ending()
            self.begin_attempt(attempt)
        if self._attempt is None or self.attempt_number != latest:
            raise ValueError(f"attempt {latest} of trial {self.number} is missing")

    def counts(self, cause: TrialStateCause) -> bool:
        """Whether being queued for this cause counts towards `max_restarts`.

        An unreadable checkpoint is a retryable failure where there is no checkpoint.
        """
        if cause is TrialStateCause.CHECKPOINT_UNREADABLE:
            return not self.checkpoint_uri
        return cause.is_counted

    def keep_ending(self) -> None:
        """Remembers how the latest attempt ended, before another one takes over. O(1)."""
        last = self.attempt
        if last is None or last.ended_state is None:
            return
        if last.verdict is None and last.end not in (AttemptEnd.FAILED, AttemptEnd.RELEASED):
            return
        assert last.end is not None
        ending = Ending(last.end, last.failure, last.ended_state, last.verdict)
        self._endings = {**self._endings, last.number: ending}

    def earlier_verdict(self, attempt: int) -> Decision | None:
        """The PAUSE that an attempt before the latest was answered; None if there is none."""
        earlier = self.endings.get(attempt)
        return earlier.verdict if earlier is not None else None

    def keep_checkpoint(self, attempt: int, step: int, uri: str) -> str:
        """Takes a reported checkpoint if the trial would resume from it.

        The highest step of the latest attempt that reported one counts; a lower one that arrives
        late changes nothing.

        Returns:
            The checkpoint that can never be resumed from again; "" none.
        """
        if attempt == self.checkpoint_attempt and step < self.checkpoint_step:
            return uri if uri != self.checkpoint_uri else ""
        superseded = self.checkpoint_uri if self.checkpoint_uri != uri else ""
        self.checkpoint_attempt, self.checkpoint_step, self.checkpoint_uri = attempt, step, uri
        return superseded

    def drop_checkpoint(self) -> None:
        """Forgets the checkpoint: it cannot be read."""
        self.checkpoint_attempt, self.checkpoint_step, self.checkpoint_uri = 0, 0, ""

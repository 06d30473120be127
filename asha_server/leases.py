"""Leases: their tokens, and their terms by a clock that cannot jump.

A token is an HMAC of (experiment, trial, attempt) under the server's key, so it survives a
restart without standing in the database. Terms live in memory: after a restart every live lease
gets one fresh term.
"""

from __future__ import annotations

import heapq
import hmac
import secrets
from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING, NamedTuple

from asha_server.secret_file import write_secret_file
from asha_server.store import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY_BYTES = 32
KNOWN_MAX = 20_000
"""Good tokens that are remembered, some 5 MB; then all are forgotten and proven anew."""
_DIGEST_BYTES = 18


def load_key(path: Path) -> bytes:
    """The key of a server's leases; made on first use, readable by its owner only.

    Raises:
        StoreError: it can be neither read nor made, or is empty.
    """
    try:
        key = path.read_bytes() if path.exists() else _make_key(path)
    except OSError as error:
        raise StoreError(
            f"the key {path} can be neither read nor made: {error.strerror}; give --key-file "
            "another, or a directory that the server may write"
        ) from None
    if not key:
        raise StoreError(
            f"the key {path} is empty: put the former one in its place, or remove it to have one "
            "made (workers that are training then lose their leases)"
        )
    return key


def _make_key(path: Path) -> bytes:
    """A new key, in a file that has its name once the key is on the disk."""
    key = secrets.token_bytes(KEY_BYTES)
    write_secret_file(path, key)
    return key


class TokenMint:
    """Makes and reads lease tokens: `ATTEMPT.SIGNATURE`, opaque to clients.

    Args:
        key: secret, >= 1 byte.
    """

    __slots__ = ("_key", "_known")

    def __init__(self, key: bytes) -> None:
        self._key = key
        # Tokens that were found good; each is shown with every report of its attempt.
        self._known: dict[tuple[str, int, str], int] = {}

    def token(self, experiment: str, trial_number: int, attempt: int) -> str:
        """The token of an attempt.

        Args:
            experiment: what tells the experiment from any other, former ones of its name included.
            trial_number: which trial.
            attempt: from 1.
        """
        return f"{attempt}.{self._signature(experiment, trial_number, attempt)}"

    def attempt(self, experiment: str, trial_number: int, token: str) -> int | None:
        """The attempt that a token carries; None if it is not one of this trial."""
        known = self._known.get((experiment, trial_number, token))
        if known is not None:
            return known
        number, _, signature = token.partition(".")
        if not (number.isascii() and number.isdigit() and len(number) < 19):
            return None
        expected = self._signature(experiment, trial_number, int(number))
        if not hmac.compare_digest(expected.encode(), signature.encode()):
            return None
        if len(self._known) >= KNOWN_MAX:
            self._known.clear()
        self._known[experiment, trial_number, token] = int(number)
        return int(number)

    def _signature(self, experiment: str, trial_number: int, attempt: int) -> str:
        message = f"{experiment}\0{trial_number}\0{attempt}".encode()
        digest = hmac.digest(self._key, message, "sha256")[:_DIGEST_BYTES]
        return urlsafe_b64encode(digest).decode()


class Overdue(NamedTuple):
    """A lease that ran out.

    Attributes:
        deadline_us: when it did; monotonic, microseconds.
        experiment: the experiment's key.
        trial_number: which trial.
        attempt: which attempt.
        is_stuck: it was kept alive but did not report for `progress_timeout`.
    """

    deadline_us: int
    experiment: int
    trial_number: int
    attempt: int
    is_stuck: bool


class _Term:
    __slots__ = ("attempt", "deadline_us", "progress_deadline_us", "queued_us")

    def __init__(self, attempt: int, deadline_us: int, progress_deadline_us: int) -> None:
        self.attempt = attempt
        self.deadline_us = deadline_us
        self.progress_deadline_us = progress_deadline_us
        # The heap's entry that stands for this term; any other is left over.
        self.queued_us = self.first_us()

    def first_us(self) -> int:
        if self.progress_deadline_us:
            return min(self.deadline_us, self.progress_deadline_us)
        return self.deadline_us


class LeaseTable:
    """The terms of all live leases.

    Times are monotonic microseconds, less the time the server stood still. A renewal is O(1): the
    heap holds each lease once and is put right when its old deadline comes up.
    """

    def __init__(self) -> None:
        # experiment's key -> trial number -> its term.
        self._terms: dict[int, dict[int, _Term]] = {}
        self._heap: list[tuple[int, int, int]] = []
        self._stood_still_us = 0

    def __len__(self) -> int:
        return sum(map(len, self._terms.values()))

    def grant(
        self, experiment: int, trial_number: int, attempt: int, ttl_us: int,
        progress_us: int, now_us: int,
    ) -> None:  # fmt: skip
        """Begins the term of a new attempt.

        Args:
            experiment: the experiment's key.
            trial_number: which trial.
            attempt: which attempt.
            ttl_us: the term.
            progress_us: longest time without a report; 0 = no limit.
            now_us: monotonic.
        """
        now_us -= self._stood_still_us
        term = _Term(attempt, now_us + ttl_us, now_us + progress_us if progress_us else 0)
        self._terms.setdefault(experiment, {})[trial_number] = term
        heapq.heappush(self._heap, (term.queued_us, experiment, trial_number))

    def renew(
        self, experiment: int, trial_number: int, attempt: int, ttl_us: int,
        progress_us: int | None, now_us: int,
    ) -> bool:  # fmt: skip
        """Begins a fresh term of an attempt, if it has one; whether it has.

        Args:
            experiment: the experiment's key.
            trial_number: which trial.
            attempt: which attempt.
            ttl_us: the term.
            progress_us: a fresh progress term, for a report; 0 = no limit, None leaves it as it is.
            now_us: monotonic.
        """
        term = self._term(experiment, trial_number)
        if term is None or term.attempt != attempt:
            return False
        now_us -= self._stood_still_us
        term.deadline_us = now_us + ttl_us
        if progress_us is not None:
            term.progress_deadline_us = now_us + progress_us if progress_us else 0
        if term.first_us() < term.queued_us:  # shortened by an update of the experiment
            self._queue(term, experiment, trial_number)
        return True

    def _queue(self, term: _Term, experiment: int, trial_number: int) -> None:
        term.queued_us = term.first_us()
        heapq.heappush(self._heap, (term.queued_us, experiment, trial_number))

    def _term(self, experiment: int, trial_number: int) -> _Term | None:
        terms = self._terms.get(experiment)
        return terms.get(trial_number) if terms is not None else None

    def drop(self, experiment: int, trial_number: int) -> None:
        """Forgets a lease that ended; idempotent."""
        terms = self._terms.get(experiment, {})
        terms.pop(trial_number, None)
        if not terms:
            self._terms.pop(experiment, None)

    def drop_all(self, experiment: int) -> None:
        """Forgets every lease of an experiment; idempotent."""
        self._terms.pop(experiment, None)

    def holds(self, experiment: int, trial_number: int, attempt: int) -> bool:
        """Whether that attempt has a term."""
        term = self._term(experiment, trial_number)
        return term is not None and term.attempt == attempt

    def remaining_us(self, experiment: int, trial_number: int, now_us: int) -> int:
        """How long a lease still lasts; 0 where there is none."""
        term = self._term(experiment, trial_number)
        return max(term.deadline_us - (now_us - self._stood_still_us), 0) if term else 0

    def stand_still(self, gap_us: int) -> None:
        """Extends every term: the server could not read what came in that time."""
        self._stood_still_us += gap_us

    def next_us(self) -> int | None:
        """When to look for overdue leases next; monotonic; None if there is no lease."""
        return self._heap[0][0] + self._stood_still_us if self._heap else None

    def overdue(self, now_us: int) -> Iterator[Overdue]:
        """Takes out every lease that ran out, by deadline, then trial."""
        now_us -= self._stood_still_us
        while self._heap and self._heap[0][0] <= now_us:
            queued_us, experiment, trial_number = heapq.heappop(self._heap)
            term = self._term(experiment, trial_number)
            if term is None or term.queued_us != queued_us:
                continue
            first_us = term.first_us()
            if first_us > now_us:
                self._queue(term, experiment, trial_number)
                continue
            self.drop(experiment, trial_number)
            is_stuck = term.deadline_us > now_us
            yield Overdue(first_us, experiment, trial_number, term.attempt, is_stuck)

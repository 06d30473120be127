"""Reports that nobody waits for: sent by a thread, many in one message."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from asha_client import errors
from asha_client.connection import Connection
from asha_client.pb import suggestion_service_pb2 as pb

WAITING_MAX = 1_000
"""Reports that may wait to be sent; one more waits in `put`, so that memory stays flat."""
BATCH_MAX = 100
"""Reports in one message."""
PAUSE_S = 0.05
"""From one message to the next, unless somebody waits: what comes meanwhile goes together."""
IDLE_S = 5.0
"""A thread that had nothing to send for so long ends; the next report starts another one."""

Answer = pb.ReportMetricResponse | errors.AshaError
Note = Callable[[pb.ReportMetricRequest, Answer], None]


class DeferredReports:
    """The reports of one attempt that nobody waits for, in their order.

    Args:
        connection: to the server; it retries.
        note: takes in what each was answered; raises what is to reach the training code.
        name: of the thread.
    """

    def __init__(self, connection: Connection, note: Note, name: str) -> None:
        self._connection = connection
        self._note = note
        self._name = name
        self._changed = threading.Condition()  # reentrant: a signal may come while it is held
        self._waiting: deque[pb.ReportMetricRequest] = deque()
        self._sending = 0
        self._flushers = 0
        self._error: errors.AshaError | None = None
        self._thread: threading.Thread | None = None

    def put(self, request: pb.ReportMetricRequest) -> None:
        """Leaves a report to the thread.

        Raises:
            AshaError: what an earlier one was refused for; this one is not sent.
        """
        with self._changed:
            while len(self._waiting) >= WAITING_MAX and self._error is None:
                self._changed.wait()
            if self._error is not None:
                raise self._error
            self._waiting.append(request)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            elif len(self._waiting) in (1, BATCH_MAX):
                self._changed.notify_all()

    def flush(self, within_s: float | None = None) -> None:
        """Returns once everything was answered, or the time is over.

        Args:
            within_s: at most so long, in seconds; None = as long as it takes.

        Raises:
            AshaError: what one was refused for.
        """
        with self._changed:
            self._flushers += 1
            self._changed.notify_all()
            try:
                self._changed.wait_for(lambda: self._error or not self._is_busy(), within_s)
            finally:
                self._flushers -= 1
            error, self._error = self._error, None
        if error is not None:
            raise error

    def _is_busy(self) -> bool:
        return bool(self._waiting) or self._sending > 0

    def _run(self) -> None:
        while (batch := self._next_batch()) is not None:
            began_s = time.monotonic()
            try:
                answers = self._connection.report(
                    batch, deadline_s=self._connection.target.deadline_s
                )
                for request, answer in zip(batch, answers, strict=True):
                    self._note(request, answer)
            except errors.AshaError as error:
                self._fail(error)
            except ValueError:  # the channel was closed: the client is going away
                self._fail(errors.Unavailable("the client was closed", code="CANCELLED"))
            with self._changed:
                self._sending = 0
                self._changed.notify_all()
                due_s = began_s + PAUSE_S - time.monotonic()
                self._changed.wait_for(self._is_urgent, max(due_s, 0))

    def _next_batch(self) -> list[pb.ReportMetricRequest] | None:
        """What is to be sent now, as soon as there is something; None: nothing came for long."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._waiting, IDLE_S):
                self._thread = None
                return None
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), BATCH_MAX))]
            self._sending = len(batch)
            return batch

    def _is_urgent(self) -> bool:
        return self._flushers > 0 or len(self._waiting) >= BATCH_MAX

    def _fail(self, error: errors.AshaError) -> None:
        """Nothing more is sent; the next report, or whoever waits, is told."""
        with self._changed:
            self._error = error
            self._waiting.clear()

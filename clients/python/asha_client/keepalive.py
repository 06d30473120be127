"""The thread that keeps a lease alive while a trial trains, and hears verdicts nobody asked for."""

from __future__ import annotations

import logging
import random
import threading
import time
from typing import Protocol

from asha_client import errors
from asha_client.connection import Connection
from asha_client.decision import Decision, Verdict, decode_decision
from asha_client.flow import HEARTBEAT
from asha_client.pb import suggestion_service_pb2 as pb

log = logging.getLogger("asha_client")


class Leased(Protocol):
    """What the thread needs to know of the attempt that it keeps alive."""

    @property
    def ttl_s(self) -> float:
        """How long the lease lasts from a renewal on, in seconds."""

    @property
    def renewed_at(self) -> float:
        """When the lease was last renewed, by time.monotonic()."""

    @property
    def is_held(self) -> bool:
        """Whether there is still a lease to keep."""

    def heartbeat_request(self) -> pb.HeartbeatRequest:
        """The request that renews the lease."""

    def note_renewal(self, ttl_s: float) -> None:
        """The lease was renewed just now."""

    def note_decision(self, decision: Decision) -> None:
        """The server said what is to become of the attempt."""


class KeepAlive:
    """Sends a heartbeat whenever nothing renewed the lease for a third of its ttl.

    It goes on through every failure of network and server: a worker that comes back before its
    trial was handed on keeps it. It ends with STOP, PAUSE, a lost lease, or `stop`.
    """

    def __init__(self, leased: Leased, connection: Connection, name: str) -> None:
        self._leased = leased
        self._connection = connection
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"asha-{name}", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread soon; does not wait for it."""
        self._stopped.set()

    def _run(self) -> None:
        leased = self._leased
        failures = 0
        while leased.is_held:
            interval_s = leased.ttl_s / 3
            pause_s = leased.renewed_at + interval_s - time.monotonic()
            if failures:
                pause_s = random.uniform(0, min(interval_s, 0.2 * 2 ** min(failures, 16)))
            if pause_s > 0:
                if self._stopped.wait(pause_s):
                    return
                if not failures:
                    continue  # a report may have renewed it meanwhile
            failures = (
                0
                if self._beat(min(interval_s, self._connection.target.deadline_s))
                else failures + 1
            )

    def _beat(self, deadline_s: float) -> bool:
        """One heartbeat; whether it was answered."""
        leased = self._leased
        try:
            response = self._connection.call(
                HEARTBEAT, leased.heartbeat_request(), deadline_s=max(deadline_s, 1), retry_for_s=0
            )
        except (errors.LeaseLost, errors.TrialEnded, errors.NotFound) as error:
            if leased.is_held:
                log.warning("%s; this worker leaves off at the next step", error)
                leased.note_decision(Decision(Verdict.STOP, error.reason or "LEASE_LOST"))
            return True
        except errors.AshaError as error:
            level = logging.DEBUG if error.is_retryable else logging.WARNING
            log.log(level, "a heartbeat failed, trying on: %s", error)
            return False
        except ValueError:  # the channel was closed: the client is going away
            self._stopped.set()
            return False
        if response.HasField("lease"):
            leased.note_renewal(response.lease.ttl.ToNanoseconds() / 1e9)
        else:
            leased.note_renewal(leased.ttl_s)
        leased.note_decision(decode_decision(response.decision))
        return True

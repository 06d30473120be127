"""What this process holds, and how it lets go when it ends: signals, exceptions, exit, forks.

A plain `for` loop cannot see an exception that leaves its body. So three things work together:

* the loop's iterator notices that it was left by an exception (loop_exit.py) and puts its trial
  into custody as *orphaned*;
* `sys.excepthook` and `threading.excepthook` (chained, never replaced) bring the exception itself,
  and the trial is failed, or released, with its words;
* an exception that somebody outside the loop caught brings no hook: the orphan is failed after two
  seconds, or at exit, with the place it was raised at.

SIGTERM releases what is held and then does what it did before. A forked child holds nothing.
"""

from __future__ import annotations

import atexit
import logging
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass
from types import FrameType, TracebackType
from typing import TYPE_CHECKING

from asha_client.errors import FailureKind

if TYPE_CHECKING:
    from asha_client.attempt import Attempt

log = logging.getLogger("asha_client")

ORPHAN_PATIENCE_S = 2.0
"""How long an orphan waits for the words of its exception, in seconds."""

EMERGENCY_RETRY_S = 5.0
"""How long a dying process tries to give a trial back, in seconds; then the lease expires."""


@dataclass(eq=False, slots=True)
class Orphan:
    """A trial whose loop was left by an exception that nobody has shown us yet.

    Attributes:
        attempt: the trial.
        place: file and line that raised.
        may_be_caught: whether some caller has a handler; if not, only SystemExit brings no hook.
        timer: fails the trial when no hook came.
    """

    attempt: Attempt
    place: str
    may_be_caught: bool
    timer: threading.Timer


class Custody:
    """The trials that this process holds. One per process."""

    def __init__(self) -> None:
        self._reset()
        self._is_installed = False
        self._installed_signal = False
        self._former_signal: object = None
        self._grace_s = 0.0

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._held: dict[Attempt, int] = {}
        self._orphans: list[Orphan] = []
        self._is_dying = False

    @property
    def is_dying(self) -> bool:
        """Whether SIGTERM has come and its grace runs."""
        return self._is_dying

    def install(self, grace_s: float) -> None:
        """Hooks exit, exceptions and, in the main thread, SIGTERM.

        Args:
            grace_s: seconds that a trial may go on to its next report after SIGTERM, to save a
                checkpoint there; 0 = release at once.
        """
        self._grace_s = max(self._grace_s, grace_s)
        if not self._is_installed:
            self._is_installed = True
            atexit.register(self._at_exit)
            self._former_excepthook = sys.excepthook
            sys.excepthook = self._on_exception
            self._former_thread_hook = threading.excepthook
            threading.excepthook = self._on_thread_exception
            if hasattr(os, "register_at_fork"):
                os.register_at_fork(after_in_child=self._after_fork)
        if threading.current_thread() is threading.main_thread() and not self._installed_signal:
            former = signal.getsignal(signal.SIGTERM)
            if former is signal.SIG_IGN or former is None:
                return  # the process is not to end by it, or C code handles it
            self._former_signal = former
            self._installed_signal = True
            signal.signal(signal.SIGTERM, self._on_sigterm)

    def hold(self, attempt: Attempt) -> None:
        """Takes a trial into custody, for the calling thread."""
        self._held[attempt] = threading.get_ident()

    def drop(self, attempt: Attempt) -> None:
        """The trial is ended, or was answered STOP or PAUSE."""
        self._held.pop(attempt, None)

    def orphan(self, attempt: Attempt, place: str, *, may_be_caught: bool) -> None:
        """The trial's loop was left by an exception; it is told as soon as it is known."""
        timer = threading.Timer(ORPHAN_PATIENCE_S, self.settle_orphans)
        timer.daemon = True
        self._orphans.append(Orphan(attempt, place, may_be_caught, timer))
        timer.start()

    def settle_orphans(self, error: BaseException | None = None, *, at_exit: bool = False) -> None:
        """Ends every orphan, by its exception if it is known."""
        while self._orphans:
            orphan = self._orphans.pop()
            orphan.timer.cancel()
            attempt = orphan.attempt
            if error is not None:
                attempt.end_now(attempt.ending_for(error, EMERGENCY_RETRY_S))
            elif at_exit and not orphan.may_be_caught:
                # Uncaught, yet no hook: SystemExit, the one exception that has none.
                attempt.end_now(attempt.releasing("SystemExit", EMERGENCY_RETRY_S))
            else:
                message = f"the training code raised at {orphan.place}; a caller caught it"
                kind = FailureKind.RETRYABLE
                attempt.end_now(attempt.failing(message, kind, EMERGENCY_RETRY_S))
            self.drop(attempt)

    def _end_all(self, error: BaseException | None, reason: str, thread: int | None) -> None:
        """Ends what is held, by one thread or all."""
        for attempt, owner in list(self._held.items()):
            if thread is not None and owner != thread:
                continue
            if attempt.is_held:
                flow = (
                    attempt.releasing(reason, EMERGENCY_RETRY_S)
                    if error is None
                    else attempt.ending_for(error, EMERGENCY_RETRY_S)
                )
                attempt.end_now(flow)
            self.drop(attempt)

    # Exceptions.

    def _on_exception(
        self,
        kind: type[BaseException],
        error: BaseException,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._former_excepthook(kind, error, trace)
        finally:
            self._bury(error)

    def _on_thread_exception(self, args: threading.ExceptHookArgs) -> None:
        try:
            self._former_thread_hook(args)
        finally:
            if args.exc_value is not None:
                self._bury(args.exc_value)

    def _bury(self, error: BaseException) -> None:
        """Ends what the calling thread holds: it dies of this exception."""
        if os.getpid() == self._pid:
            self.settle_orphans(error)
            self._end_all(error, "", threading.get_ident())

    def _at_exit(self) -> None:
        if os.getpid() == self._pid:
            self.settle_orphans(at_exit=True)
            self._end_all(None, "the process ended", None)

    # SIGTERM.

    def _on_sigterm(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._pid:
            self._die(number, frame)
        elif self._grace_s > 0 and not self._is_dying and self._any_held():
            self._is_dying = True
            log.warning(
                "SIGTERM: the trial is released at its next report, in %.0f s at the latest",
                self._grace_s,
            )
            threading.Thread(target=self._wait_grace, name="asha-sigterm", daemon=True).start()
        else:
            self._release_aside()
            self._die(number, frame)

    def _any_held(self) -> bool:
        return any(attempt.is_held for attempt in self._held)

    def _release_aside(self) -> None:
        """Releases in another thread: the interrupted one may hold any lock of this client."""
        thread = threading.Thread(
            target=self._end_all, args=(None, "SIGTERM", None), name="asha-release", daemon=True
        )
        thread.start()
        thread.join(EMERGENCY_RETRY_S + 3)

    def _wait_grace(self) -> None:
        """Ends the process when its grace is over and no report came."""
        deadline = time.monotonic() + self._grace_s
        while time.monotonic() < deadline and self._any_held():
            time.sleep(0.05)
        self._is_dying = True
        self._grace_s = 0.0  # the next SIGTERM, which is ours, ends it
        os.kill(os.getpid(), signal.SIGTERM)

    def after_report(self, attempt: Attempt, *, saved: bool) -> None:
        """Lets go of a trial whose process is to end, once its checkpoint is safe."""
        if self._is_dying and saved and attempt.is_held:
            attempt.end_now(attempt.releasing("SIGTERM", EMERGENCY_RETRY_S))

    def _die(self, number: int, frame: FrameType | None) -> None:
        """Does what SIGTERM did before us."""
        former = self._former_signal
        if callable(former):
            former(number, frame)
            return
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    # Forks.

    def _after_fork(self) -> None:
        """In a child: it holds nothing, and SIGTERM does there what it did before us."""
        self._reset()
        self._pid = -1  # never equal: every hook is inert here
        if self._installed_signal:
            former = self._former_signal
            signal.signal(signal.SIGTERM, former)  # type: ignore[arg-type]  # as getsignal gave it
            self._installed_signal = False


custody = Custody()

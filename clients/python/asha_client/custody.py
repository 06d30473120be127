"""What this process holds, and how it lets go when it ends: signals, exceptions, exit, forks.

A plain `for` loop cannot see an exception that leaves its body. So three things work together:

* the loop's iterator notices that it was left by an exception (loop_exit.py) and puts its trial
  into custody as *orphaned*;
* `sys.excepthook` and `threading.excepthook` (chained, never replaced) bring the exception itself,
  and the trial is failed, or released, with its words;
* an exception that somebody outside the loop caught (`multiprocessing` does) brings no hook: the
  orphan is failed after two seconds, or when the process ends, with the place it was raised at.

SIGTERM releases what is held and then does what it did before. A forked child holds nothing.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass, field
from types import FrameType, TracebackType

from asha_client.attempt import EMERGENCY_RETRY_S, Attempt
from asha_client.errors import FailureKind
from asha_client.loop_exit import ExitKind, LoopExit

log = logging.getLogger("asha_client")

ORPHAN_PATIENCE_S = 2.0
"""How long an orphan waits for the words of its exception, in seconds."""


@dataclass(eq=False, slots=True)
class Orphan:
    """A trial whose loop was left by an exception that nobody has shown us yet.

    Attributes:
        attempt: the trial.
        thread: of the loop.
        way_out: how the loop was left, as far as can be seen.
        is_settled: set when the trial was ended.
    """

    attempt: Attempt
    thread: int
    way_out: LoopExit
    is_settled: threading.Event = field(default_factory=threading.Event)


class Custody:
    """The trials that this process holds. One per process."""

    def __init__(self) -> None:
        self._forget()
        self._is_installed = False
        self._installed_signal = False
        self._former_signal: object = None
        self._forking = threading.local()  # mask: the signals held back before the fork
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(
                before=self._before_fork,
                after_in_parent=self._after_fork_in_parent,
                after_in_child=self._after_fork,
            )

    def _forget(self) -> None:
        self._held: dict[Attempt, int] = {}
        self._orphans: list[Orphan] = []
        self._is_dying = False
        self._grace_s = 0.0
        self._is_told = threading.Event()
        self._is_hurried = threading.Event()
        self._is_released = threading.Event()

    @property
    def is_dying(self) -> bool:
        """Whether SIGTERM has come: no trial is to be begun."""
        return self._is_dying

    @property
    def has_orphans(self) -> bool:
        """Whether a loop was left by an exception that nobody has shown us yet."""
        return bool(self._orphans)

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
        if threading.current_thread() is threading.main_thread() and not self._installed_signal:
            former = signal.getsignal(signal.SIGTERM)
            if former is signal.SIG_IGN or former is None:
                return  # the process is not to end by it, or C code handles it
            self._former_signal = former
            self._installed_signal = True
            threading.Thread(target=self._await_sigterm, name="asha-sigterm", daemon=True).start()
            signal.signal(signal.SIGTERM, self._on_sigterm)

    def hold(self, attempt: Attempt) -> None:
        """Takes a trial into custody, for the calling thread."""
        self._held[attempt] = threading.get_ident()

    def drop(self, attempt: Attempt) -> None:
        """The trial is ended, or was answered STOP or PAUSE."""
        self._held.pop(attempt, None)

    def orphan(self, attempt: Attempt, way_out: LoopExit) -> None:
        """The trial's loop was left, perhaps by an exception; it is told as soon as it is known."""
        orphan = Orphan(attempt, threading.get_ident(), way_out)
        self._orphans.append(orphan)
        # Not a daemon: the process, a child of multiprocessing too, waits for it before it ends.
        threading.Thread(target=self._watch, args=(orphan,), name="asha-orphan").start()

    def _watch(self, orphan: Orphan) -> None:
        """Settles an orphan whose exception is not shown in time, or ever."""
        deadline = time.monotonic() + ORPHAN_PATIENCE_S
        is_exiting = False
        while not (is_exiting or orphan.is_settled.wait(0.05)) and time.monotonic() < deadline:
            is_exiting = not threading.main_thread().is_alive()
        self._settle(orphan, at_exit=is_exiting)

    def settle_orphans(self, thread: int, error: BaseException | None = None) -> None:
        """Ends a thread's orphans, by their exception if it is known."""
        for orphan in list(self._orphans):
            if orphan.thread == thread:
                self._settle(orphan, error)

    def _settle(
        self, orphan: Orphan, error: BaseException | None = None, *, at_exit: bool = False
    ) -> None:
        """Ends an orphan, once."""
        attempt, way_out = orphan.attempt, orphan.way_out
        if error is not None:
            attempt.end_now(attempt.ending_for(error, EMERGENCY_RETRY_S))
        elif way_out.kind is ExitKind.UNKNOWN:
            attempt.end_now(attempt.releasing("the loop was left", EMERGENCY_RETRY_S))
        elif at_exit and not way_out.may_be_caught:
            # Uncaught, yet no hook: SystemExit, the one exception that has none.
            attempt.end_now(attempt.releasing("SystemExit", EMERGENCY_RETRY_S))
        else:
            message = f"the training code raised at {way_out.place}; a caller caught it"
            attempt.end_now(attempt.failing(message, FailureKind.RETRYABLE, EMERGENCY_RETRY_S))
        self.drop(attempt)
        orphan.is_settled.set()
        with contextlib.suppress(ValueError):  # two threads may settle it at one time
            self._orphans.remove(orphan)

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
        thread = threading.get_ident()
        self.settle_orphans(thread, error)
        self._end_all(error, "", thread)

    def _at_exit(self) -> None:
        self._end_all(None, "the process ended", None)

    # SIGTERM. Its handler only wakes a thread that was there before: the interrupted thread may
    # hold any lock (of logging, of an import, of threading itself), so it must not need one.

    def _on_sigterm(self, number: int, frame: FrameType | None) -> None:
        is_first, self._is_dying = not self._is_dying, True
        self._is_told.set()
        if is_first and self._grace_s > 0 and any(a.is_held for a in list(self._held)):
            return  # the thread sends the second one when it is time
        self._is_hurried.set()
        self._is_released.wait(EMERGENCY_RETRY_S + 3)
        self._die(number, frame)

    def _await_sigterm(self) -> None:
        """Lets every trial go at SIGTERM, after its grace."""
        self._is_told.wait()
        deadline = time.monotonic() + self._grace_s
        if not self._is_hurried.is_set():
            log.warning(
                "SIGTERM: the trial is released at its next report, in %.0f s at the latest",
                self._grace_s,
            )
        while self._held and time.monotonic() < deadline and not self._is_hurried.wait(0.05):
            pass
        self._end_all(None, "SIGTERM", None)
        self._is_released.set()
        if not self._is_hurried.is_set():
            os.kill(os.getpid(), signal.SIGTERM)

    def _die(self, number: int, frame: FrameType | None) -> None:
        """Does what SIGTERM did before us."""
        former = self._former_signal
        if callable(former):
            former(number, frame)
            return
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    # Forks.

    def _before_fork(self) -> None:
        """Holds SIGTERM back, until the child has the handler that it is to have.

        A pool ends its workers by SIGTERM, some of them just born. Our handler would take the
        signal there, and Python forgets in a child what was taken before its hooks have run.
        """
        self._forking.mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})

    def _after_fork_in_parent(self) -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, self._forking.mask)

    def _after_fork(self) -> None:
        """In a child: it holds nothing, and SIGTERM does there what it did before us."""
        self._forget()
        if self._installed_signal:
            former = self._former_signal
            signal.signal(signal.SIGTERM, former)  # type: ignore[arg-type]  # as getsignal gave it
            self._installed_signal = False
        signal.pthread_sigmask(signal.SIG_SETMASK, self._forking.mask)


custody = Custody()

"""How an attempt ends once its program has: what the server is told, where it does not know."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping
from dataclasses import dataclass

from asha_client import AshaError, FailureKind, Verdict
from asha_client.aio import Trial

from asha_server.cli.run.announcer import Announcer

LAST_WORDS_S = 5.0
"""How long a worker that must go tries to reach the server, in seconds; then the lease expires."""


@dataclass(frozen=True, slots=True)
class Conclusion:
    """Ends one attempt, and announces it.

    Attributes:
        trial: as it was handed out.
        announcer: hears how it ended.
        failure_kinds: what an exit status other than 0 means; others are RETRYABLE.
        hint: where to look if a program reported nothing, as an end of that sentence.
    """

    trial: Trial
    announcer: Announcer
    failure_kinds: Mapping[int, FailureKind]
    hint: str

    async def conclude(self, code: int, has_search_metric: bool, message: str = "") -> None:
        """Ends it as an exit status demands.

        Args:
            code: the exit status; negative for a signal.
            has_search_metric: whether the program reported a value of the search metric.
            message: what the program said of its end; empty = nothing.
        """
        trial = self.trial
        ended = message or f"the program ended with {describe_exit(code)}"
        if self.announce_verdict(code, ended if code > 0 else ""):
            return
        if code != 0:
            await self.fail(ended, code, self.failure_kinds.get(code, FailureKind.RETRYABLE))
        elif not has_search_metric and trial.start_step == 0:
            await self.fail(
                "the program ended with exit status 0 without reporting "
                f"{trial.metric!r}; {self.hint}",
                code,
            )
        else:
            await trial.complete()
            self.announcer.ended(trial, "completed", code, "the program ended by itself")

    def announce_verdict(self, code: int | None, message: str = "") -> bool:
        """Announces an end that the server decided; whether there is one.

        Args:
            code: the exit status; None = unknown.
            message: what else is to be said of the program's end.
        """
        trial, decision = self.trial, self.trial.decision
        if decision is None or not trial.has_verdict:
            return False
        outcome = "paused" if decision.verdict is Verdict.PAUSE else "stopped"
        if decision.reason == "MAX_LENGTH":
            outcome = "completed"
        self.announcer.ended(trial, outcome, code, message or decision.reason)
        return True

    async def fail(
        self, message: str, code: int | None, kind: FailureKind = FailureKind.RETRYABLE
    ) -> None:
        """Fails it."""
        await self.trial.fail(message, kind)
        self.announcer.ended(self.trial, "failed", code, f"{message} ({kind})")

    async def release(self, reason: str, code: int | None) -> None:
        """Gives the trial back; where the server is away, its lease does so when it expires."""
        try:
            await asyncio.wait_for(self.trial.release(reason), LAST_WORDS_S)
        except (TimeoutError, AshaError) as error:
            reason = (
                f"{reason}; the server was not told ({error or 'no answer'}): the lease expires"
            )
        self.announcer.ended(self.trial, "released", code, reason)


def describe_exit(code: int) -> str:
    """An exit status in words: `exit status 2`, `SIGKILL`."""
    if code >= 0:
        return f"exit status {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"{name} (out of memory?)" if name == "SIGKILL" else name

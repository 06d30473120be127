"""Emitting events while a command is decided: each is applied as it is emitted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asha_server.search.event import Decision, Record
from asha_server.search.evolve import apply
from asha_server.search.terms import DecisionReason, Verdict

if TYPE_CHECKING:
    from asha_server.search.event import Event
    from asha_server.search.state import State
    from asha_server.search.trial import Trial


class Recorder:
    """One command's events.

    Attributes:
        state: the experiment, changed by every `emit`.
        now_us: the command's time; wall clock, microseconds.
        records: list[Record], what was emitted so far.
    """

    __slots__ = ("now_us", "records", "state")

    def __init__(self, state: State, now_us: int) -> None:
        self.state = state
        self.now_us = now_us
        self.records: list[Record] = []

    def emit(self, event: Event) -> None:
        """Gives the event its place in the sequence and applies it."""
        record = Record(self.state.sequence + 1, self.now_us, event)
        apply(self.state, record)
        self.records.append(record)

    def decision(
        self,
        trial: Trial,
        verdict: Verdict,
        reason: DecisionReason,
        *,
        recorded: bool = False,
    ) -> Decision:
        """A decision without a comparison.

        Args:
            trial: the trial decided about.
            verdict: what the worker does next.
            reason: why.
            recorded: whether the next event carries it; else it is an answer of the moment.
        """
        goes_on = verdict is Verdict.CONTINUE
        return Decision(
            verdict=verdict,
            reason=reason,
            bracket=trial.bracket,
            rung=trial.compared_rung,
            rank=None,
            competitors=0,
            cutoff=None,
            next_decision_step=self.state.next_decision_step(trial) if goes_on else 0,
            sequence=self.state.sequence + 1 if recorded else 0,
            decided_us=self.now_us,
        )

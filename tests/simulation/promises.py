"""What was answered and must be answered again: request ids, and decisions at a step.

Looked at where answers leave the server, in their order: what reaches a worker may have been
overtaken on its way.
"""

from __future__ import annotations

from asha_server.errors import AshaError, ErrorReason
from asha_server.search import command as c
from asha_server.search.event import Decision, Record, TrialAssigned
from asha_server.search.terms import Verdict

Answer = c.Reply | AshaError


class Promises:
    """The durable answers of one experiment, through all lives of its server."""

    def __init__(self) -> None:
        # Request id -> (trial, attempt) that it created.
        self._assigned: dict[str, tuple[int, int]] = {}
        # (trial, attempt, step) -> what was decided there.
        self._decided: dict[tuple[int, int, int], Decision] = {}

    def committed(self, record: Record) -> None:
        """An event is durable: what it created is that request's answer for ever."""
        event = record.event
        if isinstance(event, TrialAssigned) and event.request_id:
            assert event.request_id not in self._assigned, f"{event.request_id} got two attempts"
            self._assigned[event.request_id] = (event.trial_number, event.attempt)

    def answered(self, command: c.Command, said: Answer) -> None:
        """An answer leaves the server."""
        match command, said:
            case c.GetSuggestion(), _ if command.request_id in self._assigned:
                promised = self._assigned[command.request_id]
                if isinstance(said, AshaError):
                    assert said.reason is ErrorReason.LEASE_LOST, f"{command}: {said}"
                else:
                    assert isinstance(said, c.Assignment), f"{command}: {said}"
                    told = (said.trial_number, said.attempt)
                    assert told == promised, f"{command}: {told}, promised {promised}"
            case c.ReportMetric(), c.Answer():
                self._decision(command, said.decision)

    def _decision(self, command: c.ReportMetric, decision: Decision) -> None:
        """The same report: the same decision, or the verdict that ended its attempt since."""
        place = (command.trial_number, command.attempt, command.step)
        former = self._decided.setdefault(place, decision)
        if former != decision:
            story = f"{command}: {decision}, before {former}"
            assert former.verdict is Verdict.CONTINUE, story
            assert decision.verdict is not Verdict.CONTINUE, story

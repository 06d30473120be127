"""What the server decided about an attempt, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from asha_client.pb import trial_pb2


class Verdict(StrEnum):
    """What to do with the training now."""

    CONTINUE = "CONTINUE"
    STOP = "STOP"
    PAUSE = "PAUSE"


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about an attempt, with its explanation.

    Attributes:
        verdict: go on, stop, or pause; a verdict this client does not know reads STOP.
        reason: why, as the name of `asha.v1.DecisionReason` without prefix; any text is legal.
        bracket: index of the trial's bracket; -1 if it has none.
        rung: index of the last rung compared at; -1 if none yet.
        rank: 0-based place among the competitors, 0 the best; None when nothing was compared.
        competitors: entries in the rung at that moment; 0 when nothing was compared.
        cutoff: worst value inside the part that goes on, in the metric's unit; None if none.
        next_decision_step: train at least this far, then report, in units; 0 after STOP and PAUSE.
        sequence: of the event that stored it; 0 before the first report.
        deletable_checkpoints: checkpoints of any trial that the search can never resume from again.
            Advice: delete them when and if you like.
    """

    verdict: Verdict
    reason: str
    bracket: int = -1
    rung: int = -1
    rank: int | None = None
    competitors: int = 0
    cutoff: float | None = None
    next_decision_step: int = 0
    sequence: int = 0
    deletable_checkpoints: tuple[str, ...] = ()

    @property
    def should_stop(self) -> bool:
        """Whether to leave off training: the verdict is not CONTINUE."""
        return self.verdict is not Verdict.CONTINUE


def decode_decision(message: trial_pb2.Decision, deletable: tuple[str, ...] = ()) -> Decision:
    """The decision of a message of the wire."""
    verdicts = {
        trial_pb2.VERDICT_CONTINUE: Verdict.CONTINUE,
        trial_pb2.VERDICT_PAUSE: Verdict.PAUSE,
    }
    try:
        reason = trial_pb2.DecisionReason.Name(message.reason).removeprefix("DECISION_REASON_")
    except ValueError:
        reason = str(int(message.reason))  # of a newer server: text for people
    return Decision(
        verdict=verdicts.get(message.verdict, Verdict.STOP),
        reason=reason,
        bracket=message.bracket,
        rung=message.rung,
        rank=message.rank if message.HasField("rank") else None,
        competitors=message.competitors,
        cutoff=message.cutoff if message.HasField("cutoff") else None,
        next_decision_step=message.next_decision_step,
        sequence=message.sequence,
        deletable_checkpoints=deletable,
    )

"""A trial's story: what was decided about it, against whom, at which cut-off.

Pure: values in, text out.
Ranks are told as they were at the moment of each decision: the entries of a rung carry the
sequence at which they arrived, and a decision carries its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from asha_server.cli import trial_text, wording
from asha_server.cli.table import Column, Part, Table
from asha_server.pb.experiment_pb2 import Bracket, Experiment, HalvingVariant
from asha_server.pb.experiment_service_pb2 import RungEntry
from asha_server.pb.trial_pb2 import (
    AssignmentKind,
    Attempt,
    AttemptEnd,
    DecisionReason,
    DecisionRecord,
    Trial,
    TrialEndReason,
    TrialState,
    Verdict,
)

RIVALS_SHOWN = 5

_TOLD_BY_COMPARISON = (
    TrialEndReason.TRIAL_END_REASON_UNSPECIFIED,
    TrialEndReason.TRIAL_END_REASON_MAX_LENGTH,
    TrialEndReason.TRIAL_END_REASON_RUNG_CUTOFF,
    TrialEndReason.TRIAL_END_REASON_NON_FINITE,
)
"""Ends that the last comparison tells of already."""


@dataclass(frozen=True, slots=True)
class Story:
    """What the server knows of a trial.

    Attributes:
        experiment: whose it is.
        trial: it.
        attempts: first to latest.
        decisions: all of it, in order.
        entries: of the rungs of its bracket, by rung, best first.
    """

    experiment: Experiment
    trial: Trial
    attempts: Sequence[Attempt]
    decisions: Sequence[DecisionRecord]
    entries: Sequence[RungEntry]

    @property
    def bracket(self) -> Bracket | None:
        """The trial's bracket; None while it has none."""
        index = self.trial.bracket
        return self.experiment.brackets[index] if index >= 0 else None

    @property
    def is_stopping(self) -> bool:
        """Whether a rung stops those outside its best, instead of pausing them."""
        spec = self.experiment.spec
        chosen = spec.adaptive_asha if spec.HasField("adaptive_asha") else spec.async_halving
        return chosen.variant == HalvingVariant.HALVING_VARIANT_STOPPING

    @property
    def divisor(self) -> float:
        """d: a rung keeps the best 1/d."""
        spec = self.experiment.spec
        chosen = spec.adaptive_asha if spec.HasField("adaptive_asha") else spec.async_halving
        return chosen.divisor if chosen.HasField("divisor") else 4.0

    def places(self, competitors: int) -> int:
        """How many of so many entries go on: floor(n / d), exact, at least one when stopping."""
        share = int(competitors / Fraction(repr(self.divisor)))
        return max(share, 1) if self.is_stopping else share


def parts(story: Story) -> Iterator[Part]:
    """The whole explanation."""
    trial, spec = story.trial, story.experiment.spec
    trained = f"{trial.last_step:,} of {wording.units(spec.max_length, spec)}"
    name = f"trial {trial.trial_number} of {trial.experiment_id}"
    yield f"{name}: {trial_text.state(trial)}, {trained}"
    yield wording.parameters(trial.parameters)
    bracket = story.bracket
    if bracket is not None:
        lengths = ", ".join(f"{length:,}" for length in bracket.rung_lengths)
        yield f"bracket {bracket.bracket}, rungs at {lengths} {spec.unit}"
    yield ""
    compared = [record for record in story.decisions if record.decision.HasField("rank")]
    for record in compared:
        yield from _comparison(story, record)
    if not compared:
        yield "It has not been compared at any rung."
    yield ""
    yield from _ending(story)
    if story.attempts:
        yield ""
        yield _attempt_table(story.attempts)


def _comparison(story: Story, record: DecisionRecord) -> Iterator[str]:
    """One decision in words: rank, competitors, places, cut-off, rivals, verdict."""
    decision = record.decision
    competitors, rank = decision.competitors, decision.rank
    yield (
        f"At step {record.step:,} (rung {decision.rung}) its {story.experiment.spec.metric.name} "
        f"was {wording.number(record.value)}: rank {rank + 1} of {competitors:,}."
    )
    yield f"  {_rule(story, record)}"
    rivals = _rivals(story, record)
    if rivals:
        yield f"  {rivals}"


def _rule(  # noqa: PLR0911 - one a reason
    story: Story, record: DecisionRecord
) -> str:
    """Why the rank led to the verdict."""
    decision = record.decision
    places = story.places(decision.competitors)
    verdict = wording.word(Verdict, decision.verdict)
    share = f"the best floor({decision.competitors:,} / {story.divisor:g}) = {places:,}"
    if story.is_stopping:
        share = f"the best max(floor({decision.competitors:,} / {story.divisor:g}), 1) = {places:,}"
    cutoff = ""
    if decision.HasField("cutoff"):
        cutoff = f"; the cut-off was {wording.number(decision.cutoff)}"
    match decision.reason:
        case DecisionReason.DECISION_REASON_MAX_LENGTH:
            return f"That is the full length: {verdict}, completed."
        case DecisionReason.DECISION_REASON_NON_FINITE:
            return f"The value is not a finite number: {verdict}."
        case DecisionReason.DECISION_REASON_PROMOTED_AT_CLOSE_OUT:
            return (
                f"Nobody ever went on from this rung and nobody else will enter it, so its best "
                f"goes on all the same (guarantee_full_length): {verdict}."
            )
        case DecisionReason.DECISION_REASON_PROMOTED | DecisionReason.DECISION_REASON_TOP_FRACTION:
            return f"It was among {share}, who go on{cutoff}: {verdict}."
        case (
            DecisionReason.DECISION_REASON_AWAITING_PROMOTION
            | DecisionReason.DECISION_REASON_RUNG_CUTOFF
        ):
            if places == 0:
                return f"With so few there is no place yet ({share}): {verdict}."
            return f"Only {share} go on{cutoff}: {verdict}."
    reason = wording.word(DecisionReason, decision.reason)
    return f"Besides, {reason}: {verdict}."


def _rivals(story: Story, record: DecisionRecord) -> str:
    """Who was ahead of it at that moment."""
    decision = record.decision
    if not decision.rank:
        return ""
    ahead: list[RungEntry] = []
    for entry in story.entries:
        if entry.rung != decision.rung or entry.arrival > decision.sequence:
            continue
        if entry.trial_number == story.trial.trial_number:
            break
        ahead.append(entry)
    shown = ", ".join(
        f"{entry.trial_number} ({wording.number(entry.value)})" for entry in ahead[:RIVALS_SHOWN]
    )
    more = len(ahead) - RIVALS_SHOWN
    text = f"Ahead of it: trial{'s' if len(ahead) != 1 else ''} {shown}"
    if more > 0:
        text += f" and {more:,} more"
    gone = decision.rank - len(ahead)
    if gone > 0:
        text += f"; {gone:,} of those ahead have left the rung since (infeasible)"
    return f"{text}."


def _ending(story: Story) -> Iterator[str]:
    """Where it stands, and what would have to happen for it to go on."""
    trial = story.trial
    if trial.end_reason == TrialEndReason.TRIAL_END_REASON_NOT_PROMOTED:
        yield from _not_promoted(story)
    elif trial.state == TrialState.TRIAL_STATE_PAUSED:
        yield _waiting(story)
    elif trial.state == TrialState.TRIAL_STATE_RUNNING:
        yield f"It is being trained by {trial.worker_id} (attempt {trial.attempt})."
    elif trial.state == TrialState.TRIAL_STATE_QUEUED:
        yield "It waits for a worker to go on with it."
    elif trial.end_reason not in _TOLD_BY_COMPARISON:
        reason = wording.word(TrialEndReason, trial.end_reason)
        state = wording.word(TrialState, trial.state)
        words = f": {trial.end_message}" if trial.end_message else ""
        yield f"It ended as {state}, by {reason}{words}."


def _place_now(story: Story) -> tuple[int, int, RungEntry] | None:
    """Rank and number of entries now in the highest rung it entered, and its entry there."""
    own = [e for e in story.entries if e.trial_number == story.trial.trial_number]
    if not own:
        return None
    entry = own[-1]
    return entry.rank, sum(e.rung == entry.rung for e in story.entries), entry


def _waiting(story: Story) -> str:
    place = _place_now(story)
    if place is None:
        return "It is paused."
    rank, count, entry = place
    places = story.places(count)
    return (
        f"It waits in rung {entry.rung}, now rank {rank + 1} of {count:,}; the best {places:,} are "
        "promoted. It goes on once enough others have entered the rung below it, or ends when "
        "nobody else will."
    )


def _not_promoted(story: Story) -> Iterator[str]:
    place = _place_now(story)
    if place is None:
        return
    rank, count, entry = place
    summary = story.experiment.brackets[entry.bracket].rung_summaries[entry.rung]
    cutoff = wording.number(summary.cutoff if summary.HasField("cutoff") else None)
    yield (
        f"It was stopped when rung {entry.rung} became final: every trial of its bracket had "
        f"arrived, {count:,} in all, and it was rank {rank + 1}. The best {story.places(count):,} "
        f"went on; the cut-off was {cutoff}, its value {wording.number(entry.value)}."
    )


def _attempt_table(attempts: Iterable[Attempt]) -> Table:
    """Who trained it, from where, and how each attempt ended."""
    table = Table(
        [
            Column("attempt", is_number=True),
            Column("kind"),
            Column("worker", is_wide=True),
            Column("from step", is_number=True),
            Column("trained", is_number=True),
            Column("ended"),
            Column("message", is_wide=True),
        ]
    )
    for attempt in attempts:
        table.add(
            str(attempt.attempt),
            wording.word(AssignmentKind, attempt.kind),
            attempt.worker_id,
            f"{attempt.start_step:,}",
            f"{attempt.units_trained:,}",
            wording.word(AttemptEnd, attempt.end) if attempt.end else "running",
            attempt.message or wording.NOTHING,
        )
    return table

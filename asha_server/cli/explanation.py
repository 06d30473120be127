"""A trial's story in words: what was decided about it, against whom, at which cut-off.

Pure: values in, text out. Ranks are told as they were at the moment of each decision.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from asha_server.cli import trial_text, wording
from asha_server.cli.story import Story
from asha_server.cli.table import Column, Part, Table
from asha_server.pb.experiment_service_pb2 import RungEntry
from asha_server.pb.trial_pb2 import (
    AssignmentKind,
    Attempt,
    AttemptEnd,
    DecisionReason,
    DecisionRecord,
    TrialEndReason,
    TrialState,
    Verdict,
)

RIVALS_SHOWN = 5

_ENDS: dict[int, str] = {
    TrialEndReason.TRIAL_END_REASON_ENDED_BY_ITSELF: (
        "Its training ended by itself before the full length; such a trial is never promoted."
    ),
    TrialEndReason.TRIAL_END_REASON_NO_METRIC: (
        "Its worker completed it without a single value of the metric."
    ),
    TrialEndReason.TRIAL_END_REASON_PERMANENT_FAILURE: (
        "Its worker reported a failure that would happen again."
    ),
    TrialEndReason.TRIAL_END_REASON_RESTARTS_EXHAUSTED: (
        "It failed or lost its worker more often than max_restarts allows between two rungs."
    ),
    TrialEndReason.TRIAL_END_REASON_INFEASIBLE: (
        "Its worker reported that this configuration cannot work: it left every rung, and does not "
        "count towards max_trials."
    ),
    TrialEndReason.TRIAL_END_REASON_CANCELLED: "A person cancelled it.",
    TrialEndReason.TRIAL_END_REASON_EXPERIMENT_ENDED: "The experiment ended first.",
}
"""Ends that no comparison tells of."""


_PLANNED_RULES: dict[int, str] = {
    DecisionReason.DECISION_REASON_PROMOTED: "It was certain to be among {best}, who go on",
    DecisionReason.DECISION_REASON_PROMOTED_AT_CLOSE_OUT: (
        "Of {best} nobody could go on, so the best that can does"
    ),
    DecisionReason.DECISION_REASON_AWAITING_PROMOTION: (
        "Only {best} go on, each once it is certain to be among them, and it was not yet"
    ),
}
"""What a rung with a plan says; {best} stands for who goes on."""


def parts(story: Story) -> Iterator[Part]:
    """The whole explanation."""
    trial, spec = story.trial, story.experiment.spec
    trained = f"{trial.last_step:,} of {wording.units(spec.max_length, spec)}"
    name = f"trial {trial.trial_number} of {trial.experiment_id}"
    yield f"{name}: {trial_text.state(trial)}, {trained}"
    yield wording.parameters(trial.parameters)
    if trial.HasField("parent_trial_number"):
        start = story.attempts[0].start_step if story.attempts else 0
        where = f"from its checkpoint at step {start:,}" if start else "from scratch"
        yield f"a copy of trial {trial.parent_trial_number}: {where}, parameters near that trial's"
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
    standing = " ".join(_standing(story))
    if standing:
        yield ""
        yield standing
    if story.attempts:
        yield ""
        yield _attempt_table(story.attempts)


def _comparison(story: Story, record: DecisionRecord) -> Iterator[str]:
    """One decision in words: rank, competitors, places, cut-off, rivals, verdict."""
    decision = record.decision
    yield (
        f"At step {record.step:,} (rung {decision.rung}) its {story.experiment.spec.metric.name} "
        f"was {wording.number(record.value)}: rank {decision.rank + 1} of "
        f"{decision.competitors:,}{_passed(story, record)}."
    )
    yield f"  {_rule(story, record)}"
    rivals = _rivals(story, record)
    if rivals:
        yield f"  {rivals}"
    if decision.verdict == Verdict.VERDICT_PAUSE:
        yield from _promotion_after(story, record)


def _passed(story: Story, record: DecisionRecord) -> str:
    """The rungs below that the same report went through."""
    passed = [
        str(entry.rung)
        for entry in story.own
        if entry.arrival == record.decision.sequence and entry.rung < record.decision.rung
    ]
    return f", having passed rung {', '.join(passed)} at once" if passed else ""


def _promotion_after(story: Story, record: DecisionRecord) -> Iterator[str]:
    """That a trial which paused was promoted later, and who took it."""
    is_promoted = any(e.promoted for e in story.own if e.rung == record.decision.rung)
    later = [attempt for attempt in story.attempts if attempt.attempt > record.attempt]
    for attempt in later[:1] if is_promoted else []:
        taken = f"{attempt.worker_id} took it (attempt {attempt.attempt})"
        yield f"  It was promoted later: {taken}."


def _rule(  # noqa: PLR0911 - one a reason
    story: Story, record: DecisionRecord
) -> str:
    """Why the rank led to the verdict."""
    decision = record.decision
    verdict = wording.word(Verdict, decision.verdict)
    if story.is_planned and decision.reason in _PLANNED_RULES:
        rule = _PLANNED_RULES[decision.reason]
        return f"{rule.format(best=story.planned_text(decision.rung))}: {verdict}."
    places, share = story.places(decision.competitors), story.places_text(decision.competitors)
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


def _standing(story: Story) -> Iterator[str]:
    """Where it stands, and what would have to happen for it to go on."""
    trial = story.trial
    if trial.end_reason == TrialEndReason.TRIAL_END_REASON_NOT_PROMOTED and story.own:
        yield _not_promoted(story, story.own[-1])
    elif trial.state == TrialState.TRIAL_STATE_PAUSED and story.own:
        yield _waiting(story, story.own[-1])
    elif trial.state == TrialState.TRIAL_STATE_RUNNING:
        yield f"It is being trained by {trial.worker_id} (attempt {trial.attempt}){_goal(story)}."
    elif trial.state == TrialState.TRIAL_STATE_QUEUED:
        start = f"from step {trial.checkpoint_step:,}" if trial.checkpoint_uri else "from scratch"
        yield f"It waits for a worker to go on with it {start}{_goal(story)}."
    elif trial.end_reason in _ENDS:
        yield _ENDS[trial.end_reason]
    if trial.end_message:
        yield f"What was said: {trial.end_message}"


def _goal(story: Story) -> str:
    """The rung that it trains towards."""
    bracket, rung = story.bracket, story.trial.rung
    if bracket is None or not 0 <= rung < len(bracket.rung_lengths):
        return ""
    length = wording.units(bracket.rung_lengths[rung], story.experiment.spec)
    return f", towards rung {rung} at {length}"


def _waiting(story: Story, entry: RungEntry) -> str:
    """What a paused trial waits for.

    Args:
        story: of the trial.
        entry: its place in the rung where it paused.
    """
    count = _entry_count(story, entry)
    place = f"It waits in rung {entry.rung}, now rank {entry.rank + 1} of {count:,}"
    if not _is_finite(entry):
        return f"{place}; a value that is not a finite number is never promoted."
    if story.is_planned:
        return f"{place}; {story.planned_text(entry.rung)} go on, once it is certain who that is."
    share = story.places_text(count)
    if entry.rank < story.places(count):
        return f"{place} and among {share}: it goes on with the next worker that is free."
    needed = story.needed(entry.rank)
    text = f"{place}; {share} are promoted. At this rank it goes on once there are {needed:,}"
    trials = story.experiment.brackets[entry.bracket].max_trials
    if needed > trials:
        text += f", more than the {trials:,} trials of its bracket"
    return f"{text}. It ends when nobody else can enter the rung."


def _not_promoted(story: Story, entry: RungEntry) -> str:
    """Why the rung ended without promoting it.

    Args:
        story: of the trial.
        entry: its place in that rung.
    """
    count = _entry_count(story, entry)
    summary = story.experiment.brackets[entry.bracket].rung_summaries[entry.rung]
    text = (
        f"It was stopped when rung {entry.rung} became final, since nobody else could enter it. "
        f"It was rank {entry.rank + 1} of {count:,}"
    )
    if not _is_finite(entry):
        return f"{text}; a value that is not a finite number is never promoted."
    share = story.planned_text(entry.rung) if story.is_planned else story.places_text(count)
    text += f"; only {share} go on"
    if summary.HasField("cutoff"):
        text += f", those at {wording.number(summary.cutoff)} or better"
    return f"{text}. In all {wording.count(summary.promoted, 'trial')} went on from it."


def _entry_count(story: Story, entry: RungEntry) -> int:
    """How many entries there are in an entry's rung now."""
    return sum(other.rung == entry.rung for other in story.entries)


def _is_finite(entry: RungEntry) -> bool:
    """Whether an entry's value can be promoted; the place of a failed trial has none."""
    return entry.HasField("value") and math.isfinite(entry.value)


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

"""Stories that take long to live through, told from what a server would answer."""

from __future__ import annotations

import pytest

from asha_server.cli.explanation import parts
from asha_server.cli.story import Story
from asha_server.pb.experiment_pb2 import (
    AsyncHalving,
    Bracket,
    Experiment,
    ExperimentSpec,
    HalvingVariant,
    Metric,
    RungSummary,
)
from asha_server.pb.experiment_service_pb2 import RungEntry
from asha_server.pb.trial_pb2 import (
    Attempt,
    Decision,
    DecisionReason,
    DecisionRecord,
    Trial,
    TrialEndReason,
    TrialState,
    Verdict,
)

NOT_PROMOTED = TrialEndReason.TRIAL_END_REASON_NOT_PROMOTED
STOPPED = TrialState.TRIAL_STATE_STOPPED
STOPPING = HalvingVariant.HALVING_VARIANT_STOPPING


def told(story: Story) -> str:
    return "\n".join(part for part in parts(story) if isinstance(part, str))


def experiment(
    divisor: float = 4.0, variant: HalvingVariant = HalvingVariant.HALVING_VARIANT_PROMOTION
) -> Experiment:
    bracket = Bracket(
        num_rungs=2,
        rung_lengths=[1, 4],
        max_trials=12,
        rung_summaries=[RungSummary(length=1, promoted=4, cutoff=0.3), RungSummary(rung=1)],
    )
    method = AsyncHalving(num_rungs=2, divisor=divisor, variant=variant)
    return Experiment(
        experiment_id="x",
        spec=ExperimentSpec(metric=Metric(name="loss"), max_length=4, async_halving=method),
        brackets=[bracket],
    )


def record(**decision: object) -> DecisionRecord:
    given = {"verdict": Verdict.VERDICT_PAUSE, "sequence": 20, **decision}
    return DecisionRecord(trial_number=7, attempt=1, step=1, value=0.5, decision=Decision(**given))  # type: ignore[arg-type]  # fields of Decision


def rung_zero(*values: float) -> list[RungEntry]:
    """Entries, best first; trial 7 arrived with event 20, the others before it from 10 on."""
    return [
        RungEntry(
            trial_number=7 if value == 0.5 else 100 + rank,
            value=value,
            rank=rank,
            arrival=20 if value == 0.5 else 10 + rank,
        )
        for rank, value in enumerate(values)
    ]


def test_who_arrived_later_is_not_among_the_rivals() -> None:
    entries = rung_zero(0.1, 0.2, 0.5)
    entries[0].arrival = 21
    waiting = record(
        reason=DecisionReason.DECISION_REASON_AWAITING_PROMOTION, rank=1, competitors=2
    )
    story = Story(experiment(), Trial(trial_number=7), [], [waiting], entries)

    assert "rank 2 of 2" in told(story)
    assert "Ahead of it: trial 101 (0.2)." in told(story)


def test_rivals_that_proved_infeasible_are_missed() -> None:
    waiting = record(
        reason=DecisionReason.DECISION_REASON_AWAITING_PROMOTION, rank=2, competitors=3
    )
    story = Story(experiment(), Trial(trial_number=7), [], [waiting], rung_zero(0.1, 0.5))

    text = "Ahead of it: trial 100 (0.1); 1 of those ahead have left the rung since (infeasible)."
    assert text in told(story)


def test_of_many_rivals_the_best_are_named() -> None:
    waiting = record(
        reason=DecisionReason.DECISION_REASON_AWAITING_PROMOTION, rank=7, competitors=8
    )
    entries = rung_zero(0.1, 0.2, 0.3, 0.31, 0.32, 0.33, 0.34, 0.5)
    story = Story(experiment(), Trial(trial_number=7), [], [waiting], entries)

    assert "104 (0.32) and 2 more." in told(story)


@pytest.mark.parametrize(
    ("divisor", "variant", "competitors", "text"),
    [
        (2.2, HalvingVariant.HALVING_VARIANT_PROMOTION, 11, "the best floor(11 / 2.2) = 5 go on"),
        (4.0, STOPPING, 3, "the best max(floor(3 / 4), 1) = 1 go on"),
    ],
)
def test_the_number_of_places_is_exact(
    divisor: float, variant: HalvingVariant, competitors: int, text: str
) -> None:
    """11 / 2.2 is 5, though as binary fractions it is a little less."""
    stopped = record(
        reason=DecisionReason.DECISION_REASON_RUNG_CUTOFF,
        verdict=Verdict.VERDICT_STOP,
        rank=8,
        competitors=competitors,
        cutoff=0.25,
    )
    story = Story(experiment(divisor, variant), Trial(trial_number=7), [], [stopped], [])

    assert f"Only {text}; the cut-off was 0.25: stop." in told(story)


def test_a_report_that_passed_two_rungs_says_so() -> None:
    entries = [RungEntry(trial_number=7, rung=rung, value=0.5, arrival=20) for rung in (0, 1)]
    ended = record(
        reason=DecisionReason.DECISION_REASON_MAX_LENGTH,
        verdict=Verdict.VERDICT_STOP,
        rung=1,
        rank=0,
        competitors=1,
    )
    story = Story(experiment(), Trial(trial_number=7), [], [ended], entries)

    assert "rank 1 of 1, having passed rung 0 at once." in told(story)


def test_a_rung_that_became_final_tells_places_and_cutoff() -> None:
    trial = Trial(trial_number=7, state=STOPPED, end_reason=NOT_PROMOTED)
    story = Story(experiment(), trial, [], [], rung_zero(0.1, 0.2, 0.3, 0.35, 0.5))

    assert (
        "It was stopped when rung 0 became final, since nobody else could enter it. It was rank 5 "
        "of 5; only the best floor(5 / 4) = 1 go on, those at 0.3 or better. In all 4 trials went "
        "on from it."
    ) in told(story)


def test_a_rank_that_its_bracket_cannot_reach_says_so() -> None:
    """Rank 4 of a divisor of 4 needs 16 entries; the bracket starts 12 trials."""
    trial = Trial(trial_number=7, state=TrialState.TRIAL_STATE_PAUSED)
    story = Story(experiment(), trial, [], [], rung_zero(0.1, 0.2, 0.3, 0.5))

    assert "once there are 16, more than the 12 trials of its bracket." in told(story)


def test_who_ended_it_and_what_they_said_is_told() -> None:
    trial = Trial(
        trial_number=7,
        bracket=-1,
        state=TrialState.TRIAL_STATE_CANCELLED,
        end_reason=TrialEndReason.TRIAL_END_REASON_CANCELLED,
        end_message="diverges",
    )

    text = told(Story(experiment(), trial, [Attempt(attempt=1)], [], []))

    assert text.splitlines()[0] == "trial 7 of : cancelled, 0 of 4 units"
    assert "A person cancelled it. What was said: diverges" in text

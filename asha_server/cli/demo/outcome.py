"""What the demo shows in the end: the best trials, what it cost, where everything is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from asha_server.cli import experiment_text, wording
from asha_server.cli.connecting import Server
from asha_server.cli.json_output import plain
from asha_server.cli.table import Column, Part, Table
from asha_server.pb.experiment_pb2 import Experiment
from asha_server.pb.experiment_service_pb2 import (
    GetBestTrialsRequest,
    GetTrialRequest,
    ListTrialsRequest,
)
from asha_server.pb.trial_pb2 import AssignmentKind, Attempt, Trial

PLACES = 5


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of the search.

    Attributes:
        experiment: as it ended.
        best: list[Trial], best first.
        full_length: epochs that training every trial to the end would have taken.
        promotion_count: times that a paused trial was resumed.
        hand_over_count: those in which another process went on than had trained it before.
    """

    experiment: Experiment
    best: list[Trial]
    full_length: int
    promotion_count: int
    hand_over_count: int


def gather(server: Server, experiment: Experiment) -> Outcome:
    """Asks the server for all of it."""
    experiment_id, calls = experiment.experiment_id, server.experiments
    best = server.call(
        calls.GetBestTrials, GetBestTrialsRequest(experiment_id=experiment_id, limit=PLACES)
    )
    promotions = hand_overs = 0
    for page in server.pages(calls.ListTrials, ListTrialsRequest(experiment_id=experiment_id)):
        for trial in page.trials:
            if trial.attempt > 1:
                request = GetTrialRequest(
                    experiment_id=experiment_id, trial_number=trial.trial_number
                )
                attempts = list(server.call(calls.GetTrial, request).attempts)
                promotions += sum(map(_is_promotion, attempts))
                hand_overs += _hand_overs(attempts)
    return Outcome(
        experiment=experiment,
        best=list(best.trials),
        full_length=sum(b.max_trials for b in experiment.brackets) * experiment.spec.max_length,
        promotion_count=promotions,
        hand_over_count=hand_overs,
    )


def _is_promotion(attempt: Attempt) -> bool:
    return attempt.kind == AssignmentKind.ASSIGNMENT_KIND_PROMOTED


def _hand_overs(attempts: list[Attempt]) -> int:
    """How often a promoted trial went on in another process than before."""
    return sum(
        _is_promotion(after) and before.incarnation_id != after.incarnation_id
        for before, after in pairwise(attempts)
    )


def parts(outcome: Outcome, directory: Path) -> Iterator[Part]:
    """The last screen."""
    experiment = outcome.experiment
    trained, full = experiment.total_length, outcome.full_length
    yield experiment_text.headline(experiment)
    yield ""
    yield leaderboard(outcome.best)
    yield ""
    yield (
        f"trained     {trained:,} epochs instead of {full:,}: training every trial to the end "
        f"would have cost {full / max(trained, 1):.1f} times as much"
    )
    yield (
        f"hand-overs  {outcome.promotion_count} promotions resumed from checkpoints, "
        f"{outcome.hand_over_count} of them by another process than had trained before"
    )
    yield f"took        {wording.duration(wording.seconds_of(experiment.wall_time))}"
    yield f"database    {directory / 'asha.db'}"
    yield ""
    yield "Prove it, then look into it:"
    yield f"  asha verify {directory / 'asha.db'}"
    yield f"  asha serve --database {directory / 'asha.db'} &"
    yield f"  asha explain {experiment.experiment_id} {_told(outcome)}"


def leaderboard(best: Iterable[Trial]) -> Table:
    """The best trials, short enough for a terminal of 100 columns."""
    table = Table(
        [
            Column("trial", is_number=True),
            Column("val_loss", is_number=True),
            Column("epochs", is_number=True),
            Column("configuration", is_wide=True),
        ]
    )
    for trial in best:
        table.add(
            str(trial.trial_number),
            wording.number(trial.best_rung_value if trial.HasField("best_rung_value") else None),
            f"{trial.best_rung_length:,}",
            wording.parameters(trial.parameters),
        )
    return table


def _told(outcome: Outcome) -> int:
    """A trial whose story is worth reading: the best, where there is one."""
    return outcome.best[0].trial_number if outcome.best else 0


def facts(outcome: Outcome, directory: Path) -> dict[str, object]:
    """The same for programs."""
    return {
        "experiment": plain(outcome.experiment),
        "best_trials": [plain(trial) for trial in outcome.best],
        "total_length": outcome.experiment.total_length,
        "full_length": outcome.full_length,
        "promotions": outcome.promotion_count,
        "hand_overs": outcome.hand_over_count,
        "database": str(directory / "asha.db"),
    }

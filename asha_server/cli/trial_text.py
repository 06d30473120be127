"""Trials in a table: what `asha trials` and `asha best` show."""

from __future__ import annotations

from collections.abc import Iterable

from asha_server.cli import wording
from asha_server.cli.table import Column, Table
from asha_server.pb.trial_pb2 import Trial, TrialEndReason, TrialState


def state(trial: Trial) -> str:
    """Where it stands and why it ended: `stopped (rung cutoff)`."""
    text = wording.word(TrialState, trial.state)
    if trial.end_reason:
        reason = wording.word(TrialEndReason, trial.end_reason)
        return f"{text} ({reason})" if reason != text else text
    return text


def listing(trials: Iterable[Trial]) -> Table:
    """Trials, one a row; `compared at` is the length of the highest rung they reached."""
    table = Table(
        [
            Column("trial", is_number=True),
            Column("state"),
            Column("bracket", is_number=True),
            Column("compared at", is_number=True),
            Column("step", is_number=True),
            Column("value", is_number=True),
            Column("worker", is_wide=True),
            Column("configuration", is_wide=True),
        ]
    )
    for trial in trials:
        table.add(
            str(trial.trial_number),
            wording.word(TrialState, trial.state),
            str(trial.bracket) if trial.bracket >= 0 else wording.NOTHING,
            f"{trial.best_rung_length:,}" if trial.best_rung_length else wording.NOTHING,
            f"{trial.last_step:,}",
            wording.number(trial.last_value if trial.HasField("last_value") else None),
            trial.worker_id or wording.NOTHING,
            wording.parameters(trial.parameters),
        )
    return table


def ranking(trials: Iterable[Trial]) -> Table:
    """Trials, best first, with the value and length that place them."""
    table = Table(
        [
            Column("place", is_number=True),
            Column("trial", is_number=True),
            Column("value", is_number=True),
            Column("at length", is_number=True),
            Column("state"),
            Column("configuration", is_wide=True),
            Column("checkpoint", is_wide=True),
        ]
    )
    for rank, trial in enumerate(trials):
        table.add(
            str(rank + 1),
            str(trial.trial_number),
            wording.number(trial.best_rung_value if trial.HasField("best_rung_value") else None),
            f"{trial.best_rung_length:,}",
            wording.word(TrialState, trial.state),
            wording.parameters(trial.parameters),
            trial.checkpoint_uri or wording.NOTHING,
        )
    return table

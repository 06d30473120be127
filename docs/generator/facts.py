"""Where each fact stands that the rules of the search read; checked against the schema."""

# ruff: noqa: E501 - a sentence or a row is one line, here as on the page
from __future__ import annotations

FACTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("What was asked for: metric, space, method, lengths, limits, seed", ("experiment.spec",)),
    ("Whether it runs, is paused or has ended, and why", ("experiment.state", "experiment.end_reason")),
    ("The next event's place in the history", ("experiment.sequence",)),
    ("Time spent running, for `max_wall_time`", ("experiment.elapsed_us", "experiment.running_since_us")),
    ("When it was created and ended", ("experiment.created_us", "experiment.ended_us")),
    ("Infeasible trials in a row, for `max_infeasible`", ("experiment.infeasible_in_a_row",)),
    ("Progress, which never falls", ("experiment.progress",)),
    ("The same CreateExperiment again", ("experiment.id", "experiment.request_id")),
    ("Lengths at which a bracket compares", ("bracket.rung_lengths",)),
    ("Trials of a bracket, raised with `max_trials`", ("bracket.max_trials",)),
    ("Which rungs are closed out, and which paused trials that ended", ("bracket.closings",)),
    ("Which trials there are, and in which bracket", ("trial.bracket",)),
    ("A trial's configuration, and whether a person gave it", ("trial.configuration", "trial.is_given")),
    ("Where a trial stands, and why it ended", ("trial.state", "trial.end_reason")),
    ("The rung that a trial trains towards", ("trial.rung",)),
    ("Which attempt holds a trial", ("trial.attempt",)),
    ("Failures and expiries counted towards `max_restarts`", ("trial.restarts",)),
    ("A trial's last value, for one that ends by itself", ("trial.last_step", "trial.last_value")),
    ("What a trial resumes from", ("trial.checkpoint_uri", "trial.checkpoint_step", "trial.checkpoint_attempt")),
    ("Who is retried first", ("trial.queued_sequence",)),
    ("Units trained, for `max_total_length`", ("trial.total_length", "attempt.units_trained")),
    ("The same CreateTrial again", ("trial.request_id",)),
    ("The trial whose weights a trial started from; its checkpoint is the trial's while no attempt reported one", ("trial.parent", "trial.checkpoint_uri", "trial.checkpoint_attempt")),
    ("Who holds a lease, and which process of it", ("attempt.worker_id", "attempt.incarnation_id", "attempt.end")),
    ("The same GetSuggestion again", ("attempt.request_id", "attempt.kind")),
    ("Where an attempt began", ("attempt.start_step", "attempt.start_checkpoint_uri")),
    ("Whether a report is in order", ("attempt.max_step",)),
    ("What was reported: the same report again", ("attempt.last_report",)),
    ("The verdict that stands on an attempt", ("attempt.decision",)),
    ("The same Complete, Fail or Release again", ("attempt.failure", "attempt.ended_state")),
    ("Whether an overdue worker may come back", ("attempt.is_fenced",)),
    ("A rung's entries in their order", ("rung_entry.value", "rung_entry.arrival")),
    ("Who was promoted", ("rung_entry.is_promoted",)),
    ("Whose a worker name is, with tokens", ("worker_owner.identity",)),
    ("Whether a worker fails everything it is given", ("worker.failures", "worker.failed_us")),
)  # fmt: skip
"""(fact, table.column of each column that holds it)."""

NOT_SEARCHED: tuple[str, ...] = (
    "experiment.end_message",
    "experiment.updated_us",
    "experiment.created_by",
    "trial.end_message",
    "trial.created_us",
    "trial.started_us",
    "trial.ended_us",
    "attempt.started_us",
    "attempt.ended_us",
    "attempt.message",
)
"""Columns of the state that no rule reads."""

LOG_TABLES = frozenset({"report", "event", "server", "token"})
"""Tables that say how things came about, or whose file it is; the search does not start from them."""

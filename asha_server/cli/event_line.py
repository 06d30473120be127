"""An event in one line, as `asha watch` prints it. Pure: a message in, text out."""

from __future__ import annotations

from asha_server.cli import wording
from asha_server.pb.event_pb2 import (
    ExperimentEvent,
    MetricReported,
    RungClosed,
    TrialAssigned,
    TrialStateCause,
    TrialStateChanged,
)
from asha_server.pb.experiment_pb2 import EndReason, ExperimentState
from asha_server.pb.trial_pb2 import AssignmentKind, DecisionReason, TrialState, Verdict


def event_line(event: ExperimentEvent) -> str:
    """`   143  09:24:31  trial 17: step 9 val_loss=0.53 -> pause (awaiting promotion) …`."""
    time = wording.local_time(event.time).strftime("%H:%M:%S")
    return f"{event.sequence:>6}  {time}  {_text(event)}"


def _text(event: ExperimentEvent) -> str:  # noqa: PLR0911 - one a kind of event
    match event.WhichOneof("event"):
        case "metric_reported":
            return _reported(event.metric_reported)
        case "trial_assigned":
            return _assigned(event.trial_assigned)
        case "trial_created":
            created = event.trial_created
            given = " (given)" if created.is_given else ""
            if created.HasField("parent_trial_number"):
                given = f" (from trial {created.parent_trial_number} at {created.start_step:,})"
            return (
                f"trial {created.trial_number}: created{given} "
                f"{wording.parameters(created.parameters)}"
            )
        case "checkpoint_reported":
            saved = event.checkpoint_reported
            return (
                f"trial {saved.trial_number}: checkpoint of step {saved.step:,} "
                f"{saved.checkpoint_uri}"
            )
        case "trial_state_changed":
            return _changed(event.trial_state_changed)
        case "rung_closed":
            return _closed(event.rung_closed)
        case "experiment_created":
            return f"experiment {event.experiment_created.experiment_id} created"
        case "experiment_updated":
            return "experiment updated"
        case "experiment_state_changed":
            changed = event.experiment_state_changed
            text = f"experiment {wording.word(ExperimentState, changed.state)}"
            if changed.end_reason:
                text += f" ({wording.word(EndReason, changed.end_reason)})"
            return f"{text}: {changed.end_message}" if changed.end_message else text
    return "something that this command does not know yet"


def _reported(event: MetricReported) -> str:
    metrics = " ".join(f"{m.name}={wording.number(m.value)}" for m in event.metrics) or "no metrics"
    decision = event.decision
    verdict = wording.word(Verdict, decision.verdict)
    reason = wording.word(DecisionReason, decision.reason)
    text = f"trial {event.trial_number}: step {event.step:,} {metrics} -> {verdict} ({reason})"
    if decision.HasField("rank"):
        text += f", rank {decision.rank + 1} of {decision.competitors:,} in rung {decision.rung}"
    if decision.HasField("cutoff"):
        text += f", cut-off {wording.number(decision.cutoff)}"
    return text


def _assigned(event: TrialAssigned) -> str:
    kind = wording.word(AssignmentKind, event.kind)
    return (
        f"trial {event.trial_number}: {kind}, attempt {event.attempt} on {event.worker_id} from "
        f"step {event.start_step:,} to {event.next_decision_step:,}"
    )


def _changed(event: TrialStateChanged) -> str:
    text = (
        f"trial {event.trial_number}: {wording.word(TrialState, event.state)} "
        f"({wording.word(TrialStateCause, event.cause)})"
    )
    return f"{text}: {event.message}" if event.message else text


def _closed(event: RungClosed) -> str:
    text = (
        f"bracket {event.bracket} rung {event.rung}: final with {event.competitors:,} entries, "
        f"{wording.count(event.closed_trials, 'trial')} stopped"
    )
    if event.HasField("cutoff"):
        text += f", cut-off {wording.number(event.cutoff)}"
    return text

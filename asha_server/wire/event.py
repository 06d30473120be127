"""Events as watchers see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from asha_server.pb import event_pb2 as pb
from asha_server.search import event as core
from asha_server.search.sampler import trial_seed
from asha_server.search.terms import ExperimentState, TrialEndReason, TrialState
from asha_server.wire import enums
from asha_server.wire.spec import format_spec
from asha_server.wire.suggestion import format_decision
from asha_server.wire.times import timestamp
from asha_server.wire.values import format_metrics, format_parameters

if TYPE_CHECKING:
    from collections.abc import Sequence


def format_event(
    record: core.Record, seed: int, rung_lengths: Sequence[Sequence[int]]
) -> pb.ExperimentEvent:
    """A committed event.

    Args:
        record: the event in its place.
        seed: the experiment's.
        rung_lengths: of every bracket, lowest rung first; they never change.
    """
    message = pb.ExperimentEvent(sequence=record.sequence, time=timestamp(record.time_us))
    event = record.event
    match event:
        case core.MetricReported():
            message.metric_reported.CopyFrom(_metric_reported(event))
        case core.TrialAssigned():
            message.trial_assigned.CopyFrom(_trial_assigned(event, rung_lengths))
        case core.TrialCreated():
            message.trial_created.CopyFrom(_trial_created(event, seed))
        case core.CheckpointReported():
            message.checkpoint_reported.CopyFrom(
                pb.CheckpointReported(
                    trial_number=event.trial_number,
                    attempt=event.attempt,
                    step=event.step,
                    checkpoint_uri=event.checkpoint_uri,
                )
            )
        case core.TrialStateChanged():
            message.trial_state_changed.CopyFrom(
                pb.TrialStateChanged(
                    trial_number=event.trial_number,
                    attempt=event.attempt,
                    state=enums.TRIAL_STATE.of(event.state),
                    cause=enums.TRIAL_STATE_CAUSE.of(event.cause),
                    end_reason=enums.TRIAL_END_REASON.of(event.end_reason),
                    message=event.message,
                )
            )
        case core.RungClosed():
            message.rung_closed.CopyFrom(
                pb.RungClosed(
                    bracket=event.bracket,
                    rung=event.rung,
                    competitors=event.competitors,
                    closed_trials=event.trial_count,
                    cutoff=event.cutoff,
                )
            )
        case core.ExperimentCreated():
            message.experiment_created.CopyFrom(
                pb.ExperimentCreated(
                    experiment_id=event.experiment_id,
                    spec=format_spec(event.spec),
                    state=enums.EXPERIMENT_STATE.of(ExperimentState.RUNNING),
                )
            )
        case core.ExperimentUpdated():
            message.experiment_updated.CopyFrom(pb.ExperimentUpdated(spec=format_spec(event.spec)))
        case core.ExperimentStateChanged():
            message.experiment_state_changed.CopyFrom(
                pb.ExperimentStateChanged(
                    state=enums.EXPERIMENT_STATE.of(event.state),
                    end_reason=enums.END_REASON.of(event.end_reason),
                    end_message=event.message,
                )
            )
        case _:
            assert_never(event)
    return message


def _metric_reported(event: core.MetricReported) -> pb.MetricReported:
    return pb.MetricReported(
        trial_number=event.trial_number,
        attempt=event.attempt,
        step=event.step,
        metrics=format_metrics(event.metrics),
        checkpoint_uri=event.checkpoint_uri,
        decision=format_decision(event.decision),
        trial_state=enums.TRIAL_STATE.of(event.trial_state),
    )


def _trial_assigned(
    event: core.TrialAssigned, rung_lengths: Sequence[Sequence[int]]
) -> pb.TrialAssigned:
    return pb.TrialAssigned(
        trial_number=event.trial_number,
        attempt=event.attempt,
        kind=enums.ASSIGNMENT_KIND.of(event.kind),
        worker_id=event.worker_id,
        incarnation_id=event.incarnation_id,
        bracket=event.bracket,
        rung=event.rung,
        start_step=event.start_step,
        checkpoint_uri=event.checkpoint_uri,
        next_decision_step=rung_lengths[event.bracket][event.rung],
    )


def _trial_created(event: core.TrialCreated, seed: int) -> pb.TrialCreated:
    state = TrialState.COMPLETED if event.has_observations else TrialState.QUEUED
    reason = TrialEndReason.ENDED_BY_ITSELF if event.has_observations else None
    return pb.TrialCreated(
        trial_number=event.trial_number,
        bracket=event.bracket,
        parameters=format_parameters(event.configuration),
        trial_seed=trial_seed(seed, event.trial_number),
        state=enums.TRIAL_STATE.of(state),
        end_reason=enums.TRIAL_END_REASON.of(reason),
        is_given=event.is_given,
        has_observations=event.has_observations,
        parent_trial_number=event.parent if event.parent >= 0 else None,
        start_step=event.checkpoint_step,
        checkpoint_uri=event.checkpoint_uri,
    )

"""The hot path: requests of SuggestionService to commands, replies to responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from asha_server.pb import suggestion_service_pb2 as pb
from asha_server.pb import trial_pb2
from asha_server.search import command as core
from asha_server.search.terms import FailureKind, Verdict
from asha_server.wire import enums
from asha_server.wire.fields import Fields
from asha_server.wire.times import duration, timestamp
from asha_server.wire.values import format_parameters

if TYPE_CHECKING:
    from asha_server.config import Limits
    from asha_server.search.event import Decision
    from asha_server.search.spec import ExperimentSpec


class Held(NamedTuple):
    """Which trial a worker speaks of, and the token that proves its right.

    Attributes:
        experiment_id: which experiment.
        trial_number: which trial.
        token: its lease's token, opaque.
    """

    experiment_id: str
    trial_number: int
    token: str


_Holding = (
    pb.ReportMetricRequest
    | pb.HeartbeatRequest
    | pb.ReportCheckpointRequest
    | pb.CompleteTrialRequest
    | pb.FailTrialRequest
    | pb.ReleaseTrialRequest
)


def _parse_held(fields: Fields, request: _Holding) -> Held:
    return Held(
        fields.experiment_id(request.experiment_id),
        fields.natural("trial_number", request.trial_number),
        fields.token(request.lease_token),
    )


# -- requests -------------------------------------------------------------------------------------


def parse_get_suggestion(
    request: pb.GetSuggestionRequest, limits: Limits
) -> tuple[str, core.GetSuggestion, int]:
    """The experiment, the command and how long to wait for work. Microseconds."""
    fields = Fields()
    experiment_id = fields.experiment_id(request.experiment_id)
    command = core.GetSuggestion(
        fields.identity("worker_id", request.worker_id, is_optional=False),
        fields.identity("incarnation_id", request.incarnation_id),
        fields.identity("request_id", request.request_id),
        request.release_held,
    )
    max_wait_us = 0
    if request.HasField("max_wait"):
        max_wait_us = fields.duration_us("max_wait", request.max_wait)
    fields.check()
    return experiment_id, command, min(max_wait_us, limits.suggestion_wait_max_us)


def parse_report_metric(
    request: pb.ReportMetricRequest, limits: Limits
) -> tuple[Held, core.ReportMetric]:
    """Whose report, and the command but for its attempt (0)."""
    fields = Fields()
    held = _parse_held(fields, request)
    step = fields.natural("step", request.step)
    metrics = tuple([(metric.name, metric.value) for metric in request.metrics])
    count = len(metrics)
    if not 1 <= count <= limits.metrics_max:
        fields.refuse("metrics", f"has {count} entries; 1 to {limits.metrics_max} a report")
    for index, (name, _) in enumerate(metrics[: limits.metrics_max]):
        fields.entry_name("metrics", index, name)
    if count > 1 and len(dict(metrics)) < count:
        fields.refuse("metrics", "names a metric twice")
    uri = fields.text("checkpoint_uri", request.checkpoint_uri, limits.uri_bytes_max)
    fields.check()
    return held, core.ReportMetric(held.trial_number, 0, step, metrics, uri)


def parse_should_stop(
    request: pb.ShouldStopRequest, limits: Limits
) -> tuple[Held, core.ShouldStop, int]:
    """Whose verdict, the command but for its attempt (None), and how long to wait for it."""
    fields = Fields()
    held = Held(
        fields.experiment_id(request.experiment_id),
        fields.natural("trial_number", request.trial_number),
        request.lease_token,
    )
    max_wait_us = 0
    if request.HasField("max_wait"):
        max_wait_us = fields.duration_us("max_wait", request.max_wait)
    fields.check()
    wait_us = min(max_wait_us, limits.should_stop_wait_max_us)
    return held, core.ShouldStop(held.trial_number), wait_us


def parse_heartbeat(request: pb.HeartbeatRequest) -> tuple[Held, core.Heartbeat]:
    """Whose heartbeat, and the command but for its attempt (0)."""
    fields = Fields()
    held = _parse_held(fields, request)
    fields.check()
    return held, core.Heartbeat(held.trial_number, 0)


def parse_report_checkpoint(
    request: pb.ReportCheckpointRequest, limits: Limits
) -> tuple[Held, core.ReportCheckpoint]:
    """Whose checkpoint, and the command but for its attempt (0)."""
    fields = Fields()
    held = _parse_held(fields, request)
    step = fields.natural("step", request.step)
    uri = fields.text("checkpoint_uri", request.checkpoint_uri, limits.uri_bytes_max)
    if not uri:
        fields.refuse("checkpoint_uri", "is required: what training would resume from")
    fields.check()
    return held, core.ReportCheckpoint(held.trial_number, 0, step, uri)


def parse_complete_trial(request: pb.CompleteTrialRequest) -> tuple[Held, core.CompleteTrial]:
    """Whose trial, and the command but for its attempt (0)."""
    fields = Fields()
    held = _parse_held(fields, request)
    fields.check()
    return held, core.CompleteTrial(held.trial_number, 0)


def parse_fail_trial(request: pb.FailTrialRequest, limits: Limits) -> tuple[Held, core.FailTrial]:
    """Whose failure, and the command but for its attempt (0)."""
    fields = Fields()
    held = _parse_held(fields, request)
    kind = enums.FAILURE_KIND.required(fields, "kind", request.kind)
    message = fields.text("message", request.message, limits.message_bytes_max)
    fields.check()
    return held, core.FailTrial(held.trial_number, 0, kind or FailureKind.RETRYABLE, message)


def parse_release_trial(
    request: pb.ReleaseTrialRequest, limits: Limits
) -> tuple[Held, core.ReleaseTrial]:
    """Whose trial, and the command but for its attempt (0)."""
    fields = Fields()
    held = _parse_held(fields, request)
    reason = fields.text("reason", request.reason, limits.message_bytes_max)
    fields.check()
    return held, core.ReleaseTrial(held.trial_number, 0, reason)


# -- replies --------------------------------------------------------------------------------------


def format_decision(decision: Decision) -> trial_pb2.Decision:
    """A verdict with its explanation."""
    formatted = trial_pb2.Decision()
    fill_decision(formatted, decision)
    return formatted


def fill_decision(target: trial_pb2.Decision, decision: Decision) -> None:
    """Writes a verdict with its explanation into an empty message, which saves a copy."""
    target.verdict = enums.VERDICT.number[decision.verdict]  # type: ignore[assignment]  # int enum
    target.reason = enums.DECISION_REASON.number[decision.reason]  # type: ignore[assignment]
    target.bracket = decision.bracket
    target.rung = decision.rung
    if decision.rank is not None:
        target.rank = decision.rank
    target.competitors = decision.competitors
    if decision.cutoff is not None:
        target.cutoff = decision.cutoff
    target.next_decision_step = decision.next_decision_step
    if decision.sequence:
        target.sequence = decision.sequence
        seconds, micros = divmod(decision.decided_us, 1_000_000)
        decide_time = target.decide_time
        decide_time.seconds, decide_time.nanos = seconds, micros * 1000


def fill_report(target: pb.ReportMetricResponse, answer: core.Answer) -> None:
    """Writes the answer to a report into an empty message."""
    fill_decision(target.decision, answer.decision)
    if answer.deletable:
        target.deletable_checkpoint_uris.extend(answer.deletable)


def format_lease(token: str, attempt: int, ttl_us: int, now_us: int) -> trial_pb2.Lease:
    """A lease with a fresh term.

    Args:
        token: proves the right.
        attempt: from 1.
        ttl_us: its term.
        now_us: wall clock, microseconds.
    """
    return trial_pb2.Lease(
        token=token,
        attempt=attempt,
        ttl=duration(ttl_us),
        expire_time=timestamp(now_us + ttl_us),
    )


def format_assignment(
    experiment_id: str, spec: ExperimentSpec, reply: core.Assignment, lease: trial_pb2.Lease
) -> pb.GetSuggestionResponse:
    """A trial to train, and how far."""
    return pb.GetSuggestionResponse(
        assignment=pb.Assignment(
            experiment_id=experiment_id,
            trial_number=reply.trial_number,
            kind=enums.ASSIGNMENT_KIND.of(reply.kind),
            lease=lease,
            parameters=format_parameters(reply.configuration),
            trial_seed=reply.trial_seed,
            start_step=reply.start_step,
            checkpoint_uri=reply.checkpoint_uri,
            next_decision_step=reply.next_decision_step,
            max_length=spec.max_length or 0,
            unit=spec.unit,
            metric=spec.metric.name,
            bracket=reply.bracket,
            rung=reply.rung,
        )
    )


def format_no_assignment(
    reply: core.Wait | core.Finished, retry_after_us: int
) -> pb.GetSuggestionResponse:
    """No work now, or never again.

    Args:
        reply: which of the two.
        retry_after_us: a good time to ask again, where the search has none.
    """
    if isinstance(reply, core.Finished):
        return pb.GetSuggestionResponse(
            finished=pb.Finished(
                state=enums.EXPERIMENT_STATE.of(reply.state),
                end_reason=enums.END_REASON.of(reply.end_reason),
                end_message=reply.message,
            )
        )
    return pb.GetSuggestionResponse(
        wait=pb.Wait(
            retry_after=duration(reply.retry_after_us or retry_after_us),
            reason=enums.WAIT_REASON.of(reply.reason),
        )
    )


def format_should_stop(answer: core.Answer) -> pb.ShouldStopResponse:
    """Whether to stop, and why."""
    return pb.ShouldStopResponse(
        should_stop=answer.decision.verdict is not Verdict.CONTINUE,
        decision=format_decision(answer.decision),
    )

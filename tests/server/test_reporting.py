"""What workers say of their trials: reports, checkpoints, heartbeats, ends."""

from __future__ import annotations

import math
from typing import Any

import pytest

from asha_server import ended_attempts
from asha_server.pb import admin_service_pb2 as a
from asha_server.pb import experiment_pb2 as x
from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import suggestion_service_pb2 as s
from asha_server.pb import trial_pb2 as t
from asha_server.search.stored_attempts import StoredAttempts

from .conftest import Client, held, refused


def metrics(**values: float) -> list[t.MetricValue]:
    return [t.MetricValue(name=name, value=value) for name, value in values.items()]


async def test_a_decision_comes_with_its_explanation(client: Client) -> None:
    """0.2 is the third of three entries at length 1; only the best one is inside."""
    await client.create()
    await client.arrive(0.1, 0.15)

    decision = await client.report(await client.take("x"), 1, 0.2)

    assert (decision.verdict, decision.reason) == (
        t.VERDICT_PAUSE, t.DECISION_REASON_AWAITING_PROMOTION,
    )  # fmt: skip
    assert (decision.bracket, decision.rung) == (0, 0)
    assert (decision.rank, decision.competitors, decision.cutoff) == (2, 3, 0.1)
    assert decision.next_decision_step == 0
    assert decision.sequence == (await client.get()).sequence
    assert decision.HasField("decide_time")


async def test_an_attempt_that_ended_long_ago_is_small_and_answers_as_before(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ended_attempts, "REMEMBERED_MAX", 0)
    await client.create()
    given = await client.take("w")
    decision = await client.report(given, 1, 0.5)
    trial = client.server.engine.hosted["e"].experiment.state.trials[given.trial_number]
    assert isinstance(trial._attempt, StoredAttempts)

    assert await client.report(given, 1, 0.5) == decision
    assert (await refused(client.report(given, 1, 0.4))).reason == "METRIC_CONFLICT"
    assert await client.report(given, 2, 0.1) == decision
    await client.arrive(0.6, 0.7)
    again = await client.take("v")
    assert (again.trial_number, again.lease.attempt) == (given.trial_number, 2)
    assert await client.report(given, 1, 0.5) == decision


async def test_a_repeated_report_gets_its_recorded_answer_and_counts_once(client: Client) -> None:
    await client.create()
    given = await client.take("w")
    decision = await client.report(given, 1, 0.5)
    sequence = (await client.get()).sequence

    assert await client.report(given, 1, 0.5) == decision
    assert (await client.get()).sequence == sequence
    assert await client.report(given, 2, 0.1) == decision, "what was said stays said"
    assert (await client.get()).sequence == sequence


async def test_another_value_for_a_step_is_a_conflict_that_tells_the_first(client: Client) -> None:
    await client.create()
    given = await client.take("w")
    await client.report(given, 1, 0.5)
    sequence = (await client.get()).sequence

    conflict = await refused(client.report(given, 1, 0.75))

    assert (conflict.code, conflict.reason) == ("ALREADY_EXISTS", "METRIC_CONFLICT")
    assert conflict.metadata["recorded_value"] == "0.5"
    assert conflict.metadata["verdict"] == "PAUSE"
    assert (await client.get()).sequence == sequence


async def test_a_step_is_reported_in_parts(client: Client) -> None:
    """The search metric comes after another one, and decides then; NaN equals NaN."""
    await client.create()
    given = await client.take("w")

    early = await client.report(given, 1, metrics=metrics(train=math.nan))
    assert early.reason == t.DECISION_REASON_BETWEEN_RUNGS
    late = await client.report(given, 1, metrics=metrics(train=math.nan, loss=0.5))
    assert (late.verdict, late.competitors) == (t.VERDICT_PAUSE, 1)
    assert await client.report(given, 1, metrics=metrics(train=math.nan)) == late


async def test_a_step_before_the_last_one_is_history_and_decides_nothing(client: Client) -> None:
    await client.create(max_length=27, async_halving=x.AsyncHalving(num_rungs=2))
    given = await client.take("w")
    assert given.next_decision_step == 9
    await client.report(given, 8, 0.5)

    decision = await client.report(given, 2, 0.1)

    assert decision.reason == t.DECISION_REASON_BETWEEN_RUNGS
    assert (await client.trial(0)).last_step == 8
    assert (await client.trial(0)).last_value == 0.5


async def test_values_that_are_not_finite_arrive_as_they_are(client: Client) -> None:
    await client.create()

    for value in (math.nan, math.inf, -math.inf):
        decision = await client.report(await client.take(str(value)), 1, value)
        assert decision.reason == t.DECISION_REASON_NON_FINITE
        assert not decision.HasField("cutoff")
    listed = await client.experiments.ListObservations(e.ListObservationsRequest(experiment_id="e"))
    seen = [observation.metrics[0].value for observation in listed.observations]
    assert math.isnan(seen[0])
    assert seen[1:] == [math.inf, -math.inf]
    assert math.isnan((await client.trial(0)).last_value)
    assert not (await client.get()).HasField("incumbent")


async def test_metrics_without_the_search_metric_decide_nothing(client: Client) -> None:
    await client.create()
    given = await client.take("w")

    decision = await client.report(given, 1, metrics=metrics(accuracy=0.9))

    assert (decision.verdict, decision.rung) == (t.VERDICT_CONTINUE, -1)
    assert not decision.HasField("rank")


async def test_the_stopping_variant_stops_all_but_the_best_third(client: Client) -> None:
    await client.create(async_halving=x.AsyncHalving(variant=x.HALVING_VARIANT_STOPPING))

    first = await client.report(await client.take("a"), 1, 0.5)
    second = await client.report(await client.take("b"), 1, 0.6)

    assert (first.verdict, first.reason, first.next_decision_step) == (
        t.VERDICT_CONTINUE, t.DECISION_REASON_TOP_FRACTION, 3,
    )  # fmt: skip
    assert (second.verdict, second.reason, second.cutoff) == (
        t.VERDICT_STOP, t.DECISION_REASON_RUNG_CUTOFF, 0.5,
    )  # fmt: skip
    assert (await client.trial(1)).state == t.TRIAL_STATE_STOPPED


# -- leases ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["ReportMetric", "ReportCheckpoint", "Heartbeat"])
async def test_whatever_a_worker_says_renews_its_lease(client: Client, method: str) -> None:
    """Shown by its length: the lease that was of 60 s is of 5 s once it is renewed."""
    await client.create()
    given = await client.take("w")
    await client.update("lease_ttl", lease_ttl={"seconds": 5})
    said = {
        "ReportMetric": s.ReportMetricRequest(**held(given), metrics=metrics(loss=1)),
        "ReportCheckpoint": s.ReportCheckpointRequest(**held(given), checkpoint_uri="c"),
        "Heartbeat": s.HeartbeatRequest(**held(given)),
    }

    await getattr(client.suggestions, method)(said[method])

    (lease,) = (await client.admin.ListLeases(a.ListLeasesRequest())).leases
    assert lease.remaining.seconds <= 5


async def test_a_heartbeat_has_a_lease_until_the_verdict(client: Client) -> None:
    await client.create()
    given = await client.take("w")

    alive = await client.suggestions.Heartbeat(s.HeartbeatRequest(**held(given)))
    assert alive.lease.token == given.lease.token
    assert (alive.lease.attempt, alive.lease.ttl.seconds) == (1, 60)
    await client.report(given, 1, 0.5)
    over = await client.suggestions.Heartbeat(s.HeartbeatRequest(**held(given)))
    assert not over.HasField("lease")
    assert over.decision.verdict == t.VERDICT_PAUSE


async def test_a_token_is_worth_nothing_elsewhere(client: Client) -> None:
    """Not for another trial, not for another experiment, not for another attempt."""
    await client.create()
    await client.create("other")
    mine = await client.take("w")
    yours = await client.take("x")
    there = await client.take("w", experiment_id="other")

    for token in (yours.lease.token, there.lease.token, "2" + mine.lease.token[1:], "1.", "x"):
        forged = s.Assignment(experiment_id="e", trial_number=0, lease=t.Lease(token=token))
        lost = await refused(client.report(forged, 1, 0.5))
        assert (lost.code, lost.reason) == ("ABORTED", "LEASE_LOST")
    assert (await client.trial(0)).last_step == 0


# -- checkpoints ----------------------------------------------------------------------------------


async def test_checkpoints_that_nobody_needs_are_named_for_deletion(client: Client) -> None:
    """The former checkpoints of the same trial, once a later one is complete."""
    await client.create(max_trials=1)
    given = await client.take("w")
    for step, uri in ((1, "a"), (2, "b")):
        await client.suggestions.ReportCheckpoint(
            s.ReportCheckpointRequest(**held(given), step=step, checkpoint_uri=uri)
        )

    response = await client.suggestions.ReportMetric(
        s.ReportMetricRequest(
            **held(given), step=2, checkpoint_uri="c", metrics=metrics(accuracy=1)
        )
    )

    assert list(response.deletable_checkpoint_uris) == ["a", "b"]


async def test_the_checkpoints_of_an_ended_trial_are_named_to_whoever_reports_next(
    client: Client,
) -> None:
    await client.create()
    doomed, other = await client.take("w"), await client.take("x")
    await client.suggestions.ReportCheckpoint(
        s.ReportCheckpointRequest(**held(doomed), step=1, checkpoint_uri="doomed")
    )
    await client.experiments.CancelTrial(e.CancelTrialRequest(experiment_id="e", trial_number=0))

    said = s.ReportMetricRequest(**held(other), step=0, metrics=metrics(loss=1))
    response = await client.suggestions.ReportMetric(said)

    assert list(response.deletable_checkpoint_uris) == ["doomed"]


async def test_an_answer_names_at_most_a_hundred_checkpoints(client: Client) -> None:
    await client.create()
    given = await client.take("w")
    for number in range(1, 152):
        await client.suggestions.ReportCheckpoint(
            s.ReportCheckpointRequest(**held(given), step=number, checkpoint_uri=f"c{number}")
        )

    named = []
    for step in (0, 1):
        said = s.ReportMetricRequest(**held(given), step=step, metrics=metrics(accuracy=step))
        response = await client.suggestions.ReportMetric(said)
        named.append(list(response.deletable_checkpoint_uris))

    assert [len(uris) for uris in named] == [100, 50]
    assert sorted(named[0] + named[1]) == sorted(f"c{number}" for number in range(1, 151))


async def test_a_checkpoint_with_a_lower_step_changes_nothing(client: Client) -> None:
    await client.create()
    given = await client.take("w")

    for step, uri in ((5, "high"), (4, "low")):
        await client.suggestions.ReportCheckpoint(
            s.ReportCheckpointRequest(**held(given), step=step, checkpoint_uri=uri)
        )

    trial = await client.trial(0)
    assert (trial.checkpoint_step, trial.checkpoint_uri) == (5, "high")


# -- ends by a worker's word ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "request_type", "more", "state"),
    [
        ("CompleteTrial", s.CompleteTrialRequest, {}, t.TRIAL_STATE_COMPLETED),
        ("ReleaseTrial", s.ReleaseTrialRequest, {}, t.TRIAL_STATE_QUEUED),
        ("FailTrial", s.FailTrialRequest, {"kind": 1}, t.TRIAL_STATE_QUEUED),
        ("FailTrial", s.FailTrialRequest, {"kind": 2}, t.TRIAL_STATE_FAILED),
        ("FailTrial", s.FailTrialRequest, {"kind": 3}, t.TRIAL_STATE_INFEASIBLE),
        ("FailTrial", s.FailTrialRequest, {"kind": 4}, t.TRIAL_STATE_QUEUED),
    ],
)
async def test_the_same_end_again_is_answered_again_and_nothing_else_is(
    client: Client, method: str, request_type: type, more: dict[str, Any], state: int
) -> None:
    await client.create()
    given = await client.take("w")
    await client.report(given, 0, 0.5)
    end = getattr(client.suggestions, method)
    request = request_type(**held(given), **more)

    first = await end(request)
    sequence = (await client.get()).sequence
    again = await end(request)

    assert first.trial_state == again.trial_state == state
    assert (await client.get()).sequence == sequence
    reason = "LEASE_LOST" if state == t.TRIAL_STATE_QUEUED else "TRIAL_ENDED"
    assert (await refused(client.report(given, 1, 0.5))).reason == reason
    other = s.ReleaseTrialRequest if method != "ReleaseTrial" else s.CompleteTrialRequest
    call = getattr(client.suggestions, other.DESCRIPTOR.name.removesuffix("Request"))
    assert (await refused(call(other(**held(given))))).reason == reason


async def test_an_end_after_the_verdict_changes_nothing(client: Client) -> None:
    """An exception while a paused trial is saved does not fail it."""
    await client.create()
    given = await client.take("w")
    decision = await client.report(given, 1, 0.5)
    sequence = (await client.get()).sequence

    failed = await client.suggestions.FailTrial(
        s.FailTrialRequest(**held(given), kind=s.FAILURE_KIND_PERMANENT)
    )
    completed = await client.suggestions.CompleteTrial(s.CompleteTrialRequest(**held(given)))

    for answer in (failed, completed):
        assert answer.trial_state == t.TRIAL_STATE_PAUSED
        assert answer.decision == decision
    assert (await client.get()).sequence == sequence


async def test_a_training_that_ends_without_any_value_failed(client: Client) -> None:
    await client.create()
    given = await client.take("w")
    await client.report(given, 1, metrics=metrics(accuracy=1))

    answer = await client.suggestions.CompleteTrial(s.CompleteTrialRequest(**held(given)))

    assert answer.trial_state == t.TRIAL_STATE_FAILED
    assert (await client.trial(0)).end_reason == t.TRIAL_END_REASON_NO_METRIC


async def test_an_infeasible_trial_is_replaced_and_leaves_every_rung(client: Client) -> None:
    await client.create(max_trials=1)
    given = await client.take("w")
    await client.suggestions.FailTrial(
        s.FailTrialRequest(**held(given), kind=s.FAILURE_KIND_INFEASIBLE, message="out of memory")
    )

    replaced = await client.take("w")

    assert (replaced.trial_number, replaced.kind) == (1, t.ASSIGNMENT_KIND_NEW)
    assert (await client.trial(0)).end_message == "out of memory"
    counts = (await client.get()).trial_counts
    assert (counts.infeasible, counts.running) == (1, 1)


async def test_a_checkpoint_that_cannot_be_read_is_dropped(client: Client) -> None:
    await client.create()
    given = await client.take("w")
    await client.report(given, 0, 0.5, checkpoint_uri="torn")
    await client.suggestions.FailTrial(
        s.FailTrialRequest(**held(given), kind=s.FAILURE_KIND_CHECKPOINT_UNREADABLE)
    )

    again = await client.take("x")

    assert (again.trial_number, again.kind) == (0, t.ASSIGNMENT_KIND_RETRIED)
    assert (again.start_step, again.checkpoint_uri) == (0, "")
    assert (await client.trial(0)).restarts == 0


async def test_a_released_trial_goes_on_elsewhere_uncounted(client: Client) -> None:
    await client.create()
    given = await client.take("w")
    await client.report(given, 0, 0.5, checkpoint_uri="ckpt")
    await client.suggestions.ReleaseTrial(s.ReleaseTrialRequest(**held(given), reason="SIGTERM"))

    again = await client.take("x")

    assert (again.trial_number, again.kind) == (0, t.ASSIGNMENT_KIND_RETRIED)
    assert again.checkpoint_uri == "ckpt"
    request = e.GetTrialRequest(experiment_id="e", trial_number=0)
    shown = await client.experiments.GetTrial(request)
    assert shown.trial.restarts == 0
    assert [(one.end, one.message) for one in shown.attempts] == [
        (t.ATTEMPT_END_RELEASED, "SIGTERM"), (t.ATTEMPT_END_UNSPECIFIED, ""),
    ]  # fmt: skip

"""The hot path as api.md's table of meanings has it."""

from __future__ import annotations

import asyncio
import math

import pytest

from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import suggestion_service_pb2 as s
from asha_server.pb import trial_pb2 as t

from .conftest import Client, held, refused


async def test_an_assignment_says_all_that_training_needs(client: Client) -> None:
    await client.create(unit="epochs")

    given = await client.take("w")

    assert (given.trial_number, given.kind) == (0, t.ASSIGNMENT_KIND_NEW)
    assert (given.start_step, given.checkpoint_uri, given.next_decision_step) == (0, "", 1)
    assert (given.max_length, given.unit, given.metric) == (9, "epochs", "loss")
    assert (given.bracket, given.rung, given.lease.attempt) == (0, 0, 1)
    assert given.lease.ttl.seconds == 60
    assert 0 <= given.trial_seed < 2**31
    assert [p.name for p in given.parameters] == ["lr"]
    assert 0 <= given.parameters[0].value.double_value <= 1


async def test_a_promoted_trial_is_handed_to_another_worker_with_its_checkpoint(
    client: Client,
) -> None:
    """Of 0.1, 0.5, 0.6 the first is best; it paused before the others came, and is resumed."""
    await client.create()
    await client.arrive(0.1, 0.5, 0.6)

    promoted = await client.take("other")

    assert (promoted.trial_number, promoted.kind) == (0, t.ASSIGNMENT_KIND_PROMOTED)
    assert (promoted.start_step, promoted.checkpoint_uri) == (1, "ckpt-0")
    assert (promoted.rung, promoted.next_decision_step, promoted.lease.attempt) == (1, 3, 2)


async def test_the_same_request_gets_the_same_attempt_for_as_long_as_it_lives(
    client: Client,
) -> None:
    await client.create()
    first = await client.take("w", request_id="r1")

    again = await client.take("w", request_id="r1")
    assert (again.lease.token, again.trial_number) == (first.lease.token, first.trial_number)
    reused = await refused(client.ask("x", request_id="r1"))
    assert (reused.code, reused.reason) == ("FAILED_PRECONDITION", "REQUEST_ID_REUSED")
    await client.report(first, 1, 0.5)
    over = await refused(client.ask("w", request_id="r1"))
    assert (over.code, over.reason) == ("ABORTED", "LEASE_LOST")


async def test_another_process_of_the_same_worker_resumes_and_fences_the_former(
    client: Client,
) -> None:
    await client.create()
    former = await client.take("w", incarnation_id="one")

    same = await client.take("w", incarnation_id="one")
    assert same.lease.token == former.lease.token
    resumed = await client.take("w", incarnation_id="two")
    assert (resumed.kind, resumed.lease.attempt) == (t.ASSIGNMENT_KIND_RESUMED, 2)
    lost = await refused(client.report(former, 1, 0.5))
    assert (lost.code, lost.reason) == ("ABORTED", "LEASE_LOST")
    assert (await client.get()).trial_counts.created == 1


async def test_release_held_hands_out_something_else(client: Client) -> None:
    await client.create()
    first = await client.take("w")

    second = await client.take("w", release_held=True)
    assert second.trial_number != first.trial_number
    retried = await client.take("x")
    assert (retried.trial_number, retried.kind) == (
        first.trial_number, t.ASSIGNMENT_KIND_RETRIED,
    )  # fmt: skip


async def test_a_repeated_report_gets_its_recorded_answer_and_counts_once(client: Client) -> None:
    await client.create()
    given = await client.take("w")
    decision = await client.report(given, 1, 0.5)
    sequence = (await client.get()).sequence

    assert await client.report(given, 1, 0.5) == decision
    assert (await client.get()).sequence == sequence
    conflict = await refused(client.report(given, 1, 0.75))
    assert (conflict.code, conflict.reason) == ("ALREADY_EXISTS", "METRIC_CONFLICT")
    assert conflict.metadata["recorded_value"] == "0.5"
    assert conflict.metadata["verdict"] == "PAUSE"
    assert await client.report(given, 2, 0.1) == decision, "what was said stays said"


async def test_values_that_are_not_finite_arrive_as_they_are(client: Client) -> None:
    await client.create()

    for value in (math.nan, math.inf, -math.inf):
        decision = await client.report(await client.take(str(value)), 1, value)
        assert decision.reason == t.DECISION_REASON_NON_FINITE
    listed = await client.experiments.ListObservations(e.ListObservationsRequest(experiment_id="e"))
    seen = [observation.metrics[0].value for observation in listed.observations]
    assert math.isnan(seen[0])
    assert seen[1:] == [math.inf, -math.inf]


async def test_metrics_without_the_search_metric_decide_nothing(client: Client) -> None:
    await client.create()
    given = await client.take("w")

    decision = await client.report(given, 1, metrics=[t.MetricValue(name="accuracy", value=0.9)])

    assert (decision.verdict, decision.rung) == (t.VERDICT_CONTINUE, -1)
    assert not decision.HasField("rank")


async def test_should_stop_is_never_an_error(client: Client) -> None:
    """Before any report, about what goes on, by a lost token, about what has ended."""
    await client.create()
    given = await client.take("w")

    async def ask(token: str) -> s.ShouldStopResponse:
        request = s.ShouldStopRequest(experiment_id="e", trial_number=0, lease_token=token)
        return await client.suggestions.ShouldStop(request)

    fresh = await ask(given.lease.token)
    assert (fresh.should_stop, fresh.decision.reason) == (False, t.DECISION_REASON_BETWEEN_RUNGS)
    assert (fresh.decision.rung, fresh.decision.HasField("decide_time")) == (-1, False)
    lost = await ask("1.forged")
    assert (lost.should_stop, lost.decision.reason) == (True, t.DECISION_REASON_LEASE_LOST)
    await client.experiments.CancelTrial(e.CancelTrialRequest(experiment_id="e", trial_number=0))
    for token in (given.lease.token, ""):
        ended = await ask(token)
        assert (ended.should_stop, ended.decision.reason) == (True, t.DECISION_REASON_CANCELLED)


async def test_a_heartbeat_renews_the_lease_until_the_verdict(client: Client) -> None:
    await client.create()
    given = await client.take("w")

    alive = await client.suggestions.Heartbeat(s.HeartbeatRequest(**held(given)))
    assert alive.lease.token == given.lease.token
    await client.report(given, 1, 0.5)
    over = await client.suggestions.Heartbeat(s.HeartbeatRequest(**held(given)))
    assert not over.HasField("lease")
    assert over.decision.verdict == t.VERDICT_PAUSE


async def test_checkpoints_that_nobody_needs_are_named_for_deletion(client: Client) -> None:
    """The former checkpoint of the same trial, once a later one is complete."""
    await client.create(max_trials=1)
    given = await client.take("w")
    for step, uri in ((1, "a"), (2, "b")):
        await client.suggestions.ReportCheckpoint(
            s.ReportCheckpointRequest(**held(given), step=step, checkpoint_uri=uri)
        )

    response = await client.suggestions.ReportMetric(
        s.ReportMetricRequest(**held(given), step=2, checkpoint_uri="c")
    )

    assert list(response.deletable_checkpoint_uris) == ["a", "b"]


@pytest.mark.parametrize(
    ("method", "request_type", "state"),
    [
        ("CompleteTrial", s.CompleteTrialRequest, t.TRIAL_STATE_COMPLETED),
        ("FailTrial", s.FailTrialRequest, t.TRIAL_STATE_QUEUED),
        ("ReleaseTrial", s.ReleaseTrialRequest, t.TRIAL_STATE_QUEUED),
    ],
)
async def test_the_same_ending_again_is_answered_again(
    client: Client, method: str, request_type: type, state: int
) -> None:
    await client.create()
    given = await client.take("w")
    await client.report(given, 0, 0.5)
    more = {"kind": s.FAILURE_KIND_RETRYABLE} if method == "FailTrial" else {}
    request = request_type(**held(given), **more)

    first = await getattr(client.suggestions, method)(request)
    again = await getattr(client.suggestions, method)(request)

    assert first.trial_state == again.trial_state == state
    assert (await refused(client.report(given, 1, 0.5))).reason in ("LEASE_LOST", "TRIAL_ENDED")


async def test_a_long_poll_is_answered_when_there_is_work(client: Client) -> None:
    await client.create(max_trials=1)
    given = await client.take("w")
    waiting = asyncio.create_task(client.ask("x", max_wait={"seconds": 30}))
    await client.until_waiting(1)

    await client.suggestions.ReleaseTrial(s.ReleaseTrialRequest(**held(given)))

    response = await waiting
    assert response.assignment.kind == t.ASSIGNMENT_KIND_RETRIED


async def test_should_stop_holds_until_a_person_cancels(client: Client) -> None:
    await client.create()
    given = await client.take("w")
    request = s.ShouldStopRequest(**held(given), max_wait={"seconds": 30})
    waiting = client.suggestions.ShouldStop(request)
    await client.until_waiting(1)

    await client.experiments.CancelTrial(e.CancelTrialRequest(experiment_id="e", trial_number=0))

    response = await waiting
    assert (response.should_stop, response.decision.reason) == (True, t.DECISION_REASON_CANCELLED)


async def test_waits_and_the_end_are_answers(client: Client) -> None:
    await client.create(max_concurrent_trials=1)
    await client.take("w")

    wait = (await client.ask("x")).wait
    assert wait.reason == s.WAIT_REASON_CONCURRENCY_LIMIT
    assert wait.retry_after.seconds > 0
    await client.experiments.StopExperiment(e.StopExperimentRequest(experiment_id="e", reason="ok"))
    assert (await client.ask("x")).finished.end_message == "ok"


async def test_what_there_is_not_is_said_so(client: Client) -> None:
    nobody = await refused(client.ask("w", experiment_id="nobody"))
    assert (nobody.code, nobody.reason) == ("NOT_FOUND", "EXPERIMENT_NOT_FOUND")
    await client.create()
    given = await client.take("w")
    given.trial_number = 7
    missing = await refused(client.report(given, 1, 0.5))
    assert (missing.code, missing.reason) == ("NOT_FOUND", "TRIAL_NOT_FOUND")

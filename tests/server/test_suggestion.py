"""Handing out work, as api.md's table of meanings has it."""

from __future__ import annotations

from asha_server.pb import admin_service_pb2 as a
from asha_server.pb import experiment_pb2 as x
from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import suggestion_service_pb2 as s
from asha_server.pb import trial_pb2 as t

from .conftest import Client, held, refused


async def test_an_assignment_says_all_that_training_needs(client: Client) -> None:
    await client.create(unit="epochs")

    given = await client.take("w")

    assert (given.experiment_id, given.trial_number) == ("e", 0)
    assert given.kind == t.ASSIGNMENT_KIND_NEW
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
    assert (await client.trial(0)).worker_id == "other"


async def test_a_checkpoint_after_pause_is_stored_until_the_trial_is_handed_on(
    client: Client,
) -> None:
    await client.create()
    first, *_ = await client.arrive(0.1, 0.5, 0.6)

    async def store(uri: str) -> t.Decision:
        request = s.ReportCheckpointRequest(**held(first), step=1, checkpoint_uri=uri)
        return (await client.suggestions.ReportCheckpoint(request)).decision

    assert (await store("late")).verdict == t.VERDICT_PAUSE
    assert (await client.take("other")).checkpoint_uri == "late"
    assert (await store("too-late")).verdict == t.VERDICT_PAUSE
    assert (await client.trial(0)).checkpoint_uri == "late"


# -- request ids and workers that ask again -------------------------------------------------------


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


async def test_the_same_request_after_the_end_of_the_experiment_is_lost(client: Client) -> None:
    await client.create()
    await client.take("w", request_id="r1")
    await client.stop()

    lost = await refused(client.ask("w", request_id="r1"))
    assert (lost.code, lost.reason) == ("ABORTED", "LEASE_LOST")
    assert (await client.ask("w", request_id="r2")).HasField("finished")


async def test_asking_again_renews_the_lease(client: Client) -> None:
    """Shown by its length: the lease that was of 60 s is of 5 s once it is renewed."""
    await client.create()
    first = await client.take("w", request_id="r")
    await client.update("lease_ttl", lease_ttl={"seconds": 5})

    async def remaining_s() -> float:
        (lease,) = (await client.admin.ListLeases(a.ListLeasesRequest())).leases
        return lease.remaining.ToTimedelta().total_seconds()

    await client.suggestions.ShouldStop(s.ShouldStopRequest(**held(first)))
    assert await remaining_s() > 5, "a question renews nothing"
    await client.take("w", request_id="r")
    assert await remaining_s() <= 5


async def test_the_same_process_gets_its_assignment_again_until_it_has_reported(
    client: Client,
) -> None:
    """From then on it must have been restarted: a new attempt from its last checkpoint."""
    await client.create()
    first = await client.take("w", incarnation_id="one")

    assert (await client.take("w", incarnation_id="one")).lease.token == first.lease.token
    await client.report(first, 0, 0.5, checkpoint_uri="ckpt")
    resumed = await client.take("w", incarnation_id="one")
    assert (resumed.kind, resumed.lease.attempt) == (t.ASSIGNMENT_KIND_RESUMED, 2)
    assert (resumed.trial_number, resumed.checkpoint_uri) == (0, "ckpt")


async def test_another_process_of_the_same_worker_resumes_and_fences_the_former(
    client: Client,
) -> None:
    await client.create()
    former = await client.take("w", incarnation_id="one")

    resumed = await client.take("w", incarnation_id="two")

    assert (resumed.kind, resumed.lease.attempt) == (t.ASSIGNMENT_KIND_RESUMED, 2)
    lost = await refused(client.report(former, 1, 0.5))
    assert (lost.code, lost.reason) == ("ABORTED", "LEASE_LOST")
    assert (await client.get()).trial_counts.created == 1
    assert (await client.trial(0)).restarts == 1


async def test_a_worker_restarted_too_often_ends_its_trial_not_the_search(client: Client) -> None:
    """One restart is borne; at the second the trial is FAILED and the worker gets another."""
    await client.create(max_restarts=1, worker_failure_limit=0)
    await client.take("w", incarnation_id="one")
    await client.take("w", incarnation_id="two")

    other = await client.take("w", incarnation_id="three")

    assert (other.trial_number, other.kind) == (1, t.ASSIGNMENT_KIND_NEW)
    failed = await client.trial(0)
    assert failed.end_reason == t.TRIAL_END_REASON_RESTARTS_EXHAUSTED


async def test_release_held_hands_out_something_else(client: Client) -> None:
    await client.create()
    first = await client.take("w")

    second = await client.take("w", release_held=True)
    assert second.trial_number != first.trial_number
    retried = await client.take("x")
    assert (retried.trial_number, retried.kind) == (
        first.trial_number, t.ASSIGNMENT_KIND_RETRIED,
    )  # fmt: skip


async def test_what_was_given_back_is_not_handed_out_by_the_same_call(client: Client) -> None:
    await client.create(max_trials=1)
    given = await client.take("w")

    assert (await client.ask("w", release_held=True)).HasField("wait")
    lost = await refused(client.report(given, 1, 0.5))
    assert lost.reason == "LEASE_LOST"
    assert (await client.take("w")).kind == t.ASSIGNMENT_KIND_RETRIED


# -- no work now, or never again ------------------------------------------------------------------


async def test_a_wait_says_why_and_for_how_long(client: Client) -> None:
    await client.create(max_concurrent_trials=1)
    await client.take("w")

    full = (await client.ask("x")).wait
    assert full.reason == s.WAIT_REASON_CONCURRENCY_LIMIT
    assert full.retry_after.seconds > 0
    await client.experiments.PauseExperiment(e.PauseExperimentRequest(experiment_id="e"))
    paused = (await client.ask("x")).wait
    assert paused.reason == s.WAIT_REASON_EXPERIMENT_PAUSED
    assert paused.retry_after.seconds > 0


async def test_a_worker_waits_for_the_results_of_others(client: Client) -> None:
    await client.create(max_trials=1)
    await client.take("w")

    assert (await client.ask("x")).wait.reason == s.WAIT_REASON_AWAITING_RESULTS


async def test_a_worker_that_always_fails_waits_a_lease_term_and_nobody_else_does(
    client: Client,
) -> None:
    await client.create(worker_failure_limit=2)
    for _ in range(2):
        given = await client.take("broken")
        await client.suggestions.FailTrial(
            s.FailTrialRequest(**held(given), kind=s.FAILURE_KIND_PERMANENT)
        )

    wait = (await client.ask("broken")).wait
    assert wait.reason == s.WAIT_REASON_WORKER_FAILING
    assert 55 < wait.retry_after.seconds <= 60
    assert (await client.take("sound")).trial_number == 2


async def test_the_end_says_how_the_search_ended(client: Client) -> None:
    await client.create("e", max_trials=1)
    await client.report(await client.take("w"), 9, 0.5)
    done = (await client.ask("w")).finished
    assert done.state == x.EXPERIMENT_STATE_COMPLETED
    assert done.end_reason == x.END_REASON_ALL_TRIALS_ENDED

    await client.create("aim", target=0.5)
    given = await client.take("w", experiment_id="aim")
    decision = await client.report(given, 0, 0.5)
    assert decision.reason == t.DECISION_REASON_TARGET_REACHED
    reached = (await client.ask("w", experiment_id="aim")).finished
    assert reached.end_reason == x.END_REASON_TARGET_REACHED

    await client.create("left", max_concurrent_trials=1)
    request = e.StopExperimentRequest(experiment_id="left", reason="found it")
    await client.experiments.StopExperiment(request)
    stopped = (await client.ask("w", experiment_id="left")).finished
    assert stopped.end_reason == x.END_REASON_STOPPED_BY_USER
    assert stopped.end_message == "found it"


async def test_what_there_is_not_is_said_so(client: Client) -> None:
    nobody = await refused(client.ask("w", experiment_id="nobody"))
    assert (nobody.code, nobody.reason) == ("NOT_FOUND", "EXPERIMENT_NOT_FOUND")
    assert nobody.metadata["experiment_id"] == "nobody"
    await client.create()
    given = await client.take("w")
    given.trial_number = 7
    missing = await refused(client.report(given, 1, 0.5))
    assert (missing.code, missing.reason) == ("NOT_FOUND", "TRIAL_NOT_FOUND")
    assert missing.metadata["trial_number"] == "7"

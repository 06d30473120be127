"""Calls that are held until there is something to say, and ShouldStop, which is never an error."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from asha_server.pb import admin_service_pb2 as a
from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import suggestion_service_pb2 as s
from asha_server.pb import trial_pb2 as t

from .conftest import Client, held, refused

LONG = {"seconds": 30}
SHORT = {"nanos": 1_000_000}


def waiting_for_work(client: Client, worker_id: str) -> asyncio.Task[s.GetSuggestionResponse]:
    return asyncio.create_task(client.ask(worker_id, max_wait=LONG))


# -- work -----------------------------------------------------------------------------------------


async def test_the_report_of_another_worker_brings_work(client: Client) -> None:
    """The third entry of three makes the best of them promotable."""
    await client.create(max_trials=3)
    await client.arrive(0.1, 0.5)
    last = await client.take("w2")
    waiting = waiting_for_work(client, "x")
    await client.until_waiting(1)

    await client.report(last, 1, 0.6)

    promoted = (await waiting).assignment
    assert (promoted.trial_number, promoted.kind) == (0, t.ASSIGNMENT_KIND_PROMOTED)
    assert promoted.checkpoint_uri == "ckpt-0"


async def test_whoever_waited_longest_is_served_first(client: Client) -> None:
    await client.create(max_trials=1)
    given = await client.take("w")
    first = waiting_for_work(client, "first")
    await client.until_waiting(1)
    second = waiting_for_work(client, "second")
    await client.until_waiting(2)

    await client.suggestions.ReleaseTrial(s.ReleaseTrialRequest(**held(given)))

    assert (await first).assignment.kind == t.ASSIGNMENT_KIND_RETRIED
    assert not second.done()
    await client.stop()
    assert (await second).HasField("finished")


async def test_work_goes_to_nobody_who_has_hung_up(client: Client) -> None:
    await client.create(max_trials=1)
    given = await client.take("w")
    gone = waiting_for_work(client, "gone")
    await client.until_waiting(1)
    gone.cancel()
    while (await client.admin.GetServerInfo(a.GetServerInfoRequest())).waiting_call_count:
        pass  # until the server has noticed

    await client.suggestions.ReleaseTrial(s.ReleaseTrialRequest(**held(given)))

    assert (await client.take("x")).kind == t.ASSIGNMENT_KIND_RETRIED


async def test_a_pause_holds_on_to_those_who_wait(client: Client) -> None:
    """They get work once the experiment is resumed."""
    await client.create(max_trials=1)
    await client.take("w")
    waiting = waiting_for_work(client, "x")
    await client.until_waiting(1)

    await client.experiments.PauseExperiment(e.PauseExperimentRequest(experiment_id="e"))
    await client.until_waiting(1)
    await client.experiments.ResumeExperiment(e.ResumeExperimentRequest(experiment_id="e"))

    assert (await waiting).assignment.kind == t.ASSIGNMENT_KIND_RETRIED


async def test_a_wait_that_is_over_is_an_answer(client: Client) -> None:
    await client.create(max_trials=1)
    given = await client.take("w")

    over = await client.ask("x", max_wait=SHORT)
    assert over.wait.reason == s.WAIT_REASON_AWAITING_RESULTS
    request = s.ShouldStopRequest(**held(given), max_wait=SHORT)
    answer = await client.suggestions.ShouldStop(request)
    assert (answer.should_stop, answer.decision.verdict) == (False, t.VERDICT_CONTINUE)


async def test_the_end_is_told_to_all_who_wait(client: Client) -> None:
    await client.create(max_trials=1)
    given = await client.take("w")
    waiting = [waiting_for_work(client, f"x{n}") for n in range(20)]
    await client.until_waiting(20)

    await client.report(given, 9, 0.5)

    assert all(answer.HasField("finished") for answer in await asyncio.gather(*waiting))


async def test_a_deletion_is_told_to_all_who_wait(client: Client) -> None:
    await client.create(max_trials=1)
    given = await client.take("w")
    for_work = waiting_for_work(client, "x")
    request = s.ShouldStopRequest(**held(given), max_wait=LONG)
    for_verdict = client.suggestions.ShouldStop(request)
    await client.until_waiting(2)

    await client.experiments.DeleteExperiment(
        e.DeleteExperimentRequest(experiment_id="e", force=True)
    )

    for call in (for_work, for_verdict):
        assert (await refused(call)).reason == "EXPERIMENT_NOT_FOUND"


# -- verdicts -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "request_", "reason"),
    [
        ("CancelTrial", e.CancelTrialRequest(experiment_id="e"), t.DECISION_REASON_CANCELLED),
        ("PauseExperiment", e.PauseExperimentRequest(experiment_id="e"),
         t.DECISION_REASON_EXPERIMENT_PAUSED),
        ("StopExperiment", e.StopExperimentRequest(experiment_id="e"),
         t.DECISION_REASON_EXPERIMENT_STOPPED),
    ],
)  # fmt: skip
async def test_a_persons_word_reaches_a_trainer_that_listens(
    client: Client, method: str, request_: Any, reason: int
) -> None:
    await client.create()
    given = await client.take("w")
    listening = client.suggestions.ShouldStop(s.ShouldStopRequest(**held(given), max_wait=LONG))
    await client.until_waiting(1)

    await getattr(client.experiments, method)(request_)

    answer = await listening
    assert (answer.should_stop, answer.decision.reason) == (True, reason)


async def test_a_listener_hears_the_verdict_of_a_report(client: Client) -> None:
    await client.create()
    given = await client.take("w")
    listening = client.suggestions.ShouldStop(s.ShouldStopRequest(**held(given), max_wait=LONG))
    await client.until_waiting(1)

    await client.report(given, 0, 0.7)  # decides nothing: the listener is held on
    decision = await client.report(given, 1, 0.5)

    assert (await listening).decision == decision


async def test_a_listener_hears_that_its_lease_is_lost(client: Client) -> None:
    await client.create()
    given = await client.take("w", incarnation_id="one")
    listening = client.suggestions.ShouldStop(s.ShouldStopRequest(**held(given), max_wait=LONG))
    await client.until_waiting(1)

    await client.take("w", incarnation_id="two")

    answer = await listening
    assert (answer.should_stop, answer.decision.reason) == (True, t.DECISION_REASON_LEASE_LOST)


async def test_should_stop_is_never_an_error(client: Client) -> None:
    """Before any report, about what goes on, by a lost token, about what has ended."""
    await client.create()
    given = await client.take("w")

    async def ask(token: str) -> s.ShouldStopResponse:
        request = s.ShouldStopRequest(experiment_id="e", trial_number=0, lease_token=token)
        return await client.suggestions.ShouldStop(request)

    for token in (given.lease.token, ""):
        fresh = await ask(token)
        assert not fresh.should_stop
        assert fresh.decision.reason == t.DECISION_REASON_BETWEEN_RUNGS
        assert (fresh.decision.rung, fresh.decision.sequence) == (-1, 0)
        assert not fresh.decision.HasField("decide_time")
    lost = await ask("1.forged")
    assert (lost.should_stop, lost.decision.reason) == (True, t.DECISION_REASON_LEASE_LOST)
    await client.experiments.CancelTrial(e.CancelTrialRequest(experiment_id="e", trial_number=0))
    for token in (given.lease.token, ""):
        ended = await ask(token)
        assert (ended.should_stop, ended.decision.reason) == (True, t.DECISION_REASON_CANCELLED)


async def test_an_empty_token_asks_about_the_latest_attempt(client: Client) -> None:
    await client.create()
    first, *_ = await client.arrive(0.1, 0.5, 0.6)
    latest = s.ShouldStopRequest(experiment_id="e", trial_number=0)
    assert (await client.suggestions.ShouldStop(latest)).decision.verdict == t.VERDICT_PAUSE

    await client.take("other")

    assert (await client.suggestions.ShouldStop(latest)).decision.verdict == t.VERDICT_CONTINUE
    former = await client.suggestions.ShouldStop(s.ShouldStopRequest(**held(first)))
    assert former.should_stop


async def test_should_stop_knows_no_trial_that_there_is_not(client: Client) -> None:
    await client.create()

    request = s.ShouldStopRequest(experiment_id="e", trial_number=0)
    missing = await refused(client.suggestions.ShouldStop(request))

    assert (missing.code, missing.reason) == ("NOT_FOUND", "TRIAL_NOT_FOUND")

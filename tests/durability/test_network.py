"""A network that misbehaves changes no outcome: what was lost is sent again and counted once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import asha_client
import grpc
import pytest

from asha_server.pb import experiment_pb2 as x
from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import suggestion_service_pb2 as s
from asha_server.pb import trial_pb2 as t

from .caller import reason_of
from .conftest import Network, report_of
from .trainer import held

LOST = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


async def lost(call: Any) -> grpc.aio.AioRpcError:
    """How a call ends whose answer never came."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    assert caught.value.code() in LOST
    return caught.value


async def lose_answer(
    network: Network,
    method: grpc.aio.UnaryUnaryMultiCallable[Any, Any],
    request: Any,
    *,
    event: int,
) -> None:
    """The request arrives and is carried out; the connection breaks before its answer passes."""
    await network.through.channel.channel_ready()
    network.proxy.answers.open.clear()
    calling = method(request)
    await network.until_event(event)
    await network.proxy.break_connections()
    await lost(calling)
    network.proxy.answers.open.set()


async def answered(
    method: grpc.aio.UnaryUnaryMultiCallable[Any, Any], request: Any, *, patience_s: float = 10.0
) -> Any:
    """The answer to a request sent until it has one: a broken line may end several calls."""
    give_up = time.monotonic() + patience_s
    while True:
        try:
            return await method(request, wait_for_ready=True)
        except grpc.aio.AioRpcError as error:
            if error.code() not in LOST or time.monotonic() > give_up:
                raise
            await asyncio.sleep(0.02)


# -- dropped connections --------------------------------------------------------------------------


async def test_a_report_whose_answer_is_lost_is_answered_again_and_counts_once(
    network: Network,
) -> None:
    await network.create()
    given = await network.take()
    report = report_of(given, 1, 0.5)
    await lose_answer(network, network.through.suggestions.ReportMetric, report, event=4)

    again = await answered(network.through.suggestions.ReportMetric, report)

    assert again.decision.sequence == 4  # created, trial, assignment, report
    assert await network.recorded() == [(0, 1, 1)]
    assert await network.sequence() == 4


async def test_an_assignment_whose_answer_is_lost_is_the_answer_to_the_same_request(
    network: Network,
) -> None:
    await network.create()
    request = s.GetSuggestionRequest(experiment_id="e", worker_id="w", request_id="r")
    await lose_answer(network, network.through.suggestions.GetSuggestion, request, event=3)

    again = await answered(network.through.suggestions.GetSuggestion, request)

    assert (again.assignment.trial_number, again.assignment.lease.attempt) == (0, 1)
    assert await network.sequence() == 3  # created, trial, assignment


async def test_a_configuration_whose_answer_is_lost_is_given_once(network: Network) -> None:
    await network.create()
    request = e.CreateTrialRequest(experiment_id="e", request_id="gift")
    await lose_answer(network, network.through.experiments.CreateTrial, request, event=2)

    again = await answered(network.through.experiments.CreateTrial, request)

    assert again.trial.trial_number == 0
    assert await network.sequence() == 2


@pytest.mark.parametrize(
    ("method", "request_of", "state"),
    [
        ("CompleteTrial", s.CompleteTrialRequest, t.TRIAL_STATE_FAILED),  # it has no value
        (
            "FailTrial",
            lambda **of: s.FailTrialRequest(**of, kind=s.FAILURE_KIND_PERMANENT),
            t.TRIAL_STATE_FAILED,
        ),
        ("ReleaseTrial", s.ReleaseTrialRequest, t.TRIAL_STATE_QUEUED),
    ],
)
async def test_an_end_whose_answer_is_lost_is_told_once(
    network: Network, method: str, request_of: Callable[..., Any], state: t.TrialState
) -> None:
    await network.create()
    request = request_of(**held(await network.take()))
    await lose_answer(network, getattr(network.through.suggestions, method), request, event=4)

    again = await answered(getattr(network.through.suggestions, method), request)

    assert again.trial_state == state
    assert await network.sequence() == 4


async def test_a_request_that_is_cut_in_two_is_not_carried_out(network: Network) -> None:
    """The line breaks after every possible count of its bytes; then it is sent whole."""
    await network.create()
    given = await network.take()
    report = report_of(given, 1, 0.5)
    await network.through.suggestions.Heartbeat(s.HeartbeatRequest(**held(given)))
    before = network.proxy.requests.passed_bytes
    await network.through.suggestions.Heartbeat(s.HeartbeatRequest(**held(given)))
    heartbeat_bytes = network.proxy.requests.passed_bytes - before

    for cut in range(1, heartbeat_bytes, 16):  # a report is longer than a heartbeat
        beat = s.HeartbeatRequest(**held(given))
        await answered(network.through.suggestions.Heartbeat, beat)
        network.proxy.requests.left_bytes = cut
        await lost(network.through.suggestions.ReportMetric(report))
        network.proxy.requests.left_bytes = None
        assert await network.recorded() == []

    await answered(network.through.suggestions.ReportMetric, report)
    assert await network.recorded() == [(0, 1, 1)]


async def test_a_long_poll_whose_connection_breaks_is_handed_no_trial(network: Network) -> None:
    await network.create(max_concurrent_trials=1)
    first = await network.take()
    request = s.GetSuggestionRequest(experiment_id="e", worker_id="gone", max_wait={"seconds": 60})
    waiting = asyncio.ensure_future(network.through.suggestions.GetSuggestion(request))
    while not network.server.engine.waiting_calls:
        await network.sequence()
    await network.proxy.break_connections()
    await lost(waiting)
    while network.server.engine.waiting_calls:
        await network.sequence()

    await network.past.suggestions.ReleaseTrial(s.ReleaseTrialRequest(**held(first)))

    assert (await network.take("other")).lease.attempt == 2


# -- delays, duplicates, another order ------------------------------------------------------------


async def test_slow_bytes_are_answered_like_others(network: Network) -> None:
    await network.create()
    given = await network.take()
    for way in (network.proxy.requests, network.proxy.answers):
        way.delay_s, way.piece_bytes = 0.001, 16

    answers = await asyncio.gather(
        *(network.through.suggestions.ReportMetric(report_of(given, 1, 0.5)) for _ in range(5))
    )

    assert len({str(answer.decision) for answer in answers}) == 1
    assert await network.recorded() == [(0, 1, 1)]


async def test_an_earlier_report_that_comes_later_is_kept_and_decides_nothing(
    network: Network,
) -> None:
    await network.create(async_halving=x.AsyncHalving(num_rungs=1))
    given = await network.take()
    await network.through.channel.channel_ready()
    network.proxy.requests.open.clear()
    late = asyncio.ensure_future(network.through.suggestions.ReportMetric(report_of(given, 1, 0.1)))
    await network.past.suggestions.ReportMetric(report_of(given, 2, 0.2))
    network.proxy.requests.open.set()

    decision = (await late).decision

    assert decision.reason == t.DECISION_REASON_BETWEEN_RUNGS
    assert await network.recorded() == [(0, 1, 2), (0, 1, 1)]
    trial = await network.past.experiments.GetTrial(e.GetTrialRequest(experiment_id="e"))
    assert (trial.trial.last_step, trial.trial.last_value) == (2, 0.2)


async def test_a_duplicate_that_comes_late_gets_the_recorded_answer(network: Network) -> None:
    """Sent on both lines; the one held up arrives after the trial is done."""
    await network.create()
    given = await network.take()
    report = report_of(given, 9, 0.5)  # passes every rung
    await network.through.channel.channel_ready()
    network.proxy.requests.open.clear()
    late = asyncio.ensure_future(network.through.suggestions.ReportMetric(report))
    first = await network.past.suggestions.ReportMetric(report)
    network.proxy.requests.open.set()

    assert (await late).decision == first.decision
    assert await network.recorded() == [(0, 1, 9)]


async def test_a_report_that_comes_after_its_trial_was_handed_on_changes_nothing(
    network: Network,
) -> None:
    await network.create()
    given = await network.take()
    await network.through.channel.channel_ready()
    network.proxy.requests.open.clear()
    late = asyncio.ensure_future(network.through.suggestions.ReportMetric(report_of(given, 1, 0.5)))
    await network.past.suggestions.ReleaseTrial(s.ReleaseTrialRequest(**held(given)))
    assert (await network.take("other")).lease.attempt == 2
    before = await network.sequence()
    network.proxy.requests.open.set()

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await late

    assert reason_of(caught.value) == "LEASE_LOST"
    assert await network.sequence() == before
    assert await network.recorded() == []


async def test_a_release_that_comes_after_the_trial_was_handed_on_takes_it_from_nobody(
    network: Network,
) -> None:
    await network.create()
    given = await network.take()
    release = s.ReleaseTrialRequest(**held(given))
    await network.through.channel.channel_ready()
    network.proxy.requests.open.clear()
    late = asyncio.ensure_future(network.through.suggestions.ReleaseTrial(release))
    await network.past.suggestions.ReleaseTrial(release)
    other = await network.take("other")
    network.proxy.requests.open.set()
    await asyncio.gather(late, return_exceptions=True)

    beat = await network.past.suggestions.Heartbeat(s.HeartbeatRequest(**held(other)))

    assert beat.lease.attempt == 2
    assert beat.decision.verdict == t.VERDICT_CONTINUE


# -- half-open connections ------------------------------------------------------------------------


async def test_a_line_that_accepts_and_never_answers_is_given_up_and_tried_again(
    network: Network,
) -> None:
    """By the Python client: the same request goes on until the network is whole again."""
    await network.create()
    given = await network.take()
    network.proxy.is_deaf = True

    def report() -> t.Decision:
        with asha_client.connect(network.proxy.address, max_backoff=0.05) as client:
            method: Any = client.suggestions.ReportMetric
            response: s.ReportMetricResponse = client.call(
                method, report_of(given, 1, 0.5), timeout=0.2
            )
            return response.decision

    reporting = asyncio.ensure_future(asyncio.to_thread(report))
    while not network.proxy.accepted:
        await network.sequence()
    assert await network.recorded() == []
    network.proxy.is_deaf = False
    await network.proxy.break_connections()

    assert (await reporting).sequence == 4
    assert await network.recorded() == [(0, 1, 1)]


async def test_a_trial_that_was_handed_into_a_dead_line_goes_to_another_within_its_term(
    network: Network,
) -> None:
    """The worker's machine is gone without a word; its long poll is still held."""
    await network.create(lease_ttl={"seconds": 3}, max_concurrent_trials=1)
    first = await network.take()
    request = s.GetSuggestionRequest(
        experiment_id="e", worker_id="dead", request_id="r", max_wait={"seconds": 60}
    )
    waiting = asyncio.ensure_future(network.through.suggestions.GetSuggestion(request))
    while not network.server.engine.waiting_calls:
        await network.sequence()
    network.proxy.answers.is_swallowing = True
    await network.past.suggestions.ReleaseTrial(s.ReleaseTrialRequest(**held(first)))

    other = s.GetSuggestionRequest(experiment_id="e", worker_id="b", max_wait={"seconds": 60})
    found = (await network.past.suggestions.GetSuggestion(other)).assignment

    assert (found.trial_number, found.lease.attempt) == (0, 3)
    assert found.kind == t.ASSIGNMENT_KIND_RETRIED
    network.proxy.answers.is_swallowing = False
    await network.proxy.break_connections()
    await lost(waiting)
    with pytest.raises(grpc.aio.AioRpcError) as caught:  # the dead one wakes up and asks again
        await network.through.suggestions.GetSuggestion(request, wait_for_ready=True)
    assert reason_of(caught.value) == "LEASE_LOST"


# -- those who do not read ------------------------------------------------------------------------


async def report_often(network: Network, given: s.Assignment, times: int) -> None:
    """Reports that decide nothing, each an event of its own, a hundred at one time."""
    reports = [
        s.ReportMetricRequest(
            **held(given), step=0, metrics=[t.MetricValue(name=f"m{number}", value=1)]
        )
        for number in range(times)
    ]
    for first in range(0, times, 100):
        calls = map(network.past.suggestions.ReportMetric, reports[first : first + 100])
        await asyncio.gather(*calls)


async def _next(watch: Any) -> e.WatchExperimentResponse:
    response: e.WatchExperimentResponse = await watch.read()
    return response


async def test_a_watcher_that_never_reads_holds_up_nobody_and_misses_nothing(
    network: Network,
) -> None:
    """More events than are kept in memory, while not a byte passes to the watcher."""
    await network.create()
    given = await network.take()
    request = e.WatchExperimentRequest(experiment_id="e", after_sequence=0)
    watch = network.through.experiments.WatchExperiment(request)
    assert (await _next(watch)).event.sequence == 1
    network.proxy.answers.open.clear()

    await report_often(network, given, 1_200)

    assert await network.sequence() == 1_203
    network.proxy.answers.open.set()
    seen = [(await _next(watch)).event.sequence for _ in range(1_202)]
    assert seen == [*range(2, 1_204)]
    watch.cancel()


async def test_a_watcher_whose_line_is_dead_is_let_go_with_it(network: Network) -> None:
    await network.create()
    request = e.WatchExperimentRequest(experiment_id="e", after_sequence=0)
    watch = network.through.experiments.WatchExperiment(request)
    await watch.read()
    assert network.server.watching.open_count == 1

    await network.proxy.break_connections()

    while network.server.watching.open_count:
        await network.sequence()
    with pytest.raises(grpc.aio.AioRpcError):
        await watch.read()


async def test_a_slow_reader_of_a_long_answer_holds_up_nobody(network: Network) -> None:
    """A history of a few hundred kilobytes at a trickle; others are served meanwhile."""
    await network.create()
    given = await network.take()
    await report_often(network, given, 500)
    network.proxy.answers.piece_bytes, network.proxy.answers.delay_s = 256, 0.002
    request = e.ExportExperimentRequest(experiment_id="e")
    reading = asyncio.ensure_future(_whole(network.through.experiments.ExportExperiment(request)))
    while network.proxy.answers.passed_bytes < 1_024:
        await network.sequence()

    await report_often(network, await network.take("other"), 50)

    assert not reading.done()
    network.proxy.answers.piece_bytes, network.proxy.answers.delay_s = 64 * 1024, 0.0
    assert (await reading).count(b"\n") >= 503


async def _whole(stream: Any) -> bytes:
    return b"".join([response.chunk async for response in stream])


# -- calls that are given up ----------------------------------------------------------------------


async def test_a_call_that_is_cancelled_while_its_batch_commits_is_carried_out(
    network: Network,
) -> None:
    await network.create()
    given = await network.take()
    report = report_of(given, 1, 0.5)
    async with network.commit_held() as waits:
        calling = network.past.suggestions.ReportMetric(report)
        await waits.wait()
        calling.cancel()

    assert await network.sequence() == 4
    again = await network.past.suggestions.ReportMetric(report)
    assert again.decision.sequence == 4
    assert await network.recorded() == [(0, 1, 1)]


async def test_a_deadline_that_passes_while_the_batch_commits_leaves_the_report_recorded(
    network: Network,
) -> None:
    await network.create()
    given = await network.take()
    report = report_of(given, 1, 0.5)
    async with network.commit_held() as waits:
        calling = network.past.suggestions.ReportMetric(report, timeout=0.3)
        await waits.wait()
        error = await lost(calling)

    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert await network.sequence() == 4
    again = await network.past.suggestions.ReportMetric(report)
    assert again.decision.sequence == 4
    assert await network.recorded() == [(0, 1, 1)]


async def test_calls_cancelled_at_random_are_carried_out_once_or_not_at_all(
    network: Network,
) -> None:
    """Two hundred reports, each given up after another number of turns of the event loop."""
    await network.create()
    given = await network.take()
    for step in range(1, 201):
        metrics = [t.MetricValue(name="train_loss", value=step)]
        report = s.ReportMetricRequest(**held(given), step=step, metrics=metrics)
        calling = network.past.suggestions.ReportMetric(report)
        for _ in range(step % 40):
            await asyncio.sleep(0)
        calling.cancel()
        await network.past.suggestions.ReportMetric(report)

    assert await network.recorded() == [(0, 1, step) for step in range(1, 201)]


# -- all of it at once ----------------------------------------------------------------------------


async def test_a_search_over_a_line_that_breaks_all_the_time_ends_as_it_should(
    network: Network,
) -> None:
    """Four workers of the Python client; every connection breaks after some hundred bytes."""
    await network.create(max_trials=27, async_halving=x.AsyncHalving(num_rungs=3, divisor=3))
    network.proxy.answers.line_bytes = 700

    def work(name: str) -> None:
        with asha_client.connect(network.proxy.address, max_backoff=0.05) as client:
            for trial in client.experiment("e").trials(name):
                for step in trial.steps():
                    quality = float(trial.parameters["lr"])
                    trial.report(step, {"loss": quality + 1 / step}, checkpoint=f"{step}")

    await asyncio.gather(*(asyncio.to_thread(work, f"w{n}") for n in range(4)))

    recorded = await network.recorded()
    assert network.proxy.accepted > 10
    assert len(recorded) == len(set(recorded))
    found = await network.past.experiments.GetExperiment(e.GetExperimentRequest(experiment_id="e"))
    assert found.experiment.state == x.EXPERIMENT_STATE_COMPLETED
    assert found.experiment.trial_counts.created == 27
    assert found.experiment.trial_counts.failed == 0

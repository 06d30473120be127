"""TrainingSession: every call on one stream, answers by number, decisions that nobody asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from asha_server.config import Limits
from asha_server.pb import admin_service_pb2 as a
from asha_server.pb import error_pb2
from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import suggestion_service_pb2 as s
from asha_server.pb import trial_pb2 as t
from asha_server.service.session import UNANSWERED_MAX

from .conftest import Client, Launch, held, refused

LONG = {"seconds": 30}


class Stream:
    """One session, spoken by hand."""

    def __init__(self, client: Client) -> None:
        self.call: Any = client.suggestions.TrainingSession()
        self._number = 0

    async def say(self, number: int = 0, **request: Any) -> int:
        """Sends a request; its number."""
        self._number = number or self._number + 1
        await self.call.write(s.TrainingSessionRequest(request_number=self._number, **request))
        return self._number

    async def hear(self) -> s.TrainingSessionResponse:
        response = await self.call.read()
        assert isinstance(response, s.TrainingSessionResponse), response
        return response

    async def ask(self, **request: Any) -> s.TrainingSessionResponse:
        """Sends a request and waits for its answer, which comes next."""
        number = await self.say(**request)
        answer = await self.hear()
        assert answer.request_number == number
        return answer

    async def take(self, worker_id: str = "w") -> s.Assignment:
        asked = s.GetSuggestionRequest(experiment_id="e", worker_id=worker_id)
        return (await self.ask(get_suggestion=asked)).get_suggestion.assignment


def report(given: s.Assignment, step: int, value: float) -> s.ReportMetricRequest:
    metrics = [t.MetricValue(name="loss", value=value)]
    return s.ReportMetricRequest(**held(given), step=step, metrics=metrics)


def reports(*each: s.ReportMetricRequest) -> s.ReportMetricsRequest:
    return s.ReportMetricsRequest(reports=each)


@pytest.fixture
async def stream(client: Client) -> AsyncIterator[Stream]:
    await client.create()
    stream = Stream(client)
    yield stream
    stream.call.cancel()


async def test_a_trial_lives_on_a_session(stream: Stream) -> None:
    given = await stream.take()

    answer = await stream.ask(report_metrics=reports(report(given, 1, 0.5)))
    (result,) = answer.report_metrics.results
    assert result.response.decision.verdict == t.VERDICT_PAUSE
    beat = await stream.ask(heartbeat=s.HeartbeatRequest(**held(given)))
    assert beat.heartbeat.decision.verdict == t.VERDICT_PAUSE
    kept = await stream.ask(
        report_checkpoint=s.ReportCheckpointRequest(**held(given), step=1, checkpoint_uri="ckpt")
    )
    assert kept.report_checkpoint.decision.verdict == t.VERDICT_PAUSE
    asked = await stream.ask(should_stop=s.ShouldStopRequest(**held(given)))
    assert asked.should_stop.should_stop


async def test_a_trial_ends_on_a_session(stream: Stream) -> None:
    first, second, third = [await stream.take(f"w{n}") for n in range(3)]

    done = await stream.ask(complete_trial=s.CompleteTrialRequest(**held(first)))
    failed = await stream.ask(
        fail_trial=s.FailTrialRequest(**held(second), kind=s.FAILURE_KIND_RETRYABLE)
    )
    released = await stream.ask(release_trial=s.ReleaseTrialRequest(**held(third)))

    assert done.complete_trial.trial_state == t.TRIAL_STATE_FAILED  # without a metric
    assert failed.fail_trial.trial_state == t.TRIAL_STATE_QUEUED
    assert released.release_trial.trial_state == t.TRIAL_STATE_QUEUED


async def test_many_reports_are_decided_in_order_and_each_for_itself(stream: Stream) -> None:
    first, second = [await stream.take(f"w{n}") for n in range(2)]
    wrong = report(second, 1, 0.1)
    wrong.lease_token = "not one"

    answer = await stream.ask(
        report_metrics=reports(report(first, 1, 0.5), wrong, report(second, 1, 0.7))
    )

    decided, refusal, last = answer.report_metrics.results
    assert (decided.response.decision.rank, decided.response.decision.competitors) == (0, 1)
    assert refusal.error.reason == error_pb2.ERROR_REASON_LEASE_LOST
    assert refusal.error.code == grpc.StatusCode.ABORTED.value[0]
    assert (last.response.decision.rank, last.response.decision.competitors) == (1, 2)


async def test_a_long_poll_holds_up_nothing(client: Client) -> None:
    await client.create(max_trials=1)
    stream = Stream(client)
    given = await stream.take()
    waiting = s.GetSuggestionRequest(experiment_id="e", worker_id="x", max_wait=LONG)
    poll = await stream.say(get_suggestion=waiting)

    beat = await stream.ask(heartbeat=s.HeartbeatRequest(**held(given)))
    assert beat.heartbeat.decision.verdict == t.VERDICT_CONTINUE
    await stream.say(release_trial=s.ReleaseTrialRequest(**held(given)))

    heard = [await stream.hear(), await stream.hear()]
    (answer,) = [one for one in heard if one.request_number == poll]
    assert answer.get_suggestion.assignment.kind == t.ASSIGNMENT_KIND_RETRIED
    stream.call.cancel()


async def test_a_refused_request_leaves_the_session_open(stream: Stream) -> None:
    wrong = s.GetSuggestionRequest(experiment_id="", worker_id="")
    refusal = (await stream.ask(get_suggestion=wrong)).error

    assert refusal.reason == error_pb2.ERROR_REASON_INVALID_REQUEST
    assert {v.field for v in refusal.field_violations} == {"experiment_id", "worker_id"}
    nobody = s.GetSuggestionRequest(experiment_id="nobody", worker_id="w")
    unknown = (await stream.ask(get_suggestion=nobody)).error
    assert unknown.reason == error_pb2.ERROR_REASON_EXPERIMENT_NOT_FOUND
    assert unknown.metadata["experiment_id"] == "nobody"
    assert (await stream.take()).trial_number == 0


async def test_a_request_needs_a_number_of_its_own_and_something_asked(client: Client) -> None:
    await client.create(max_trials=1)
    stream = Stream(client)
    await stream.take()
    waiting = s.GetSuggestionRequest(experiment_id="e", worker_id="x", max_wait=LONG)
    poll = await stream.say(get_suggestion=waiting)

    await stream.call.write(s.TrainingSessionRequest(get_suggestion=waiting))
    zero = await stream.hear()
    await stream.say(poll, get_suggestion=waiting)
    taken = await stream.hear()
    empty = await stream.ask()

    for answer, number in ((zero, 0), (taken, poll), (empty, poll + 1)):
        assert answer.request_number == number
        assert answer.error.reason == error_pb2.ERROR_REASON_INVALID_REQUEST
    stream.call.cancel()


@pytest.mark.parametrize("count", [0, 4])
async def test_so_many_reports_fit_into_a_message(launch: Launch, count: int) -> None:
    client = await launch(limits=Limits(reports_max=3))
    await client.create()
    stream = Stream(client)
    given = await stream.take()

    refusal = (await stream.ask(report_metrics=reports(*[report(given, 1, 0.5)] * count))).error

    assert refusal.reason == error_pb2.ERROR_REASON_INVALID_REQUEST
    three = await stream.ask(report_metrics=reports(*[report(given, 1, 0.5)] * 3))
    assert len(three.report_metrics.results) == 3
    stream.call.cancel()


async def test_so_many_sessions_may_be_open(launch: Launch) -> None:
    client = await launch(limits=Limits(sessions_max=1))
    await client.create()
    first, second = Stream(client), Stream(client)
    await first.take()
    assert (await client.admin.GetServerInfo(a.GetServerInfoRequest())).open_session_count == 1

    refusal = await refused(second.call.read())
    assert (refusal.code, refusal.reason) == ("RESOURCE_EXHAUSTED", "LIMIT_EXCEEDED")

    first.call.cancel()
    while (await client.admin.GetServerInfo(a.GetServerInfoRequest())).open_session_count:
        pass  # until the server has noticed


class Deaf:
    """The server's side of a stream whose client asks on and on and takes no answer for a while."""

    def __init__(self, count: int) -> None:
        self.sent = 0
        self.answered: list[int] = []
        self.reads_on = asyncio.Event()
        self._count = count

    async def read(self) -> Any:
        await asyncio.sleep(0)
        if self.sent == self._count:
            return grpc.aio.EOF  # type: ignore[attr-defined]  # not in the stubs
        self.sent += 1
        return s.TrainingSessionRequest(request_number=self.sent)

    async def write(self, response: s.TrainingSessionResponse) -> None:
        await self.reads_on.wait()
        self.answered.append(response.request_number)


async def test_a_client_that_never_reads_is_soon_read_no_further(client: Client) -> None:
    """No more than that many answers are kept for it, and it goes on when it reads."""
    deaf = Deaf(3 * UNANSWERED_MAX)
    session = asyncio.create_task(client.server._sessions.run(deaf))
    for _ in range(5 * UNANSWERED_MAX):
        await asyncio.sleep(0)
    assert UNANSWERED_MAX <= deaf.sent <= UNANSWERED_MAX + 1

    deaf.reads_on.set()
    await session

    assert deaf.answered == list(range(1, 3 * UNANSWERED_MAX + 1))


async def test_a_session_ends_when_its_client_has_no_more_to_ask(client: Client) -> None:
    await client.create()
    stream = Stream(client)
    await stream.take()
    asked = s.GetSuggestionRequest(experiment_id="e", worker_id="y")
    number = await stream.say(get_suggestion=asked)

    await stream.call.done_writing()

    assert (await stream.hear()).request_number == number
    assert await stream.call.read() is grpc.aio.EOF  # type: ignore[attr-defined]  # not in the stubs
    assert await stream.call.code() is grpc.StatusCode.OK


# -- what nobody asked for ------------------------------------------------------------------------


async def test_a_persons_stop_is_pushed(client: Client, stream: Stream) -> None:
    given = await stream.take()

    await client.stop()

    pushed = await stream.hear()
    assert pushed.request_number == 0
    assert (pushed.pushed.trial_number, pushed.pushed.attempt) == (given.trial_number, 1)
    assert pushed.pushed.decision.verdict == t.VERDICT_STOP
    assert pushed.pushed.decision.reason == t.DECISION_REASON_EXPERIMENT_STOPPED


async def test_a_cancel_and_a_pause_are_pushed(client: Client, stream: Stream) -> None:
    first, second = [await stream.take(f"w{n}") for n in range(2)]

    await client.experiments.CancelTrial(
        e.CancelTrialRequest(experiment_id="e", trial_number=first.trial_number)
    )
    cancelled = (await stream.hear()).pushed
    await client.experiments.PauseExperiment(e.PauseExperimentRequest(experiment_id="e"))
    paused = (await stream.hear()).pushed

    assert cancelled.trial_number == first.trial_number
    assert cancelled.decision.reason == t.DECISION_REASON_CANCELLED
    assert paused.trial_number == second.trial_number
    assert paused.decision.reason == t.DECISION_REASON_EXPERIMENT_PAUSED


async def test_what_an_answer_tells_is_not_pushed_too(client: Client, stream: Stream) -> None:
    given = await stream.take()
    other = await stream.take("other")

    answer = await stream.ask(report_metrics=reports(report(given, 1, 0.5)))
    assert answer.report_metrics.results[0].response.decision.verdict == t.VERDICT_PAUSE
    await client.stop()

    heard = (await stream.hear()).pushed
    assert heard.trial_number == other.trial_number


async def test_a_trial_that_is_only_spoken_of_is_followed(client: Client, stream: Stream) -> None:
    """Taken by a unary call, or on a session that broke."""
    given = await client.take()
    await stream.ask(heartbeat=s.HeartbeatRequest(**held(given)))

    await client.stop()

    assert (await stream.hear()).pushed.trial_number == given.trial_number


async def test_a_server_that_stops_ends_its_sessions(client: Client, stream: Stream) -> None:
    await stream.take()

    stopping = asyncio.create_task(client.server.stop())

    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await stream.hear()
    assert ended.value.code() is grpc.StatusCode.UNAVAILABLE
    assert "shutting down" in str(ended.value.details())
    await stopping

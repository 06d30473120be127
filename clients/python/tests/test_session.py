"""Calls over one stream, reports that nobody waits for, decisions that nobody asked for."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator

import pytest

import asha_client as asha
from asha_client import session
from asha_client.flow import HEARTBEAT
from asha_client.pb import suggestion_service_pb2 as pb
from asha_client.pb import trial_pb2

from .scripted_answers import Refusal, Silence
from .scripted_server import (
    CONTINUE,
    PATIENCE_S,
    STOP,
    ScriptedServer,
    assigned,
    connect,
    decision,
    finished,
    report_answer,
    wait_until,
)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer(sessions=True) as started:
        yield started


def long_trial(server: ScriptedServer, until: int = 1_000) -> None:
    """One trial about which nothing is decided before step `until`, where it is stopped."""
    server.script("GetSuggestion", assigned(next_decision_step=until, max_length=until), finished())
    server.always(
        "ReportMetric",
        lambda r: report_answer(STOP if r.step >= until else CONTINUE, next_step=until),
    )


def test_a_worker_s_calls_go_over_one_stream(server: ScriptedServer) -> None:
    assert server.sessions is not None
    with connect(server) as client:
        for trial in client.experiment("digits").trials("worker-1"):
            for step in trial.steps():
                trial.report(step, {"val_loss": 0.5})

    assert server.sessions.opened == 1
    assert [m.WhichOneof("request") for m in server.sessions.messages] == [
        "get_suggestion", "report_metrics", "report_metrics", "report_metrics", "get_suggestion",
    ]  # fmt: skip
    numbers = [message.request_number for message in server.sessions.messages]
    assert numbers == [1, 2, 3, 4, 5]


def test_a_client_that_is_closed_ends_its_stream_in_order(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert server.sessions is not None
    monkeypatch.setattr(session, "FAREWELL_S", PATIENCE_S)
    with connect(server) as client:
        next(client.experiment("digits").trials("worker-1")).release()

    assert (server.sessions.opened, server.sessions.finished) == (1, 1)


def test_what_is_refused_on_a_session_is_the_same_error(server: ScriptedServer) -> None:
    with connect(server) as client:
        server.script(
            "GetSuggestion",
            Refusal("NOT_FOUND", "EXPERIMENT_NOT_FOUND", {"experiment_id": "digits"}),
        )

        with pytest.raises(asha.errors.NotFound) as caught:
            next(client.experiment("digits").trials("worker-1"))

    error = caught.value
    assert (error.code, error.reason) == ("NOT_FOUND", "EXPERIMENT_NOT_FOUND")
    assert error.metadata == {"experiment_id": "digits"}


def test_a_refusal_without_a_reason_has_none(server: ScriptedServer) -> None:
    with connect(server) as client:
        server.script("GetSuggestion", Refusal("PERMISSION_DENIED"))

        with pytest.raises(asha.errors.AccessDenied) as caught:
            next(client.experiment("digits").trials("worker-1"))

    assert (caught.value.code, caught.value.reason) == ("PERMISSION_DENIED", "")


def test_a_refusal_that_says_when_is_sent_again(server: ScriptedServer) -> None:
    with connect(server) as client:
        overloaded = Refusal("RESOURCE_EXHAUSTED", "OVERLOADED", retry_after_s=0.01)
        server.script("GetSuggestion", overloaded, overloaded, assigned(), finished())

        trial = next(client.experiment("digits").trials("worker-1"))

        asked = server.requests("GetSuggestion")
        assert len({request.request_id for request in asked}) == 1
        assert len(asked) == 3
        trial.release()


def test_what_was_not_answered_when_the_stream_broke_is_sent_again(server: ScriptedServer) -> None:
    assert server.sessions is not None
    broken: list[int] = []

    def break_once(request: pb.ReportMetricRequest) -> pb.ReportMetricResponse:
        assert server.sessions is not None
        if not broken:
            broken.append(request.step)
            server.sessions.break_all()
        return report_answer(STOP if request.step >= 3 else CONTINUE)

    server.always("ReportMetric", break_once)
    with connect(server) as client:
        for trial in client.experiment("digits").trials("worker-1"):
            for step in trial.steps():
                trial.report(step, {"val_loss": 0.5})

    assert server.sessions.opened == 2
    assert [request.step for request in server.requests("ReportMetric")] == [1, 1, 2, 3]


def test_what_broke_is_sent_again_when_the_server_that_goes_said(server: ScriptedServer) -> None:
    assert server.sessions is not None
    goes = Refusal("UNAVAILABLE", "SHUTTING_DOWN", retry_after_s=0.3)
    moments: list[float] = []

    def go_once(request: pb.ReportMetricRequest) -> pb.ReportMetricResponse:
        assert server.sessions is not None
        moments.append(time.monotonic())
        if len(moments) == 1:
            server.sessions.break_all(goes)
        return report_answer(STOP)

    server.always("ReportMetric", go_once)
    with connect(server) as client:
        trial = next(client.experiment("digits").trials("worker-1"))
        trial.report(1, {"val_loss": 0.5})

    first, again = moments
    assert again - first >= 0.3


def test_a_server_without_sessions_is_spoken_to_with_unary_calls() -> None:
    with ScriptedServer() as plain, connect(plain) as client:
        for trial in client.experiment("digits").trials("worker-1"):
            for step in trial.steps():
                trial.report(step, {"val_loss": 0.5}, wait=False)

        assert [request.step for request in plain.requests("ReportMetric")] == [1, 2, 3]


def test_sessions_can_be_switched_off(server: ScriptedServer) -> None:
    assert server.sessions is not None
    with connect(server, sessions=False) as client:
        for trial in client.experiment("digits").trials("worker-1"):
            for step in trial.steps():
                trial.report(step, {"val_loss": 0.5})

    assert server.sessions.opened == 0
    assert len(server.requests("ReportMetric")) == 3


def test_a_proxy_that_keeps_a_stream_back_is_got_round(server: ScriptedServer) -> None:
    """Nothing ever comes over the stream; a unary call is answered."""
    assert server.sessions is not None
    server.script("TrainingSession", Silence())
    client = connect(server)
    heard = client._connection.call(
        HEARTBEAT, pb.HeartbeatRequest(experiment_id="digits"), deadline_s=0.1
    )

    assert heard.decision.verdict == CONTINUE
    assert len(server.sessions.messages) == 1
    client.close()


def test_a_decision_that_nobody_asked_for_ends_the_steps(server: ScriptedServer) -> None:
    assert server.sessions is not None
    long_trial(server)
    with connect(server) as client:
        trial = next(client.experiment("digits").trials("worker-1"))
        steps = trial.steps()
        trial.report(next(steps), {"val_loss": 0.5})

        for attempt in (2, 1):  # the first is of another attempt, and not for this one
            server.sessions.push(
                pb.PushedDecision(
                    experiment_id="digits",
                    attempt=attempt,
                    decision=decision(STOP, trial_pb2.DECISION_REASON_EXPERIMENT_STOPPED),
                )
            )
            if attempt == 2:
                trial.report(next(steps), {"val_loss": 0.5})
                assert not trial.has_verdict
        wait_until(lambda: trial.has_verdict)

        assert list(steps) == []
        assert trial.decision is not None
        assert trial.decision.reason == "EXPERIMENT_STOPPED"
        trial.complete()


def test_a_report_that_nobody_waits_for_goes_with_others(server: ScriptedServer) -> None:
    """And the decision that is due is waited for, after all of them."""
    assert server.sessions is not None
    long_trial(server, until=200)
    told = []
    with connect(server) as client:
        for trial in client.experiment("digits").trials("worker-1"):
            for step in trial.steps():
                told.append(trial.report(step, {"val_loss": 0.5}, wait=False))

    assert [request.step for request in server.requests("ReportMetric")] == list(range(1, 201))
    batches = [
        len(message.report_metrics.reports)
        for message in server.sessions.messages
        if message.HasField("report_metrics")
    ]
    assert batches[-1] == 1
    assert sum(batches) == 200
    assert len(batches) <= 10
    assert told[0] == asha.Decision(asha.Verdict.CONTINUE, "BETWEEN_RUNGS", next_decision_step=200)
    assert {answer.verdict for answer in told[:-1]} == {asha.Verdict.CONTINUE}
    assert told[-1].verdict is asha.Verdict.STOP


def test_a_verdict_on_a_report_that_nobody_waited_for_ends_the_steps(
    server: ScriptedServer,
) -> None:
    long_trial(server)
    server.script("ReportMetric", report_answer(STOP))
    with connect(server) as client:
        trial = next(client.experiment("digits").trials("worker-1"))
        trial.report(1, {"val_loss": 0.5}, wait=False)

        wait_until(lambda: trial.has_verdict)

        assert list(trial.steps()) == []
        trial.complete()


def test_a_lease_that_is_lost_meanwhile_ends_the_steps(
    server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    long_trial(server)
    server.script("ReportMetric", Refusal("ABORTED", "LEASE_LOST"))
    with connect(server) as client:
        trial = next(client.experiment("digits").trials("worker-1"))
        trial.report(1, {"val_loss": 0.5}, wait=False)
        wait_until(lambda: trial.has_verdict)

        assert trial.decision == asha.Decision(asha.Verdict.STOP, "LEASE_LOST")
        assert "trial 0 ends on this worker" in caplog.text


def test_a_conflict_is_warned_of_and_the_training_goes_on(
    server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    long_trial(server, until=3)
    server.script("ReportMetric", Refusal("ALREADY_EXISTS", "METRIC_CONFLICT"))
    with caplog.at_level(logging.WARNING), connect(server) as client:
        for trial in client.experiment("digits").trials("worker-1"):
            for step in trial.steps():
                trial.report(step, {"val_loss": 0.5}, wait=False)

    assert [request.step for request in server.requests("ReportMetric")] == [1, 2, 3]
    assert "step 1 of trial 0 was reported before with another value" in caplog.text


def test_a_report_that_is_refused_for_good_reaches_the_training(server: ScriptedServer) -> None:
    long_trial(server, until=3)
    server.script("ReportMetric", Refusal("INVALID_ARGUMENT", "INVALID_REQUEST"))
    with connect(server) as client:
        trial = next(client.experiment("digits").trials("worker-1"))
        trial.report(1, {"val_loss": 0.5}, wait=False)

        with pytest.raises(asha.errors.InvalidRequest):
            trial.report(3, {"val_loss": 0.5}, wait=False)
        trial.release()


@pytest.mark.parametrize("end", ["complete", "release", "save_checkpoint"])
def test_an_end_comes_after_the_reports(server: ScriptedServer, end: str) -> None:
    long_trial(server)
    with connect(server) as client:
        trial = next(client.experiment("digits").trials("worker-1"))
        for step in range(1, 31):
            trial.report(step, {"val_loss": 0.5}, wait=False)
        trial.save_checkpoint(30, "uri") if end == "save_checkpoint" else getattr(trial, end)()

        methods = server.methods()
        assert methods[:32] == ["TrainingSession", "GetSuggestion"] + 30 * ["ReportMetric"]
        assert len(methods) == 33
        trial.release()


def test_a_report_with_a_checkpoint_is_waited_for(server: ScriptedServer) -> None:
    assert server.sessions is not None
    long_trial(server)
    with connect(server) as client:
        trial = next(client.experiment("digits").trials("worker-1"))
        trial.report(1, {"val_loss": 0.5}, wait=False)
        trial.report(2, {"val_loss": 0.5}, checkpoint="uri", wait=False)

        assert [(r.step, r.checkpoint_uri) for r in server.requests("ReportMetric")] == [
            (1, ""), (2, "uri"),
        ]  # fmt: skip
        trial.release()


def test_no_report_is_lost_or_swapped_when_streams_break(server: ScriptedServer) -> None:
    assert server.sessions is not None
    long_trial(server, until=300)
    with connect(server) as client:
        for trial in client.experiment("digits").trials("worker-1"):
            for step in trial.steps():
                trial.report(step, {"val_loss": 0.5}, wait=False)
                if step % 60 == 0:
                    server.sessions.break_all()

    steps = [request.step for request in server.requests("ReportMetric")]
    assert list(dict.fromkeys(steps)) == list(range(1, 301))
    assert server.sessions.opened > 1

"""The five-line loop: what it asks, what it reports, how each trial ends."""

from __future__ import annotations

import contextlib
import logging
import threading

import pytest

import asha_client as asha
from asha_client.pb import suggestion_service_pb2 as pb
from asha_client.pb import trial_pb2

from .scripted_answers import Refusal, Silence
from .scripted_server import (
    CONTINUE,
    PAUSE,
    STOP,
    ScriptedServer,
    assigned,
    connect,
    finished,
    report_answer,
    waiting,
)


def train(client: asha.Client, **settings: object) -> list[list[int]]:
    """Trains every trial with the five-line loop; the steps of each."""
    steps: list[list[int]] = []
    for trial in client.experiment("digits").trials("worker-1", **settings):  # type: ignore[arg-type]  # whatever a test gives
        steps.append([])
        for step in trial.steps():
            steps[-1].append(step)
            trial.report(step, {"val_loss": 1 / step})
    return steps


def test_the_loop_reports_every_step_until_stop_and_ends_with_the_search() -> None:
    with ScriptedServer() as server, connect(server) as client:
        steps = train(client)

        assert steps == [[1, 2, 3]]
        assert server.methods() == [
            "GetSuggestion",
            *["ReportMetric"] * 3,
            "GetSuggestion",
        ]
        report = server.requests("ReportMetric")[1]
        assert (report.experiment_id, report.trial_number) == ("digits", 0)
        assert (report.lease_token, report.step) == ("lease-0-1", 2)
        assert [(m.name, m.value) for m in report.metrics] == [("val_loss", 0.5)]


def test_a_trial_shows_what_was_handed_out() -> None:
    answer = assigned(7, kind=trial_pb2.ASSIGNMENT_KIND_PROMOTED, attempt=2, start_step=1)
    answer.assignment.checkpoint_uri = "s3://bucket/7"
    parameters = answer.assignment.parameters
    parameters.add(name="optimizer.name", value={"string_value": "sgd"})
    parameters.add(name="optimizer.nesterov", value={"bool_value": True})
    parameters.add(name="layers", value={"json_value": "[8,8]"})
    with ScriptedServer() as server, connect(server) as client:
        server.script("GetSuggestion", answer)
        trial = next(client.experiment("digits").trials("worker-1"))

        assert (trial.number, trial.kind, trial.attempt) == (7, "PROMOTED", 2)
        assert (trial.start_step, trial.checkpoint, trial.seed) == (1, "s3://bucket/7", 7)
        assert (trial.max_length, trial.unit, trial.metric) == (3, "epochs", "val_loss")
        assert trial.parameters == {
            "lr": 0.1,
            "optimizer.name": "sgd",
            "optimizer.nesterov": True,
            "layers": [8, 8],
        }
        assert trial.nested["optimizer"] == {"name": "sgd", "nesterov": True}
        assert list(trial.steps()) == [2, 3]
        trial.release()


@pytest.mark.parametrize("verdict", [STOP, PAUSE])
def test_steps_end_with_the_verdict_and_nothing_more_is_said(
    verdict: trial_pb2.Verdict,
) -> None:
    with ScriptedServer() as server, connect(server) as client:
        server.script("ReportMetric", report_answer(verdict))

        assert train(client) == [[1]]
        assert server.methods() == ["GetSuggestion", "ReportMetric", "GetSuggestion"]


def test_a_loop_that_ends_by_itself_completes_the_trial() -> None:
    with ScriptedServer() as server, connect(server) as client:
        for trial in client.experiment("digits").trials("worker-1"):
            trial.report(1, {"val_loss": 0.3})

        assert server.methods()[2] == "CompleteTrial"
        assert server.requests("CompleteTrial")[0].lease_token == "lease-0-1"


def test_break_releases_the_trial() -> None:
    with ScriptedServer() as server, connect(server) as client:
        for _trial in client.experiment("digits").trials("worker-1"):
            break

        assert server.methods() == ["GetSuggestion", "ReleaseTrial"]


def test_break_out_of_a_with_and_a_finally_releases_the_trial() -> None:
    with ScriptedServer() as server, connect(server) as client:
        for trial in client.experiment("digits").trials("worker-1"):
            with contextlib.nullcontext():
                try:
                    break
                finally:
                    trial.nested.clear()

        assert server.methods() == ["GetSuggestion", "ReleaseTrial"]


def test_leaving_by_return_releases_the_trial() -> None:
    def first(experiment: asha.Experiment) -> int:
        for trial in experiment.trials("worker-1"):
            return trial.number
        return -1

    with ScriptedServer() as server, connect(server) as client:
        assert first(client.experiment("digits")) == 0
        assert server.methods() == ["GetSuggestion", "ReleaseTrial"]


def test_every_ask_carries_worker_incarnation_and_a_request_id_of_its_own() -> None:
    with ScriptedServer() as server, connect(server) as client:
        train(client)

        first, second = server.requests("GetSuggestion")
        assert first.experiment_id == "digits"
        assert first.worker_id == "worker-1"
        assert first.incarnation_id == second.incarnation_id != ""
        assert first.request_id != second.request_id
        assert first.max_wait.seconds == 20


def test_every_call_has_a_deadline() -> None:
    with ScriptedServer() as server, connect(server) as client:
        train(client)

        deadlines = {call.method: call.deadline_s for call in server.calls}
        assert all(seconds is not None for seconds in deadlines.values())
        # A long poll of 20 s is given 10 s more than it may be held.
        assert 25 < (deadlines["GetSuggestion"] or 0) < 31
        assert 5 < (deadlines["ReportMetric"] or 0) < 11


def test_the_deadline_can_be_chosen() -> None:
    with ScriptedServer() as server, connect(server, deadline=2.0) as client:
        train(client)

        deadlines = {call.method: call.deadline_s for call in server.calls}
        assert 20 < (deadlines["GetSuggestion"] or 0) < 23
        assert 0.5 < (deadlines["ReportMetric"] or 0) < 2.5


def test_a_call_held_in_silence_is_sent_again_after_the_deadline_chosen() -> None:
    with ScriptedServer() as server, connect(server, deadline=0.2) as client:
        server.script("ReportMetric", Silence())

        assert train(client) == [[1, 2, 3]]
        assert len(server.requests("ReportMetric")) == 4


def test_waiting_goes_on_until_there_is_work() -> None:
    with ScriptedServer() as server, connect(server) as client:
        server.script("GetSuggestion", waiting(), waiting(), assigned())

        assert train(client) == [[1, 2, 3]]


def test_an_unknown_result_is_a_wait() -> None:
    # A field 99 that this client does not know stands where the result would be.
    unknown = pb.GetSuggestionResponse.FromString(b"\x9a\x06\x00")
    with ScriptedServer() as server, connect(server) as client:
        server.script("GetSuggestion", unknown, finished())
        trials = client.experiment("digits").trials("worker-1", max_idle=0.05)

        assert list(trials) == []
        server.wait_for("GetSuggestion", 1)


def test_an_unknown_verdict_is_stop_and_an_unknown_reason_is_text() -> None:
    answer = pb.ReportMetricResponse()
    # Verdict 77 and reason 99, as a newer server might send them.
    answer.decision.MergeFromString(b"\x08\x4d\x10\x63")
    with ScriptedServer() as server, connect(server) as client:
        server.script("ReportMetric", answer)
        trial = next(client.experiment("digits").trials("worker-1"))

        decision = trial.report(1, {"val_loss": 0.5})

        assert (decision.verdict, decision.reason) == (asha.Verdict.STOP, "99")
        assert list(trial.steps()) == []


def test_max_idle_ends_a_worker_that_waits_in_vain(caplog: pytest.LogCaptureFixture) -> None:
    with ScriptedServer() as server, connect(server) as client:
        server.always("GetSuggestion", lambda r: waiting())

        assert train(client, max_idle=0.1) == []
        assert "max_idle" in caplog.text
        # No ask is held longer than the worker may still wait.
        assert all(r.max_wait.ToMilliseconds() <= 100 for r in server.requests("GetSuggestion"))


def test_a_server_that_holds_no_more_waiting_calls_is_asked_now_and_then() -> None:
    with ScriptedServer() as server, connect(server) as client:
        server.script("GetSuggestion", Refusal("RESOURCE_EXHAUSTED", "LIMIT_EXCEEDED"), assigned())
        trials = client.experiment("digits").trials("worker-1", max_idle=0.3)

        assert next(trials).number == 0
        assert not server.requests("GetSuggestion")[1].max_wait.ToMilliseconds()
        trials.close()


def test_a_request_whose_attempt_is_over_is_asked_anew() -> None:
    with ScriptedServer() as server, connect(server) as client:
        server.script("GetSuggestion", Refusal("ABORTED", "LEASE_LOST"), assigned())

        assert train(client) == [[1, 2, 3]]
        first, second, _ = server.requests("GetSuggestion")
        assert first.request_id != second.request_id


def test_a_lost_lease_ends_the_steps_and_the_loop_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with ScriptedServer() as server, connect(server) as client:
        server.script("GetSuggestion", assigned(0), assigned(1), finished())
        server.script("ReportMetric", Refusal("ABORTED", "LEASE_LOST"))

        assert train(client) == [[1], [1, 2, 3]]
        assert "FailTrial" not in server.methods()
        assert "CompleteTrial" not in server.methods()
        assert "trial 0 ends on this worker" in caplog.text


def test_a_repeated_step_warns_and_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    with ScriptedServer() as server, connect(server) as client:
        server.script(
            "ReportMetric",
            Refusal(
                "ALREADY_EXISTS", "METRIC_CONFLICT", {"recorded": "0.9", "verdict": "CONTINUE"}
            ),
        )

        assert train(client) == [[1, 2, 3]]
        assert "step 1 of trial 0 was reported before with another value" in caplog.text


def test_a_repeated_step_of_a_stopped_trial_stops() -> None:
    with ScriptedServer() as server, connect(server) as client:
        server.script("ReportMetric", Refusal("ALREADY_EXISTS", "METRIC_CONFLICT"))
        server.always(
            "Heartbeat",
            lambda r: pb.HeartbeatResponse(decision=trial_pb2.Decision(verdict=STOP)),
        )

        assert train(client) == [[1]]


def test_a_trial_that_starts_at_its_end_still_reports_once() -> None:
    with ScriptedServer() as server, connect(server) as client:
        server.script("GetSuggestion", assigned(start_step=3), finished())

        assert train(client) == [[3]]


def test_metrics_that_are_no_numbers_are_refused_before_they_are_sent() -> None:
    with ScriptedServer() as server, connect(server) as client:
        trial = next(client.experiment("digits").trials("worker-1"))

        with pytest.raises(TypeError, match="map names to numbers"):
            trial.report(1, {"val_loss": "low"})  # type: ignore[dict-item]  # the point of the test
        assert "ReportMetric" not in server.methods()
        trial.release()


def test_run_hands_every_trial_to_a_function() -> None:
    numbers = []

    def work(trial: asha.Trial) -> None:
        numbers.append(trial.number)
        trial.report(3, {"val_loss": 0.5})

    with ScriptedServer() as server, connect(server) as client:
        server.script("GetSuggestion", assigned(0), assigned(1), finished())

        assert client.experiment("digits").run(work, "worker-1") == 2
        assert numbers == [0, 1]


def test_threads_may_share_a_trial() -> None:
    with ScriptedServer() as server, connect(server) as client:
        server.always("ReportMetric", lambda r: report_answer(CONTINUE))
        trial = next(client.experiment("digits").trials("worker-1"))
        threads = [
            threading.Thread(target=trial.report, args=(step, {"val_loss": 1.0}))
            for step in range(1, 9)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(r.step for r in server.requests("ReportMetric")) == [1, 2, 3, 4, 5, 6, 7, 8]
        assert trial.last_step == 8
        trial.release()


def test_why_a_worker_idles_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="asha_client")
    paused = waiting(reason=pb.WAIT_REASON_EXPERIMENT_PAUSED)
    with ScriptedServer() as server, connect(server) as client:
        server.script("GetSuggestion", paused, paused, paused, finished())
        train(client)

        assert caplog.text.count("the experiment is paused") == 1

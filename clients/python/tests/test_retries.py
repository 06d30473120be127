"""What is sent again, for how long, and that nothing of it ever fails a trial."""

from __future__ import annotations

import logging
import threading

import pytest

import asha_client as asha
from asha_client import errors
from asha_client.pb import experiment_service_pb2 as experiments

from .scripted_answers import Refusal, Silence
from .scripted_server import (
    CONTINUE,
    ScriptedServer,
    connect,
    report_answer,
    wait_until,
    waiting,
)
from .test_trials import train

UNAVAILABLE = Refusal("UNAVAILABLE")


@pytest.mark.parametrize(
    "refusal",
    [
        UNAVAILABLE,
        Refusal("UNAVAILABLE", "SHUTTING_DOWN", retry_after_s=0.01),
        Refusal("DEADLINE_EXCEEDED"),
        Refusal("RESOURCE_EXHAUSTED", "OVERLOADED", retry_after_s=0.01),
    ],
    ids=["network", "shutting down", "deadline", "overloaded"],
)
@pytest.mark.parametrize("method", ["GetSuggestion", "ReportMetric"])
def test_the_very_same_request_is_sent_until_it_is_answered(method: str, refusal: Refusal) -> None:
    with ScriptedServer() as server, connect(server) as client:
        answers = [refusal] * 5
        if method == "GetSuggestion":
            server.always("GetSuggestion", lambda r: waiting())
        server.script(method, *answers)

        train(client, max_idle=0.2)

        sent = server.requests(method)[:6]
        assert len(sent) == 6
        assert all(request == sent[0] for request in sent)


def test_a_storm_in_every_call_changes_nothing_of_the_search() -> None:
    with ScriptedServer() as server, connect(server) as client:
        server.script("ReportMetric", *[UNAVAILABLE] * 20)

        assert train(client) == [[1, 2, 3]]
        assert "FailTrial" not in server.methods()
        assert "ReleaseTrial" not in server.methods()
        assert len(server.requests("ReportMetric")) == 23


def test_a_call_without_an_answer_is_given_up_at_its_deadline_and_sent_again() -> None:
    with ScriptedServer() as server, connect(server) as client:
        server.script("GetExperiment", Silence(), experiments.GetExperimentResponse())
        request = experiments.GetExperimentRequest(experiment_id="digits")

        client.call(client.experiments.GetExperiment, request, timeout=0.1)

        assert server.requests("GetExperiment") == [request, request]


def test_a_server_that_restarts_gets_the_report_that_was_lost() -> None:
    """The first server takes the report and dies without an answer; the next has its port."""
    first = ScriptedServer()
    first.script("ReportMetric", Silence())
    with connect(first) as client:
        trial = next(client.experiment("digits").trials("worker-1"))
        decisions = []
        reporting = threading.Thread(
            target=lambda: decisions.append(trial.report(1, {"val_loss": 0.5}))
        )
        reporting.start()
        lost = first.wait_for("ReportMetric")
        first.stop()
        with ScriptedServer(f"127.0.0.1:{first.port}") as second:
            reporting.join()

            assert second.requests("ReportMetric") == [lost]
            assert [decision.verdict for decision in decisions] == ["CONTINUE"]
            trial.release()


def test_a_limit_without_retry_info_is_refused_at_once() -> None:
    with ScriptedServer() as server, connect(server) as client:
        server.always("GetExperiment", lambda r: Refusal("RESOURCE_EXHAUSTED", "LIMIT_EXCEEDED"))

        with pytest.raises(errors.ResourceExhausted):
            client.experiment("digits").get()
        assert len(server.requests("GetExperiment")) == 1


def test_retry_for_ends_a_call_in_vain() -> None:
    with ScriptedServer() as server, connect(server, retry_for=0.1) as client:
        server.always("GetExperiment", lambda r: UNAVAILABLE)

        with pytest.raises(errors.Unavailable):
            client.experiment("digits").get()
        assert len(server.requests("GetExperiment")) > 1


def test_max_idle_ends_a_worker_whose_server_is_away() -> None:
    with ScriptedServer() as server, connect(server, retry_for=0.1) as client:
        server.always("GetSuggestion", lambda r: UNAVAILABLE)

        with pytest.raises(errors.Unavailable):
            train(client, max_idle=0.1)


def train_in_vain(trials: asha.Trials, *, wrapped: bool) -> None:
    """A loop whose every report is refused; the refusal leaves it, wrapped or as it is."""
    with trials:
        for trial in trials:
            try:
                trial.report(1, {"val_loss": 0.5})
            except asha.AshaError as error:
                if wrapped:
                    raise RuntimeError("the callback failed") from error
                raise


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_failing_server_releases_the_trial_and_never_fails_it(wrapped: bool) -> None:
    """The refusal leaves the training code as an exception, and is not the training's fault."""
    with ScriptedServer() as server, connect(server) as client:
        server.always("ReportMetric", lambda r: Refusal("INTERNAL", "INTERNAL"))
        trials = client.experiment("digits").trials("worker-1")

        with pytest.raises(RuntimeError if wrapped else errors.ServerFault):
            train_in_vain(trials, wrapped=wrapped)

        assert server.methods() == ["GetSuggestion", "ReportMetric", "ReleaseTrial"]


def test_long_storms_are_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, logger="asha_client")
    away = threading.Event()
    away.set()
    with ScriptedServer() as server, connect(server) as client:
        server.always(
            "ReportMetric", lambda r: UNAVAILABLE if away.is_set() else report_answer(CONTINUE)
        )
        trial = next(client.experiment("digits").trials("worker-1"))
        reporting = threading.Thread(target=trial.report, args=(1, {"val_loss": 0.5}))
        reporting.start()
        wait_until(lambda: "still trying" in caplog.text)
        away.clear()
        reporting.join()
        trial.release()

    assert "ReportMetric has failed for 1 s" in caplog.text
    assert server.address in caplog.text

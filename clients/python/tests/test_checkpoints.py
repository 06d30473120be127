"""A checkpoint function runs only where a checkpoint is needed, before the report it goes with."""

from __future__ import annotations

from pathlib import Path

import pytest

import asha_client as asha
from asha_client.pb import suggestion_service_pb2 as pb
from asha_client.pb import trial_pb2

from .scripted_answers import Refusal
from .scripted_server import (
    CONTINUE,
    PAUSE,
    STOP,
    ScriptedServer,
    assigned,
    connect,
    decision,
    finished,
    heartbeat_answer,
    report_answer,
    wait_until,
)


class Model:
    """Remembers at which steps it was saved."""

    def __init__(self) -> None:
        self.step = 0
        self.saved: list[int] = []

    def save(self) -> str:
        self.saved.append(self.step)
        return f"file:///checkpoints/{self.step}"


def train(trial: asha.Trial, model: Model, metric: str = "val_loss") -> None:
    """Every step of a trial, reported with the model's save function."""
    for step in trial.steps():
        model.step = step
        trial.report(step, {metric: 1 / step}, checkpoint=model.save)


def long_trial(server: ScriptedServer, *decision_steps: int, length: int = 9) -> None:
    """Hands out one trial whose rungs are at these steps and at the length."""
    first, *_ = rungs = [*decision_steps, length]
    server.script("GetSuggestion", assigned(next_decision_step=first, max_length=length))
    server.always(
        "ReportMetric",
        lambda r: report_answer(
            STOP if r.step >= length else CONTINUE,
            next_step=next((rung for rung in rungs if rung > r.step), 0),
        ),
    )


def test_a_checkpoint_is_saved_only_at_decisions_and_goes_with_the_report() -> None:
    model = Model()
    with ScriptedServer() as server, connect(server) as client:
        long_trial(server, 3)
        train(next(client.experiment("digits").trials("worker-1")), model)

        sent = {r.step: r.checkpoint_uri for r in server.requests("ReportMetric")}
        assert model.saved == [3, 9]
        assert {step: uri for step, uri in sent.items() if uri} == {
            3: "file:///checkpoints/3",
            9: "file:///checkpoints/9",
        }


def test_a_report_without_the_search_metric_decides_nothing_and_saves_nothing() -> None:
    model = Model()
    with ScriptedServer() as server, connect(server) as client:
        train(next(client.experiment("digits").trials("worker-1")), model, "train_loss")

        assert model.saved == []


def test_checkpoint_every_saves_at_the_latest_after_so_many_steps() -> None:
    model = Model()
    with ScriptedServer() as server, connect(server) as client:
        long_trial(server, 3)
        train(next(client.experiment("digits").trials("worker-1", checkpoint_every=2)), model)

        # 2 after the start, 3 decides, 5 and 7 are two steps later each, 9 is the end.
        assert model.saved == [2, 3, 5, 7, 9]


def test_checkpoint_every_seconds_saves_by_the_clock() -> None:
    model = Model()
    with ScriptedServer() as server, connect(server) as client:
        long_trial(server)
        experiment = client.experiment("digits")
        train(next(experiment.trials("worker-1", checkpoint_every_seconds=0)), model)

        assert model.saved == [1, 2, 3, 4, 5, 6, 7, 8, 9]


def test_a_pause_that_nobody_could_foresee_is_answered_by_a_checkpoint() -> None:
    model = Model()
    with ScriptedServer() as server, connect(server) as client:
        server.script(
            "ReportMetric",
            report_answer(PAUSE, trial_pb2.DECISION_REASON_EXPERIMENT_PAUSED),
        )
        server.script("ReportCheckpoint", pb.ReportCheckpointResponse(decision=decision(PAUSE)))
        train(next(client.experiment("digits").trials("worker-1")), model)

        (stored,) = server.requests("ReportCheckpoint")
        assert (stored.step, stored.checkpoint_uri) == (1, "file:///checkpoints/1")
        assert stored.lease_token == "lease-0-1"


def test_a_checkpoint_that_comes_too_late_is_no_error() -> None:
    with ScriptedServer() as server, connect(server) as client:
        server.script("ReportMetric", report_answer(PAUSE))
        server.script("ReportCheckpoint", Refusal("ABORTED", "LEASE_LOST"))
        trial = next(client.experiment("digits").trials("worker-1"))

        trial.report(1, {"val_loss": 0.5}, checkpoint=Model().save)

        assert trial.decision is not None
        assert trial.decision.verdict is asha.Verdict.PAUSE


def test_a_pause_heard_by_heartbeat_is_saved_for_by_the_report_under_way() -> None:
    model = Model()
    with ScriptedServer() as server, connect(server) as client:
        server.script("GetSuggestion", assigned(ttl_s=0.03), finished())
        server.always("Heartbeat", lambda r: heartbeat_answer(PAUSE))
        server.always("ReportMetric", lambda r: report_answer(PAUSE))
        trial = next(client.experiment("digits").trials("worker-1"))
        wait_until(lambda: trial.has_verdict)

        trial.report(1, {"val_loss": 0.5}, checkpoint=model.save)

        assert server.requests("ReportMetric")[0].checkpoint_uri == "file:///checkpoints/0"


def test_a_stop_saves_nothing_afterwards() -> None:
    model = Model()
    with ScriptedServer() as server, connect(server) as client:
        server.script("ReportMetric", report_answer(STOP))
        train(next(client.experiment("digits").trials("worker-1")), model)

        assert model.saved == []


def test_a_given_name_goes_with_every_report() -> None:
    with ScriptedServer() as server, connect(server) as client:
        trial = next(client.experiment("digits").trials("worker-1"))
        trial.report(1, {"val_loss": 0.5}, checkpoint="s3://bucket/1")

        assert server.requests("ReportMetric")[0].checkpoint_uri == "s3://bucket/1"
        trial.release()


def test_a_path_is_a_name() -> None:
    with ScriptedServer() as server, connect(server) as client:
        trial = next(client.experiment("digits").trials("worker-1"))
        trial.report(3, {"val_loss": 0.5}, checkpoint=lambda: Path("/checkpoints/3"))

        assert server.requests("ReportMetric")[0].checkpoint_uri == "/checkpoints/3"


def test_a_function_that_names_nothing_is_the_training_code_s_failure() -> None:
    def fit(trial: asha.Trial) -> None:
        trial.report(3, {"val_loss": 0.5}, checkpoint=lambda: None)

    with ScriptedServer() as server, connect(server) as client:
        client.experiment("digits").run(fit, "worker-1")

        (failure,) = server.requests("FailTrial")
        assert "must return the path or URI" in failure.message
        assert server.requests("ReportMetric") == []


def test_a_repeated_step_keeps_its_checkpoint() -> None:
    with ScriptedServer() as server, connect(server) as client:
        server.script("ReportMetric", Refusal("ALREADY_EXISTS", "METRIC_CONFLICT"))
        trial = next(client.experiment("digits").trials("worker-1"))
        trial.report(1, {"val_loss": 0.5}, checkpoint="s3://bucket/1")

        assert server.requests("ReportCheckpoint")[0].checkpoint_uri == "s3://bucket/1"
        trial.release()


def test_a_checkpoint_saved_between_reports_is_told() -> None:
    with ScriptedServer() as server, connect(server) as client:
        trial = next(client.experiment("digits").trials("worker-1"))
        trial.save_checkpoint(2, "s3://bucket/2")

        (stored,) = server.requests("ReportCheckpoint")
        assert (stored.step, stored.checkpoint_uri) == (2, "s3://bucket/2")
        trial.release()


def test_what_may_be_deleted_is_told_with_the_decision() -> None:
    with ScriptedServer() as server, connect(server) as client:
        answer = report_answer(CONTINUE)
        answer.deletable_checkpoint_uris.append("s3://bucket/0")
        server.script("ReportMetric", answer)
        trial = next(client.experiment("digits").trials("worker-1"))

        assert trial.report(1, {"val_loss": 0.5}).deletable_checkpoints == ("s3://bucket/0",)
        trial.release()


@pytest.mark.parametrize("answer", [True, False])
def test_should_stop_asks_the_server(answer: bool) -> None:
    with ScriptedServer() as server, connect(server) as client:
        verdict = STOP if answer else CONTINUE
        server.script("ShouldStop", pb.ShouldStopResponse(decision=decision(verdict)))
        trial = next(client.experiment("digits").trials("worker-1"))

        assert trial.should_stop() is answer
        assert list(trial.steps()) == ([] if answer else [1, 2, 3])
        trial.release()

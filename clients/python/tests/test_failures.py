"""Exceptions of the training code become FailTrial, whatever form the loop has."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import asha_client as asha
from asha_client.pb import suggestion_service_pb2 as pb

from .scripted_server import ScriptedServer, assigned, connect, finished, waiting


def diverge() -> None:
    raise ValueError("the loss is gone")


def raise_itself() -> None:
    diverge()


def fail_one(client: asha.Client, error: BaseException) -> None:
    """One trial, as a context manager, whose block raises."""
    for trial in client.experiment("digits").trials("worker-1"):
        with trial:
            raise error


def test_an_exception_in_a_trial_s_block_fails_it_with_its_words() -> None:
    with ScriptedServer() as server, connect(server) as client:
        with pytest.raises(ValueError, match="lost"):
            fail_one(client, ValueError("lost"))

        (failure,) = server.requests("FailTrial")
        assert failure.kind == pb.FAILURE_KIND_RETRYABLE
        assert failure.lease_token == "lease-0-1"
        assert failure.message.startswith("ValueError: lost")
        assert "test_failures.py" in failure.message


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (asha.Infeasible("out of memory"), pb.FAILURE_KIND_INFEASIBLE),
        (asha.PermanentFailure("no data"), pb.FAILURE_KIND_PERMANENT),
        (asha.CheckpointUnreadable("gone"), pb.FAILURE_KIND_CHECKPOINT_UNREADABLE),
    ],
)
def test_training_code_says_the_kind_of_its_failure_and_goes_on(
    error: asha.TrialFailure, kind: pb.FailureKind
) -> None:
    with ScriptedServer() as server, connect(server) as client:
        fail_one(client, error)

        assert [failure.kind for failure in server.requests("FailTrial")] == [kind]
        assert server.methods()[-1] == "GetSuggestion"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)])
def test_a_person_s_interrupt_releases_the_trial(error: BaseException) -> None:
    with ScriptedServer() as server, connect(server) as client:
        with pytest.raises(type(error)):
            fail_one(client, error)

        assert server.methods() == ["GetSuggestion", "ReleaseTrial"]


def test_a_long_message_is_clipped_to_what_the_server_takes() -> None:
    with ScriptedServer() as server, connect(server) as client:
        with pytest.raises(ValueError, match="é"):
            fail_one(client, ValueError("é" * 5000))

        message = server.requests("FailTrial")[0].message
        assert 1990 < len(message.encode()) <= 2000
        assert message.endswith("…")


def raise_directly(experiment: asha.Experiment) -> None:
    for _trial in experiment.trials("worker-1"):
        raise ValueError("direct")


def raise_in_a_function(experiment: asha.Experiment) -> None:
    for _trial in experiment.trials("worker-1"):
        raise_itself()


def raise_in_a_builtin(experiment: asha.Experiment) -> None:
    for _trial in experiment.trials("worker-1"):
        int("three")


def raise_in_steps(experiment: asha.Experiment) -> None:
    for trial in experiment.trials("worker-1"):
        for _step in trial.steps():
            raise_itself()


def raise_in_an_operator(experiment: asha.Experiment) -> None:
    for trial in experiment.trials("worker-1"):
        trial.start_step = 1 // trial.start_step


def raise_in_a_subscript(experiment: asha.Experiment) -> None:
    for trial in experiment.trials("worker-1"):
        trial.parameters.pop("no such")


def raise_in_an_attribute(experiment: asha.Experiment) -> None:
    for trial in experiment.trials("worker-1"):
        trial.no_such_thing()  # type: ignore[attr-defined]  # the point of it


def raise_in_a_with(experiment: asha.Experiment) -> None:
    for trial in experiment.trials("worker-1"):
        with pytest.MonkeyPatch.context():
            trial.parameters["no such"]


def raise_in_a_finally(experiment: asha.Experiment) -> None:
    for trial in experiment.trials("worker-1"):
        try:
            raise_itself()
        finally:
            trial.nested.clear()


def raise_in_an_assertion(experiment: asha.Experiment) -> None:
    for trial in experiment.trials("worker-1"):
        assert trial.number < 0


@pytest.mark.parametrize(
    "train",
    [
        raise_directly,
        raise_in_a_function,
        raise_in_a_builtin,
        raise_in_steps,
        raise_in_an_operator,
        raise_in_a_subscript,
        raise_in_an_attribute,
        raise_in_a_with,
        raise_in_a_finally,
        raise_in_an_assertion,
    ],
)
def test_a_plain_loop_left_by_an_exception_that_a_caller_caught_fails_the_trial(
    train: Callable[[asha.Experiment], None],
) -> None:
    with ScriptedServer() as server, connect(server) as client:
        experiment = client.experiment("digits")
        with pytest.raises(Exception):  # noqa: B017, PT011  # of many kinds
            train(experiment)
        next(experiment.trials("worker-1"), None)

        (failure,) = server.requests("FailTrial")
        assert failure.kind == pb.FAILURE_KIND_RETRYABLE
        assert "test_failures.py:" in failure.message
        assert server.methods() == ["GetSuggestion", "FailTrial", "GetSuggestion"]


def test_an_exception_that_a_caller_caught_fails_the_trial_without_another_loop() -> None:
    with ScriptedServer() as server, connect(server) as client:
        with pytest.raises(ValueError, match="direct"):
            raise_directly(client.experiment("digits"))

        assert server.wait_for("FailTrial").lease_token == "lease-0-1"


def test_an_exception_that_the_loop_itself_caught_around_its_steps_fails_the_trial() -> None:
    with ScriptedServer() as server, connect(server) as client:
        for trial in client.experiment("digits").trials("worker-1"):
            try:
                for _step in trial.steps():
                    raise_itself()
            except ValueError:
                pass

        assert server.methods() == ["GetSuggestion", "FailTrial", "GetSuggestion"]


def test_break_out_of_the_steps_completes_the_trial() -> None:
    with ScriptedServer() as server, connect(server) as client:
        for trial in client.experiment("digits").trials("worker-1"):
            for _step in trial.steps():
                break

        assert server.methods() == ["GetSuggestion", "CompleteTrial", "GetSuggestion"]


def test_three_failures_in_a_row_without_a_report_end_the_worker() -> None:
    with ScriptedServer() as server, connect(server) as client:
        server.script("GetSuggestion", *[assigned(n) for n in range(9)])

        with pytest.raises(asha.WorkerFailing, match="3 assignments in a row"):
            client.experiment("digits").run(lambda trial: raise_itself(), "worker-1")

        assert [r.trial_number for r in server.requests("FailTrial")] == [0, 1, 2]
        assert len(server.requests("GetSuggestion")) == 3


def test_a_report_breaks_the_row_of_failures() -> None:
    def fail(trial: asha.Trial) -> None:
        if trial.number == 1:
            trial.report(1, {"val_loss": 0.5})
        raise_itself()

    with ScriptedServer() as server, connect(server) as client:
        server.script("GetSuggestion", *[assigned(n) for n in range(4)], finished())

        assert client.experiment("digits").run(fail, "worker-1") == 4


def test_infeasible_configurations_do_not_speak_against_the_worker() -> None:
    def refuse(trial: asha.Trial) -> None:
        raise asha.Infeasible("too wide")

    with ScriptedServer() as server, connect(server) as client:
        server.script("GetSuggestion", *[assigned(n) for n in range(5)], finished())

        assert client.experiment("digits").run(refuse, "worker-1") == 5


def test_a_worker_that_the_server_calls_failing_is_told_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with ScriptedServer() as server, connect(server) as client:
        server.script("GetSuggestion", waiting(reason=pb.WAIT_REASON_WORKER_FAILING), finished())

        assert client.experiment("digits").run(lambda trial: None, "worker-1") == 0
        assert "Look at the failures' messages" in caplog.text

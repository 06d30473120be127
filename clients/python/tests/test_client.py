"""Creating, looking, and calling any method of the API with deadlines, retries, typed errors."""

from __future__ import annotations

import pickle

import pytest

import asha_client as asha
from asha_client import errors
from asha_client.pb import experiment_pb2, trial_pb2
from asha_client.pb import experiment_service_pb2 as experiments

from .scripted_answers import Refusal
from .scripted_server import ScriptedServer, connect

GET = experiments.GetExperimentRequest(experiment_id="digits")


def refused(refusal: Refusal) -> errors.AshaError:
    """What a call raises that is refused so."""
    with ScriptedServer() as server, connect(server, retry_for=0) as client:
        server.always("GetExperiment", lambda r: refusal)
        with pytest.raises(errors.AshaError) as raised:
            client.call(client.experiments.GetExperiment, GET)
    return raised.value


def test_any_method_can_be_called_by_its_stub() -> None:
    with ScriptedServer() as server, connect(server) as client:
        answer = experiments.GetExperimentResponse()
        answer.experiment.experiment_id = "digits"
        server.script("GetExperiment", Refusal("UNAVAILABLE"), answer)

        response = client.call(client.experiments.GetExperiment, GET, timeout=3)

        assert response.experiment.experiment_id == "digits"
        assert all(2 < (call.deadline_s or 0) < 4 for call in server.calls)


def test_the_token_goes_with_every_call() -> None:
    with ScriptedServer() as server, connect(server, token="secret") as client:
        server.always("GetExperiment", lambda r: experiments.GetExperimentResponse())

        client.call(client.experiments.GetExperiment, GET)
        client.experiment("digits").get()

        sent = [call.metadata["authorization"] for call in server.calls]
        assert sent == ["Bearer secret", "Bearer secret"]
        assert "secret" not in repr(client)


def test_address_and_token_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedServer() as server:
        server.always("GetExperiment", lambda r: experiments.GetExperimentResponse())
        monkeypatch.setenv("ASHA_SERVER", server.address)
        monkeypatch.setenv("ASHA_TOKEN", "from-environment")
        with asha.connect() as client:
            client.experiment("digits").get()

        assert server.calls[0].metadata["authorization"] == "Bearer from-environment"


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        (Refusal("INVALID_ARGUMENT", "INVALID_REQUEST"), errors.InvalidRequest),
        (Refusal("NOT_FOUND", "EXPERIMENT_NOT_FOUND"), errors.NotFound),
        (Refusal("ALREADY_EXISTS", "EXPERIMENT_EXISTS"), errors.AlreadyExists),
        (Refusal("ALREADY_EXISTS", "METRIC_CONFLICT"), errors.MetricConflict),
        (Refusal("FAILED_PRECONDITION", "EXPERIMENT_ENDED"), errors.FailedPrecondition),
        (Refusal("FAILED_PRECONDITION", "TRIAL_ENDED"), errors.TrialEnded),
        (Refusal("ABORTED", "ETAG_MISMATCH"), errors.Aborted),
        (Refusal("ABORTED", "LEASE_LOST"), errors.LeaseLost),
        (Refusal("RESOURCE_EXHAUSTED", "LIMIT_EXCEEDED"), errors.ResourceExhausted),
        (Refusal("OUT_OF_RANGE", "WATCH_LAGGED"), errors.OutOfRange),
        (Refusal("UNIMPLEMENTED", "NOT_IMPLEMENTED"), errors.NotImplementedYet),
        (Refusal("UNAUTHENTICATED", "TOKEN_MISSING"), errors.AccessDenied),
        (Refusal("PERMISSION_DENIED", "SCOPE_MISSING"), errors.AccessDenied),
        (Refusal("UNAVAILABLE", "STORE_FAILED"), errors.Unavailable),
        (Refusal("DEADLINE_EXCEEDED"), errors.Unavailable),
        (Refusal("INTERNAL", "INTERNAL"), errors.ServerFault),
        (Refusal("UNKNOWN"), errors.ServerFault),
    ],
    ids=lambda value: value.reason or value.code if isinstance(value, Refusal) else "",
)
def test_every_refusal_has_its_class(refusal: Refusal, kind: type[errors.AshaError]) -> None:
    error = refused(refusal)

    assert type(error) is kind
    assert (error.code, error.reason) == (refusal.code, refusal.reason)


def test_a_refusal_carries_metadata_and_every_violation() -> None:
    error = refused(
        Refusal(
            "INVALID_ARGUMENT",
            "INVALID_REQUEST",
            {"limit": "128"},
            (("experiment_id", "is empty"), ("page_size", "is 2000, at most 1000")),
        )
    )

    assert error.metadata == {"limit": "128"}
    assert error.violations == (
        errors.FieldViolation("experiment_id", "is empty"),
        errors.FieldViolation("page_size", "is 2000, at most 1000"),
    )
    assert "page_size: is 2000" in str(error)


def test_a_refusal_can_be_pickled_to_other_ranks() -> None:
    error = refused(Refusal("ABORTED", "LEASE_LOST", {"trial_number": "7"}))

    copy = pickle.loads(pickle.dumps(error))

    assert type(copy) is errors.LeaseLost
    assert (str(copy), copy.metadata) == (str(error), {"trial_number": "7"})


def test_a_stream_is_iterated_and_its_break_is_typed() -> None:
    with ScriptedServer() as server, connect(server) as client:
        request = experiments.ExportExperimentRequest(experiment_id="digits")
        answers = [experiments.ExportExperimentResponse(chunk=c) for c in (b"one", b"two")]
        server.script("ExportExperiment", iter(answers), Refusal("OUT_OF_RANGE", "WATCH_LAGGED"))

        messages = client.stream(client.experiments.ExportExperiment, request)
        assert [message.chunk for message in messages] == [b"one", b"two"]
        with pytest.raises(errors.OutOfRange):
            list(client.stream(client.experiments.ExportExperiment, request))


def test_an_experiment_is_created_from_a_mapping_and_once() -> None:
    answer = experiments.CreateExperimentResponse()
    answer.experiment.experiment_id = "brave-otter-0a1b"
    with ScriptedServer() as server, connect(server) as client:
        server.script("CreateExperiment", Refusal("UNAVAILABLE"), answer)

        experiment = client.create_experiment(
            {"metric": {"name": "val_loss", "goal": "GOAL_MINIMIZE"}, "max_length": 81}
        )

        assert experiment.id == "brave-otter-0a1b"
        first, second = server.requests("CreateExperiment")
        assert first == second
        assert first.request_id
        assert (first.spec.metric.name, first.spec.max_length) == ("val_loss", 81)


def test_a_spec_that_is_none_is_refused_here() -> None:
    with ScriptedServer() as server, connect(server) as client:
        with pytest.raises(errors.InvalidRequest, match="no field named"):
            client.create_experiment({"max_lenght": 81})
        assert server.calls == []


def test_an_experiment_can_be_looked_at_and_stopped() -> None:
    found = experiment_pb2.Experiment(experiment_id="digits", progress=0.5)
    with ScriptedServer() as server, connect(server) as client:
        server.script("GetExperiment", experiments.GetExperimentResponse(experiment=found))
        server.script("StopExperiment", experiments.StopExperimentResponse(experiment=found))
        server.script(
            "GetBestTrials",
            experiments.GetBestTrialsResponse(trials=[trial_pb2.Trial(trial_number=4)]),
        )
        experiment = client.experiment("digits")

        assert experiment.get().progress == 0.5
        assert [trial.trial_number for trial in experiment.best_trials(3)] == [4]
        assert server.requests("GetBestTrials")[0].limit == 3
        experiment.stop("enough")
        assert server.requests("StopExperiment")[0].reason == "enough"


def test_a_closed_client_connects_again() -> None:
    with ScriptedServer() as server, connect(server) as client:
        server.always("GetExperiment", lambda r: experiments.GetExperimentResponse())
        client.experiment("digits").get()
        client.close()

        client.experiment("digits").get()

        assert len(server.calls) == 2

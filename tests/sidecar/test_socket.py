"""The socket form: the calls themselves, for the one worker behind it."""

from __future__ import annotations

import json
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import grpc
import pytest
from asha_client import AccessDenied, InvalidRequest, LeaseLost, NotFound, connect
from asha_client.errors import NotImplementedYet
from google.protobuf.duration_pb2 import Duration
from grpc_health.v1 import health_pb2, health_pb2_grpc

from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import suggestion_service_pb2 as s
from asha_server.pb import trial_pb2 as t
from tests.cli.conftest import Asha
from tests.security.certificates import Authority

from .beside import Beside, Process, fact, finish, kill, wait_until

TRAINS = """
import sys
import asha_client as asha
for trial in asha.connect().experiment(sys.argv[1]).trials():
    print(trial.number, trial.attempt, trial.start_step, flush=True)
    for step in trial.steps():
        trial.report(step, {"loss": trial.parameters["lr"] / step}, checkpoint=lambda: f"at-{step}")
"""


class Behind(NamedTuple):
    """What a trainer behind a socket has.

    Attributes:
        sidecar: the process.
        address: of the socket.
        directory: of the liveness files.
    """

    sidecar: Process
    address: str
    directory: Path


@pytest.fixture
def behind(beside: Beside, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Starts sidecars with a socket in a directory whose name is short enough."""
    directory = tmp_path_factory.mktemp("s")

    def start(experiment_id: str, *options: str) -> Behind:
        path = directory / "socket"
        sidecar = beside.sidecar(
            experiment_id, "--socket", str(path), "--worker-id", "box", *options
        )
        address = fact(sidecar, "listening")["address"]
        assert address == f"unix:{path}"
        return Behind(sidecar, address, directory)

    return start


class Trainer:
    """Speaks the calls of a trainer, without any client's doing of its own.

    Args:
        channel: to the sidecar's socket.
    """

    def __init__(self, address: str) -> None:
        self._client: Any = connect(address, retry_for=30, sessions=False)

    def take(self, experiment_id: str = "") -> s.Assignment:
        request = s.GetSuggestionRequest(
            experiment_id=experiment_id, worker_id="whoever", max_wait=Duration(seconds=20)
        )
        response = self._client.call(self._client.suggestions.GetSuggestion, request)
        given: s.Assignment = response.assignment
        assert given.lease.token, response
        return given

    def report(self, given: s.Assignment, step: int) -> t.Decision:
        request = s.ReportMetricRequest(
            trial_number=given.trial_number, lease_token=given.lease.token, step=step,
            metrics=[t.MetricValue(name="loss", value=1)],
        )  # fmt: skip
        decision: t.Decision = self._client.call(
            self._client.suggestions.ReportMetric, request
        ).decision
        return decision

    def beat(self, given: s.Assignment) -> s.HeartbeatResponse:
        request = s.HeartbeatRequest(trial_number=given.trial_number, lease_token=given.lease.token)
        answer: s.HeartbeatResponse = self._client.call(self._client.suggestions.Heartbeat, request)
        return answer

    def call(self, service: str, method: str, request: Any) -> Any:
        return self._client.call(getattr(getattr(self._client, service), method), request)


class Secured(NamedTuple):
    """A server with TLS and tokens, and what lets one in."""

    address: str
    roots: Path
    token_file: Path


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[Secured]:
    authority = Authority(tmp_path / "ca")
    pair = authority.issue("server")
    database = tmp_path / "secured.db"
    with subprocess.Popen(
        [
            sys.executable, "-m", "asha_server.cli", "serve", "--database", str(database),
            "--listen", "localhost:0", "--log-level", "WARNING", "--auth", "tokens",
            "--tls-cert", str(pair.certificate), "--tls-key", str(pair.key),
        ],
        stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        address = process.stdout.readline().split()[-1]
        yield Secured(address, authority.roots, Path(f"{database}.admin-token"))
        process.terminate()


def test_a_python_worker_trains_a_search_without_token_and_tls(
    asha: Asha, beside: Beside, behind: Any, small: Path, secured: Secured
) -> None:
    """Its client speaks over a session; the sidecar adds what the server wants, and the name."""
    lets_in = ("--token-file", str(secured.token_file), "--root-certificates", str(secured.roots))
    beside.server = {"ASHA_SERVER": secured.address}
    where = ("--server", secured.address, *lets_in)
    assert asha("create", "-f", str(small), "--id", "secured", *where).status == 0
    sidecar, address, _ = behind("secured", "--linger", "1s", *lets_in)
    trainer = beside.start(
        sys.executable, beside.write("worker.py", TRAINS), "secured", ASHA_SERVER=address
    )

    out, err = trainer.communicate(timeout=60)
    status, facts, said = finish(sidecar)

    assert (trainer.returncode, status, facts[-1]["state"]) == (0, 0, "COMPLETED"), err + said
    assert {line.split()[0] for line in out.splitlines()} == {str(n) for n in range(9)}
    trials = asha("trials", "secured", "--json", *where).facts
    assert {trial["state"] for trial in trials} == {"TRIAL_STATE_COMPLETED", "TRIAL_STATE_STOPPED"}
    exported = asha("export", "secured", *where).out
    assigned = [
        json.loads(line)["event"] for line in exported.splitlines() if "TrialAssigned" in line
    ]
    assert {told["worker_id"] for told in assigned} == {"box"}


def test_a_request_that_names_no_experiment_is_about_the_sidecars(
    asha: Asha, behind: Any, small: Path
) -> None:
    asha("create", "-f", str(small), "--id", "nameless")
    trainer = Trainer(behind("nameless").address)

    given = trainer.take()

    assert given.experiment_id == "nameless"
    found = trainer.call("experiments", "GetExperiment", e.GetExperimentRequest())
    assert found.experiment.experiment_id == "nameless"
    trial = trainer.call("experiments", "GetTrial", e.GetTrialRequest(trial_number=0))
    assert trial.trial.trial_number == 0


def test_nothing_passes_but_the_calls_of_one_worker(asha: Asha, behind: Any, small: Path) -> None:
    asha("create", "-f", str(small), "--id", "only")
    asha("create", "-f", str(small), "--id", "other")
    address = behind("only").address
    trainer = Trainer(address)

    with pytest.raises(AccessDenied) as refused:
        trainer.take("other")
    with pytest.raises(AccessDenied):
        trainer.call("experiments", "GetExperiment", e.GetExperimentRequest(experiment_id="other"))
    for service, method, request in (
        ("experiments", "StopExperiment", e.StopExperimentRequest(experiment_id="only")),
        ("experiments", "CreateExperiment", e.CreateExperimentRequest()),
        ("experiments", "ListExperiments", e.ListExperimentsRequest()),
        ("experiments", "CancelTrial", e.CancelTrialRequest(experiment_id="only")),
    ):
        with pytest.raises(NotImplementedYet):
            trainer.call(service, method, request)

    assert refused.value.reason == "SCOPE_MISSING"
    assert "serves the experiment 'only', not 'other'" in refused.value.message
    assert asha("trials", "other", "--json").facts == []
    with grpc.insecure_channel(address) as opened:
        channel: Any = opened
        send = channel.unary_unary("/asha.v1.SuggestionService/GetSuggestion")
        with pytest.raises(grpc.RpcError) as unreadable:
            send(b"\xff\xff")
    assert unreadable.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_a_session_is_under_the_same_rules(asha: Asha, behind: Any, small: Path) -> None:
    """A request about another experiment is answered with an error; the stream goes on."""
    asha("create", "-f", str(small), "--id", "session")
    with grpc.insecure_channel(behind("session").address) as channel:
        send: Any = channel.stream_stream(
            "/asha.v1.SuggestionService/TrainingSession",
            request_serializer=s.TrainingSessionRequest.SerializeToString,
            response_deserializer=s.TrainingSessionResponse.FromString,
        )
        asks = [
            s.GetSuggestionRequest(experiment_id="other", worker_id="w"),
            s.GetSuggestionRequest(worker_id="w"),
        ]

        answers = list(
            send(
                iter(
                    s.TrainingSessionRequest(request_number=n, get_suggestion=ask)
                    for n, ask in enumerate(asks, 1)
                ),
                timeout=30,
            )
        )

    by_number = {answer.request_number: answer for answer in answers}
    assert by_number[1].error.metadata["experiment_id"] == "other"
    assert by_number[2].get_suggestion.assignment.experiment_id == "session"


def test_refusals_of_the_server_pass_with_their_details(
    asha: Asha, behind: Any, small: Path
) -> None:
    asha("create", "-f", str(small), "--id", "refusals")
    trainer = Trainer(behind("refusals").address)
    given = trainer.take()

    with pytest.raises(InvalidRequest) as wrong:
        trainer.report(given, -1)
    with pytest.raises(NotFound) as missing:
        trainer.call("experiments", "GetTrial", e.GetTrialRequest(trial_number=77))

    assert wrong.value.violations[0].field == "step"
    assert missing.value.reason == "TRIAL_NOT_FOUND"


def test_health_is_the_servers(asha: Asha, behind: Any, small: Path) -> None:
    asha("create", "-f", str(small), "--id", "health")
    with grpc.insecure_channel(behind("health").address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)

        answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=30)
        watched = next(iter(stub.Watch(health_pb2.HealthCheckRequest(), timeout=30)))

    assert answer.status == watched.status == health_pb2.HealthCheckResponse.SERVING


@pytest.mark.parametrize(("options", "mode"), [((), 0o600), (("--mode", "0660"), 0o660)])
def test_the_socket_has_the_mode_that_was_asked_for_and_goes_with_the_sidecar(
    asha: Asha, behind: Any, small: Path, options: tuple[str, ...], mode: int
) -> None:
    asha("create", "-f", str(small), "--id", f"socket-{mode}")
    sidecar, _, directory = behind(f"socket-{mode}", *options)

    assert stat.S_IMODE((directory / "socket").stat().st_mode) == mode
    sidecar.send_signal(signal.SIGTERM)
    assert finish(sidecar)[0] == 143
    assert not (directory / "socket").exists()


def test_a_path_as_long_as_a_sockets_may_be_is_served(
    asha: Asha, beside: Beside, small: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    asha("create", "-f", str(small), "--id", "long-path")
    directory = tmp_path_factory.mktemp("s")
    path = directory / ("s" * (107 - len(str(directory)) - 1))

    sidecar = beside.sidecar("long-path", "--socket", str(path))

    assert fact(sidecar, "listening")["address"] == f"unix:{path}"
    assert Trainer(f"unix:{path}").take().trial_number == 0


def test_a_socket_that_somebody_serves_is_refused(
    asha: Asha, beside: Beside, behind: Any, small: Path
) -> None:
    asha("create", "-f", str(small), "--id", "taken")
    first = behind("taken")

    status, _, err = finish(beside.sidecar("taken", "--socket", str(first.directory / "socket")))

    assert status == 1
    assert "another server answers there" in err


def test_heartbeats_without_a_report_do_not_keep_a_hung_trainer_alive(
    asha: Asha, behind: Any, small: Path
) -> None:
    asha("create", "-f", str(small), "--id", "hangs")
    sidecar, address, _ = behind("hangs", "--hung-after", "2s")
    trainer = Trainer(address)
    given = trainer.take()
    refused: list[LeaseLost] = []

    def is_refused() -> bool:
        try:
            trainer.beat(given)
        except LeaseLost as error:
            refused.append(error)
        return bool(refused)

    wait_until(is_refused, "a heartbeat to be refused")

    assert "its trainer was silent for too long" in refused[0].message
    assert fact(sidecar, "trial_ended")["outcome"] == "released"
    (trial,) = asha("trials", "hangs", "--json").facts
    assert (trial["state"], trial["restarts"]) == ("TRIAL_STATE_QUEUED", 0)
    assert trainer.take().trial_number == 0  # it lives after all, and goes on


def test_a_touched_heartbeat_file_stands_for_a_call(
    asha: Asha, beside: Beside, behind: Any, small: Path
) -> None:
    asha("create", "-f", str(small), "--id", "touches")
    _, address, directory = behind("touches", "--hung-after", "3s")
    trainer = Trainer(address)
    given = trainer.take()
    beside.start("sh", "-c", f"while :; do touch {directory / 'heartbeat'}; sleep 0.1; done")
    beside.start("sleep", "6").wait()

    assert trainer.beat(given).HasField("lease")


def test_a_dead_trainer_is_noticed_by_its_lock(
    asha: Asha, beside: Beside, behind: Any, small: Path
) -> None:
    asha("create", "-f", str(small), "--id", "dies")
    sidecar, address, directory = behind("dies", "--dead-after", "1s")
    holder = beside.start(
        "flock", str(directory / "trainer.lock"), "sh", "-c", "echo held; exec sleep 3600"
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    Trainer(address).take()
    beside.start("sleep", "3").wait()  # it is looked at every second

    kill(holder)

    assert fact(sidecar, "trial_ended")["message"] == "failed: the trainer died (out of memory?)"


@pytest.mark.slow
def test_a_killed_sidecar_is_replaced_without_the_trainer_noticing_more_than_a_pause(
    asha: Asha, behind: Any, small: Path
) -> None:
    asha("create", "-f", str(small), "--id", "replaced", "--set", "async_halving.num_rungs=1")
    sidecar, address, _ = behind("replaced")
    trainer = Trainer(address)
    given = trainer.take()
    trainer.report(given, 1)

    kill(sidecar)
    second = behind("replaced").sidecar

    assert trainer.report(given, 2).verdict == t.VERDICT_CONTINUE
    second.send_signal(signal.SIGINT)  # and the second knows what is held
    second.send_signal(signal.SIGINT)
    status, facts, _ = finish(second)
    assert (status, facts[-1]["outcome"]) == (130, "released")


def test_sigterm_lets_the_trainer_report_but_hands_out_nothing(
    asha: Asha, behind: Any, small: Path
) -> None:
    asha("create", "-f", str(small), "--id", "leaves", "--set", "async_halving.num_rungs=1")
    sidecar, address, _ = behind("leaves")
    trainer = Trainer(address)
    given = trainer.take()
    sidecar.send_signal(signal.SIGTERM)
    fact(sidecar, "stopping")

    assert trainer.report(given, 1).verdict == t.VERDICT_CONTINUE
    released = trainer.call(
        "suggestions", "ReleaseTrial",
        s.ReleaseTrialRequest(trial_number=0, lease_token=given.lease.token, reason="SIGTERM"),
    )  # fmt: skip

    assert released.trial_state == t.TRIAL_STATE_QUEUED
    assert finish(sidecar)[0] == 143

"""A real server for the command's tests, and the command run as a person runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import grpc
import pytest
from click.testing import CliRunner

from asha_server.cli.program import asha as command
from asha_server.pb import suggestion_service_pb2 as s
from asha_server.pb import suggestion_service_pb2_grpc as s_rpc
from asha_server.pb import trial_pb2 as t

ROOT = Path(__file__).parents[2]
SMALL = """
metric: {name: loss, goal: minimize}
unit: epochs
max_length: 9
max_trials: 9
async_halving: {num_rungs: 3, divisor: 3}
parameters:
  lr: {double_range: {min: 0.0, max: 1.0}}
"""


class Said(NamedTuple):
    """What a command said, and how it ended."""

    status: int
    out: str
    err: str

    @property
    def facts(self) -> list[dict[str, Any]]:
        """Its output as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


Asha = Callable[..., Said]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that the session's tests share; each makes its own experiments."""
    database = tmp_path_factory.mktemp("server") / "asha.db"
    with subprocess.Popen(
        [
            sys.executable, "-m", "asha_server.cli", "serve",
            "--database", str(database), "--listen", "127.0.0.1:0", "--log-level", "WARNING",
        ],
        stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
        process.terminate()
        assert process.wait() == 0


@pytest.fixture
def asha(server: str) -> Asha:
    """Runs `asha` with the server's address in the environment."""

    def run(*words: str, typed: str | None = None) -> Said:
        result = CliRunner().invoke(command, words, input=typed, env={"ASHA_SERVER": server})
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Said(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """The file of a small experiment."""
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    return path


class Worker:
    """A worker that reports what a test says."""

    def __init__(self, channel: grpc.Channel, experiment_id: str) -> None:
        self._stub = s_rpc.SuggestionServiceStub(channel)
        self._id = experiment_id

    def take(self, worker_id: str = "w") -> s.Assignment:
        """The next trial."""
        response = self._stub.GetSuggestion(
            s.GetSuggestionRequest(experiment_id=self._id, worker_id=worker_id)
        )
        assert response.HasField("assignment"), response
        return response.assignment

    def report(self, given: s.Assignment, step: int, value: float, uri: str = "") -> t.Decision:
        """Reports a value of the search metric."""
        response = self._stub.ReportMetric(
            s.ReportMetricRequest(
                experiment_id=self._id, trial_number=given.trial_number,
                lease_token=given.lease.token, step=step,
                metrics=[t.MetricValue(name="loss", value=value)], checkpoint_uri=uri,
            )
        )  # fmt: skip
        return response.decision

    def arrive(self, *values: float) -> list[t.Decision]:
        """New trials on workers w0, w1 …, then one report of each at its first rung, in order."""
        taken = [self.take(f"w{index}") for index in range(len(values))]
        return [
            self.report(given, 1, value, f"ckpt-{value}")
            for given, value in zip(taken, values, strict=True)
        ]


@pytest.fixture
def worker(server: str) -> Iterator[Callable[[str], Worker]]:
    """Makes workers for an experiment."""
    with grpc.insecure_channel(server) as channel:
        yield lambda experiment_id: Worker(channel, experiment_id)

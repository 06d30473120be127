"""The Slurm scripts, run by bash with a srun that starts what it is given."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # many processes each

SLURM = Path(__file__).parents[2] / "deploy" / "slurm"
WAIT_S = 60.0
"""For what must happen. Seconds; each takes one or two on a machine at leisure."""
EXPERIMENT = """
metric: {name: loss, goal: minimize}
unit: epochs
max_length: 4
max_trials: 4
async_halving: {num_rungs: 2, divisor: 2}
parameters:
  lr: {double_range: {min: 0.0, max: 1.0}}
"""
TRAINER = """
import json, sys, time
for step in range(1, 5):
    print(json.dumps({"step": step, "loss": float(sys.argv[1])}), flush=True)
"""
SRUN = """#!/bin/bash
[[ $1 == --ntasks=1 ]] || exit 2
shift
echo "$ASHA_SERVER" >>steps
exec "$@"
"""


class Cluster:
    """A shared directory, nodes with disks of their own, and the scripts run on them.

    Attributes:
        shared: the shared directory.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.shared = directory / "shared"
        commands = directory / "bin"
        commands.mkdir()
        (commands / "srun").write_text(SRUN)
        (commands / "srun").chmod(0o755)
        (commands / "asha").write_text(
            f'#!/bin/bash\nexec {sys.executable} -m asha_server.cli "$@"\n'
        )
        (commands / "asha").chmod(0o755)
        self._path = f"{commands}:{os.environ['PATH']}"

    @contextmanager
    def job(self, script: str, *words: str, disk: str = "disk") -> Iterator[subprocess.Popen[str]]:
        """A script as Slurm runs it; told to end by SIGTERM at the latest when the block ends."""
        environment = {
            **os.environ,
            "PATH": self._path,
            "SHARED_DIR": str(self.shared),
            "LOCAL_DIR": str(self._directory / disk),
            "LISTEN": "127.0.0.1:0",
            # Both names of one loopback, so that an address tells of the move.
            "NODE": "127.0.0.1" if disk == "disk" else "localhost",
            "POLL": "0.1",
        }
        log = self._directory / f"{script}-{disk}.log"
        with (
            log.open("a") as said,
            subprocess.Popen(
                ["bash", str(SLURM / script), *words],
                env=environment, cwd=self._directory, stdout=said, stderr=said, text=True,
            ) as process,
        ):  # fmt: skip
            try:
                yield process
            finally:
                process.send_signal(signal.SIGTERM)
                status = process.wait(WAIT_S)
                print(f"{script} ended with {status}:\n{log.read_text()}")

    def asha(self, *words: str) -> str:
        """What a person's command at the search says, with the address and token as published."""
        environment = {
            **os.environ,
            "ASHA_SERVER": self.address(),
            "ASHA_TOKEN_FILE": str(self.shared / "token"),
        }
        command = [sys.executable, "-m", "asha_server.cli", *words]
        done = subprocess.run(
            command, env=environment, cwd=self._directory, capture_output=True, text=True,
            timeout=WAIT_S, check=True,
        )  # fmt: skip
        return done.stdout

    def address(self, but: str = "") -> str:
        """Where the server is called, once it has published another address than `but`."""
        file = self.shared / "address"
        until(lambda: file.exists() and file.read_text().strip() != but)
        return file.read_text().strip()

    def steps(self) -> list[str]:
        """The address that each step of a worker was started with, in order."""
        file = self._directory / "steps"
        return file.read_text().split() if file.exists() else []

    def create(self) -> None:
        """Makes the experiment `digits`."""
        file = self._directory / "digits.yaml"
        file.write_text(EXPERIMENT)
        self.asha("create", "-f", str(file), "--id", "digits")

    @property
    def program(self) -> list[str]:
        """What a worker trains with."""
        path = self._directory / "train.py"
        path.write_text(TRAINER)
        return [sys.executable, str(path), "{lr}"]


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return Cluster(tmp_path)


def test_workers_of_the_array_finish_the_search(cluster: Cluster) -> None:
    with cluster.job("server.sbatch") as server:
        cluster.address()
        cluster.create()
        with cluster.job("workers.sbatch", "digits", *cluster.program) as worker:
            assert worker.wait(WAIT_S) == 0
        said = cluster.asha("status", "digits", "--json")
        server.terminate()

        assert server.wait(WAIT_S) == 0
    assert "EXPERIMENT_STATE_COMPLETED" in said
    assert (cluster.shared / "token").stat().st_mode & 0o077 == 0


def test_on_another_node_the_server_goes_on_from_the_latest_copy(cluster: Cluster) -> None:
    """And back on the first one it does not take up the old file that it left there."""
    with cluster.job("server.sbatch", disk="disk"):
        first = cluster.address()
        cluster.create()
    with cluster.job("server.sbatch", disk="other"):
        second = cluster.address(but=first)
        cluster.asha("pause", "digits")
    with cluster.job("server.sbatch", disk="disk"):
        cluster.address(but=second)
        said = cluster.asha("status", "digits", "--json")

    assert "EXPERIMENT_STATE_PAUSED" in said


def test_a_worker_follows_a_server_that_moved(cluster: Cluster) -> None:
    with ExitStack() as jobs:
        with cluster.job("server.sbatch"):
            first = cluster.address()
            cluster.create()
            cluster.asha("pause", "digits")
            worker = jobs.enter_context(cluster.job("workers.sbatch", "digits", *cluster.program))
            until(lambda: cluster.steps() == [first])
        jobs.enter_context(cluster.job("server.sbatch", disk="other"))
        second = cluster.address(but=first)
        cluster.asha("resume", "digits")

        assert worker.wait(WAIT_S) == 0
    assert cluster.steps() == [first, second]


def test_a_worker_that_is_preempted_gives_its_trial_back(cluster: Cluster) -> None:
    slow = [*cluster.program[:1], "-c", "import time; time.sleep(600)"]
    with cluster.job("server.sbatch"):
        cluster.address()
        cluster.create()
        with cluster.job("workers.sbatch", "digits", *slow) as worker:
            until(lambda: "TRIAL_STATE_RUNNING" in cluster.asha("trials", "digits", "--json"))
            worker.terminate()

            assert worker.wait(WAIT_S) == 143
        assert "TRIAL_STATE_RUNNING" not in cluster.asha("trials", "digits", "--json")

"""The load generator `benchmarks/load`, built on first use, and what its callers saw."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
from served import Served

from asha_server.pb import experiment_pb2
from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import experiment_service_pb2_grpc as e_rpc

CRATE = Path(__file__).with_name("load")
PROGRAM = CRATE / "target" / "release" / "asha-load"


def build() -> None:
    """Compiles the load generator, if something of it changed. Minutes, the first time."""
    subprocess.run(["cargo", "build", "--release", "--locked", "--quiet"], cwd=CRATE, check=True)


def command(address: str, experiments: list[str], **options: object) -> list[str]:
    """The command line: callers=128 stands for --callers 128."""
    words = [str(PROGRAM), "--address", address, "--experiment", ",".join(experiments)]
    for name, value in options.items():
        words += [f"--{name.replace('_', '-')}", str(value)]
    return words


def load(address: str, experiments: list[str], **options: object) -> dict[str, Any]:
    """Figures of one run: reports_per_second, report_us.p50 and so on; see load/src/figures.rs."""
    done = subprocess.run(
        command(address, experiments, **options), check=True, capture_output=True, text=True
    )
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


@contextmanager
def loading(address: str, experiments: list[str], **options: object) -> Iterator[list[Any]]:
    """The same beside other work; the figures are in the list afterwards."""
    words = command(address, experiments, **options)
    found: list[Any] = []
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        yield found
        output, _ = process.communicate()
    found.append(json.loads(output))


def create(server: Served, experiment_id: str, **fields: Any) -> None:
    """An experiment with room for everybody; without more a trial never comes to a rung."""
    given: dict[str, Any] = {
        "metric": experiment_pb2.Metric(name="loss", goal=experiment_pb2.GOAL_MINIMIZE),
        "max_length": 10**9,
        "max_trials": 10**6,
        "max_concurrent_trials": 0,
        "async_halving": experiment_pb2.AsyncHalving(num_rungs=1),
    } | fields
    with grpc.insecure_channel(server.address) as channel:
        e_rpc.ExperimentServiceStub(channel).CreateExperiment(
            e.CreateExperimentRequest(
                experiment_id=experiment_id, spec=experiment_pb2.ExperimentSpec(**given)
            )
        )


def memory_mib(pid: int) -> float:
    """Resident set of a process. MiB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def cpu_s(pid: int) -> float:
    """Processor time that a process took so far, all its threads. Seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100

"""The Ray script, with a `ray` that runs its tasks as threads of this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "deploy" / "ray" / "search.py"
WAIT_S = 120.0
"""For a whole search. Seconds; about three on a machine at leisure."""
EXPERIMENT = """
metric: {name: val_loss, goal: minimize}
unit: epochs
max_length: 4
max_trials: 8
async_halving: {num_rungs: 2, divisor: 2}
parameters:
  lr: {double_range: {min: 0.001, max: 0.1, log: true}}
"""
RAY = """
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
pool = ThreadPoolExecutor()
util = SimpleNamespace(get_node_ip_address=lambda: "127.0.0.1")
def init(address): assert address is None
def remote(num_cpus, num_gpus, max_retries):
    assert (num_cpus, num_gpus, max_retries) == (0.5, 0, -1)
    return lambda function: SimpleNamespace(remote=lambda *given: pool.submit(function, *given))
def get(futures): return [future.result() for future in futures]
"""


def search(directory: Path) -> str:
    """What the script prints; its server's log is left out."""
    environment = {**os.environ, "PYTHONPATH": str(directory)}
    command = [sys.executable, str(SCRIPT), "digits.yaml", "--id", "digits", "--workers", "2"]
    command += ["--cpus-per-worker", "0.5", "--database", "asha.db", "--copies", "copies"]
    done = subprocess.run(
        command, env=environment, cwd=directory, stdout=subprocess.PIPE, text=True, check=True,
        timeout=WAIT_S,
    )  # fmt: skip
    return done.stdout


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "ray.py").write_text(RAY)
    (tmp_path / "digits.yaml").write_text(EXPERIMENT)
    return tmp_path


def test_the_script_carries_a_search_to_its_end(directory: Path) -> None:
    said = search(directory)

    # 8 trials, of which 4 are promoted: by the worker that has them, or handed out once more.
    assert 8 <= int(said.split("finished: ")[1].split()[0]) <= 12
    assert f"ASHA_TOKEN_FILE={directory}/asha.db.admin-token" in said
    assert [*(directory / "copies").glob("*.db")]
    verify = [sys.executable, "-m", "asha_server.cli", "verify", str(directory / "asha.db")]
    subprocess.run(verify, check=True, capture_output=True)


def test_started_again_it_goes_on_with_the_same_experiment(directory: Path) -> None:
    search(directory)

    assert "finished: 0 assignments" in search(directory)

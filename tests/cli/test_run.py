"""`asha run`: any program as a worker, against a real server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Asha

PROGRAM = """
import json, os, sys
lr = float(sys.argv[1])
parameters = json.load(open(os.environ["ASHA_PARAMETERS_FILE"]))
assert parameters["lr"] == lr == float(os.environ["ASHA_PARAM_LR"]), parameters
state = float(open(os.environ["ASHA_CHECKPOINT"]).read()) if os.environ["ASHA_CHECKPOINT"] else 0.0
for step in range(int(os.environ["ASHA_START_STEP"]) + 1, int(os.environ["ASHA_MAX_LENGTH"]) + 1):
    state += 1
    assert state == step, (state, step)
    path = os.path.join(os.environ["ASHA_CHECKPOINT_DIR"], str(step))
    with open(path, "w") as file:
        file.write(str(state))
    print(json.dumps({"step": step, "loss": lr / step, "checkpoint": path}), flush=True)
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A training program that resumes from its checkpoints, and checks that it does."""
    path = tmp_path / "train.py"
    path.write_text(PROGRAM)
    return path


def run(server: str, directory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """`asha run` as a process, to its end."""
    return subprocess.run(
        [sys.executable, "-m", "asha_server.cli", "run", *words],
        env={**os.environ, "ASHA_SERVER": server}, cwd=directory, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip


def test_a_program_trains_a_whole_search(
    asha: Asha, server: str, small: Path, program: Path, tmp_path: Path
) -> None:
    """Two programs at a time; paused trials are resumed from their checkpoints."""
    asha("create", "-f", str(small), "--id", "run-1")

    done = run(
        server,
        tmp_path,
        "-e",
        "run-1",
        "--workers",
        "2",
        "--",
        sys.executable,
        str(program),
        "{lr}",
    )

    assert done.returncode == 0, done.stderr
    (facts,) = asha("status", "run-1", "--json").facts
    assert facts["state"] == "EXPERIMENT_STATE_COMPLETED"
    assert facts["trial_counts"]["created"] == 9
    assert facts["trial_counts"]["failed"] == 0
    best = asha("best", "run-1", "--json").facts[0]
    assert Path(best["checkpoint_uri"]).read_text() == "9.0"


def test_metrics_are_read_by_a_pattern(
    asha: Asha, server: str, small: Path, tmp_path: Path
) -> None:
    asha("create", "-f", str(small), "--id", "run-2", "--set", "max_trials=1")
    program = "import sys\nfor n in range(9): print('epoch', n + 1, 'loss=', 1 / (n + 1))"

    done = run(
        server, tmp_path, "-e", "run-2", "--pattern", r"(?P<name>loss)= (?P<value>\S+)",
        "--", sys.executable, "-c", program,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert asha("best", "run-2", "--json").facts[0]["best_rung_length"] == 9


def test_a_program_that_fails_is_tried_again_and_gives_up(
    asha: Asha, server: str, small: Path, tmp_path: Path
) -> None:
    """Three assignments in a row failed without a report: the worker ends, status 1."""
    asha("create", "-f", str(small), "--id", "run-3")

    done = run(server, tmp_path, "-e", "run-3", "--", sys.executable, "-c", "raise SystemExit(7)")

    assert done.returncode == 1
    assert "3 assignments in a row failed" in done.stderr
    attempts = asha("explain", "run-3", "0").out
    assert "exit status 7" in attempts


def test_an_exit_status_can_mean_infeasible(
    asha: Asha, server: str, small: Path, tmp_path: Path
) -> None:
    """The first is borne, max_infeasible = 1; the second ends the experiment as failed."""
    asha("create", "-f", str(small), "--id", "run-4", "--set", "max_infeasible=1")

    done = run(
        server, tmp_path, "-e", "run-4", "--infeasible-exit", "3",
        "--", sys.executable, "-c", "raise SystemExit(3)",
    )  # fmt: skip

    (facts,) = asha("status", "run-4", "--json").facts
    assert facts["end_reason"] == "END_REASON_TOO_MANY_INFEASIBLE"
    assert facts["trial_counts"]["infeasible"] == 2
    assert done.returncode == 1


def test_an_unknown_template_word_is_refused_before_the_first_lease(
    asha: Asha, server: str, small: Path, tmp_path: Path
) -> None:
    asha("create", "-f", str(small), "--id", "run-5")

    done = run(server, tmp_path, "-e", "run-5", "--", sys.executable, "{learning_rate}")

    assert done.returncode == 2
    assert "{learning_rate}" in done.stderr
    assert "lr" in done.stderr
    assert asha("status", "run-5", "--json").facts[0]["trial_counts"]["created"] == 0


def test_sigterm_ends_the_program_and_gives_the_trial_back(
    asha: Asha, server: str, small: Path, tmp_path: Path
) -> None:
    asha("create", "-f", str(small), "--id", "run-6")
    program = "import time; print('begun', flush=True); time.sleep(600)"
    with subprocess.Popen(
        [
            sys.executable, "-m", "asha_server.cli", "run", "-e", "run-6", "--",
            sys.executable, "-c", program,
        ],
        env={**os.environ, "ASHA_SERVER": server}, cwd=tmp_path, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert any("begun" in line for line in process.stdout)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 143

    told = asha("explain", "run-6", "0").out
    assert "trial 0 of run-6: queued" in told
    assert "released" in told

"""`asha run` as a person runs it: real programs, a real server, facts from `--json`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import Asha

TRAINS = """
import json, os, pathlib
start = int(os.environ["ASHA_START_STEP"])
parameters = json.loads(pathlib.Path(os.environ["ASHA_PARAMETERS_FILE"]).read_text())
assert os.environ["ASHA_PARAM_LR"] == repr(parameters["lr"])
checkpoint = os.environ["ASHA_CHECKPOINT"]
assert (int(pathlib.Path(checkpoint).read_text()) if checkpoint else 0) == start
for step in range(start + 1, int(os.environ["ASHA_MAX_LENGTH"]) + 1):
    path = pathlib.Path(os.environ["ASHA_CHECKPOINT_DIR"], f"{step}.txt")
    path.write_text(str(step))
    print(json.dumps({"step": step, "loss": parameters["lr"] / step, "checkpoint": str(path)}))
"""
"""Checks what it is told, resumes from its own checkpoint, and trains to the end."""


class Run:
    """`asha run` as a process, in a directory of its own.

    Args:
        directory: where it runs.
        server: address of the server.
    """

    def __init__(self, directory: Path, server: str) -> None:
        self.directory = directory
        self._environment = {**os.environ, "ASHA_SERVER": server}
        self._processes: list[subprocess.Popen[str]] = []

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Starts it with facts as JSON lines."""
        process = subprocess.Popen(
            [sys.executable, "-m", "asha_server.cli", "run", "--json", *words],
            cwd=self.directory, env=self._environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self._processes.append(process)
        return process

    def __call__(self, *words: str) -> tuple[int, list[dict[str, Any]], str]:
        """Runs it to its end: exit status, facts, standard error."""
        process = self.start(*words)
        out, err = process.communicate(timeout=60)
        return process.returncode, [json.loads(line) for line in out.splitlines()], err

    def write(self, program: str) -> str:
        """Writes a program of Python; its path."""
        path = self.directory / "train.py"
        path.write_text(program)
        return str(path)

    def close(self) -> None:
        """Ends what a failed test left."""
        for process in self._processes:
            with process:
                process.kill()


@pytest.fixture
def run(tmp_path: Path, server: str) -> Iterator[Run]:
    run = Run(tmp_path, server)
    yield run
    run.close()


def fact(process: subprocess.Popen[str], event: str) -> dict[str, Any]:
    """The next fact of a kind that a running `asha run` tells."""
    assert process.stdout is not None
    for line in process.stdout:
        told: dict[str, Any] = json.loads(line)
        if told["event"] == event:
            return told
    raise AssertionError(f"{event} was never told")


def test_two_workers_train_a_search_to_its_end(asha: Asha, small: Path, run: Run) -> None:
    asha("create", "-f", str(small), "--id", "run-all")

    status, facts, err = run(
        "-e", "run-all", "--workers", "2", "--worker-id", "box", "--",
        sys.executable, run.write(TRAINS), "--lr={lr}",
    )  # fmt: skip

    assert (status, facts[-1]["state"]) == (0, "COMPLETED"), err
    started = [told for told in facts if told["event"] == "trial_started"]
    assert {told["worker_id"] for told in started} == {"box-0", "box-1"}
    assert {told["trial_number"] for told in started} == set(range(9))
    ended = [told for told in facts if told["event"] == "trial_ended"]
    assert {told["outcome"] for told in ended} <= {"paused", "completed"}
    assert "completed" in {told["outcome"] for told in ended}
    assert '[trial 0] {"step": 1, "loss":' in err
    trials = asha("trials", "run-all", "--json").facts
    assert {trial["state"] for trial in trials} == {"TRIAL_STATE_COMPLETED", "TRIAL_STATE_STOPPED"}
    assert all(Path(trial["checkpoint_uri"]).is_file() for trial in trials)


def test_metrics_come_from_a_file_by_a_pattern_and_without_steps(
    asha: Asha, small: Path, run: Run
) -> None:
    asha("create", "-f", str(small), "--id", "run-file", "--set", "max_trials=1")
    program = run.write(
        "import sys\n"
        "with open(sys.argv[1], 'a') as file:\n"
        "    for step in range(9):\n"
        "        print(f'training is {step}, loss is {9 - step}', file=file)\n"
        "print('loss is 0')"
    )

    status, facts, err = run(
        "-e", "run-file", "--metrics-file", "{trial}.log",
        "--pattern", r"(?P<name>\w+) is (?P<value>\d+)",
        "--", sys.executable, program, "{metrics_file}",
    )  # fmt: skip

    assert status == 0, err
    reported = [told for told in facts if told["event"] == "metric_reported"]
    assert [told["metrics"] for told in reported[:2]] == [
        {"training": 0.0, "loss": 9.0},
        {"training": 1.0, "loss": 8.0},
    ]
    (trial,) = asha("trials", "run-file", "--json").facts
    assert trial["last_value"] == 1.0  # the ninth line, not standard output


def test_an_unknown_word_is_refused_before_the_first_lease(
    asha: Asha, small: Path, run: Run
) -> None:
    asha("create", "-f", str(small), "--id", "run-word")

    status, facts, err = run("-e", "run-word", "--", "echo", "{lr}", "{rate}")

    assert (status, facts) == (2, [])
    assert "unknown template word {rate}" in err
    assert asha("trials", "run-word", "--json").facts == []


def test_exit_statuses_say_what_a_failure_is(asha: Asha, small: Path, run: Run) -> None:
    """Trial 0 is infeasible, trial 1 fails for good, trial 2 ends early by itself."""
    asha("create", "-f", str(small), "--id", "run-exit", "--set", "max_trials=2")
    program = run.write(
        "import sys\n"
        "trial = int(sys.argv[1])\n"
        "print('{\"loss\": 1}' if trial == 2 else '')\n"
        "sys.exit([40, 41, 0][trial])"
    )

    status, _, err = run(
        "-e", "run-exit", "--infeasible-exit", "40", "--permanent-exit", "41",
        "--", sys.executable, program, "{trial}",
    )  # fmt: skip

    assert status == 0, err
    trials = asha("trials", "run-exit", "--json").facts
    assert [trial["end_reason"].removeprefix("TRIAL_END_REASON_") for trial in trials] == [
        "INFEASIBLE", "PERMANENT_FAILURE", "ENDED_BY_ITSELF",
    ]  # fmt: skip
    assert "exit status 41" in trials[1]["end_message"]


def test_a_search_that_failed_is_status_1(asha: Asha, small: Path, run: Run) -> None:
    """One infeasible trial is borne, the next one in a row ends the experiment."""
    asha("create", "-f", str(small), "--id", "run-failed", "--set", "max_infeasible=1")

    status, facts, _ = run("-e", "run-failed", "--infeasible-exit", "3", "--", "sh", "-c", "exit 3")

    assert (status, facts[-1]["event"], facts[-1]["state"]) == (1, "finished", "FAILED")
    assert len(asha("trials", "run-failed", "--json").facts) == 2


def test_a_program_that_reports_nothing_ends_the_worker(asha: Asha, small: Path, run: Run) -> None:
    asha("create", "-f", str(small), "--id", "run-mute")

    status, facts, _ = run("-e", "run-mute", "--", "echo", "Loss went down to one half")

    assert status == 1
    ended = [told for told in facts if told["event"] == "trial_ended"]
    assert len(ended) == 3  # the client gives up after three failures without a report
    assert "without reporting 'loss'" in ended[0]["message"]
    (failed,) = [told for told in facts if told["event"] == "worker_failed"]
    assert "3 assignments in a row failed" in failed["message"]


def test_sigterm_reaches_the_program_and_gives_its_trial_back(
    asha: Asha, small: Path, run: Run
) -> None:
    """It saves once more on SIGTERM; the next worker would start from that."""
    asha("create", "-f", str(small), "--id", "run-leave", "--set", "async_halving.num_rungs=1")
    program = run.write(
        "import signal, sys\n"
        "def save(*_):\n"
        '    print(\'{"checkpoint": "late"}\')\n'
        "    sys.exit(5)\n"
        "signal.signal(signal.SIGTERM, save)\n"
        'print(\'{"step": 4, "loss": 1, "checkpoint": "early"}\')\n'
        "signal.pause()"
    )
    process = run.start("-e", "run-leave", "--", sys.executable, program)
    assert fact(process, "metric_reported")["step"] == 4

    process.send_signal(signal.SIGTERM)
    released = fact(process, "trial_ended")
    _, err = process.communicate(timeout=60)

    assert process.returncode == 128 + signal.SIGTERM, err
    assert (released["outcome"], released["exit_code"]) == ("released", 5)
    (trial,) = asha("trials", "run-leave", "--json").facts
    assert (trial["state"], trial["checkpoint_uri"]) == ("TRIAL_STATE_QUEUED", "late")


def test_a_program_that_runs_ahead_of_its_pause_is_resumed_where_it_was_paused(
    asha: Asha, small: Path, run: Run
) -> None:
    """It prints all nine steps at once, ignores the pause at step 1, and ends by itself."""
    asha("create", "-f", str(small), "--id", "run-ahead", "--set", "max_trials=3")
    program = run.write(
        "import json, signal\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "lines = [{'step': n, 'loss': 1, 'checkpoint': f'at-{n}'} for n in range(1, 10)]\n"
        "print('\\n'.join(map(json.dumps, lines)))"
    )

    _, facts, err = run("-e", "run-ahead", "--", sys.executable, program)

    promoted = [told for told in facts if told.get("kind") == "PROMOTED"]
    assert promoted, err
    assert {(told["start_step"], told["checkpoint"]) for told in promoted} <= {
        (1, "at-1"), (3, "at-3"),
    }  # fmt: skip


def test_a_persons_stop_ends_a_silent_program(asha: Asha, small: Path, run: Run) -> None:
    """It ignores SIGTERM, too: SIGKILL follows after the grace time."""
    asha("create", "-f", str(small), "--id", "run-stop", "--set", "lease_ttl=1s")
    program = run.write(
        "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint(1)\nsignal.pause()"
    )
    process = run.start("-e", "run-stop", "--grace", "0.1", "--", sys.executable, program)
    fact(process, "trial_started")

    assert asha("stop", "run-stop", "--yes").status == 0
    ended = fact(process, "trial_ended")
    out, _ = process.communicate(timeout=60)

    assert (ended["outcome"], ended["message"]) == ("stopped", "EXPERIMENT_STOPPED")
    assert process.returncode == 0
    assert json.loads(out.splitlines()[-1])["state"] == "COMPLETED"


def test_contradictions_are_wrong_usage(asha: Asha) -> None:
    for words in (
        ("--metrics", "json", "--pattern", ".", "--", "true"),
        ("--pattern", "(", "--", "true"),
        ("--infeasible-exit", "3", "--permanent-exit", "3", "--", "true"),
        ("--", "no-such-program"),
        ("--", "true", "{lr"),
    ):
        assert asha("run", "-e", "any", *words).status == 2, words

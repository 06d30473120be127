"""A sidecar and trainers as processes, side by side in one directory."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PATIENCE_S = 60.0
"""How long anything may take on a busy machine, in seconds."""

Process = subprocess.Popen[str]


def wait_until(holds: Callable[[], object], what: str) -> None:
    """Waits until something holds."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, f"in vain: {what}"
        time.sleep(0.01)


class Beside:
    """A sidecar and its trainers.

    Args:
        directory: where they run.
        server: address of the server.

    Attributes:
        folder: that they share.
        checkpoints: where trainers save.
    """

    def __init__(self, directory: Path, server: str) -> None:
        self.directory = directory
        self.folder = directory / "shared"
        self.checkpoints = directory / "checkpoints"
        self._environment = {
            name: value for name, value in os.environ.items() if not name.startswith("ASHA_")
        }
        self.server = {"ASHA_SERVER": server}
        self._processes: list[Process] = []

    # Processes.

    def start(self, *words: str, **environment: str) -> Process:
        """Starts a program, its output to be read."""
        process = subprocess.Popen(
            words, cwd=self.directory, env={**self._environment, **environment}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        self._processes.append(process)
        return process

    def sidecar(self, experiment_id: str, *options: str) -> Process:
        """Starts `asha sidecar` with the folder, unless a socket is asked for."""
        form = () if "--socket" in options else ("--folder", str(self.folder))
        return self.start(
            sys.executable, "-m", "asha_server.cli", "sidecar", "--json", "-e", experiment_id,
            *form, *options, **self.server,
        )  # fmt: skip

    def trainer(self, *words: str, shell: str = "sh", **environment: str) -> Process:
        """Starts the folder's trainer.sh, once the sidecar has written it, with a command."""
        wrapper = self.folder / "trainer.sh"
        wait_until(wrapper.exists, "trainer.sh")
        return self.start(shell, str(wrapper), *words, **{"ASHA_POLL": "0.05", **environment})

    def write(self, name: str, text: str) -> str:
        """Writes a program; its path."""
        path = self.directory / name
        path.write_text(text)
        return str(path)

    def close(self) -> None:
        """Ends what a test left."""
        for process in self._processes:
            kill(process)
            for pipe in (process.stdout, process.stderr):
                assert pipe is not None
                pipe.close()

    # What a test does in a trainer's place.

    def take(self, number: int | None = None) -> Path:
        """The folder of the current trial, once there is one to train."""
        found: list[Path] = []

        def is_there() -> bool:
            try:
                trial = (self.folder / "current").resolve(strict=True)
                told = json.loads((trial / "trial.json").read_text())
            except OSError:
                return False
            is_open = not (trial / "stop").exists() and not (trial / "exit_status").exists()
            if is_open and number in (None, told["trial"]):
                found.append(trial)
            return bool(found)

        wait_until(is_there, "a trial")
        return found[0]

    def verdict(self, trial: Path, step: int) -> dict[str, Any]:
        """The decision on a step, once the trainer is told."""
        told: dict[str, Any] = {}

        def is_told() -> bool:
            try:
                told.update(json.loads((trial / "verdict.json").read_text()))
            except OSError:
                return False
            return bool(told["step"] >= step)

        wait_until(is_told, f"a verdict on step {step}")
        return told

    def touch(self) -> None:
        """A touch of the heartbeat file."""
        os.utime(self.folder / "heartbeat")


def append(trial: Path, text: str) -> None:
    """Appends to a trial's metrics."""
    with (trial / "metrics.jsonl").open("a") as file:
        file.write(text)


def report(trial: Path, *steps: int, loss: float = 1.0, **more: object) -> None:
    """Reports a loss at some steps."""
    for step in steps:
        append(trial, json.dumps({"step": step, "loss": loss, **more}) + "\n")


def say_end(trial: Path, text: str = "0") -> None:
    """Says how the training ended."""
    partial = trial / "exit_status.new"
    partial.write_text(f"{text}\n")
    partial.replace(trial / "exit_status")


def fact(process: Process, event: str) -> dict[str, Any]:
    """The next fact of a kind that a sidecar tells; one that does not in time is killed."""
    assert process.stdout is not None
    watchdog = threading.Timer(PATIENCE_S, process.kill)
    watchdog.start()
    try:
        for line in process.stdout:
            told: dict[str, Any] = json.loads(line)
            if told["event"] == event:
                return told
    finally:
        watchdog.cancel()
        watchdog.join()
    assert process.stderr is not None
    raise AssertionError(f"{event} was never told: {process.stderr.read()}")


def finish(process: Process) -> tuple[int, list[dict[str, Any]], str]:
    """Waits for a sidecar's end: exit status, the facts not yet heard, standard error."""
    out, err = process.communicate(timeout=PATIENCE_S)
    return process.returncode, [json.loads(line) for line in out.splitlines()], err


def kill(process: Process) -> None:
    """Kills it and its children at once, as a container is killed; waits until it is gone."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(PATIENCE_S)

"""The demo's processes: one server, several workers, each with a log; ended in the right order."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from asha_server.cli.refusal import Refusal

END_PATIENCE_S = 15.0
"""How long a process may take to end after SIGTERM before it is killed. Seconds."""


class Processes:
    """A server on a database file, and workers that train for it.

    They run in sessions of their own: Ctrl-C reaches the demo, which ends them in order.

    Args:
        directory: of database, checkpoints and logs.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._server: subprocess.Popen[str] | None = None
        self._workers: list[subprocess.Popen[bytes]] = []

    def start_server(self) -> str:
        """Starts the server; its address.

        Raises:
            Refusal: it did not start; with its words.
        """
        with self._log("server") as log:
            self._server = subprocess.Popen(
                [
                    sys.executable, "-m", "asha_server.cli", "serve",
                    "--database", str(self._directory / "asha.db"), "--listen", "127.0.0.1:0",
                ],
                stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True,
                env=_own_environment(),
            )  # fmt: skip
        assert self._server.stdout is not None
        line = self._server.stdout.readline()
        if not line.startswith("listening on "):
            raise Refusal(f"the server did not start: {self.last_words('server')}")
        return line.split()[-1]

    def start_workers(self, count: int, address: str, experiment_id: str) -> None:
        """Starts workers; each computes on one core."""
        checkpoints = self._directory / "checkpoints"
        checkpoints.mkdir(exist_ok=True)
        one_core = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        for index in range(count):
            with self._log(f"worker-{index}") as log:
                worker = subprocess.Popen(
                    [
                        sys.executable, "-m", "asha_server.cli.demo.worker",
                        address, experiment_id, str(checkpoints.resolve()),
                    ],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                    env={**_own_environment(), **one_core},
                )  # fmt: skip
            self._workers.append(worker)

    @contextlib.contextmanager
    def _log(self, name: str) -> Iterator[int]:
        """Where a process writes; a child keeps it open for itself."""
        with (self._directory / f"{name}.log").open("ab") as file:
            yield file.fileno()

    @property
    def worker_pids(self) -> list[int]:
        """The workers' processes."""
        return [worker.pid for worker in self._workers]

    def check(self) -> None:
        """Notices what ended before its time.

        Raises:
            Refusal: the server ended, or every worker has; with their words.
        """
        if self._server is not None and self._server.poll() is not None:
            raise Refusal(f"the server ended: {self.last_words('server')}")
        if self._workers and all(worker.poll() is not None for worker in self._workers):
            raise Refusal(f"every worker ended: {self.last_words('worker-0')}")

    def last_words(self, name: str) -> str:
        """The last lines of a process's log, and where the rest is."""
        path = self._directory / f"{name}.log"
        lines = path.read_text(errors="replace").splitlines()[-5:]
        return "\n".join([f"see {path}", *lines])

    def end(self) -> None:
        """Ends the workers, which give their trials back, then the server. Idempotent."""
        workers, self._workers = self._workers, []
        server, self._server = self._server, None
        _end_all(workers)
        if server is not None:
            _end_all([server])
            assert server.stdout is not None
            server.stdout.close()


def _own_environment() -> dict[str, str]:
    """The environment without what is meant for another server and its clients."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ASHA_")}


def _end_all(processes: list[subprocess.Popen[bytes]] | list[subprocess.Popen[str]]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(END_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

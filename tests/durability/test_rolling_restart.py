"""A server is replaced under load: the next one stands by on its file and port, and takes over."""

from __future__ import annotations

import itertools
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import asha_client
import pytest

from asha_server.verify import verify_file

WORKERS = 20
RESTARTS = 2
LENGTH = 4
TRIALS = 600
BETWEEN = 200
"""Reports from one restart to the next."""
STATED_S = 10.0
"""What docs/howto/restart-and-upgrade.md states for the default `--drain`: 5 s and 5 s more."""


class Process:
    """`asha serve`, which can stand by.

    Attributes:
        address: where it can be called.
    """

    def __init__(self, database: Path, address: str, *options: str) -> None:
        self.address = address
        self._log = database.with_suffix(f".{time.monotonic_ns()}.log")
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    sys.executable, "-m", "asha_server.cli", "serve", "--wait-for-lock",
                    "--database", str(database), "--listen", address, "--log-level", "INFO",
                    *options,
                ],
                stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip

    def until_standing_by(self) -> None:
        """Returns once it waits for the file."""
        while '"standing_by"' not in self._log.read_text():
            assert self._process.poll() is None, self._log.read_text()
            time.sleep(0.01)

    def until_serving(self) -> None:
        """Returns once it can be called."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line.startswith("listening on "), self._log.read_text()
        self.address = line.split()[-1]

    def terminate(self) -> None:
        """SIGTERM."""
        self._process.send_signal(signal.SIGTERM)

    def ended(self) -> str:
        """Its log, once it has ended as asked for."""
        assert self._process.wait() == 0, self._log.read_text()
        return self._log.read_text()

    def kill(self) -> None:
        """It does not outlive the test."""
        self._process.kill()
        self._process.communicate()


@contextmanager
def serving(database: Path, *options: str) -> Iterator[list[Process]]:
    """A server that can be called, in a list for those that follow it."""
    processes = [Process(database, "127.0.0.1:0", *options)]
    try:
        processes[0].until_serving()
        yield processes
    finally:
        for process in processes:
            process.kill()


class Tally:
    """What the workers were answered.

    Attributes:
        moments: list[float], when each report was acknowledged; monotonic, seconds.
        acknowledged: set[(trial, step)].
    """

    def __init__(self) -> None:
        self.moments: list[float] = []
        self.acknowledged: set[tuple[int, int]] = set()
        self._changed = threading.Condition()

    def note(self, trial: int, step: int) -> None:
        """One more report is acknowledged."""
        with self._changed:
            self.moments.append(time.monotonic())
            self.acknowledged.add((trial, step))
            self._changed.notify_all()

    def until(self, count: int, workers: list[Future[None]]) -> None:
        """Returns once there are so many more, or the workers are done."""
        with self._changed:
            wanted = len(self.moments) + count
            self._changed.wait_for(
                lambda: len(self.moments) >= wanted or any(worker.done() for worker in workers)
            )


def work(address: str, name: str, tally: Tally, *, sessions: bool) -> None:
    """One worker, until the search is finished; any error ends it."""
    with asha_client.connect(address, sessions=sessions, max_backoff=0.5) as client:
        for trial in client.experiment("search").trials(name):
            for step in trial.steps():
                trial.report(step, {"loss": trial.number / step}, f"ckpt-{trial.number}-{step}")
                tally.note(trial.number, step)


@pytest.mark.parametrize("options", [(), ("--http", "127.0.0.1:0")], ids=["plain", "http"])
def test_a_server_is_replaced_while_its_workers_go_on(
    tmp_path: Path, options: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """Twenty workers, half of them on sessions; no error reaches them, nothing counts twice."""
    database = tmp_path / "asha.db"
    tally = Tally()
    gaps_s: list[float] = []
    with serving(database, *options) as servers, ExitStack() as stack:
        address = servers[0].address
        with asha_client.connect(address) as client:
            client.create_experiment(_spec(), "search")
        pool = stack.enter_context(ThreadPoolExecutor(WORKERS))
        workers = [
            pool.submit(work, address, f"w{n}", tally, sessions=n % 2 == 0) for n in range(WORKERS)
        ]
        for _ in range(RESTARTS):
            tally.until(BETWEEN, workers)
            servers.append(Process(database, address, *options))
            servers[-1].until_standing_by()
            began = time.monotonic()
            servers[-2].terminate()
            log = servers[-2].ended()
            ended_s = time.monotonic() - began
            servers[-1].until_serving()
            tally.until(WORKERS, workers)
            assert log.index('"draining"') < log.index('"stopped"')
            assert ended_s < 2 * STATED_S, "twice, for a busy machine"
            gaps_s.append(_longest_gap_s(tally.moments, began))
        for worker in workers:
            worker.result()
        servers[-1].terminate()
        servers[-1].ended()

    with capsys.disabled():
        print(f"\nwithout service: {', '.join(f'{gap_s:.2f} s' for gap_s in gaps_s)}")  # noqa: T201 - a figure for people
    assert not database.with_name("asha.db-wal").exists(), "the log is folded into the file"
    assert verify_file(database).ok
    with closing(sqlite3.connect(database)) as file:
        ((state,),) = file.execute("SELECT state FROM experiment")
        ((reports,),) = file.execute("SELECT count(*) FROM report")
        ((attempts,),) = file.execute("SELECT max(attempt) FROM trial")
    assert state == "COMPLETED"
    assert reports == len(tally.moments) == len(tally.acknowledged) == TRIALS * LENGTH
    assert attempts == 1, "no worker lost its trial"


def _spec() -> dict[str, object]:
    return {
        "metric": {"name": "loss", "goal": "GOAL_MINIMIZE"},
        "parameters": [{"name": "lr", "double_range": {"min": 0, "max": 1}}],
        "max_length": LENGTH,
        "max_trials": TRIALS,
        "max_concurrent_trials": 0,
        "random_search": {},
    }


def _longest_gap_s(moments: list[float], since: float) -> float:
    """The longest time between two answers, from a moment on."""
    times = [since, *(moment for moment in moments if moment > since)]
    return max(later - earlier for earlier, later in itertools.pairwise(times))

"""What others feel while very many trials are copied, listed, exported, ended, deleted, imported.

python benchmarks/bulk.py --trials 1000000

A file with one experiment of so many paused trials is written first, by the search code itself.
Then a server is started on it, twenty workers of another experiment report every 50 ms, and one
after the other the large experiment is backed up, listed, exported, stopped, deleted and imported.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import grpc
from figures import quantile, show
from large import write_large
from served import served

from asha_server.pb import experiment_pb2, trial_pb2
from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import experiment_service_pb2_grpc as e_rpc
from asha_server.pb import suggestion_service_pb2 as s
from asha_server.pb import suggestion_service_pb2_grpc as s_rpc

WORKERS = 20
PAUSE_S = 0.05
QUIET_S = 10.0
"""Measured with nothing else going on, before and after."""


class Others:
    """Workers of another experiment, and how long each of their reports took.

    Args:
        channel: of their own.

    Attributes:
        took_s: of every report since it was last emptied.
    """

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._suggestions = s_rpc.SuggestionServiceStub(channel)
        self._experiments = e_rpc.ExperimentServiceStub(channel)
        self.took_s: list[float] = []

    async def create(self) -> None:
        """Their experiment: of trials that never end."""
        spec = experiment_pb2.ExperimentSpec(
            metric=experiment_pb2.Metric(name="loss", goal=experiment_pb2.GOAL_MINIMIZE),
            random_search=experiment_pb2.RandomSearch(),
            max_length=10**9,
            max_trials=WORKERS,
        )
        request = e.CreateExperimentRequest(experiment_id="others", spec=spec)
        await self._experiments.CreateExperiment(request)

    async def work(self, number: int) -> None:
        """One worker, for ever."""
        asked = s.GetSuggestionRequest(experiment_id="others", worker_id=f"w{number}")
        given = (await self._suggestions.GetSuggestion(asked)).assignment
        for step in itertools.count(1):
            request = s.ReportMetricRequest(
                experiment_id="others",
                trial_number=given.trial_number,
                lease_token=given.lease.token,
                step=step,
                metrics=[trial_pb2.MetricValue(name="loss", value=0.5)],
            )
            began = time.perf_counter()
            await self._suggestions.ReportMetric(request)
            took_s = time.perf_counter() - began
            self.took_s.append(took_s)
            await asyncio.sleep(max(PAUSE_S - took_s, 0))

    async def during(self, name: str, action: Callable[[], Awaitable[Any]]) -> None:
        """Prints what they feel while something goes on."""
        self.took_s.clear()
        began = time.perf_counter()
        await action()
        elapsed_s = time.perf_counter() - began
        took_ms = [1_000 * took_s for took_s in self.took_s]
        show(
            name,
            took=f"{elapsed_s:.1f} s",
            reports=f"{len(took_ms):,}",
            p50=f"{quantile(took_ms, 0.5):.1f} ms",
            p99=f"{quantile(took_ms, 0.99):.1f} ms",
            max=f"{max(took_ms):.0f} ms",
        )


class Large:
    """The large experiment, and what is done to it.

    Args:
        channel: to the server.
        directory: with its file.
    """

    def __init__(self, channel: grpc.aio.Channel, directory: Path) -> None:
        self._experiments = e_rpc.ExperimentServiceStub(channel)
        self._database = directory / "asha.db"
        self._copy = directory / "copy.db"
        self._exported = directory / "large.jsonl"

    async def back_up(self) -> None:
        """A copy of the file by `asha backup`."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "asha_server.cli", "backup", "--overwrite",
            self._database, self._copy, stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        if await process.wait():
            raise RuntimeError("the backup failed")

    async def list_trials(self) -> None:
        """The first 100,000 trials, page by page."""
        request = e.ListTrialsRequest(experiment_id="large", page_size=1_000)
        for _ in range(100):
            page = await self._experiments.ListTrials(request)
            request.page_token = page.next_page_token
            if not request.page_token:
                return

    async def export(self) -> None:
        """Its history as a file."""
        request = e.ExportExperimentRequest(experiment_id="large")
        with self._exported.open("wb") as file:
            async for piece in self._experiments.ExportExperiment(request):
                file.write(piece.chunk)

    async def stop(self) -> None:
        """Ends it, until the row of the last trial says so: they follow bit by bit."""
        request = e.StopExperimentRequest(experiment_id="large", reason="enough")
        await self._experiments.StopExperiment(request)
        await self._until_none("SELECT 1 FROM trial WHERE state = 'PAUSED' LIMIT 1")

    async def delete(self) -> None:
        """Deletes it, to the last row."""
        await self._experiments.DeleteExperiment(e.DeleteExperimentRequest(experiment_id="large"))
        await self._until_none("SELECT 1 FROM trial WHERE id >> 40 = 1 LIMIT 1")

    async def bring_in(self) -> None:
        """Imports what was exported."""
        await self._experiments.ImportExperiment(_requests(self._exported))

    async def _until_none(self, query: str) -> None:
        """Until a query of the file finds nothing."""
        finds = True
        while finds:
            await asyncio.sleep(0.5)
            finds = await asyncio.to_thread(_finds_something, self._database, query)


def _finds_something(path: Path, query: str) -> bool:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchone() is not None


def _requests(path: Path) -> Iterator[e.ImportExperimentRequest]:
    with path.open("rb") as file:
        while chunk := file.read(2**19):
            yield e.ImportExperimentRequest(chunk=chunk)


async def measure(address: str, directory: Path, trials: int, only: list[str]) -> None:
    """One thing after the other, with the others beside it."""
    async with (
        grpc.aio.insecure_channel(address) as channel,
        grpc.aio.insecure_channel(address) as others_channel,
    ):
        large, others = Large(channel, directory), Others(others_channel)
        await others.create()
        working = [asyncio.create_task(others.work(number)) for number in range(WORKERS)]
        await asyncio.sleep(1)
        await others.during("nothing else", lambda: asyncio.sleep(QUIET_S))
        for name, action in (
            ("a backup", large.back_up),
            ("100,000 trials listed", large.list_trials),
            ("an export", large.export),
            (f"a stop of {trials:,} trials", large.stop),
            ("a delete, to the last row", large.delete),
            ("an import", large.bring_in),
        ):
            if not only or any(word in name for word in only):
                await others.during(name, action)
        await others.during("nothing else", lambda: asyncio.sleep(QUIET_S))
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)


def main() -> None:
    """Writes the file, runs, prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=100_000, help="of the large experiment")
    parser.add_argument("--only", nargs="*", default=[], help="words: stop delete; default: all")
    chosen = parser.parse_args()
    trials = chosen.trials
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        directory = Path(name)
        began = time.perf_counter()
        write_large(directory / "asha.db", trials)
        show(f"{trials:,} trials written", took=f"{time.perf_counter() - began:.0f} s")
        with served(directory) as server:
            show("a start on them", took=f"{server.started_s:.1f} s")
            asyncio.run(measure(server.address, directory, trials, chosen.only))


if __name__ == "__main__":
    main()

"""The ceiling: a server of the same shape that decides nothing and writes one row a report.

As `asha serve`: several servers of grpc.aio that share a port on one uvloop, a thread that commits
what came meanwhile as one transaction (WAL, synchronous=FULL), an answer once it is durable. What
it lacks is everything else. `throughput.py` runs it beside the real one.

python benchmarks/ceiling.py DATABASE [SERVERS]
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

from asha_server.event_loop import run_serving
from asha_server.pb import suggestion_service_pb2 as pb
from asha_server.pb import suggestion_service_pb2_grpc as rpc
from asha_server.pb import trial_pb2

CONTINUE = trial_pb2.Decision(
    verdict=trial_pb2.VERDICT_CONTINUE,
    reason=trial_pb2.DECISION_REASON_BETWEEN_RUNGS,
    next_decision_step=10**9,
)


class Writer:
    """Rows in, one transaction for all that came meanwhile, futures resolved after it."""

    def __init__(self, path: str) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute(
            "CREATE TABLE report (id INTEGER PRIMARY KEY, trial INTEGER, step INTEGER, value REAL)"
        )
        self._thread = ThreadPoolExecutor(1)
        self._rows: list[tuple[int, int, float]] = []
        self._waiting: list[asyncio.Future[None]] = []
        self._wake = asyncio.Event()

    def write(self, reports: Any) -> asyncio.Future[None]:
        """Resolved once the reports are durable."""
        for report in reports:
            self._rows.append((report.trial_number, report.step, report.metrics[0].value))
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        self._wake.set()
        return future

    async def run(self) -> None:
        """Commits and commits."""
        loop = asyncio.get_running_loop()
        while True:
            await self._wake.wait()
            self._wake.clear()
            rows, self._rows = self._rows, []
            waiting, self._waiting = self._waiting, []
            await loop.run_in_executor(self._thread, self._commit, rows)
            for future in waiting:
                if not future.done():
                    future.set_result(None)

    def _commit(self, rows: list[tuple[int, int, float]]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany(
            "INSERT INTO report (trial, step, value) VALUES (?, ?, ?)", rows
        )
        self._connection.execute("COMMIT")


class Empty(rpc.SuggestionServiceServicer):
    """Hands out trials that never end."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._trials = 0

    async def GetSuggestion(self, request: Any, context: Any) -> pb.GetSuggestionResponse:
        """A new trial."""
        self._trials += 1
        return pb.GetSuggestionResponse(
            assignment=pb.Assignment(
                experiment_id=request.experiment_id,
                trial_number=self._trials,
                lease=trial_pb2.Lease(token="1.a", attempt=1),
                next_decision_step=10**9,
                metric="loss",
            )
        )

    async def ReportMetric(self, request: Any, context: Any) -> pb.ReportMetricResponse:
        """CONTINUE, once it is durable."""
        await self._writer.write([request])
        return pb.ReportMetricResponse(decision=CONTINUE)

    async def TrainingSession(  # type: ignore[override]  # the stubs know generators only
        self, request_iterator: Any, context: Any
    ) -> None:
        """Answers in order, each once it is durable."""
        await context.send_initial_metadata(())
        while (request := await context.read()) is not grpc.aio.EOF:  # type: ignore[attr-defined]
            response = pb.TrainingSessionResponse(request_number=request.request_number)
            if request.HasField("get_suggestion"):
                given = await self.GetSuggestion(request.get_suggestion, context)
                response.get_suggestion.CopyFrom(given)
            else:
                reports = request.report_metrics.reports
                await self._writer.write(reports)
                for _ in reports:
                    response.report_metrics.results.add().response.decision.CopyFrom(CONTINUE)
            await context.write(response)


async def serve(path: str, count: int) -> None:
    """Serves until it is ended."""
    writer = Writer(path)
    servicer = Empty(writer)
    port = 0
    for _ in range(count):
        server = grpc.aio.server(options=[("grpc.so_reuseport", 1)])
        rpc.add_SuggestionServiceServicer_to_server(servicer, server)
        port = server.add_insecure_port(f"127.0.0.1:{port}")
        await server.start()
    print(f"listening on 127.0.0.1:{port}", flush=True)
    await writer.run()


if __name__ == "__main__":
    run_serving(serve(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 4))

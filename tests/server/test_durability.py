"""Kill the server at any moment: no acknowledged report is lost, none counts twice, none changes.

Workers train through a real server process that is killed with SIGKILL again and again and started
anew on the same file; every answer that they got is compared with what the file says in the end.
"""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import grpc

from asha_server.pb import experiment_pb2 as x
from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import experiment_service_pb2_grpc as e_rpc
from asha_server.pb import suggestion_service_pb2 as s
from asha_server.pb import suggestion_service_pb2_grpc as s_rpc
from asha_server.pb import trial_pb2 as t
from asha_server.verify import verify_file

KILLS = 6
WORKERS = 6


class Acknowledged:
    """Every answer to a report, and who waits for more of them.

    Attributes:
        decisions: (trial, attempt, step) -> the decision that was answered.
    """

    def __init__(self) -> None:
        self.decisions: dict[tuple[int, int, int], t.Decision] = {}
        self._news = asyncio.Condition()

    async def note(self, place: tuple[int, int, int], decision: t.Decision) -> None:
        async with self._news:
            self.decisions[place] = decision
            self._news.notify_all()

    async def reach(self, count: int) -> None:
        async with self._news:
            await self._news.wait_for(lambda: len(self.decisions) >= count)


class ServerProcess:
    """`asha serve` as a process, always on the same port."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._process: asyncio.subprocess.Process | None = None
        self.address = "127.0.0.1:0"

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "asha_server.cli", "serve",
            "--database", str(self._database), "--listen", self.address,
            stdout=asyncio.subprocess.PIPE, stderr=sys.stderr,
        )  # fmt: skip
        assert self._process.stdout is not None
        line = (await self._process.stdout.readline()).decode()
        assert line.startswith("listening on "), line
        self.address = line.split()[-1]

    async def end(self, number: signal.Signals) -> int:
        assert self._process is not None
        self._process.send_signal(number)
        return await self._process.wait()


async def _retried(call: Any, request: Any) -> Any:
    """The answer, however often the server dies meanwhile."""
    while True:
        try:
            return await call(request, wait_for_ready=True, timeout=20)
        except grpc.aio.AioRpcError as error:
            if error.code() not in (
                grpc.StatusCode.UNAVAILABLE,
                grpc.StatusCode.DEADLINE_EXCEEDED,
            ):
                raise


async def _work(channel: grpc.aio.Channel, name: str, acknowledged: Acknowledged) -> None:
    """One worker: trains until the search is finished, and notes every answer."""
    stub = s_rpc.SuggestionServiceStub(channel)
    asked = 0
    while True:
        asked += 1
        found = await _retried(
            stub.GetSuggestion,
            s.GetSuggestionRequest(
                experiment_id="e", worker_id=name, request_id=f"{name}-{asked}",
                max_wait={"seconds": 5},
            ),
        )  # fmt: skip
        if found.HasField("finished"):
            return
        if found.HasField("assignment"):
            await _train(stub, found.assignment, acknowledged)


async def _train(
    stub: s_rpc.SuggestionServiceAsyncStub, given: s.Assignment, acknowledged: Acknowledged
) -> None:
    value = given.parameters[0].value.double_value
    step = given.start_step
    while True:
        step += 1
        response = await _retried(
            stub.ReportMetric,
            s.ReportMetricRequest(
                experiment_id="e", trial_number=given.trial_number,
                lease_token=given.lease.token, step=step,
                metrics=[t.MetricValue(name="loss", value=value + 1 / step)],
                checkpoint_uri=f"{given.trial_number}/{step}",
            ),
        )  # fmt: skip
        place = (given.trial_number, given.lease.attempt, step)
        await acknowledged.note(place, response.decision)
        if response.decision.verdict != t.VERDICT_CONTINUE:
            return


async def _kill_again_and_again(server: ServerProcess, acknowledged: Acknowledged) -> None:
    """A kill whenever some thirty more answers have come; each time a fresh start on the file."""
    stride = random.Random(3)
    target = 0
    for _ in range(KILLS):
        target += stride.randrange(20, 30)
        await acknowledged.reach(target)
        assert await server.end(signal.SIGKILL) == -signal.SIGKILL
        await server.start()


async def test_a_server_killed_again_and_again_loses_and_repeats_nothing(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "asha.db")
    await server.start()
    acknowledged = Acknowledged()
    options = [("grpc.initial_reconnect_backoff_ms", 50), ("grpc.max_reconnect_backoff_ms", 100)]
    async with grpc.aio.insecure_channel(server.address, options=options) as channel:
        experiments = e_rpc.ExperimentServiceStub(channel)
        spec = x.ExperimentSpec(
            metric=x.Metric(name="loss", goal=x.GOAL_MINIMIZE),
            max_length=27, max_trials=60, adaptive_asha=x.AdaptiveAsha(divisor=3), seed=7,
        )  # fmt: skip
        spec.parameters.add(name="lr").double_range.CopyFrom(x.DoubleRange(min=0, max=1))
        await experiments.CreateExperiment(e.CreateExperimentRequest(experiment_id="e", spec=spec))
        async with asyncio.timeout(60):
            await asyncio.gather(
                *(_work(channel, f"w{n}", acknowledged) for n in range(WORKERS)),
                _kill_again_and_again(server, acknowledged),
            )
        found = (
            await _retried(experiments.GetExperiment, e.GetExperimentRequest(experiment_id="e"))
        ).experiment
        decided: list[t.DecisionRecord] = []
        request = e.ListDecisionsRequest(experiment_id="e", page_size=1000)
        while True:
            page = await _retried(experiments.ListDecisions, request)
            decided += page.decisions
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token

    assert await server.end(signal.SIGTERM) == 0
    assert found.state == x.EXPERIMENT_STATE_COMPLETED
    assert found.trial_counts.created == 60
    places = [(record.trial_number, record.attempt, record.step) for record in decided]
    assert max(Counter(places).values()) == 1
    recorded = dict(zip(places, (record.decision for record in decided), strict=True))
    answered = acknowledged.decisions
    assert {place: recorded.get(place) for place in answered} == answered
    assert verify_file(tmp_path / "asha.db").ok

"""What 20 workers feel of a neighbour that floods the server: unlimited, and limited by its token.

The workers are of one team and report four times a second each, by single calls. The neighbour has
a token of its own and reports as fast as it is answered: by 200 calls at a time, or over sessions,
a thousand reports a message. When it is refused it waits as long as `RetryInfo` says; *deaf*, it
does not. It runs in a process of its own with less priority than the workers, whose latency is
measured; both share the machine with the server.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import grpc
from figures import quantile, show
from google.rpc import error_details_pb2, status_pb2
from served import served

from asha_server.pb import admin_service_pb2 as a
from asha_server.pb import admin_service_pb2_grpc as a_rpc
from asha_server.pb import experiment_pb2 as x
from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import experiment_service_pb2_grpc as e_rpc
from asha_server.pb import suggestion_service_pb2 as s
from asha_server.pb import suggestion_service_pb2_grpc as s_rpc
from asha_server.pb import trial_pb2 as t

SECONDS = 8.0
"""Of each round."""
SETTLING_S = 1.0
"""Before a round: the neighbour begins."""
WORKERS = 20
PAUSE_S = 0.25
"""From one report of a worker to its next."""
CALLS = 200
"""Of the neighbour, at one time."""
SESSIONS = 4
REPORTS = 1_000
"""In each message of its sessions."""
LIMITED = a.IdentityLimits(
    requests_per_second=100, reports_per_second=100, max_calls=20, max_open_sessions=2
)
ROUNDS = 2
"""Of each kind; all latencies count."""


class Neighbour(NamedTuple):
    """A client that floods the server.

    Attributes:
        name: of its token.
        secret: of it.
        is_session: it reports over sessions.
        is_deaf: it does not wait where it is refused.
    """

    name: str
    secret: str
    is_session: bool
    is_deaf: bool


class Caller:
    """Calls a server with a token.

    Args:
        address: of the server.
        secret: the token.
    """

    def __init__(self, address: str, secret: str) -> None:
        self.channel = grpc.aio.insecure_channel(
            address, options=[("grpc.use_local_subchannel_pool", 1)]
        )
        self.metadata = (("authorization", f"Bearer {secret}"),)
        self.calls: Any = s_rpc.SuggestionServiceStub(self.channel)

    async def take(self, experiment_id: str, worker_id: str) -> s.ReportMetricRequest:
        """A trial for a worker: a report of it but for the step."""
        request = s.GetSuggestionRequest(experiment_id=experiment_id, worker_id=worker_id)
        given = (await self.calls.GetSuggestion(request, metadata=self.metadata)).assignment
        return s.ReportMetricRequest(
            experiment_id=given.experiment_id,
            trial_number=given.trial_number,
            lease_token=given.lease.token,
            metrics=[t.MetricValue(name="m", value=0.5)],
        )


async def work(address: str, secret: str) -> list[float]:
    """How long each report of the workers took, in a round. Seconds."""
    caller = Caller(address, secret)
    heads = [await caller.take("team", f"w{n}") for n in range(WORKERS)]
    began = time.perf_counter()
    took: list[float] = []

    async def report_on(number: int) -> None:
        head = heads[number]
        await asyncio.sleep(PAUSE_S * number / WORKERS)
        while (now := time.perf_counter()) - began < SETTLING_S + SECONDS:
            head.step = time.monotonic_ns() // 1_000
            await caller.calls.ReportMetric(head, metadata=caller.metadata)
            if now - began > SETTLING_S:
                took.append(time.perf_counter() - now)
            await asyncio.sleep(max(now + PAUSE_S - time.perf_counter(), 0))

    await asyncio.gather(*(report_on(number) for number in range(WORKERS)))
    await caller.channel.close(None)
    return took


def flood(address: str, neighbour: Neighbour, counts: Any) -> None:
    """The neighbour's process: floods until it is ended; counts what is answered and refused."""
    os.nice(10)
    asyncio.run((_flood_sessions if neighbour.is_session else _flood_calls)(
        address, neighbour, counts
    ))  # fmt: skip


async def _flood_calls(address: str, neighbour: Neighbour, counts: Any) -> None:
    caller = Caller(address, neighbour.secret)
    head = await caller.take("noise", neighbour.name)

    async def report_on(number: int) -> None:
        step = 0
        while True:
            step += 1
            request = s.ReportMetricRequest(step=time.monotonic_ns() // 1_000)
            request.MergeFrom(head)
            try:
                await caller.calls.ReportMetric(request, metadata=caller.metadata)
                counts[0] += 1
            except grpc.aio.AioRpcError as error:
                counts[1] += 1
                await asyncio.sleep(0 if neighbour.is_deaf else _retry_after_s(error))

    await asyncio.gather(*(report_on(number) for number in range(CALLS)))


async def _flood_sessions(address: str, neighbour: Neighbour, counts: Any) -> None:
    caller = Caller(address, neighbour.secret)
    head = await caller.take("noise", neighbour.name)

    async def report_on() -> None:
        while True:
            try:
                await _speak(caller, head, neighbour, counts)
            except grpc.aio.AioRpcError as error:
                counts[1] += 1
                await asyncio.sleep(0 if neighbour.is_deaf else _retry_after_s(error))

    await asyncio.gather(*(report_on() for _ in range(SESSIONS)))


async def _speak(
    caller: Caller, head: s.ReportMetricRequest, neighbour: Neighbour, counts: Any
) -> None:
    """One session, message after message."""
    call = caller.calls.TrainingSession(metadata=caller.metadata)
    number = 0
    while True:
        number += 1
        first = time.monotonic_ns() // 1_000
        batch = s.ReportMetricsRequest(reports=[head] * REPORTS)
        for offset, one in enumerate(batch.reports):
            one.step = first + offset
        await call.write(s.TrainingSessionRequest(request_number=number, report_metrics=batch))
        while (answer := await call.read()).request_number != number:
            pass  # a decision that nobody asked for
        if answer.HasField("error"):
            counts[1] += 1
            delay = answer.error.retry_delay.ToMilliseconds() / 1_000
            await asyncio.sleep(0 if neighbour.is_deaf else delay)
        else:
            refused = sum(one.HasField("error") for one in answer.report_metrics.results)
            counts[0] += REPORTS - refused
            counts[1] += refused


def _retry_after_s(error: grpc.aio.AioRpcError) -> float:
    """What RetryInfo says; a second where the stream broke while it was written to."""
    trailers: dict[str, Any] = dict(error.trailing_metadata() or ())  # type: ignore[arg-type]  # pairs
    details = trailers.get("grpc-status-details-bin")
    if details is None:
        return 1.0
    retry = error_details_pb2.RetryInfo()
    for detail in status_pb2.Status.FromString(details).details:
        if detail.Unpack(retry):
            return float(retry.retry_delay.ToMilliseconds()) / 1_000
    raise error


async def prepare(address: str, secret: str) -> dict[str, str]:
    """Makes an experiment for each side, and the tokens; their secrets by name."""
    async with grpc.aio.insecure_channel(address) as channel:
        metadata = (("authorization", f"Bearer {secret}"),)
        spec = x.ExperimentSpec(
            metric=x.Metric(name="loss", goal=x.GOAL_MINIMIZE),
            max_length=2**50,
            max_trials=10**6,
            max_concurrent_trials=0,
            async_halving=x.AsyncHalving(num_rungs=1),
        )
        people: Any = e_rpc.ExperimentServiceStub(channel)
        for name in ("team", "noise"):
            request = e.CreateExperimentRequest(experiment_id=name, spec=spec)
            await people.CreateExperiment(request, metadata=metadata)
        admin: Any = a_rpc.AdminServiceStub(channel)
        secrets = {}
        for name, limits in (("team", None), ("unlimited", None), ("limited", LIMITED)):
            wanted = a.CreateTokenRequest(name=name, role=a.ROLE_WORKER, limits=limits)
            secrets[name] = (await admin.CreateToken(wanted, metadata=metadata)).secret
    return secrets


def measure(title: str, address: str, team: str, neighbour: Neighbour | None) -> None:
    """One line of figures."""
    took: list[float] = []
    counts: Counter[str] = Counter()
    for _ in range(ROUNDS):
        context = multiprocessing.get_context("spawn")
        shared = context.Array("q", 2)
        process = None
        if neighbour is not None:
            process = context.Process(target=flood, args=(address, neighbour, shared))
            process.start()
        began = time.perf_counter()
        took += asyncio.run(work(address, team))
        seconds = time.perf_counter() - began
        if process is not None:
            if not process.is_alive():
                raise SystemExit("the neighbour died: see above")
            process.kill()
            process.join()
        counts["answered"] += int(shared[0] / seconds / ROUNDS)
        counts["refused"] += int(shared[1] / seconds / ROUNDS)
    figures = {
        "p50": f"{quantile(took, 0.5) * 1e3:.1f} ms",
        "p99": f"{quantile(took, 0.99) * 1e3:.1f} ms",
        "reports": f"{len(took) / SECONDS / ROUNDS:.0f}/s",
    }
    if neighbour is not None:
        figures["neighbour"] = f"{counts['answered']}/s answered, {counts['refused']}/s refused"
    show(title, **figures)


def main() -> None:
    """Runs a server and its two sides."""
    with (
        tempfile.TemporaryDirectory(dir=Path.cwd()) as name,
        served(Path(name), "--auth", "tokens") as server,
    ):
        secret = (Path(name) / "asha.db.admin-token").read_text().strip()
        secrets = asyncio.run(prepare(server.address, secret))
        team = secrets["team"]
        measure("without a neighbour", server.address, team, None)
        for kind, is_session in (("200 calls at a time", False), ("1,000 reports a message", True)):
            for limit in ("unlimited", "limited"):
                neighbour = Neighbour(limit, secrets[limit], is_session, is_deaf=False)
                measure(f"{kind}, {limit}", server.address, team, neighbour)
            deaf = Neighbour("limited", secrets["limited"], is_session, is_deaf=True)
            measure(f"{kind}, limited, deaf", server.address, team, deaf)


if __name__ == "__main__":
    main()

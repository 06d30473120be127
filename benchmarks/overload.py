"""Goodput under overload: workers who want 1, 2 and 5 times the answers that a server can give.

The server has one processor, those who call it another, so that the callers take nothing from it.
*Workers* report once a second and wait for the answer, as training processes do: each has one call
on its way, with the deadline of the Python client. *Strangers* do not wait: calls are sent at a
rate, whatever became of the former ones, and an answer is good within a second.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import grpc
from figures import median, quantile, show
from served import served

from asha_server.pb import (
    experiment_pb2,
    experiment_service_pb2,
    experiment_service_pb2_grpc,
    suggestion_service_pb2,
    suggestion_service_pb2_grpc,
    trial_pb2,
)

SECONDS = 5.0
"""Of each round."""
SETTLING_S = 5.0
"""Before a round of workers: as long as the first of so many wait for their answers."""
ROUNDS = 3
"""Of each rate; the median is told."""
TIMES = (1, 2, 5)
WORKER_DEADLINE_S = 10.0
STRANGER_DEADLINE_S = 1.0
CLOSED_LOOP = 64
"""Calls that wait for an answer while the capacity is measured."""
CONNECTIONS = 20
METRICS = 100
"""In each report, which makes it dear for the server and not for the caller."""
METHOD = "/asha.v1.SuggestionService/ReportMetric"


class Ended(NamedTuple):
    """How a call ended.

    Attributes:
        code: name of its status.
        seconds: how long it took.
    """

    code: str
    seconds: float


class Caller:
    """Sends reports of one trial, each for a new step, and costs little itself."""

    def __init__(self, channels: list[grpc.aio.Channel], head: bytes) -> None:
        # Bytes in, bytes out: nothing to format.
        self._calls = [channel.unary_unary(METHOD, None, None) for channel in channels]
        self._head = head
        self._step = 0

    async def report(self, deadline_s: float) -> Ended:
        """One report."""
        self._step += 1
        # Two messages one after another are their merger: only the step differs.
        tail = suggestion_service_pb2.ReportMetricRequest(step=self._step).SerializeToString()
        began = time.perf_counter()
        try:
            await self._calls[self._step % len(self._calls)](self._head + tail, timeout=deadline_s)
            code = "OK"
        except grpc.aio.AioRpcError as error:
            code = error.code().name
        return Ended(code, time.perf_counter() - began)


async def work(caller: Caller, count: int, pause_s: float) -> list[Ended]:
    """What became of the calls of so many workers that began in one round.

    Args:
        caller: sends them.
        count: of workers.
        pause_s: from one report of a worker to its next, if the answer is there by then.
    """
    ends = time.perf_counter() + SETTLING_S + SECONDS
    ended: list[Ended] = []

    async def report_on(number: int) -> None:
        await asyncio.sleep(pause_s * number / count)
        while time.perf_counter() < ends:
            due_s = time.perf_counter() + pause_s
            one = await caller.report(WORKER_DEADLINE_S)
            if ends - SECONDS < time.perf_counter() < ends:
                ended.append(one)
            await asyncio.sleep(due_s - time.perf_counter())

    await asyncio.gather(*(report_on(number) for number in range(count)))
    return ended


async def offer(caller: Caller, rate: float) -> list[Ended]:
    """What became of calls that were sent at a rate, in calls a second."""
    began = time.perf_counter()
    calls: list[asyncio.Task[Ended]] = []
    while (passed := time.perf_counter() - began) < SECONDS:
        for _ in range(int(passed * rate) - len(calls)):
            calls.append(asyncio.ensure_future(caller.report(STRANGER_DEADLINE_S)))
        await asyncio.sleep(0.001)
    return await asyncio.gather(*calls)


async def measure(address: str) -> None:
    """Prints the figures."""
    channels = [
        grpc.aio.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)])
        for _ in range(CONNECTIONS)
    ]
    caller = Caller(channels, await begun(channels[0]))
    await work(caller, CLOSED_LOOP, 0)  # to warm up
    busy = [len(await work(caller, CLOSED_LOOP, 0)) / SECONDS for _ in range(ROUNDS)]
    most = median(busy)
    show("capacity, 64 calls at a time", reports=f"{most:.0f}/s")
    for times in TIMES:
        rounds = [await work(caller, int(times * most), 1.0) for _ in range(ROUNDS)]
        tell(f"{int(times * most)} workers ({times} ×)", most, WORKER_DEADLINE_S, rounds)
    for times in TIMES:
        strangers = [await offer(caller, times * most) for _ in range(ROUNDS)]
        tell(f"strangers ({times} ×)", most, STRANGER_DEADLINE_S, strangers)
    for channel in channels:
        await channel.close(None)


async def begun(channel: grpc.aio.Channel) -> bytes:
    """A trial of a new search is given out; a report of it but for the step."""
    spec = experiment_pb2.ExperimentSpec(
        metric=experiment_pb2.Metric(name="loss", goal=experiment_pb2.GOAL_MINIMIZE),
        max_length=10**9,
        max_trials=10,
        async_halving=experiment_pb2.AsyncHalving(num_rungs=1),
    )
    await experiment_service_pb2_grpc.ExperimentServiceStub(channel).CreateExperiment(
        experiment_service_pb2.CreateExperimentRequest(experiment_id="overload", spec=spec)
    )
    suggestions = suggestion_service_pb2_grpc.SuggestionServiceStub(channel)
    request = suggestion_service_pb2.GetSuggestionRequest(experiment_id="overload", worker_id="w")
    given = (await suggestions.GetSuggestion(request)).assignment
    return suggestion_service_pb2.ReportMetricRequest(
        experiment_id=given.experiment_id,
        trial_number=given.trial_number,
        lease_token=given.lease.token,
        metrics=[trial_pb2.MetricValue(name=f"m{n}", value=0.5) for n in range(METRICS)],
    ).SerializeToString()


def tell(title: str, most: float, deadline_s: float, rounds: list[list[Ended]]) -> None:
    """One line of figures."""
    good = [
        [one.seconds for one in ended if one.code == "OK" and one.seconds <= deadline_s]
        for ended in rounds
    ]
    per_second = median([len(seconds) / SECONDS for seconds in good])
    in_time = [seconds for one in good for seconds in one] or [float("nan")]
    others = Counter(one.code for ended in rounds for one in ended)
    others.pop("OK", None)
    show(
        title,
        good=f"{per_second:.0f}/s ({per_second / most:.0%} of capacity)",
        p50=f"{median(in_time):.2f} s",
        p99=f"{quantile(in_time, 0.99):.2f} s",
        others=f"{dict(others)}",
    )


def main() -> None:
    """Runs a server and loads it."""
    processors = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name, served(Path(name)) as server:
        for thread in Path(f"/proc/{server.pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), processors[:1])
        os.sched_setaffinity(0, processors[1:] or processors)
        asyncio.run(measure(server.address))


main()

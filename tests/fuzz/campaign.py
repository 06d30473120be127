"""Requests by the thousand at a real server: what is sent, what is kept ready for it, what is seen.

Promised: each request is answered or refused with a reason that belongs to its code; never UNKNOWN,
never INTERNAL, never a failure of the store; none hangs; the server's memory stays flat and its log
has no error.
"""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path

import grpc

from asha_server.pb import experiment_pb2 as x
from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import experiment_service_pb2_grpc as e_rpc
from asha_server.pb import suggestion_service_pb2 as s
from asha_server.pb import suggestion_service_pb2_grpc as s_rpc
from tests.durability.server_process import ServerProcess
from tests.server.conftest import halving
from tests.server.random_requests import TOKENS

from .fuzzer import Fuzzer
from .judgement import Broken, Tally

_GOES_ON = (x.EXPERIMENT_STATE_RUNNING, x.EXPERIMENT_STATE_PAUSED)


class Keeper:
    """Sees to it that there is something to hit: experiment e, with three trials that train.

    Args:
        channel: to the server.

    Attributes:
        tokens: of the trials, by the names that stand for them in requests.
    """

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._experiments = e_rpc.ExperimentServiceStub(channel)
        self._suggestions = s_rpc.SuggestionServiceStub(channel)
        self.tokens = dict.fromkeys(TOKENS, "")

    async def run(self) -> None:
        """Looks again every fifth of a second, for ever."""
        while True:
            for step in (self._tidy, self._create, self._resume, self._take):
                with suppress(grpc.aio.AioRpcError):  # a fuzzer was faster
                    await step()
            await asyncio.sleep(0.2)

    async def _tidy(self) -> None:
        """Deletes what random requests created, and e once it has ended."""
        listed = await self._experiments.ListExperiments(e.ListExperimentsRequest())
        for found in listed.experiments:
            if found.experiment_id != "e" or found.state not in _GOES_ON:
                await self._experiments.DeleteExperiment(
                    e.DeleteExperimentRequest(experiment_id=found.experiment_id, force=True)
                )

    async def _create(self, experiment_id: str = "e") -> None:
        spec = halving(max_trials=1_000, max_restarts=1_000)
        request = e.CreateExperimentRequest(experiment_id=experiment_id, spec=spec)
        await self._experiments.CreateExperiment(request)

    async def _resume(self) -> None:
        request = e.ResumeExperimentRequest(experiment_id="e")
        await self._experiments.ResumeExperiment(request)

    async def _take(self) -> None:
        for number, name in enumerate(TOKENS):
            request = s.GetSuggestionRequest(experiment_id="e", worker_id=f"w{number}")
            given = await self._suggestions.GetSuggestion(request)
            self.tokens[name] = given.assignment.lease.token

    async def exported(self) -> bytes:
        """A small experiment as the file of its export."""
        await self._create("exported")
        request = e.ExportExperimentRequest(experiment_id="exported")
        return b"".join([p.chunk async for p in self._experiments.ExportExperiment(request)])


async def watch_memory(pid: int, tally: Tally) -> None:
    """Notes the resident memory of a process once a second."""
    while True:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])  # noqa: ASYNC240 - memory
        tally.memory_mib.append(pages * os.sysconf("SC_PAGE_SIZE") / 2**20)
        await asyncio.sleep(1)


async def campaign(
    directory: Path, tally: Tally, *, requests: int, seed: int, callers: int = 16
) -> None:
    """Sends so many requests to a server of its own, and counts them.

    Raises:
        Broken: one of them was not treated as promised.
    """
    server = ServerProcess(directory / "asha.db")
    await server.start()
    async with grpc.aio.insecure_channel(server.address) as channel:
        keeper = Keeper(channel)
        exported = await keeper.exported()
        fuzzers = [
            Fuzzer(channel, seed * 1_000 + number, keeper.tokens, exported, tally)
            for number in range(callers)
        ]
        aside = [
            asyncio.create_task(keeper.run()),
            asyncio.create_task(watch_memory(server.pid, tally)),
        ]
        try:
            async with asyncio.TaskGroup() as group:
                for fuzzer in fuzzers:
                    group.create_task(fuzzer.run(requests))
        except* Broken as group_of_broken:
            log = await asyncio.to_thread(server.log.read_text)
            raise Broken(f"{group_of_broken.exceptions}; the log: {log[-3_000:]}") from None
        finally:
            for task in aside:
                task.cancel()
    status = await server.end(signal.SIGTERM)
    log = server.log.read_text()
    if status != 0 or "ERROR" in log or "Traceback" in log:
        raise Broken(f"the server ended with {status}: {log[-3_000:]}")

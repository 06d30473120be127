"""`asha serve` as a process that is started again and again, and a worker that notes answers."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import grpc

from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import suggestion_service_pb2 as s
from asha_server.pb import trial_pb2 as t
from asha_server.verify import verify_file
from tests.server.conftest import Client, Refused

_QUICK_RECONNECT = [
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 100),
]


class Served:
    """A server on one file, always at the same address.

    Args:
        database: its file.
        environment: of its processes, beside the tests' own.

    Attributes:
        database: as given.
        address: where it can be called, once it was started; "" where it could not start.
    """

    def __init__(self, database: Path, environment: dict[str, str]) -> None:
        self.database = database
        self.address = "127.0.0.1:0"
        self._environment = {**os.environ, **environment}
        self._process: asyncio.subprocess.Process | None = None
        self._channel: grpc.aio.Channel | None = None

    async def start(self, *options: str) -> str:
        """Starts it; its first line, which is empty where it ended instead."""
        return await (await self.spawn(*options))

    async def spawn(self, *options: str) -> asyncio.Task[str]:
        """Starts its process; its first line comes later."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "asha_server.cli", "serve", "--log-level", "WARNING",
            "--database", str(self.database), "--listen", self.address, *options,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=self._environment,
        )  # fmt: skip
        return asyncio.create_task(self._first_line(self._process))

    async def _first_line(self, process: asyncio.subprocess.Process) -> str:
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode()
        if line:
            self.address = line.split()[-1]
        return line

    @property
    def client(self) -> Client:
        """Calls it, whichever process it is at the moment."""
        if self._channel is None:
            self._channel = grpc.aio.insecure_channel(self.address, options=_QUICK_RECONNECT)
        return Client(None, self._channel)  # type: ignore[arg-type]  # another process

    @property
    def pid(self) -> int:
        """The process that runs."""
        assert self._process is not None
        return self._process.pid

    def send(self, number: int) -> None:
        """Sends it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    async def logged(self, event: str) -> None:
        """Returns once it logged an event of that name."""
        assert self._process is not None
        assert self._process.stderr is not None
        while line := await self._process.stderr.readline():
            if event.encode() in line:
                return
        raise AssertionError(f"it ended without {event}")

    async def ended(self) -> tuple[int | None, str]:
        """Its exit status and its last words, once it has ended by itself."""
        assert self._process is not None
        _, log = await self._process.communicate()
        return self._process.returncode, (log.decode().splitlines() or [""])[-1]

    async def close(self) -> None:
        """Ends it the hard way."""
        if self._channel is not None:
            await self._channel.close(None)
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.communicate()


class Reporter:
    """A worker that reports every step of one trial and keeps the answers.

    Args:
        served: the server that it calls.

    Attributes:
        answered: step -> the decision that was answered.
    """

    def __init__(self, served: Served) -> None:
        self._served = served
        self._given = s.Assignment()
        self.answered: dict[int, t.Decision] = {}

    async def begin(self) -> None:
        """Takes the first trial of a new search."""
        await self._served.client.create(max_length=10**6)
        await self.take()

    async def take(self) -> None:
        """Asks for a trial: the one it has, where its lease is good."""
        self._given = await self._served.client.take()

    async def report(self) -> None:
        """The next step, or the one that was not answered; retried as clients do."""
        step = len(self.answered) + 1
        self.answered[step] = await self._served.client.report(self._given, step, 1 / step)

    async def report_until_refused(self) -> Refused:
        """How the first report that fails is refused."""
        for _ in range(100):
            try:
                await self.report()
            except grpc.aio.AioRpcError as error:
                return Refused(error)
        raise AssertionError("a hundred reports were answered")

    async def find_lost(self) -> list[int]:
        """Steps whose recorded decision is not the one that was answered."""
        recorded: dict[int, t.Decision] = {}
        request = e.ListDecisionsRequest(experiment_id="e", page_size=1000)
        while True:
            page = await self._served.client.experiments.ListDecisions(request)
            recorded |= {record.step: record.decision for record in page.decisions}
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
        assert verify_file(self._served.database).ok
        return [step for step, said in self.answered.items() if recorded.get(step) != said]

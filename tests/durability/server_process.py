"""`asha serve` as a process that can be killed at any instant and started anew on its file."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import sys
from pathlib import Path


class ServerProcess:
    """A server, always on the same port.

    Attributes:
        database: its file.
        address: where it can be called, once it was started.
        log: its log, of all its lives.
    """

    def __init__(self, database: Path) -> None:
        self.database = database
        self.address = "127.0.0.1:0"
        self.log = database.with_suffix(".log")
        self._process: asyncio.subprocess.Process | None = None
        self._shell: sqlite3.Connection | None = None

    @property
    def pid(self) -> int:
        """Of the process that was started last."""
        assert self._process is not None
        return self._process.pid

    def lock_file(self) -> None:
        """Somebody's shell holds the file's write lock until the server is dead."""
        self._shell = sqlite3.connect(
            self.database, isolation_level=None, timeout=10, check_same_thread=False
        )
        self._shell.execute("BEGIN IMMEDIATE")

    async def spawn(self) -> None:
        """Starts it; it may be killed before it can be called."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "asha_server.cli", "serve", "--log-level", "WARNING",
                "--database", str(self.database), "--listen", self.address,
                stdout=asyncio.subprocess.PIPE, stderr=log,
            )  # fmt: skip

    async def listening(self) -> None:
        """Returns once it can be called."""
        assert self._process is not None
        assert self._process.stdout is not None
        line = (await self._process.stdout.readline()).decode()
        assert line.startswith("listening on "), f"{line!r}; {self.log.read_text()[-2000:]}"
        self.address = line.split()[-1]

    async def start(self) -> None:
        """Starts it and returns once it can be called."""
        await self.spawn()
        await self.listening()

    async def kill(self) -> None:
        """SIGKILL, now. It must not have ended by itself before."""
        status = await self.end(signal.SIGKILL)
        assert status == -signal.SIGKILL, self.log.read_text()[-2000:]

    async def end(self, number: signal.Signals) -> int:
        """Sends a signal and returns the exit status."""
        assert self._process is not None
        if number is not signal.SIGKILL:
            self._unlock_file()  # a server that is to end by itself has something to commit
        if self._process.returncode is None:
            self._process.send_signal(number)
        status = await self._process.wait()
        self._unlock_file()
        return status

    def _unlock_file(self) -> None:
        if self._shell is not None:
            self._shell.close()
            self._shell = None

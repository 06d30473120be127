"""Copies of the served file in a directory, again and again, each by a process of its own."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from asha_server.config import Config

log = logging.getLogger(__name__)

_SECOND_US = 1_000_000


class Backups:
    """Whole copies, numbered, of which the latest few are kept.

    One that fails is logged, and tried again when the next is due: the server does not depend on
    the disk that they go to. Nothing is written while nothing changes.

    Args:
        config: from where to where, how often, how many.
        commit_count: how often the server wrote since its start.
    """

    def __init__(self, config: Config, commit_count: Callable[[], int]) -> None:
        self._path = config.database
        self._directory = config.backup_to
        self._every_s = config.backup_every_us / _SECOND_US
        self._keep = config.backup_keep
        self._commit_count = commit_count
        # Commits that the latest copy has; None before the first.
        self._copied: int | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins with a copy at once, if copies are wanted."""
        if self._directory is not None:
            self._task = asyncio.create_task(self._repeat(self._directory), name="asha-backups")

    async def stop(self) -> None:
        """Ends it, and the copy that is being written; idempotent."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def finish(self) -> None:
        """A last copy of a file that is closed: a stop loses nothing, whatever becomes of it."""
        if self._directory is not None:
            await self._copy(self._directory)

    async def _repeat(self, directory: Path) -> None:
        while True:
            due_s = time.monotonic() + self._every_s
            await self._copy(directory)
            await asyncio.sleep(due_s - time.monotonic())

    async def _copy(self, directory: Path) -> None:
        commits = self._commit_count()
        if commits == self._copied:
            return
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "asha_server.reader.backup",
            str(self._path), str(directory), str(self._keep),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip
        try:
            said, why = await process.communicate()
        except asyncio.CancelledError:
            process.kill()
            await process.communicate()
            raise
        if process.returncode == 0:
            self._copied = commits
            log.info("backed_up", extra={"copy": said.decode().strip()})
        else:
            log.error(
                "backup_failed",
                extra={"backup_to": str(directory), "error": why.decode(errors="replace").strip()},
            )

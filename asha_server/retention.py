"""Which ended experiments are kept: all, or for so long; then archived, if wanted, and deleted.

An experiment goes as a whole. A history with gaps could neither be decided anew nor be verified, so
no report of an experiment that is kept is ever dropped (docs/adr/0017-retention.md).
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from typing import TYPE_CHECKING
from urllib.parse import quote

from asha_server.errors import AshaError
from asha_server.reader.process import ReaderBug

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from asha_server.config import Config
    from asha_server.engine import Engine
    from asha_server.hosted import Hosted
    from asha_server.reader.process import Reader

log = logging.getLogger(__name__)

LOOK_EVERY_S = 60.0
"""Pause between two looks for what is due. Seconds."""


def wall_clock_us() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1_000


class Retention:
    """Deletes experiments that ended long ago; one that cannot be archived stays.

    Args:
        config: after what time, and where archives go.
        engine: owns the experiments.
        reader: exports them.
        now_us: the wall clock, by which experiments end. Microseconds since 1970.
    """

    def __init__(
        self,
        config: Config,
        engine: Engine,
        reader: Reader,
        now_us: Callable[[], int] = wall_clock_us,
    ) -> None:
        self._after_us = config.delete_ended_after_us
        self._directory = config.archive_to
        self._engine = engine
        self._reader = reader
        self._now_us = now_us
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Looks at once and then again and again, if anything is to be deleted at all."""
        if self._after_us is not None:
            self._task = asyncio.create_task(self._repeat(self._after_us), name="asha-retention")

    async def stop(self) -> None:
        """Ends it; an archive that is being written is not kept. Idempotent."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _repeat(self, after_us: int) -> None:
        while True:
            before_us = self._now_us() - after_us
            for hosted in await self._engine.experiments():
                state = hosted.experiment.state
                if state.state.is_ended and state.ended_us <= before_us:
                    await self._let_go(hosted)
            await asyncio.sleep(LOOK_EVERY_S)

    async def _let_go(self, hosted: Hosted) -> None:
        experiment_id = hosted.experiment.state.experiment_id
        told = {"experiment_id": experiment_id}
        try:
            if self._directory is not None:
                archive = self._directory / f"{quote(experiment_id, safe='')}-{hosted.key}.jsonl"
                told["archive"] = str(archive)
                await self._archive(hosted.key, archive)
            await self._engine.delete(experiment_id, force=False)
        except (AshaError, OSError, ReaderBug) as error:
            log.error("not_archived", extra={**told, "error": str(error)})
        else:
            log.info("deleted_as_ended_long_ago", extra=told)

    async def _archive(self, key: int, path: Path) -> None:
        """Writes the file as `asha export` does; durable when it returns, whole or not there.

        Raises:
            OSError: it cannot be written.
            ReaderBug: the export failed.
        """
        await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.part")
        with await asyncio.to_thread(part.open, "wb") as file:
            async for chunk in self._reader.export(key):
                await asyncio.to_thread(file.write, chunk)
            await asyncio.to_thread(_flush, file.fileno())
        await asyncio.to_thread(part.replace, path)
        await asyncio.to_thread(_flush_directory, path.parent)


def _flush(descriptor: int) -> None:
    os.fsync(descriptor)


def _flush_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

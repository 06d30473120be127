"""A server whose disk fails on command."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from .disk import FaultyDisk
from .served import Reporter, Served


@pytest.fixture(scope="session")
def faulty_disk(tmp_path_factory: pytest.TempPathFactory) -> FaultyDisk:
    return FaultyDisk(tmp_path_factory.mktemp("disk"))


@pytest.fixture
async def served(tmp_path: Path, faulty_disk: FaultyDisk) -> AsyncIterator[Served]:
    """Not started yet; none of its processes outlives the test."""
    served = Served(tmp_path / "asha.db", faulty_disk.environment)
    yield served
    await served.close()
    faulty_disk.repair()


@pytest.fixture
async def reporter(served: Served) -> Reporter:
    """A worker of a running server, with some answers."""
    await served.start()
    reporter = Reporter(served)
    await reporter.begin()
    for _ in range(5):
        await reporter.report()
    return reporter

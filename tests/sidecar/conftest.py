"""A real server, real sidecars beside real trainers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Asha, asha, server, small, worker

from .beside import Beside

__all__ = ["Asha", "asha", "beside", "server", "small", "worker"]


@pytest.fixture
def beside(tmp_path: Path, server: str) -> Iterator[Beside]:  # a fixture by its name
    beside = Beside(tmp_path, server)
    yield beside
    beside.close()

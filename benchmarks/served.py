"""`asha serve` as a process for a benchmark, on a new file and a free port of this machine."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple


class Served(NamedTuple):
    """A running server.

    Attributes:
        address: where it can be called.
        pid: its process.
        started_s: from exec to its first line, which comes once it can be called.
    """

    address: str
    pid: int
    started_s: float


@contextmanager
def served(directory: Path, *options: str) -> Iterator[Served]:
    """A server on a file in a directory, with further options; ended at the end."""
    began = time.perf_counter()
    with subprocess.Popen(
        [
            sys.executable, "-m", "asha_server.cli", "serve",
            "--database", str(directory / "asha.db"), "--listen", "127.0.0.1:0",
            "--log-level", "WARNING", *options,
        ],
        stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        line = process.stdout.readline()
        started_s = time.perf_counter() - began
        try:
            yield Served(line.split()[-1], process.pid, started_s)
        finally:
            process.terminate()
            process.wait()

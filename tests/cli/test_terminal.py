"""Questions at a terminal, following to the end, and a file that is complete or not there."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Asha


@pytest.mark.parametrize(
    ("typed", "status", "state"), [("n\n", 1, "running"), ("y\n", 0, "completed")]
)
def test_stop_asks_at_a_terminal_and_does_what_is_answered(
    asha: Asha, small: Path, server: str, typed: str, status: int, state: str
) -> None:
    name = f"ask-{state}"
    asha("create", "-f", str(small), "--id", name)
    keyboard, terminal = pty.openpty()
    os.write(keyboard, typed.encode())

    done = subprocess.run(
        [sys.executable, "-m", "asha_server.cli", "stop", name, "--server", server],
        stdin=terminal, capture_output=True, text=True, check=False,
    )  # fmt: skip
    os.close(terminal)
    os.close(keyboard)

    assert done.returncode == status
    assert f"{name}: running (trials: none).\nStop it for good? [y/N]" in done.stderr
    assert f"{name}: {state}" in asha("status", name).out


def test_following_what_has_ended_prints_it_once_and_ends(asha: Asha, small: Path) -> None:
    asha("create", "-f", str(small), "--id", "follow-1")
    asha("stop", "follow-1", "--yes")

    assert asha("status", "follow-1", "--follow") == (0, "completed  100 %  none\n", "")
    (fact,) = asha("status", "follow-1", "--follow", "--json").facts
    assert fact["progress"] == 1
    watched = asha("watch", "follow-1")
    assert (watched.status, watched.out) == (0, "")
    assert "follow-1: completed (stopped by user); --after 0 shows it all" in watched.err


def test_an_export_that_is_refused_leaves_the_file_as_it_was(asha: Asha, tmp_path: Path) -> None:
    path = tmp_path / "kept.jsonl"
    path.write_text("kept")

    assert asha("export", "nobody", "-o", str(path)).status == 1

    assert path.read_text() == "kept"
    assert [entry.name for entry in tmp_path.iterdir()] == ["kept.jsonl"]

"""A watch outlives its server, and the file it leaves is whole."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import grpc
from click.testing import CliRunner

from asha_server.cli.program import asha as command

from .conftest import Worker

ASHA = (sys.executable, "-m", "asha_server.cli")


def serve(database: Path, listen: str) -> tuple[subprocess.Popen[str], str]:
    """A server that can be called, and its address."""
    process = subprocess.Popen(
        [*ASHA, "serve", "--database", str(database), "--listen", listen, "--log-level", "ERROR"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    return process, process.stdout.readline().split()[-1]


def asha(*words: str) -> str:
    result = CliRunner().invoke(command, words)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    process.communicate(timeout=10)


def test_a_watch_goes_on_after_a_restart_with_every_event_once(tmp_path: Path, small: Path) -> None:
    """The server is restarted on its port between two reports; the watch saw the first one."""
    database = tmp_path / "asha.db"
    server, address = serve(database, "127.0.0.1:0")
    asha("create", "-f", str(small), "--id", "long", "--server", address)
    words = [*ASHA, "watch", "long", "--after", "0", "--json", "--server", address]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as watch:
        assert watch.stdout is not None
        try:
            with grpc.insecure_channel(address) as channel:
                Worker(channel, "long").arrive(0.5)
            lines = [watch.stdout.readline() for _ in range(4)]  # created, trial, assigned, report
            end(server)
            server, address = serve(database, address)
            asha("stop", "long", "--yes", "--server", address)
            lines += watch.stdout.readlines()
            status = watch.wait(timeout=10)
        finally:
            watch.kill()
            end(server)

    events = [json.loads(line) for line in lines]
    assert status == 0
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    assert "metric_reported" in events[3]
    assert "experiment_state_changed" in events[-1]
    assert "whole" in asha("verify", str(database))
    (found,) = map(json.loads, asha("verify", str(database), "--json").splitlines())
    assert (found["experiment_id"], found["events"], found["problems"]) == ("long", len(events), [])

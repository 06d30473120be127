"""`--delete-ended-after` with `--archive-to`, as a person runs it: gone, and brought back whole."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from click.testing import CliRunner

from asha_server.cli.program import asha

from .served import Reporter, Served


async def test_an_experiment_that_ended_long_ago_is_archived_and_can_be_brought_back(
    served: Served, reporter: Reporter, tmp_path: Path
) -> None:
    await served.client.stop()
    served.send(signal.SIGTERM)
    assert (await served.ended())[0] == 0
    await asyncio.sleep(1)

    archive = tmp_path / "archive"
    policy = ("--delete-ended-after", "1s", "--archive-to", str(archive))
    await served.start(*policy, "--log-level", "INFO")
    await served.logged("deleted_as_ended_long_ago")

    (file,) = archive.iterdir()
    replayed = await asyncio.to_thread(CliRunner().invoke, asha, ["replay", str(file)])
    assert replayed.exit_code == 0, replayed.output
    served.send(signal.SIGTERM)
    await served.ended()
    await served.start()
    server = ("--server", served.address)
    imported = await asyncio.to_thread(CliRunner().invoke, asha, ["import", str(file), *server])
    assert imported.exit_code == 0, imported.output
    assert await reporter.find_lost() == []


def test_an_archive_needs_to_know_when() -> None:
    said = CliRunner().invoke(asha, ["serve", "--archive-to", "d"])

    assert said.exit_code == 2
    assert "--archive-to needs --delete-ended-after" in said.output

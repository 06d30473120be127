"""Ended experiments are archived and deleted once their time has passed, and nothing else is."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from asha_server import retention
from asha_server.config import Config
from asha_server.pb import experiment_service_pb2 as e
from asha_server.retention import Retention, wall_clock_us

from .conftest import Client
from .test_export import exported

DAY_US = 86_400 * 1_000_000


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "LOOK_EVERY_S", 0.02)


class Later:
    """A server's retention of a day, with a clock that is ahead by what the test says."""

    def __init__(self, client: Client, archive_to: Path | None) -> None:
        self.ahead_us = 0
        config = Config(Path("x"), delete_ended_after_us=DAY_US, archive_to=archive_to)
        self.retention = Retention(
            config, client.server.engine, client.server.reader,
            lambda: wall_clock_us() + self.ahead_us,
        )  # fmt: skip


async def names(client: Client) -> list[str]:
    listed = await client.experiments.ListExperiments(e.ListExperimentsRequest())
    return [experiment.experiment_id for experiment in listed.experiments]


async def gone(client: Client, experiment_id: str) -> None:
    """Returns once it is deleted."""
    patience_s = time.monotonic() + 10
    while experiment_id in await names(client):
        assert time.monotonic() < patience_s
        await asyncio.sleep(0.02)


async def test_an_ended_experiment_is_archived_and_deleted_when_its_time_has_passed(
    client: Client, tmp_path: Path
) -> None:
    await client.create("goes/on")
    await client.create("e")
    await client.arrive(0.1, 0.2)
    await client.stop()
    whole = b"".join(await exported(client))
    later = Later(client, tmp_path / "archive")

    later.retention.start()
    await asyncio.sleep(0.1)
    assert await names(client) == ["e", "goes/on"]
    later.ahead_us = DAY_US
    await gone(client, "e")
    await later.retention.stop()

    assert await names(client) == ["goes/on"]
    (archive,) = (tmp_path / "archive").iterdir()
    assert archive.name == "e-2.jsonl"
    assert archive.read_bytes() == whole


async def test_an_archive_is_named_so_that_any_id_is_one_file(
    client: Client, tmp_path: Path
) -> None:
    await client.create("a/b")
    await client.experiments.StopExperiment(e.StopExperimentRequest(experiment_id="a/b"))
    later = Later(client, tmp_path / "archive")
    later.ahead_us = DAY_US

    later.retention.start()
    await gone(client, "a/b")
    await later.retention.stop()

    assert [path.name for path in (tmp_path / "archive").iterdir()] == ["a%2Fb-1.jsonl"]


async def test_what_cannot_be_archived_is_kept_and_tried_again(
    client: Client, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await client.create("e")
    await client.stop()
    in_the_way = tmp_path / "archive"
    in_the_way.write_text("a file")
    later = Later(client, in_the_way)
    later.ahead_us = DAY_US

    later.retention.start()
    await asyncio.sleep(0.1)
    assert "not_archived" in {record.message for record in caplog.records}
    assert await names(client) == ["e"]
    in_the_way.unlink()
    await gone(client, "e")
    await later.retention.stop()

    assert [path.name for path in in_the_way.iterdir()] == ["e-1.jsonl"]


async def test_without_an_archive_one_after_the_other_is_only_deleted(client: Client) -> None:
    later = Later(client, None)
    later.ahead_us = DAY_US
    later.retention.start()

    for name in ("one", "two"):
        await client.create(name)
        await client.experiments.StopExperiment(e.StopExperimentRequest(experiment_id=name))
        await gone(client, name)

    await later.retention.stop()

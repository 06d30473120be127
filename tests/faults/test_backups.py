"""Copies that a server writes of its file: whole, in order, and enough to go on from."""

from __future__ import annotations

import shutil
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from asha_server.cli.interval import Interval
from asha_server.cli.program import asha
from asha_server.reader.backup import copies, main
from asha_server.search.command import GetSuggestion
from asha_server.store.sqlite import SqliteStore
from asha_server.verify import verify_file
from tests.store.scribe import Scribe

from .served import Reporter, Served


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "search.db"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "shared" / "copies"


def _lose(served: Served) -> None:
    """The disk is gone, with the file, its log and its key."""
    for file in served.database.parent.glob("asha.db*"):
        file.unlink()


def _sequence(copy: Path) -> int:
    """Of the latest event of the one experiment in a copy; 0 where it is not there yet."""
    with closing(sqlite3.connect(copy)) as connection:
        return sum(
            sequence for (sequence,) in connection.execute("SELECT sequence FROM experiment")
        )


async def test_a_lost_file_is_restored_from_the_latest_copy(
    served: Served, directory: Path
) -> None:
    """All that was answered before the copy began is there; the worker asks again and goes on."""
    every_second = ("--backup-to", str(directory), "--backup-every", "1s", "--log-level", "INFO")
    await served.start(*every_second)
    await served.logged("backed_up")
    reporter = Reporter(served)
    await reporter.begin()
    for _ in range(5):
        await reporter.report()
    answered = dict(reporter.answered)
    while _sequence(copies(served.database, directory)[-1]) < 3 + len(answered):
        await served.logged("backed_up")
    await reporter.report()
    served.send(signal.SIGKILL)
    await served.ended()
    _lose(served)

    latest = copies(served.database, directory)[-1]
    assert verify_file(latest).ok
    shutil.copy(latest, served.database)
    await served.start()

    lost = await reporter.find_lost()
    assert not set(lost) & set(answered)
    refusal = await reporter.report_until_refused()
    assert (refusal.code, refusal.reason) == ("ABORTED", "LEASE_LOST")
    await reporter.take()
    await reporter.report()


async def test_a_stop_leaves_a_copy_of_everything(served: Served, directory: Path) -> None:
    await served.start("--backup-to", str(directory), "--backup-every", "1h")
    reporter = Reporter(served)
    await reporter.begin()
    for _ in range(5):
        await reporter.report()
    served.send(signal.SIGTERM)
    assert (await served.ended())[0] == 0
    _lose(served)

    shutil.copy(copies(served.database, directory)[-1], served.database)
    await served.start()

    assert await reporter.find_lost() == []


async def test_a_copy_that_fails_is_logged_and_the_search_goes_on(
    served: Served, tmp_path: Path
) -> None:
    (tmp_path / "taken").touch()
    await served.start("--backup-to", str(tmp_path / "taken" / "copies"))

    await served.logged("backup_failed")

    reporter = Reporter(served)
    await reporter.begin()
    await reporter.report()


def test_the_latest_few_are_kept_in_the_order_of_their_numbers(path: Path, directory: Path) -> None:
    SqliteStore(path).close()
    directory.mkdir(parents=True)
    (directory / "search-999999.db").write_bytes(b"an old copy")
    (directory / "search-notes.db").write_bytes(b"not a copy")

    assert [main(path, directory, keep=2) for _ in range(3)] == [0, 0, 0]

    assert [file.name for file in copies(path, directory)] == [
        "search-1000001.db",
        "search-1000002.db",
    ]
    assert (directory / "search-notes.db").exists()


def test_a_copy_is_a_moment_of_a_file_that_is_being_written(path: Path, directory: Path) -> None:
    store = SqliteStore(path)
    store.acquire()
    scribe = Scribe(store)
    scribe.do(GetSuggestion("a"))

    assert main(path, directory, keep=1) == 0
    scribe.do(GetSuggestion("b"))

    copy = SqliteStore(directory / "search-000001.db")
    assert [rows.experiment.sequence for _, rows in copy.load()] == [3]
    assert [rows.experiment.sequence for _, rows in store.load()] == [5]
    copy.close()
    store.close()


def test_a_damaged_file_takes_the_place_of_no_copy(
    path: Path, directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its last pages hold rows that a server does not read at its start."""
    store = SqliteStore(path)
    store.acquire()
    Scribe(store)
    store.close()
    assert main(path, directory, keep=1) == 0
    whole = path.read_bytes()
    path.write_bytes(whole[:-4096] + b"\xff" * 4096)

    assert main(path, directory, keep=1) == 1

    assert "damaged" in capsys.readouterr().err
    assert [file.name for file in directory.iterdir()] == ["search-000001.db"]
    assert verify_file(directory / "search-000001.db").ok


@pytest.mark.parametrize("text", ["60", "0s", "-1s", "1w", "s", "1.5m", "٣s"])
def test_a_time_that_is_none_is_refused_before_anything_starts(text: str) -> None:
    result = CliRunner().invoke(asha, ["serve", "--backup-every", text])

    assert result.exit_code == 2
    assert "is not a time like 60s, 5m, 1h or 90d" in result.stderr


@pytest.mark.parametrize(("text", "seconds"), [("1s", 1), ("5m", 300), ("2h", 7200)])
def test_a_time_is_a_number_and_its_unit(text: str, seconds: int) -> None:
    assert Interval().convert(text, None, None) == seconds * 1_000_000

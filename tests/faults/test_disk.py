"""The disk fails under a real server: it stops and says why; repaired, everything goes on.

Whatever fails, nothing that was answered is lost, nothing of a batch is there without the rest of
it, and the call that was refused is answered when it is sent again.
"""

from __future__ import annotations

import errno
import os
import signal
import sqlite3
from contextlib import closing

import pytest

from .disk import FaultyDisk
from .served import Reporter, Served


@pytest.mark.parametrize(
    ("call", "error", "advice"),
    [
        ("tear", errno.ENOSPC, "make room on its disk"),
        ("write", errno.EROFS, "became read-only"),
        ("sync", errno.EIO, "its disk fails"),
    ],
    ids=["full in the middle of a write", "read-only", "not flushed"],
)
async def test_a_commit_that_fails_stops_the_server_and_nothing_is_lost(
    served: Served, reporter: Reporter, faulty_disk: FaultyDisk, call: str, error: int, advice: str
) -> None:
    faulty_disk.fail(call, ".db-wal", error)

    refusal = await reporter.report_until_refused()

    assert (refusal.code, refusal.reason) == ("UNAVAILABLE", "STORE_FAILED")
    assert refusal.retry_after_s
    status, words = await served.ended()
    assert status == 1
    assert words.startswith(f"asha serve: cannot write to {served.database}: ")
    assert advice in words
    # Nothing was folded in after the failure: what a disk took and lost only checksums can tell.
    assert served.database.with_name("asha.db-wal").stat().st_size > 0
    faulty_disk.repair()
    await served.start()
    await reporter.report()
    assert await reporter.find_lost() == []


async def test_a_log_that_cannot_be_folded_in_costs_nothing(
    served: Served, reporter: Reporter, faulty_disk: FaultyDisk
) -> None:
    """The database file itself cannot be written, neither while it is served nor at the end."""
    faulty_disk.fail("write", ".db", errno.EIO)
    for _ in range(500):  # some three pages each; SQLite folds in at a thousand
        await reporter.report()

    served.send(signal.SIGTERM)
    status, words = await served.ended()

    assert status == 0
    assert "wal_left_behind" in words
    faulty_disk.repair()
    await served.start()
    assert await reporter.find_lost() == []


async def test_a_disk_that_cannot_be_read_refuses_the_start(
    served: Served, reporter: Reporter, faulty_disk: FaultyDisk
) -> None:
    served.send(signal.SIGKILL)
    await served.ended()
    faulty_disk.fail("read", ".db", errno.EIO)

    assert await served.start() == ""
    status, words = await served.ended()

    assert status == 1
    assert "its disk fails" in words
    faulty_disk.repair()
    await served.start()
    assert await reporter.find_lost() == []


async def test_a_file_that_is_removed_while_it_is_served_is_saved(
    served: Served, reporter: Reporter
) -> None:
    for name in ("asha.db", "asha.db-wal", "asha.db-shm"):
        (served.database.parent / name).unlink()

    refusal = await reporter.report_until_refused()

    assert (refusal.code, refusal.reason) == ("UNAVAILABLE", "STORE_FAILED")
    status, words = await served.ended()
    rescued = served.database.with_name("asha.db.rescued")
    assert status == 1
    assert "was removed or replaced while it was served" in words
    assert f"saved in {rescued}: rename it" in words
    rescued.rename(served.database)
    await served.start()
    await reporter.report()
    assert await reporter.find_lost() == []


async def test_a_log_that_is_removed_while_it_is_served_is_folded_in(
    served: Served, reporter: Reporter
) -> None:
    (served.database.parent / "asha.db-wal").unlink()

    refusal = await reporter.report_until_refused()

    assert refusal.reason == "STORE_FAILED"
    status, words = await served.ended()
    assert status == 1
    assert "asha.db-wal was removed or replaced" in words
    await served.start()
    await reporter.report()
    assert await reporter.find_lost() == []


async def test_a_log_that_is_cut_off_takes_its_latest_commits_and_no_half_ones(
    served: Served, reporter: Reporter
) -> None:
    """Nobody can keep what somebody cut off; but all that is left is whole, and nothing follows."""
    log = served.database.parent / "asha.db-wal"
    os.truncate(log, log.stat().st_size * 3 // 4)

    refusal = await reporter.report_until_refused()

    assert refusal.reason == "STORE_FAILED"
    status, words = await served.ended()
    assert status == 1
    assert "asha.db-wal was cut off" in words
    await served.start()
    lost = await reporter.find_lost()
    assert lost
    assert lost == list(range(lost[0], len(reporter.answered) + 1))


async def test_a_damaged_page_met_while_it_is_served_stops_the_server(
    served: Served, reporter: Reporter
) -> None:
    """The page that the next row of the log of reports goes to."""
    served.send(signal.SIGTERM)
    await served.ended()
    with closing(sqlite3.connect(served.database)) as connection:
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'report'"
        ).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    whole = served.database.read_bytes()
    with served.database.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    await served.start()

    refusal = await reporter.report_until_refused()

    assert (refusal.code, refusal.reason) == ("UNAVAILABLE", "STORE_FAILED")
    status, words = await served.ended()
    assert status == 1
    assert "it is damaged" in words
    assert "when-something-broke.md" in words
    served.database.write_bytes(whole)
    await served.start()
    await reporter.report()
    assert await reporter.find_lost() == []

"""A copy of a file that is written meanwhile."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from asha_server.store import copying
from asha_server.store.copying import FLUSHED_AFTER, PAGES_AT_A_TIME, REST_S, write_copy

BITS = 2 * FLUSHED_AFTER
ROWS = BITS * PAGES_AT_A_TIME
FILLING = "x" * 4_000
"""A page a row."""


@pytest.fixture
def source(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A file that takes many bits to copy."""
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, filling TEXT)")
        rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
        connection.execute(f"{rows} INSERT INTO t SELECT i, ? FROM n ORDER BY i", (ROWS, FILLING))
        yield connection


def test_a_copy_is_of_one_moment_however_much_is_written_meanwhile(
    source: sqlite3.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody commits between the bits."""
    written = 0
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as writer:

        def write(_: float) -> None:
            nonlocal written
            writer.execute("INSERT INTO t (filling) VALUES (?)", (FILLING,))
            written += 1

        monkeypatch.setattr(time, "sleep", write)
        write_copy(source, tmp_path / "b.db")

    assert written >= BITS
    with closing(sqlite3.connect(tmp_path / "b.db")) as copied:
        assert copied.execute("SELECT count(*) FROM t").fetchone() == (ROWS,)
    assert source.execute("SELECT count(*) FROM t").fetchone() == (ROWS + written,)


def test_the_disk_gets_a_copy_bit_by_bit_and_is_left_to_others_in_between(
    source: sqlite3.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bit is only sent on its way; after a flush it rests for as long as that took."""
    flush_s = 0.05
    done: list[str] = []
    rests: list[float] = []
    clock = iter(range(1_000))
    monkeypatch.setattr(copying, "_flush", lambda *_: done.append("flush"))
    monkeypatch.setattr(os, "posix_fadvise", lambda *_: done.append("send"))
    monkeypatch.setattr(time, "perf_counter", lambda: flush_s * next(clock))
    monkeypatch.setattr(time, "sleep", rests.append)

    write_copy(source, tmp_path / "b.db")

    assert rests[: FLUSHED_AFTER - 1] == [REST_S] * (FLUSHED_AFTER - 1)
    assert rests[FLUSHED_AFTER - 1] == pytest.approx(flush_s)
    assert done[:BITS] == 2 * [*["send"] * (FLUSHED_AFTER - 1), "flush"]


def test_a_copy_is_on_the_disk_before_it_has_its_name(
    source: sqlite3.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "b.db"
    flush = copying._flush
    had_name: list[tuple[str, bool]] = []

    def flush_and_look(path: Path, flags: int) -> None:
        flush(path, flags)
        had_name.append((path.name, copy.exists()))

    monkeypatch.setattr(copying, "_flush", flush_and_look)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    write_copy(source, copy)

    assert had_name[-2:] == [(".b.db.partial", False), (tmp_path.name, True)]


def test_a_copy_in_a_hurry_never_rests(
    source: sqlite3.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rests: list[float] = []
    monkeypatch.setattr(time, "sleep", rests.append)

    write_copy(source, tmp_path / "b.db", in_a_hurry=True)

    assert rests == []
    with closing(sqlite3.connect(tmp_path / "b.db")) as copied:
        assert copied.execute("SELECT count(*) FROM t").fetchone() == (ROWS,)

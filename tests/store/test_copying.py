"""A copy of a file that is written meanwhile."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from asha_server.store import copying
from asha_server.store.copying import PAGES_AT_A_TIME, write_copy

ROWS = 4 * PAGES_AT_A_TIME


def test_a_copy_is_of_one_moment_however_much_is_written_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk takes it bit by bit, and somebody commits between the bits."""
    path, copy = tmp_path / "a.db", tmp_path / "b.db"
    with (
        closing(sqlite3.connect(path, isolation_level=None)) as writer,
        closing(sqlite3.connect(path, isolation_level=None)) as reader,
    ):
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, filling TEXT)")
        filling = "x" * 4_000  # a page a row
        writer.executemany("INSERT INTO t VALUES (?, ?)", [(n, filling) for n in range(ROWS)])
        flushed = 0
        flush = copying._flush

        def flush_and_write(path: Path, flags: int) -> None:
            nonlocal flushed
            flush(path, flags)
            writer.execute("INSERT INTO t (filling) VALUES (?)", (filling,))
            flushed += 1

        monkeypatch.setattr(copying, "_flush", flush_and_write)
        write_copy(reader, copy)

    assert flushed >= ROWS // PAGES_AT_A_TIME
    with closing(sqlite3.connect(copy)) as copied, closing(sqlite3.connect(path)) as original:
        assert copied.execute("SELECT count(*) FROM t").fetchone() == (ROWS,)
        assert original.execute("SELECT count(*) FROM t").fetchone() == (ROWS + flushed,)


def test_the_disk_is_left_to_others_for_as_long_as_the_copy_had_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server's commits wait behind each flush of a copy, and would behind one after another."""
    flush_s, flushed = 0.02, 0

    def flush(*_: object) -> None:
        nonlocal flushed
        flushed += 1
        time.sleep(flush_s)

    monkeypatch.setattr(copying, "_flush", flush)
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as source:
        source.execute("CREATE TABLE t (filling BLOB)")
        source.execute("INSERT INTO t VALUES (zeroblob(?))", (ROWS * 4_096,))
        began = time.perf_counter()
        write_copy(source, tmp_path / "b.db")
        took_s = time.perf_counter() - began

    assert flushed >= ROWS // PAGES_AT_A_TIME
    assert took_s >= 2 * flushed * flush_s - 2 * flush_s  # those of the whole at the end need none

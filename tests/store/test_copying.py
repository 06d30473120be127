"""A copy of a file that is written meanwhile."""

from __future__ import annotations

import sqlite3
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

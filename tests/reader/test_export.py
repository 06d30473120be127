"""The export process by itself."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from asha_server.reader import export
from asha_server.search.command import GetSuggestion, ReportMetric
from asha_server.store.sqlite import SqliteStore
from tests.store.scribe import Scribe


def test_it_rests_after_each_page_as_long_as_the_page_took(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    store = SqliteStore(tmp_path / "asha.db")
    scribe = Scribe(store)
    scribe.do(GetSuggestion("a"))
    for step in range(1, 9):
        scribe.do(ReportMetric(0, 1, 0, ((f"part{step}", 0.5),)))
    monkeypatch.setattr(export, "give_way", lambda: None)
    monkeypatch.setattr(export, "PAGE", 4)
    clock = iter([0.0, 0.2, 1.0, 1.5, 9.0, 9.25])
    monkeypatch.setattr(time, "process_time", lambda: next(clock))
    rests: list[float] = []
    monkeypatch.setattr(time, "sleep", rests.append)

    assert export.main(tmp_path / "asha.db", scribe.key) == 0

    assert rests == pytest.approx([0.2, 0.5, 0.25])
    assert len(capfdbinary.readouterr().out.splitlines()) == 1 + scribe.state.sequence
    store.close()

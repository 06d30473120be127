"""`asha import`: what `asha export` wrote becomes an experiment again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from asha_server.cli import connecting, import_

from .conftest import Asha, Worker


@pytest.fixture
def exported(asha: Asha, small: Path, tmp_path: Path, worker: Callable[[str], Worker]) -> Path:
    """The file of a search under way, which is gone from the server."""
    assert asha("create", "-f", str(small), "--id", "moved").status == 0
    worker("moved").arrive(0.3, 0.1, 0.2)
    file = tmp_path / "moved.jsonl"
    assert asha("export", "moved", "-o", str(file)).status == 0
    assert asha("delete", "moved", "--force", "--yes").status == 0
    return file


def test_an_import_prints_the_id_and_the_search_goes_on(
    asha: Asha, exported: Path, worker: Callable[[str], Worker]
) -> None:
    said = asha("import", str(exported))

    assert said == (0, "moved\n", "")
    (status,) = asha("status", "moved", "--json").facts
    assert status["state"] == "EXPERIMENT_STATE_PAUSED"
    assert asha("resume", "moved").status == 0
    assert worker("moved").take("again").trial_number == 1  # the best of three goes on
    assert asha("explain", "moved", "1").status == 0
    assert asha("delete", "moved", "--yes", "--force").status == 0


def test_an_import_takes_another_id_and_tells_its_facts(asha: Asha, exported: Path) -> None:
    said = asha("import", str(exported), "--id", "moved-2", "--json")

    (experiment,) = said.facts
    assert (said.status, experiment["experiment_id"]) == (0, "moved-2")
    assert experiment["trial_counts"]["paused"] == experiment["trial_counts"]["created"] == 3


def test_an_id_that_is_taken_is_refused(asha: Asha, exported: Path) -> None:
    assert asha("import", str(exported), "--id", "moved-3").status == 0

    said = asha("import", str(exported), "--id", "moved-3")

    assert said.status == 1
    assert "there is an experiment 'moved-3' already" in said.err


def test_a_wrong_line_is_named(asha: Asha, exported: Path) -> None:
    lines = exported.read_text().splitlines(keepends=True)
    lines[4] = lines[4].replace('"sequence":4', '"sequence":5')
    exported.write_text("".join(lines))

    said = asha("import", str(exported))

    assert said.status == 1
    assert "line 5: event 5 stands where 4 is expected" in said.err
    assert asha("status", "moved").status == 1


def test_a_file_of_many_chunks_comes_whole(
    asha: Asha, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_, "CHUNK_BYTES", 100)

    assert asha("import", str(exported), "--id", "moved-4").status == 0

    again = tmp_path / "again.jsonl"
    asha("export", "moved-4", "-o", str(again))
    # But for the name, in lines 1 and 2, and the pause at the end.
    assert again.read_text().splitlines()[2:-1] == exported.read_text().splitlines()[2:]


def test_a_server_that_does_not_answer_is_told(
    asha: Asha, exported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connecting, "PATIENCE_S", 0.1)

    said = asha("import", str(exported), "--server", f"unix:{exported.parent}/nobody")

    assert said.status == 1
    assert "no server answers" in said.err

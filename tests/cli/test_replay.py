"""`asha replay`: a history decided anew says the same, or names the first that differs."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Asha, Worker


@pytest.fixture(scope="module")
def names() -> list[str]:
    """One name for each experiment of the module."""
    return [f"replay-{number}" for number in range(100)]


@pytest.fixture
def exported(
    asha: Asha, small: Path, tmp_path: Path, worker: Callable[[str], Worker], names: list[str]
) -> Path:
    """The file of a search: three trials, the best promoted to rung 1 and there first."""
    name = names.pop()
    assert asha("create", "-f", str(small), "--id", name).status == 0
    one = worker(name)
    one.arrive(0.3, 0.1, 0.2)  # the last two are of three: event 10 is trial 2's report
    promoted = one.take("again")
    one.report(promoted, 3, 0.05)
    asha("stop", name, "--yes")
    file = tmp_path / "search.jsonl"
    assert asha("export", name, "-o", str(file)).status == 0
    return file


def test_a_history_is_decided_anew_alike(asha: Asha, exported: Path) -> None:
    said = asha("replay", str(exported))

    assert said.status == 0
    assert re.fullmatch(
        r"replay-\d+: 13 events, all decided alike; 4 decisions on reports among them\.\n", said.out
    )
    (facts,) = asha("replay", str(exported), "--json").facts
    assert (facts["events"], facts["decisions"], facts["difference"]) == (13, 4, None)


def _spoil(path: Path, pattern: str, new: str, line: int) -> None:
    lines = path.read_text().splitlines(keepends=True)
    changed, count = re.subn(pattern, new, lines[line - 1])
    assert count == 1, lines[line - 1]
    lines[line - 1] = changed
    path.write_text("".join(lines))


def test_the_first_decision_that_differs_is_named(asha: Asha, exported: Path) -> None:
    """As if a server had counted wrongly at the third arrival (line 11: event 10)."""
    _spoil(exported, r'"rank":1,"competitors":3', '"rank":0,"competitors":3', 11)

    said = asha("replay", str(exported))

    assert said.status == 1
    assert "search.jsonl, line 11: MetricReported, trial 2, step 1" in said.err
    assert re.search(r"expected: PAUSE AWAITING_PROMOTION, rung 0, rank 0 of 3, ", said.err)
    assert re.search(r"found:    PAUSE AWAITING_PROMOTION, rung 0, rank 1 of 3, ", said.err)
    facts = asha("replay", str(exported), "--json").facts[0]
    assert (facts["events"], facts["decisions"]) == (9, 2)
    assert [facts["difference"][key] for key in ("line", "trial_number", "step")] == [11, 2, 1]


def test_a_promotion_of_another_trial_is_named(asha: Asha, exported: Path) -> None:
    """Trial 0, the worst of three, is handed out in the place of trial 1 (line 12)."""
    _spoil(exported, r'"trial_number":1,', '"trial_number":0,', 12)

    said = asha("replay", str(exported))

    assert said.status == 1
    assert "line 12: TrialAssigned, trial 0\n" in said.err
    assert '"trial_number":1' in said.err.partition("found:")[2]


def test_a_changed_value_shows_where_it_first_tells(asha: Asha, exported: Path) -> None:
    """Trial 1's value becomes the worst (line 10): its own rank is not what was recorded."""
    _spoil(exported, r'"value":0\.1', '"value":0.9', 10)
    _spoil(exported, r'"loss",0\.1', '"loss",0.9', 10)

    said = asha("replay", str(exported))

    assert said.status == 1
    assert "line 10: MetricReported, trial 1, step 1" in said.err


def test_an_end_that_nobody_decided_is_named(asha: Asha, exported: Path) -> None:
    _spoil(exported, "STOPPED_BY_USER", "ALL_TRIALS_ENDED", 14)

    said = asha("replay", str(exported))

    assert said.status == 1
    assert "line 14: ExperimentStateChanged" in said.err
    assert "found:    nothing (the search does not end here)" in said.err


def test_a_file_that_is_none_is_refused(asha: Asha, tmp_path: Path, exported: Path) -> None:
    (tmp_path / "notes.txt").write_text("notes\n")
    cut = tmp_path / "cut.jsonl"
    cut.write_bytes(exported.read_bytes()[:-9])

    assert "line 1: no export" in asha("replay", str(tmp_path / "notes.txt")).err
    assert "cut.jsonl, line 14: the file ends" in asha("replay", str(cut)).err
    assert asha("replay", str(tmp_path / "none")).status == 2

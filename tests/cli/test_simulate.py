"""`asha simulate`: what a person and what a program is shown."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from .conftest import ROOT, Asha

FILE = str(ROOT / "examples" / "random_search.yaml")
STOPPING = str(ROOT / "examples" / "adaptive_asha_stopping.yaml")
HALVING = str(ROOT / "examples" / "async_halving.yaml")
SMALL = ("--set", "max_trials=16")


def test_the_table_has_a_line_for_each_number_of_workers(asha: Asha) -> None:
    """50 trials of 20 epochs at 6 s: 6,000 s on one worker, 1,200 s on five."""
    said = asha("simulate", "-f", FILE, "--workers", "1,5", "--seconds-per-unit", "6")

    rows = [line.split("  ") for line in said.out.splitlines()]
    cells = [[cell.strip() for cell in row if cell.strip()] for row in rows]
    assert said.status == 0
    assert cells[1][:7] == ["1", "1 h 40 min", "1.0 x", "100 %", "100 %", "50", "50"]
    assert cells[2][:7] == ["5", "20 min", "5.0 x", "100 %", "100 %", "50", "50"]


def test_programs_get_every_time(asha: Asha) -> None:
    (facts,) = asha("simulate", "-f", FILE, "--workers", "50", "--json",
                    "--set", "max_concurrent_trials=0").facts  # fmt: skip

    (run,) = facts["runs"]
    assert facts["elapsed_s"] == {"mean": 20, "median": 20}
    assert run["full_length_s"] == [20.0] * 50
    assert run["experiment_state"] == "COMPLETED"


def test_workers_that_cannot_all_train_are_told(asha: Asha) -> None:
    said = asha("simulate", "-f", FILE, "--workers", "8,32")

    assert "With 32 workers only 16 train at a time" in said.out


def test_recorded_curves_are_read(asha: Asha, tmp_path: Path) -> None:
    path = tmp_path / "curves.jsonl"
    path.write_text('{"values": [0.9, 0.5]}\n{"values": [0.8, 0.25]}\n')

    (facts,) = asha("simulate", "-f", FILE, "--workers", "1", "--curves", str(path), "--json").facts

    assert facts["runs"][0]["incumbents"][-1]["value"] == 0.25


@pytest.mark.parametrize("line", ["nonsense", "[1]", '{"values": []}', '{"values": ["a"]}', "{}"])
def test_a_wrong_curve_is_named_by_its_line(asha: Asha, tmp_path: Path, line: str) -> None:
    path = tmp_path / "curves.jsonl"
    path.write_text(f'{{"values": [1]}}\n{line}\n')

    said = asha("simulate", "-f", FILE, "--curves", str(path))

    assert said.status == 1
    assert f"{path}:2:" in said.err


@pytest.mark.parametrize(
    "words",
    [
        ("--workers", "0"),
        ("--workers", "a"),
        ("--workers", "8..4"),
        ("--workers", "1...4"),
        ("--workers", "1,"),
        ("--drop", "1"),
        ("--straggler", "-1"),
        ("--repeat", "0"),
        ("--seed", str(2**63)),
    ],
)
def test_impossible_conditions_are_wrong_usage(asha: Asha, words: tuple[str, str]) -> None:
    assert asha("simulate", "-f", FILE, *words).status == 2


def test_a_row_of_worker_counts_doubles(asha: Asha) -> None:
    found = asha("simulate", "-f", FILE, "--workers", "1..8,10", "--json").facts

    assert [facts["workers"] for facts in found] == [1, 2, 4, 8, 10]


def test_the_synchronous_form_runs_beside_on_the_same_curves(asha: Asha) -> None:
    """16 trials, rungs at 1, 4, 16, 64: 16 + 4 * 3 + 12 + 48 = 88 units, one trial in full."""
    found = asha("simulate", "-f", HALVING, *SMALL, "--beside", "sync", "--workers", "1,4",
                 "--straggler", "0.5", "--json").facts  # fmt: skip

    assert [(facts["method"], facts["workers"]) for facts in found] == [
        ("async_halving", 1),
        ("sync_halving", 1),
        ("async_halving", 4),
        ("sync_halving", 4),
    ]
    beside = found[1]["runs"][0]
    assert (beside["trials"], beside["total_length"], len(beside["full_length_s"])) == (16, 88, 1)
    # One worker trains all 16 for one unit first, in the same times: the incumbents agree so far.
    assert found[0]["runs"][0]["incumbents"][0] == beside["incumbents"][0]


def test_the_table_names_both_methods(asha: Asha) -> None:
    said = asha("simulate", "-f", HALVING, *SMALL, "--beside", "sync", "--workers", "2",
                "--repeat", "3")  # fmt: skip

    lines = [line.split() for line in said.out.splitlines()]
    assert [line[0] for line in lines[:3]] == ["method", "async_halving", "sync_halving"]
    assert "Medians of 3 searches each" in said.out


def test_another_file_runs_beside(asha: Asha, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(Path(HALVING).read_text().replace("num_rungs: 4", "num_rungs: 3"))

    found = asha("simulate", "-f", HALVING, "--beside", str(other), "--workers", "4", "--json")

    assert [facts["name"] for facts in found.facts] == [
        f"async_halving of {HALVING}",
        f"async_halving of {other}",
    ]


@pytest.mark.parametrize(
    ("file", "beside", "words"),
    [
        (FILE, "sync", "random_search is no asynchronous halving"),
        (HALVING, "async", "async_halving is no synchronous halving"),
        (HALVING, "missing.yaml", "--beside missing.yaml: is no file"),
        (FILE, STOPPING, "asks for another metric.goal"),
    ],
)
def test_what_cannot_be_beside_is_refused(asha: Asha, file: str, beside: str, words: str) -> None:
    said = asha("simulate", "-f", file, "--beside", beside)

    assert said.status == 1
    assert words in said.err


def test_means_and_medians_are_over_all_runs(asha: Asha) -> None:
    (facts,) = asha("simulate", "-f", HALVING, *SMALL, "--workers", "4", "--straggler", "1",
                    "--repeat", "3", "--json").facts  # fmt: skip

    times = sorted(run["elapsed_s"] for run in facts["runs"])
    assert [run["seed"] for run in facts["runs"]] == [0, 1, 2]
    assert facts["elapsed_s"]["median"] == times[1]
    assert facts["elapsed_s"]["mean"] == pytest.approx(sum(times) / 3)


def test_what_never_came_is_null(asha: Asha) -> None:
    (facts,) = asha(
        "simulate", "-f", HALVING, "--workers", "1", "--time-limit", "5", "--json"
    ).facts

    assert facts["first_full_length_s"] == {"mean": None, "median": None}
    assert facts["full_length_trials"] == {"mean": 0, "median": 0}


def test_a_page_is_drawn_beside_the_table(asha: Asha, tmp_path: Path) -> None:
    path = tmp_path / "halving.html"

    said = asha("simulate", "-f", HALVING, *SMALL, "--beside", "sync", "--workers", "4",
                "--animate", str(path))  # fmt: skip

    text = path.read_text()
    assert said.status == 0
    assert said.out.startswith("method")
    assert "<h1>Synchronous and asynchronous halving</h1>" in text
    assert re.search(r"<p>Synchronous halving: over after [\d.]+ s; 1 of 16 trials", text)


def test_a_gif_is_drawn(asha: Asha, tmp_path: Path) -> None:
    path = tmp_path / "halving.gif"

    asha("simulate", "-f", HALVING, "--set", "max_trials=4", "--workers", "2",
         "--animate", str(path))  # fmt: skip

    assert path.read_bytes().startswith(b"GIF89a")


def test_without_pillow_the_way_to_it_is_told(
    asha: Asha, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "asha_server.picture.gif", raising=False)
    monkeypatch.setitem(sys.modules, "PIL", None)

    said = asha("simulate", "-f", HALVING, *SMALL, "--workers", "2",
                "--animate", str(tmp_path / "halving.gif"))  # fmt: skip

    assert said.status == 1
    assert "pip install 'asha-server[animate]'" in said.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--workers", "4", "--animate", "a.png"), "must end in one of .html, .gif"),
        (("--workers", "1,2", "--animate", "a.html"), "one number of workers"),
        (("--workers", "65", "--animate", "a.html"), "at most 64 workers"),
        (("--workers", "4", "--animate", "a.html", "--set", "max_trials=201"), "at most 200"),
        (("--workers", "4", "--animate", "missing/a.html"), "missing/a.html: No such file"),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    asha: Asha, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], told: str
) -> None:
    monkeypatch.chdir(tmp_path)

    said = asha("simulate", "-f", HALVING, *SMALL, *words)

    assert said.status == 1
    assert told in said.err
    assert list(tmp_path.iterdir()) == []

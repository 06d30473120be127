"""`asha simulate`: what a person and what a program is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import ROOT, Asha

FILE = str(ROOT / "examples" / "random_search.yaml")


def test_the_table_has_a_line_for_each_number_of_workers(asha: Asha) -> None:
    """50 trials of 20 epochs at 6 s: 6,000 s on one worker, 1,200 s on five."""
    said = asha("simulate", "-f", FILE, "--workers", "1,5", "--seconds-per-unit", "6")

    rows = [line.split("  ") for line in said.out.splitlines()]
    cells = [[cell.strip() for cell in row if cell.strip()] for row in rows]
    assert said.status == 0
    assert cells[1][:6] == ["1", "1 h 40 min", "1.0 x", "100 %", "50", "50"]
    assert cells[2][:6] == ["5", "20 min", "5.0 x", "100 %", "50", "50"]


def test_programs_get_every_time(asha: Asha) -> None:
    (facts,) = asha("simulate", "-f", FILE, "--workers", "50", "--json",
                    "--set", "max_concurrent_trials=0").facts  # fmt: skip

    assert facts["elapsed_s"] == 20
    assert facts["full_length_s"] == [20.0] * 50
    assert facts["experiment_state"] == "COMPLETED"


def test_workers_that_cannot_all_train_are_told(asha: Asha) -> None:
    said = asha("simulate", "-f", FILE, "--workers", "8,32")

    assert "With 32 workers only 16 train at a time" in said.out


def test_recorded_curves_are_read(asha: Asha, tmp_path: Path) -> None:
    path = tmp_path / "curves.jsonl"
    path.write_text('{"values": [0.9, 0.5]}\n{"values": [0.8, 0.25]}\n')

    (facts,) = asha("simulate", "-f", FILE, "--workers", "1", "--curves", str(path), "--json").facts

    assert facts["incumbents"][-1]["value"] == 0.25


@pytest.mark.parametrize("line", ["nonsense", "[1]", '{"values": []}', '{"values": ["a"]}', "{}"])
def test_a_wrong_curve_is_named_by_its_line(asha: Asha, tmp_path: Path, line: str) -> None:
    path = tmp_path / "curves.jsonl"
    path.write_text(f'{{"values": [1]}}\n{line}\n')

    said = asha("simulate", "-f", FILE, "--curves", str(path))

    assert said.status == 1
    assert f"{path}:2:" in said.err


@pytest.mark.parametrize(
    "words", [("--workers", "0"), ("--workers", "a"), ("--drop", "1"), ("--straggler", "-1")]
)
def test_impossible_conditions_are_wrong_usage(asha: Asha, words: tuple[str, str]) -> None:
    assert asha("simulate", "-f", FILE, *words).status == 2

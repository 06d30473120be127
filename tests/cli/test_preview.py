"""`asha preview`: what a person and what a program is shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from asha_server.cli.program import asha as command

from .conftest import ROOT, Asha

EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
TIMED = ("--workers", "8", "--seconds-per-unit", "30")


def example(name: str) -> str:
    return str(ROOT / "examples" / f"{name}.yaml")


def cells(out: str, row: str) -> list[str]:
    """The cells of the row of a table that begins with a word."""
    (line,) = (line for line in out.splitlines() if line.strip().startswith(row + "  "))
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


def test_it_needs_no_server_and_shows_the_cost() -> None:
    """192·1 + 48·4 + 16·12 + 4·64 = 832 epochs of 256·64 = 16,384, which is 5 %."""
    result = CliRunner().invoke(command, ["preview", "-f", example("async_halving"), *TIMED])

    assert result.exit_code == 0
    assert cells(result.stdout, "nominally")[:3] == ["nominally", "832", "5 %"]
    for word in ("expected", "at worst"):
        assert len(cells(result.stdout, word)) == 4
    assert "time with 8 workers" in result.stdout


def test_without_the_forecast_it_tells_what_arithmetic_tells(asha: Asha) -> None:
    """832 epochs of 30 s on 8 workers that always have work: 52 min; 16,384 of them: 17 h 4 min."""
    said = asha("preview", "-f", example("async_halving"), *TIMED, "--no-forecast")

    assert "832 epochs nominally, at most 16,384 epochs" in said.out
    assert "52 min nominally, 17 h 4 min at most" in said.out
    assert "expected" not in said.out


def test_a_plan_that_no_value_changes_is_told_once(asha: Asha) -> None:
    """12 points of 20 epochs: 4 workers train three each, 30 min."""
    said = asha(
        "preview", "-f", example("grid_search"), "--workers", "4", "--seconds-per-unit", "30"
    )

    assert "Cost: 240 epochs, whatever the values" in said.out
    assert "Time with 4 workers: 30 min." in said.out


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
@pytest.mark.parametrize("more", [TIMED, ("--no-forecast", *TIMED)])
def test_no_line_is_wider_than_eighty_columns(
    asha: Asha, path: Path, more: tuple[str, ...]
) -> None:
    said = asha("preview", "-f", str(path), *more)

    assert [line for line in said.out.splitlines() if len(line) > 80] == []


def test_a_long_table_shows_its_ends(asha: Asha) -> None:
    """60 rounds of 5 epochs: 24 of their ends, with a line for those between."""
    said = asha("preview", "-f", example("pbt"), "--set", "pbt.num_rounds=60")

    assert "5, 10, 15, … 300 (60 rungs)" in said.out
    table = said.out.split("trials that end there\n")[1].split("\n\n")[0].splitlines()
    assert len(table) == 25
    assert [line.split()[0] for line in (table[0], table[12], table[24])] == ["5", "…", "300"]


def test_a_search_too_large_to_simulate_says_so(asha: Asha) -> None:
    said = asha("preview", "-f", example("async_halving"), "--set", "max_trials=12501")

    assert "too large to simulate" in said.out
    assert "more than 50,000 places in rungs" in said.out


@pytest.mark.parametrize(
    ("given", "missing"), [(TIMED[:2], "--seconds-per-unit"), (TIMED[2:], "--workers")]
)
def test_half_of_what_a_time_needs_names_the_other_half(
    asha: Asha, given: tuple[str, ...], missing: str
) -> None:
    said = asha("preview", "-f", example("adaptive_asha"), *given)

    assert f"Give {missing} too" in said.out
    assert "time with" not in said.out


def test_neither_half_of_what_a_time_needs_is_missed(asha: Asha) -> None:
    assert "Give" not in asha("preview", "-f", example("adaptive_asha")).out


def test_workers_that_cannot_have_work_are_told(asha: Asha) -> None:
    said = asha("preview", "-f", example("adaptive_asha"), "--workers", "100")

    assert "Only 8 of 100 workers can train at one time" in said.out
    assert "Simulated: 8 workers" in said.out


def test_a_budget_is_told(asha: Asha) -> None:
    said = asha("preview", "-f", example("adaptive_asha"), "--set", "max_total_length=500", *TIMED)

    assert "max_total_length ends it at 500 epochs" in said.out
    assert int(cells(said.out, "expected")[1]) < 600
    assert cells(said.out, "nominally")[1] == "1,254"


def test_a_program_is_told_the_same(asha: Asha) -> None:
    shown = asha("preview", "-f", example("adaptive_asha"), *TIMED).out

    (facts,) = asha("preview", "-f", example("adaptive_asha"), *TIMED, "--json").facts

    for word, name in (("nominally", "nominal"), ("expected", "expected"), ("at worst", "worst")):
        units = int(facts["forecast"][name]["total_units"])
        assert cells(shown, word)[1] == f"{units:,}"
        assert facts["forecast"][name]["wall_time"].endswith("s")
    assert facts["forecast"]["search_count"] == 21

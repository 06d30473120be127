"""What is shown: plain columns for programs, drawn tables for terminals."""

from __future__ import annotations

import io

from rich.console import Console

from asha_server.cli import drawing
from asha_server.cli.table import Column, Table


def sample() -> Table:
    table = Table([Column("n", is_number=True), Column("state"), Column("words", is_wide=True)])
    table.add("1", "running", "alpha beta gamma")
    table.add("10", "-", "delta")
    return table


def test_plain_columns_align_and_never_fold() -> None:
    assert sample().plain().splitlines() == [
        " n  state    words",
        " 1  running  alpha beta gamma",
        "10  -        delta",
    ]


def test_a_narrow_terminal_folds_wide_columns_only() -> None:
    file = io.StringIO()
    Console(file=file, width=24, color_system=None).print(drawing.drawn(["rungs", sample()]))

    lines = [line.rstrip() for line in file.getvalue().splitlines()]
    assert lines[0] == "rungs"
    assert lines[3:] == [" 1  running  alpha beta", "             gamma", "10  -        delta"]


def test_a_state_has_its_colour_on_a_terminal() -> None:
    file = io.StringIO()
    console = Console(file=file, width=60, force_terminal=True, color_system="standard")
    console.print(drawing.drawn([sample()]))

    assert "\x1b[32mrunning" in file.getvalue()

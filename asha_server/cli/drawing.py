"""Paragraphs and tables on a terminal, by rich."""

from __future__ import annotations

from collections.abc import Iterable

from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table as RichTable
from rich.text import Text

from asha_server.cli.table import Part, Table

COLOURS = {
    "running": "green",
    "queued": "cyan",
    "paused": "yellow",
    "completed": "blue",
    "stopped": "bright_black",
    "failed": "red",
    "infeasible": "red",
    "cancelled": "magenta",
}
"""The colour of a cell that holds just this word: the state of a trial or experiment."""


def draw(parts: Iterable[Part]) -> None:
    """Prints paragraphs and tables."""
    terminal().print(drawn(parts))


def follow(screens: Iterable[Iterable[Part]]) -> None:
    """Shows one screen after the other in the same place; the last one stays."""
    console = terminal()
    with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
        for parts in screens:
            live.update(drawn(parts), refresh=True)


def terminal() -> Console:
    """The terminal; colours only what we colour."""
    return Console(highlight=False)


def drawn(parts: Iterable[Part]) -> RenderableType:
    """Paragraphs and tables as one thing that rich can draw."""
    return Group(*(Text(part) if isinstance(part, str) else draw_table(part) for part in parts))


def draw_table(table: Table) -> RichTable:
    """A table; words that name a state have its colour."""
    result = RichTable(
        box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), header_style="bold"
    )
    for column in table.columns:
        result.add_column(
            column.title,
            justify="right" if column.is_number else "left",
            no_wrap=not column.is_wide,
            overflow="fold",
        )
    for row in table.rows:
        result.add_row(*(Text(cell, COLOURS.get(cell, "")) for cell in row))
    return result

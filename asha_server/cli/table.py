"""Paragraphs and tables: drawn on a terminal (drawing.py), plain where a program reads them.

Plain tables have no frame, colour or fold: one row a line, columns two spaces apart, so that
`grep`, `awk` and `sort` do what one expects.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import click


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        title: its heading.
        is_number: whether its cells end at the right.
        is_wide: whether it may fold on a narrow terminal; the others keep their width.
    """

    title: str
    is_number: bool = False
    is_wide: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings.

    Attributes:
        columns: the columns, left to right.
        rows: list[Sequence[str]], one cell for each column.
    """

    columns: Sequence[Column]
    rows: list[Sequence[str]] = field(default_factory=list)

    def add(self, *cells: str) -> None:
        """Adds a row."""
        assert len(cells) == len(self.columns)
        self.rows.append(cells)

    def plain(self) -> str:
        """The table as aligned text."""
        lines = [[column.title for column in self.columns], *self.rows]
        widths = [max(len(line[index]) for line in lines) for index in range(len(self.columns))]
        return "\n".join(
            "  ".join(
                cell.rjust(width) if column.is_number else cell.ljust(width)
                for cell, width, column in zip(line, widths, self.columns, strict=True)
            ).rstrip()
            for line in lines
        )


Part = str | Table
"""A paragraph or a table."""


def is_terminal() -> bool:
    """Whether a person reads the output as it appears."""
    return sys.stdout.isatty()


def show(parts: Iterable[Part]) -> None:
    """Prints paragraphs and tables."""
    if is_terminal():
        from asha_server.cli import drawing  # noqa: PLC0415  # rich takes 40 ms to import

        drawing.draw(parts)
    else:
        for part in parts:
            click.echo(part if isinstance(part, str) else part.plain())

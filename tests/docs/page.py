"""Markdown as the tests read it: headings, links, and blocks with the comment that marks them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"

_FENCE = re.compile(r"^ {0,3}(```+|~~~+)")
_HEADING = re.compile(r"^(#{1,6}) +(.*?)(?: +#+)?$")
_LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(<?([^)\s>]+)>?(?: \"[^\"]*\")?\)")
_CODE = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)")
_MARK = re.compile(r"^<!-- (\w[\w-]*)(?:: (.+?))? -->$")


class Block(NamedTuple):
    """A fenced block or a table, and the comment above it.

    Attributes:
        mark: first word of the comment, as `run` or `file`.
        argument: what follows its colon; empty without one.
        lines: list[str], of the block, without its fence.
    """

    mark: str
    argument: str
    lines: list[str]

    @property
    def text(self) -> str:
        return "\n".join(self.lines) + "\n"


def prose(page: Path) -> Iterator[str]:
    """The lines of a page outside fenced blocks."""
    fence = ""
    for line in page.read_text(encoding="utf-8").splitlines():
        found = _FENCE.match(line)
        if found and not fence:
            fence = found.group(1)
        elif found and found.group(1).startswith(fence) and line.strip() == found.group(1):
            fence = ""
        elif not fence:
            yield line


def fences(page: Path) -> Iterator[tuple[str, str]]:
    """The fenced blocks of a page: language and text."""
    fence, language, lines = "", "", list[str]()
    for line in page.read_text(encoding="utf-8").splitlines():
        found = _FENCE.match(line)
        if found and not fence:
            fence, language, lines = found.group(1), line.strip().strip("`~"), []
        elif fence and line.strip() == fence:
            fence = ""
            yield language, "\n".join(lines) + "\n"
        elif fence:
            lines.append(line)


def links(page: Path) -> list[str]:
    """The targets of a page's links and pictures."""
    return [target for line in prose(page) for target in _LINK.findall(_CODE.sub("`c`", line))]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    found: dict[str, int] = {}
    names: set[str] = set()
    for line in prose(page):
        heading = _HEADING.match(line)
        if heading is None:
            continue
        text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading.group(2))
        name = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        count = found.get(name, 0)
        found[name] = count + 1
        names.add(f"{name}-{count}" if count else name)
    return names


def blocks(page: Path) -> Iterator[Block]:
    """The marked blocks of a page, in order: those with a comment as the line before them."""
    lines = page.read_text(encoding="utf-8").splitlines()
    for index, line in enumerate(lines):
        mark = _MARK.match(line)
        if mark is None:
            continue
        rest = lines[index + 1 :]
        while rest and not rest[0].strip():
            rest = rest[1:]
        assert rest, f"{page}: nothing follows {line}"
        fence = _FENCE.match(rest[0])
        if fence:
            end = next(i for i, text in enumerate(rest[1:], 1) if text.strip() == fence.group(1))
            yield Block(mark.group(1), mark.group(2) or "", rest[1:end])
        else:
            end = next((i for i, text in enumerate(rest) if not text.startswith("|")), len(rest))
            yield Block(mark.group(1), mark.group(2) or "", rest[:end])


def rows(block: Block) -> list[list[str]]:
    """The cells of a table's rows, without head and rule."""
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.lines]
    return cells[2:]

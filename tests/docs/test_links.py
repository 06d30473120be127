"""Every relative link and anchor of the documentation leads somewhere."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import pytest

from .page import DOCS, ROOT, anchors, links

PAGES = [
    *sorted(DOCS.rglob("*.md")),
    ROOT / "README.md",
    ROOT / "clients" / "python" / "README.md",
]
HANDWRITTEN = [p for p in PAGES if p.parent.name in {"tutorial", "howto", "explanation"}]
QUADRANTS = {"tutorial", "howto", "reference", "explanation"}


def _broken(page: Path) -> list[str]:
    found = []
    for target in links(page):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = unquote(target).partition("#")
        goal = (page.parent / path).resolve() if path else page
        is_there = goal.exists() and goal.is_relative_to(ROOT)
        if is_there and anchor:
            is_there = goal.suffix == ".md" and anchor in anchors(goal)
        if not is_there:
            found.append(target)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    assert _broken(page) == []


def test_a_link_to_no_file_and_one_to_no_heading_are_found(tmp_path: Path) -> None:
    page = ROOT / "docs" / "index.md"
    copy = tmp_path / "page.md"
    copy.write_text("# One\n\n[a](missing.md) [b](#two) [c](#one) `[d](code.md)`\n")

    assert links(copy) == ["missing.md", "#two", "#one"]
    assert anchors(copy) == {"one"}
    assert "the-documentation" in anchors(page)


@pytest.mark.parametrize("page", HANDWRITTEN, ids=lambda page: page.name)
def test_each_page_links_its_neighbours_in_the_other_quadrants(page: Path) -> None:
    goals = {(page.parent / link.partition("#")[0]).resolve().parent.name for link in links(page)}

    assert goals >= QUADRANTS - {page.parent.name}


def test_the_map_leads_to_every_page() -> None:
    shown = {(DOCS / target.partition("#")[0]).resolve() for target in links(DOCS / "index.md")}

    pages = {path for path in DOCS.rglob("*.md") if path.parent.name in QUADRANTS}
    assert pages <= shown

"""One sentence a line in what people write, so that a diff shows sentences."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .page import DOCS, prose

PAGES = [
    path
    for path in sorted(DOCS.rglob("*.md"))
    if path.parent.name in {"docs", "tutorial", "howto", "explanation"}
]
_SECOND_SENTENCE = re.compile(r"[a-z0-9)`'*\"][.?!] +[A-Z]")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_line_holds_one_sentence(page: Path) -> None:
    lines = [
        re.sub(r"^ *(?:\d+\.|-) ", "", line)
        for line in prose(page)
        if not line.startswith(("|", "#", "Source:"))
    ]

    assert [line for line in lines if _SECOND_SENTENCE.search(line)] == []

"""What docs/howto/know-the-cost.md shows is what the command says."""

from __future__ import annotations

import shlex

import pytest
from click.testing import CliRunner

from asha_server.cli.program import asha
from asha_server.search.forecast import (
    PLACES_MAX,
    SEARCH_COUNT,
    SEARCH_COUNT_LARGE,
)

from .page import DOCS, ROOT, blocks

PAGE = DOCS / "howto" / "know-the-cost.md"
RUN = {block.argument: block.text for block in blocks(PAGE) if block.mark == "run"}
SHOWN = {block.argument: block.text for block in blocks(PAGE) if block.mark == "shown"}


@pytest.mark.parametrize("name", ["adaptive", "synchronous"])
def test_the_page_shows_what_the_command_says(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    program, *words = shlex.split(RUN[name])
    assert program == "asha"

    result = CliRunner().invoke(asha, words)

    assert result.exit_code == 0
    assert result.stdout == SHOWN[name]


def test_every_command_of_the_page_is_run() -> None:
    assert set(RUN) == set(SHOWN) == {"adaptive", "synchronous"}


def test_the_page_tells_the_numbers_of_the_code() -> None:
    text = PAGE.read_text(encoding="utf-8")

    assert f"{PLACES_MAX:,} places in rungs" in text
    assert f"median of {SEARCH_COUNT} searches ({SEARCH_COUNT_LARGE} of a large one)" in text

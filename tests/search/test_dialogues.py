"""Every dialogue of `traces/`: what is said and what is answered, word for word.

`pytest --rewrite` writes the answers that the core gives into the files; read the difference.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from .dialogue import converse, parse, write

TRACES = sorted(Path(__file__).with_name("traces").glob("*.txt"))


@pytest.mark.parametrize("path", TRACES, ids=lambda path: path.stem)
def test_a_dialogue_goes_as_written(path: Path, rewrite: bool) -> None:
    written = path.read_text(encoding="utf-8")

    said = write(converse(parse(written)))

    if rewrite:
        path.write_text(said, encoding="utf-8")
    else:
        assert said == written


def test_there_are_dialogues() -> None:
    assert len(TRACES) > 20

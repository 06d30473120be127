"""The picture of both kinds of halving is what its command draws, as its page tells."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from asha_server.cli.program import asha

from .page import DOCS, ROOT, blocks

PAGE = DOCS / "explanation" / "synchronous-and-asynchronous.md"
SIZE_MAX = 1_500_000


def _drawn(path: Path) -> tuple[str, tuple[int, int], int]:
    """Digest of the scene, size and number of frames."""
    with Image.open(path) as image:
        return (
            image.info["comment"].decode(),
            image.size,
            image.n_frames,  # type: ignore[attr-defined]  # of GIFs only
        )


@pytest.mark.slow
def test_the_picture_is_what_the_command_beside_it_draws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (block,) = (block for block in blocks(PAGE) if block.mark == "animate")
    committed = PAGE.parent / block.argument
    words = shlex.split(block.text.replace("\\\n", " "))
    assert words.index("--animate") == len(words) - 2
    assert ROOT / words[-1] == committed
    monkeypatch.chdir(ROOT)

    result = CliRunner().invoke(asha, [*words[1:-1], str(tmp_path / "drawn.gif"), "--json"])

    assert result.exit_code == 0, result.output
    assert _drawn(tmp_path / "drawn.gif") == _drawn(committed)
    assert committed.stat().st_size < SIZE_MAX
    fast, slow = map(json.loads, result.stdout.splitlines())
    text = PAGE.read_text()
    assert (
        f"over after {fast['elapsed_s']['median']:.1f} s instead of "
        f"{slow['elapsed_s']['median']:.1f} s"
    ) in text
    idle = [round(100 * (1 - facts["busy_share"]["median"])) for facts in (fast, slow)]
    assert f"idle {idle[0]} % of the time instead of {idle[1]} %" in text
    assert [facts["full_length_trials"]["median"] for facts in (fast, slow)] == [3, 3]

"""The tutorial works as it stands: its blocks are run, in order, against a real server."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from asha_server.verify import verify_file

from .page import DOCS, blocks

PAGE = DOCS / "tutorial" / "first-experiment.md"
TIME_LIMIT_S = 60


@contextmanager
def served(command: str, directory: Path, environment: dict[str, str]) -> Iterator[str]:
    """The server of the tutorial on a free port; its address."""
    with subprocess.Popen(
        [*command.split(), "--listen", "127.0.0.1:0", "--log-level", "WARNING"],
        cwd=directory, env=environment, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("listening on "), line
            yield line.split()[-1]
        finally:
            process.terminate()
            assert process.wait(TIME_LIMIT_S) == 0


def test_the_tutorial_trains_a_search_to_its_end(tmp_path: Path) -> None:
    programs = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    found = list(blocks(PAGE))
    (serve,) = (block.text.strip() for block in found if block.mark == "serve")
    said: dict[str, str] = {}

    with served(serve, tmp_path, environment) as address:
        environment["ASHA_SERVER"] = address
        for block in found:
            if block.mark == "file":
                (tmp_path / block.argument).write_text(block.text)
            elif block.mark == "run":
                done = subprocess.run(
                    ["bash", "-euo", "pipefail", "-c", block.text],
                    cwd=tmp_path, env=environment, timeout=TIME_LIMIT_S,
                    capture_output=True, text=True, check=False,
                )  # fmt: skip
                assert done.returncode == 0, f"{block.text}\n{done.stdout}\n{done.stderr}"
                said[block.lines[0]] = done.stdout

    assert said["asha create -f curve.yaml --id curve"] == "curve\n"
    # 30 trials in brackets of 18, 8 and 4: 12 end at 1 epoch, 10 at 3, 5 at 9 and 3 at 27, so
    # 12 + 30 + 45 + 81 = 168 epochs of 30 x 27 = 810.
    for words in ("168", "810"):
        assert words in said["asha preview -f curve.yaml"]
        assert f" {words}" in PAGE.read_text()
    assert "completed (all trials ended)" in said["asha status curve"]
    best = said["asha best curve --limit 3"].splitlines()[1]
    assert best.split()[0] == "1"
    assert str(tmp_path / "checkpoints") in best
    assert "rung" in said["asha explain curve 0"]
    (experiment,) = verify_file(tmp_path / "first.db").experiments
    assert (experiment.trial_count, experiment.problems) == (30, [])

"""The how-to of the sidecar works as it stands, and its pods call what there is."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from ruamel.yaml import YAML

from asha_server.cli.program import asha
from asha_server.cli.sidecar.forms import WRAPPER

from .page import DOCS, ROOT, blocks
from .test_tutorial import served

PAGE = DOCS / "howto" / "sidecar.md"
PODS = sorted((ROOT / "deploy" / "kubernetes").glob("sidecar-*.yaml"))
TIME_LIMIT_S = 60


class Terminal:
    """Runs a page's blocks where a person would.

    Args:
        directory: a checkout, as far as the page needs one.
        environment: of the programs.
    """

    def __init__(self, directory: Path, environment: dict[str, str]) -> None:
        self._directory = directory
        self._environment = environment
        self._background: list[subprocess.Popen[bytes]] = []

    def run(self, text: str) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text],
            cwd=self._directory, env=self._environment, timeout=TIME_LIMIT_S,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def start(self, text: str) -> None:
        """Starts a command, and waits until its trainer can be started."""
        words = shlex.split(text)
        self._background.append(subprocess.Popen(words, cwd=self._directory, env=self._environment))
        place = words[words.index("--folder" if "--folder" in words else "--socket") + 1]
        sign = self._directory / place / WRAPPER if "--folder" in words else self._directory / place
        deadline = time.monotonic() + TIME_LIMIT_S
        while not sign.exists():
            assert time.monotonic() < deadline, f"{sign} never came"
            time.sleep(0.01)

    def finish(self) -> list[int]:
        """The exit statuses of what was started, once all have ended."""
        return [process.wait(TIME_LIMIT_S) for process in self._background]

    def close(self) -> None:
        for process in self._background:
            process.kill()
            process.wait()


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    shutil.copytree(ROOT / "examples" / "sidecar", tmp_path / "examples" / "sidecar")
    programs = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    environment["ASHA_POLL"] = "0.05"
    found = list(blocks(PAGE))
    (serve,) = (block.text.strip() for block in found if block.mark == "serve")
    with served(serve, tmp_path, environment) as address:
        environment["ASHA_SERVER"] = address
        terminal = Terminal(tmp_path, environment)
        yield terminal
        terminal.close()


@pytest.mark.slow
def test_the_page_trains_three_searches_to_their_ends(terminal: Terminal, tmp_path: Path) -> None:
    """By trainer.sh, by hand, and over the socket; every sidecar ends with 0."""
    for block in blocks(PAGE):
        if block.mark == "file":
            (tmp_path / block.argument).write_text(block.text)
        elif block.mark == "background":
            terminal.start(block.text)
        elif block.mark == "run":
            terminal.run(block.text)

    assert terminal.finish() == [0, 0, 0]
    for name in ("beside", "by-hand", "socket"):
        assert "completed (all trials ended)" in terminal.run(f"asha status {name}")


@pytest.mark.parametrize("path", PODS, ids=lambda path: path.stem)
def test_a_pod_gives_the_sidecar_what_it_takes_and_the_trainer_no_secret(path: Path) -> None:
    job: dict[str, Any] = YAML(typ="safe").load(path.read_text())
    pod = job["spec"]["template"]["spec"]
    (sidecar,), (trainer,) = pod["initContainers"], pod["containers"]
    name, *arguments = sidecar["args"]
    command = asha.get_command(click.Context(asha), name)
    assert command is not None

    given, rest, _ = command.make_parser(click.Context(command)).parse_args(arguments)

    assert rest == []
    mounts = [
        {mount["name"]: mount["mountPath"] for mount in c["volumeMounts"]}
        for c in (sidecar, trainer)
    ]
    assert mounts[0]["asha"] == mounts[1]["asha"] == "/asha"
    assert "access" not in mounts[1]
    assert not {"ASHA_TOKEN", "ASHA_TOKEN_FILE"} & {e["name"] for e in trainer.get("env", ())}
    assert {mount for one in mounts for mount in one} == {
        volume["name"] for volume in pod["volumes"]
    }
    assert pod["terminationGracePeriodSeconds"] > float(given["grace_s"])
    assert sidecar["restartPolicy"] == "Always"
    if "folder" in given:
        assert trainer["command"][:2] == ["sh", f"{given['folder']}/{WRAPPER}"]
        assert given["checkpoints"] == mounts[1]["models"]
        assert sidecar["startupProbe"]["exec"]["command"][-1] == trainer["command"][1]
    else:
        assert trainer["env"][0]["value"] == f"unix:{given['socket_path']}"
        assert sidecar["startupProbe"]["exec"]["command"][-1] == given["socket_path"]
        assert pod["shareProcessNamespace"] is ("shares_processes" in given)


def test_there_is_a_pod_for_each_form() -> None:
    assert [path.stem for path in PODS] == ["sidecar-folder", "sidecar-socket"]

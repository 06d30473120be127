"""The Dockerfile and the shell scripts, as their linters see them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .manifests import DEPLOY

DOCKERFILE = DEPLOY.parent / "Dockerfile"
SCRIPTS = sorted(DEPLOY.glob("slurm/*.sbatch"))


def said(program: str, path: Path) -> str:
    """What a linter of the `dev` group says against a file; empty: nothing."""
    found = shutil.which(program, path=Path(sys.executable).parent)
    assert found, f"{program} is of the dev group: pip install --group dev"
    done = subprocess.run([found, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == bool(done.stdout), done.stderr
    return done.stdout


def test_hadolint_has_nothing_against_the_dockerfile() -> None:
    assert said("hadolint", DOCKERFILE) == ""


def test_hadolint_finds_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "Dockerfile"
    path.write_text("FROM debian\nRUN cd /tmp && pip install click\n")

    assert "DL3006" in said("hadolint", path)  # no tag


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_shellcheck_has_nothing_against_a_script(path: Path) -> None:
    assert said("shellcheck", path) == ""


def test_shellcheck_finds_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "script"
    path.write_text("#!/bin/bash\nrm -rf $1/*\n")

    assert "SC2086" in said("shellcheck", path)  # no quotes


def test_the_scripts_end_at_the_first_failure() -> None:
    assert SCRIPTS
    for path in SCRIPTS:
        assert "\nset -euo pipefail\n" in path.read_text()

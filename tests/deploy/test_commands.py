"""Every command line of `asha` in deploy/ and the Dockerfile is one that the command takes."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from ruamel.yaml import YAML

from .command_lines import check
from .manifests import DEPLOY, FILES, OUR_IMAGE, Resource, containers, pods

DOCKERFILE = DEPLOY.parent / "Dockerfile"
SCRIPTS = [*sorted(DEPLOY.glob("slurm/*")), *sorted(DEPLOY.glob("systemd/*.service"))]


def of_container(container: Resource) -> Iterator[list[str]]:
    """What a container runs and is asked with, without `asha` itself."""
    words = [*container.get("command", []), *container.get("args", [])]
    if container["image"].startswith(OUR_IMAGE) and not container.get("command"):
        words = ["asha", *words]  # the image's entry point
    if words[0] == "asha":
        yield words[1:]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        asked = container.get(probe, {}).get("exec", {}).get("command", [])
        if asked[:1] == ["asha"]:
            yield asked[1:]


def of_manifests() -> Iterator[tuple[str, list[str]]]:
    for path in FILES:
        for pod in pods(path.read_text()):
            for container in containers(pod):
                for words in of_container(container):
                    yield path.name, words


def of_dockerfile() -> Iterator[tuple[str, list[str]]]:
    text = DOCKERFILE.read_text()
    form = r"^(ENTRYPOINT|CMD|HEALTHCHECK .*CMD) (\[.*\])$"
    found = {key.split()[0]: json.loads(words) for key, words in re.findall(form, text, re.M)}
    assert found["ENTRYPOINT"] == ["asha"]
    yield DOCKERFILE.name, found["CMD"]
    yield DOCKERFILE.name, found["HEALTHCHECK"][1:]


def of_compose() -> Iterator[tuple[str, list[str]]]:
    service = YAML(typ="safe").load((DEPLOY / "compose.yaml").read_text())["services"]["asha"]
    yield "compose.yaml", service["command"]
    yield "compose.yaml", service["healthcheck"]["test"][2:]


def of_scripts() -> Iterator[tuple[str, list[str]]]:
    for path in SCRIPTS:
        text = path.read_text().replace("\\\n", " ")
        for line in text.splitlines():
            found = re.search(r"^ *(?:ExecStart=\S*/|srun [^#]*?)?asha (\w[^>|&;]*)", line)
            if found:
                yield path.name, shlex.split(found.group(1))


COMMANDS = [*of_manifests(), *of_dockerfile(), *of_compose(), *of_scripts()]


@pytest.mark.parametrize(("where", "words"), COMMANDS, ids=lambda part: str(part)[:40])
def test_a_command_line_is_taken(
    where: str, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    known = {
        "/etc/asha/asha.toml": str(DEPLOY / "systemd" / "asha.toml"),
        "$latest": "file",
        "${LISTEN:-0.0.0.0:0}": "127.0.0.1:0",
    }

    assert check([known.get(word, word) for word in words]), where


def test_each_file_has_its_command() -> None:
    names = {where for where, _ in COMMANDS}

    assert names == {
        *(path.name for path in FILES),
        *(path.name for path in SCRIPTS),
        DOCKERFILE.name,
        "compose.yaml",
    }


@pytest.mark.parametrize(
    "words",
    [["serve", "--databse", "a.db"], ["serve", "--listen", "nowhere"], ["sreve"], ["health", "x"]],
    ids=" ".join,
)
def test_a_command_line_that_is_wrong_is_found(words: list[str]) -> None:
    with pytest.raises(click.UsageError):
        check(words)

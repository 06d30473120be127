"""docs/reference/dependencies.md: what the server is made of, why, and under which licences."""

# ruff: noqa: E501 - a sentence or a row is one line, here as on the page
from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from docs.generator.markdown import heading, table

ROOT = Path(__file__).resolve().parents[2]
SBOM = ROOT / "deploy" / "sbom.json"
PROJECT = ROOT / "pyproject.toml"
OURS = "asha-client"
_LINE = re.compile(r'^ {4}"(?P<name>[A-Za-z0-9._-]+)[^"]*", *# (?P<reason>.+)$', re.MULTILINE)
_NAME = re.compile(r"[A-Za-z0-9._-]+")


class Component(NamedTuple):
    """A package that is installed with the server.

    Attributes:
        name: as normalised by PEP 503.
        version: pinned.
        licence: an SPDX expression.
    """

    name: str
    version: str
    licence: str


def normal(name: str) -> str:
    """A package's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def components() -> list[Component]:
    """Of the bill of materials, by name."""
    found = json.loads(SBOM.read_text(encoding="utf-8"))["components"]
    return sorted(Component(normal(c["name"]), c["version"], _licence(c)) for c in found)


def _licence(component: dict[str, Any]) -> str:
    stated = [
        entry.get("expression") or entry["license"].get("id") or entry["license"]["name"]
        for entry in component.get("licenses", [])
    ]
    return " AND ".join(stated)


def reasons() -> dict[str, str]:
    """Why each direct dependency is there, from the comment on its line."""
    text = PROJECT.read_text(encoding="utf-8").partition("[dependency-groups]")[0]
    return {normal(found["name"]): found["reason"] for found in _LINE.finditer(text)}


def direct() -> dict[str, list[str]]:
    """The packages that pyproject.toml names: those always there under "", others by extra."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    asked = {"": project["dependencies"], **project["optional-dependencies"]}
    return {extra: [_name(line) for line in lines] for extra, lines in asked.items()}


def _name(requirement: str) -> str:
    found = _NAME.match(requirement)
    assert found is not None, requirement
    return normal(found.group())


def needed_by() -> dict[str, list[str]]:
    """Who needs a package: list[str], names in order."""
    bill = json.loads(SBOM.read_text(encoding="utf-8"))
    names = {c["bom-ref"]: normal(c["name"]) for c in bill["components"]}
    found: dict[str, list[str]] = {}
    for entry in bill["dependencies"]:
        for needed in entry.get("dependsOn", []):
            if entry["ref"] in names and needed in names:
                found.setdefault(names[needed], []).append(names[entry["ref"]])
    return {name: sorted(who) for name, who in found.items()}


def _direct_rows() -> Iterator[list[str]]:
    versions = {component.name: component.version for component in components()}
    why = reasons()
    for extra, names in direct().items():
        for name in names:
            kind = f"`asha-server[{extra}]`" if extra else "always"
            yield [f"`{name}`", versions.get(name, "of this repository"), kind, why[name]]


def _indirect_rows() -> Iterator[list[str]]:
    named = {name for names in direct().values() for name in names}
    who = needed_by()
    for component in components():
        if component.name not in named:
            users = ", ".join(f"`{name}`" for name in who.get(component.name, []))
            yield [f"`{component.name}`", component.version, users]


def page() -> str:
    """The page."""
    lines = heading("Dependencies", "`pyproject.toml` and `deploy/sbom.json`")
    lines += [
        "What is installed with the server, pinned with hashes in `deploy/requirements.lock` (the container) and `deploy/requirements-extras.lock` (every extra).",
        "How the pins are made and checked: [deploy the server](../howto/deploy.md#what-it-is-made-of).",
        "",
        "## What we ask for, and why",
        "",
        *table(["package", "pinned", "when", "for"], _direct_rows()),
        "",
        "## What those need",
        "",
        *table(["package", "pinned", "needed by"], _indirect_rows()),
        "",
        "## Licences",
        "",
        "As each package states it; all of them allow use, change and redistribution, also in closed software.",
        "",
        *table(["package", "licence (SPDX)"], ([f"`{c.name}`", c.licence] for c in components())),
        "",
    ]
    return "\n".join(lines).rstrip() + "\n"

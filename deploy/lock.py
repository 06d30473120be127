"""Pins what the server needs, with hashes: `python deploy/lock.py`.

Writes the lock files beside it with uv (of the `release` dependency group), for every platform and
for Python 3.11 and newer. Pins that still fit are kept; `--upgrade` takes the newest of all.
`--check` writes nothing, asks no registry and exits 1 if a lock file is not of the present
pyproject.toml: a new release of a dependency makes no lock stale, a changed requirement does.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEPLOY = Path(__file__).resolve().parent
ROOT = DEPLOY.parent
PROJECTS = (ROOT / "pyproject.toml", ROOT / "clients" / "python" / "pyproject.toml")
"""The server, and the client that it depends on."""
OURS = "asha-client"
"""Of this repository, so in no lock file."""
PYTHON = "3.11"
"""The oldest that is supported."""

_DIGEST = re.compile(r"^# requirements: sha256:([0-9a-f]{64})$", re.MULTILINE)
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)(?: ; ([^\\]+?))? *\\?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Lock:
    """One lock file.

    Attributes:
        name: of the file beside this one.
        purpose: what it is installed for.
        extras: tuple[str, ...], of the server, that it holds beside what the server always needs.
        within: name of another lock whose pins hold here too; empty for none.
        is_build: holds what builds the packages, instead of what they need.
    """

    name: str
    purpose: str
    extras: tuple[str, ...] = ()
    within: str = ""
    is_build: bool = False

    @property
    def path(self) -> Path:
        """Where it lies."""
        return DEPLOY / self.name


SERVER = Lock("requirements.lock", "the server with HTTP and metrics: the container", ("http",))
EXTRAS = Lock(
    "requirements-extras.lock",
    "the server with every extra",
    ("http", "otel", "demo", "animate"),
    within=SERVER.name,
)
BUILD = Lock("requirements-build.lock", "what builds our packages", is_build=True)
LOCKS = (SERVER, EXTRAS, BUILD)


@dataclass(frozen=True, slots=True)
class Pin:
    """One package of a lock file.

    Attributes:
        name: as normalised by PEP 503.
        version: the only one that is installed.
        marker: where it is installed, as PEP 508 writes it; empty for everywhere.
    """

    name: str
    version: str
    marker: str


def pins(lock: Lock) -> list[Pin]:
    """The packages of a lock file, by name."""
    text = lock.path.read_text(encoding="utf-8")
    return [Pin(normal(name), version, marker) for name, version, marker in _PIN.findall(text)]


def normal(name: str) -> str:
    """A package's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def wanted(lock: Lock) -> dict[str, list[str]]:
    """The requirements that a lock answers, by project."""
    found = {}
    for path in PROJECTS:
        project = tomllib.loads(path.read_text(encoding="utf-8"))
        found[str(path.relative_to(ROOT))] = _requirements(project, lock)
    return found


def _requirements(project: dict[str, Any], lock: Lock) -> list[str]:
    if lock.is_build:
        return sorted(project["build-system"]["requires"])
    extras = project["project"].get("optional-dependencies", {})
    chosen = [line for extra in lock.extras for line in extras.get(extra, [])]
    return sorted([*project["project"]["dependencies"], *chosen])


def digest(lock: Lock) -> str:
    """Of all that a lock follows from, but for the registry. Hexadecimal."""
    facts: list[object] = [PYTHON, wanted(lock)]
    if lock.within:
        other = next(known for known in LOCKS if known.name == lock.within)
        facts.append([[pin.name, pin.version] for pin in pins(other)])
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def is_stale(lock: Lock) -> bool:
    """Whether a lock file is missing or answers other requirements than today's."""
    if not lock.path.is_file():
        return True
    found = _DIGEST.search(lock.path.read_text(encoding="utf-8"))
    return found is None or found.group(1) != digest(lock)


def write(lock: Lock, is_upgrade: bool) -> None:
    """Resolves with uv and writes the file."""
    command = ["uv", "pip", "compile", "--quiet", "--universal", "--python-version", PYTHON]
    command += ["--generate-hashes", "--no-header", "--no-annotate"]
    command += ["--no-emit-package", OURS, "--output-file", str(lock.path)]
    command += ["--upgrade"] if is_upgrade else []
    command += ["--constraints", lock.within] if lock.within else []
    given = "".join(f"{line}\n" for line in wanted(lock)["pyproject.toml"])
    if lock.is_build:
        source = ["-"]
    else:
        source = [str(PROJECTS[0])]
        source += [word for extra in lock.extras for word in ("--extra", extra)]
    subprocess.run([*command, *source], cwd=DEPLOY, input=given, text=True, check=True)
    body = lock.path.read_text(encoding="utf-8")
    body = body[: body.find("\n# The following packages were excluded")] if OURS in body else body
    head = (
        f"# Pins {lock.purpose}.\n# Made by: python deploy/lock.py\n"
        f"# requirements: sha256:{digest(lock)}\n"
    )
    lock.path.write_text(head + body, encoding="utf-8")


def main() -> int:
    """Writes or checks; the exit status."""
    parser = argparse.ArgumentParser(description="Pins what the server needs, with hashes.")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions")
    parser.add_argument("--check", action="store_true", help="write nothing, exit 1 if stale")
    given = parser.parse_args()
    if given.check:
        stale = [lock.name for lock in LOCKS if is_stale(lock)]
        for name in stale:
            sys.stderr.write(f"stale: deploy/{name}; run `python deploy/lock.py` and commit it\n")
        return 1 if stale else 0
    for lock in LOCKS:
        write(lock, given.upgrade)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

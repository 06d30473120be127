"""The lock files, the bill of materials and the licences belong to today's pyproject.toml."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement

from deploy import lock
from docs.generator import dependencies

ALLOWED = {
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "MIT", "MIT-CMU", "PSF-2.0",
    "Zlib",
}  # fmt: skip
"""Licences that allow use, change and redistribution, also in closed software."""
DIRECT_MAX = 13
"""Packages that a plain installation names; another one needs a better reason than convenience."""
LINUX = {
    "sys_platform": "linux",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "python_full_version": "3.11.7",
    "python_version": "3.11",
}


@pytest.mark.parametrize("known", lock.LOCKS, ids=lambda known: known.name)
def test_a_lock_file_is_of_today_s_requirements(known: lock.Lock) -> None:
    assert not lock.is_stale(known), "run `python deploy/lock.py` and commit the result"


def test_a_lock_of_other_requirements_is_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "pyproject.toml"
    text = lock.PROJECTS[0].read_text()
    changed = text.replace('"rich>=14"', '"rich>=15"')
    assert changed != text
    project.write_text(changed)
    monkeypatch.setattr(lock, "ROOT", tmp_path)
    client = tmp_path / "clients" / "python" / "pyproject.toml"
    client.parent.mkdir(parents=True)
    client.write_text(lock.PROJECTS[1].read_text())
    monkeypatch.setattr(lock, "PROJECTS", (project, client))

    assert lock.is_stale(lock.SERVER)
    assert not lock.is_stale(lock.BUILD)


def test_a_lock_that_is_not_there_is_stale() -> None:
    assert lock.is_stale(dataclasses.replace(lock.SERVER, name="requirements-none.lock"))


@pytest.mark.parametrize("known", lock.LOCKS, ids=lambda known: known.name)
def test_every_pin_has_hashes_and_no_address(known: lock.Lock) -> None:
    text = known.path.read_text()
    lines = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]

    assert len(lines) == len(lock.pins(known)) > 0
    for part in re.split(r"\n(?=\S)", text):
        assert part.startswith("#") or re.search(r" --hash=sha256:[0-9a-f]{64}", part), part
    assert "://" not in text


@pytest.mark.parametrize("known", lock.LOCKS, ids=lambda known: known.name)
def test_the_pins_satisfy_what_is_asked_for(known: lock.Lock) -> None:
    found = {pin.name: pin.version for pin in lock.pins(known)}

    for lines in lock.wanted(known).values():
        for requirement in map(Requirement, lines):
            name = lock.normal(requirement.name)
            if name != lock.OURS:
                assert requirement.specifier.contains(found[name]), requirement


def test_the_container_s_pins_are_among_those_of_all_extras() -> None:
    assert {*lock.pins(lock.SERVER)} <= {*lock.pins(lock.EXTRAS)}


def test_the_bill_lists_what_the_lock_installs() -> None:
    """Where it was made, on Linux with the oldest Python."""
    pinned = {
        (pin.name, pin.version)
        for pin in lock.pins(lock.EXTRAS)
        if not pin.marker or Marker(pin.marker).evaluate(LINUX)
    }
    listed = {(component.name, component.version) for component in dependencies.components()}

    assert listed == pinned, "run `python deploy/sbom.py` and commit the result"


def test_every_licence_is_known_and_allowed() -> None:
    for component in dependencies.components():
        words = {*re.findall(r"[A-Za-z0-9.-]+", component.licence)} - {"AND", "OR"}
        assert words, f"{component.name} states none"
        assert words <= ALLOWED, component


def test_every_direct_dependency_has_its_reason() -> None:
    direct = dependencies.direct()
    named = {name for names in direct.values() for name in names}

    assert {*dependencies.reasons()} == named
    assert len(direct[""]) <= DIRECT_MAX

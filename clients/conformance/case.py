"""Cases: read from `cases/*.json`, and generated so that all of the wire is covered."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CASES = Path(__file__).parent / "cases"


@dataclass(frozen=True)
class Case:
    """A sequence of steps, and the server it is for.

    Attributes:
        name: unique; of the file, or generated.
        about: what holds, in one sentence.
        server: `real` (shared by cases), `own` (a real one for this case alone) or `script`.
        steps: see `play.Play`.
        script: answers by method, for `script`; see `servers.Misbehaving`.
        transport: for `script`: `tcp`, `unix`, `tls` or `mutual_tls`.
        connect: fields of the first `connect` that differ from the usual ones.
    """

    name: str
    about: str
    server: str
    steps: list[dict[str, Any]]
    script: dict[str, list[Any]] = field(default_factory=dict)
    transport: str = "tcp"
    connect: dict[str, Any] = field(default_factory=dict)


def written_cases() -> list[Case]:
    """The cases of the folder, by name."""
    return [
        Case(name=path.stem, **json.loads(path.read_text(encoding="utf-8")))
        for path in sorted(CASES.glob("*.json"))
    ]

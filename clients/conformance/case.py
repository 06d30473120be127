"""Cases: read from `cases/*.json`, and generated so that all of the wire is covered.

A case that has a worker's steps is played twice: with unary calls, and over a session. What differs
there by nature is said by its steps, in their field `session`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

CASES = Path(__file__).parent / "cases"
IN_SESSION = "[session]"
"""End of the name of a case that is played over a session."""

UNARY_STEPS = {"connect", "call", "close"}
"""Steps that make unary calls, or none, whatever `connect` says of sessions."""


@dataclass(frozen=True)
class Case:
    """A sequence of steps, and the server it is for.

    Attributes:
        name: unique; of the file, or generated.
        about: what holds, in one sentence.
        server: `real` (shared by cases), `tokens` (a shared one that wants tokens), `own` (a real
            one for this case alone) or `script`.
        steps: see `play.Play`.
        script: answers by method, for `script`; see `servers.Misbehaving`.
        transport: for `script`: `tcp`, `unix`, `tls` or `mutual_tls`.
        connect: fields of the first `connect` that differ from the usual ones.
        modes: `unary`, `session` or both; by default both if there are a worker's steps.
        may_fall_back: whether a worker's calls may come as unary ones though sessions are on.
        sessions: whether this is the case as it is played over a session.
    """

    name: str
    about: str
    server: str
    steps: list[dict[str, Any]]
    script: dict[str, list[Any]] = field(default_factory=dict)
    transport: str = "tcp"
    connect: dict[str, Any] = field(default_factory=dict)
    modes: list[str] = field(default_factory=list)
    may_fall_back: bool = False
    sessions: bool = False


def in_modes(case: Case) -> list[Case]:
    """The case as it is played: with unary calls, over a session, or both."""
    is_of_worker = any(step["do"] not in UNARY_STEPS for step in case.steps if "do" in step)
    modes = case.modes or (["unary", "session"] if is_of_worker else ["unary"])
    unary = replace(case, steps=[_unary(step) for step in case.steps])
    session = replace(
        case,
        name=case.name + IN_SESSION,
        steps=[_in_session(step) for step in case.steps],
        sessions=True,
    )
    return [{"unary": unary, "session": session}[mode] for mode in modes]


def _unary(step: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in step.items() if key != "session"}


def _in_session(step: dict[str, Any]) -> dict[str, Any]:
    """The step with its field `session` over the others; null takes a field away."""
    merged = _unary(step) | step.get("session", {})
    return {key: value for key, value in merged.items() if value is not None}


def written_cases() -> list[Case]:
    """The cases of the folder, by name."""
    return [
        Case(name=path.stem, **json.loads(path.read_text(encoding="utf-8")))
        for path in sorted(CASES.glob("*.json"))
    ]

"""docs/reference/clients.md: what each client was seen to do."""

# ruff: noqa: E501 - a sentence or a row is one line, here as on the page
from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from docs.generator.markdown import heading, table

CLIENTS = Path(__file__).resolve().parents[2] / "clients"
RESULTS = CLIENTS / "conformance" / "results.json"
IN_SESSION = "[session]"
"""End of the name of a case that is played over a session."""

GROUPS = (
    ("wire-", "The wire: every field, enum value and hard value of each call, both ways"),
    ("errors-", "Errors: code, reason, metadata, violations and delay"),
    ("session-", "Sessions: one stream for the calls of a worker"),
    ("real-", "Against the real server"),
    ("", "Against a server, and a network, that misbehave"),
)
"""Beginning of the names, and what its cases are about; the first that fits holds."""


def page() -> str:
    """The page."""
    results: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    languages = sorted(results["languages"])
    lines = [
        *heading("Clients", "`clients/*/client.toml` and `clients/conformance/results.json`"),
        "One suite holds every client to the same behaviour: [conformance](../../clients/conformance/README.md).",
        "A case is a sequence of steps with what must come of it, played by each client's own public API.",
        "A case of a worker is played twice, with unary calls and over a session; *unary* in a row is a client that has no sessions and plays the first alone.",
        "How to add a language: [write a client](../howto/write-a-client.md).",
        "",
        "## Languages",
        "",
        *table(
            ("client", "cases passed", "known to fail", "folder"),
            [_language(name, results["languages"][name]) for name in languages],
        ),
    ]
    for prefix, title in GROUPS:
        cases = [name for name in _written(results) if _group(name) == prefix]
        lines += ["", f"## {title}", ""]
        if prefix == "wire-":
            lines.append(
                f"{len(cases)} cases, made from the protos, one for each call; "
                "each call is retried on the way."
            )
            lines.append("")
            rows = [(_wire_name(name), *_marks(results, languages, name)) for name in cases]
            lines += table(("call", *languages), rows)
            continue
        rows = [
            (f"`{name}`", _about(results, name), *_marks(results, languages, name))
            for name in cases
        ]
        lines += table(("case", "what holds", *languages), rows)
    return "\n".join(lines) + "\n"


def _language(name: str, outcomes: dict[str, str]) -> tuple[str, str, str, str]:
    known = tomllib.loads((CLIENTS / name / "client.toml").read_text(encoding="utf-8")).get(
        "known_failures", {}
    )
    passed = sum(outcome == "passed" for outcome in outcomes.values())
    why = "; ".join(f"`{case}`: {reason}" for case, reason in known.items()) or "none"
    return (name, f"{passed} of {len(outcomes)}", why, f"[clients/{name}](../../clients/{name})")


def _group(name: str) -> str:
    return next(prefix for prefix, _ in GROUPS if name.startswith(prefix))


def _wire_name(name: str) -> str:
    return f"`{name.removeprefix('wire-')}`"


def _written(results: dict[str, Any]) -> list[str]:
    """The cases as they are written, each once however often it is played."""
    return sorted({name.removesuffix(IN_SESSION) for name in results["cases"]})


def _about(results: dict[str, Any], case: str) -> str:
    about: str = results["cases"].get(case) or results["cases"][case + IN_SESSION]
    return about


def _marks(results: dict[str, Any], languages: list[str], case: str) -> list[str]:
    """What came of a case in each language, of the worst of its plays."""
    plays = {case, case + IN_SESSION} & set(results["cases"])
    return [_mark(plays, results["languages"][language]) for language in languages]


def _mark(plays: set[str], outcomes: dict[str, str]) -> str:
    found = {outcomes[play] for play in plays if play in outcomes}
    if not found:
        return "no sessions"
    if "failed" in found:
        return "**no**"
    if "known" in found:
        return "known"
    return "yes" if plays <= set(outcomes) else "unary"

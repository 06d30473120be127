"""The functions that the life of a report names exist where it says they are."""

from __future__ import annotations

import ast
from pathlib import Path

from .page import DOCS, ROOT, blocks, rows

PAGE = DOCS / "explanation" / "life-of-a-report.md"


def _defined(path: Path) -> set[str]:
    """Dotted names of a module's functions, classes and methods."""
    names: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.ClassDef):
            members = [
                m for m in node.body if isinstance(m, ast.FunctionDef | ast.AsyncFunctionDef)
            ]
            names |= {f"{node.name}.{member.name}" for member in members}
    return names


def test_the_ten_functions_are_in_their_files() -> None:
    (block,) = (block for block in blocks(PAGE) if block.mark == "functions")
    table = rows(block)

    assert [row[0] for row in table] == [str(number) for number in range(1, 11)]
    for _, function, file, _ in table:
        assert function.strip("`") in _defined(ROOT / file.strip("`")), f"{function} in {file}"


def test_the_functions_named_beside_them_exist() -> None:
    text = PAGE.read_text()
    named = {
        "asha_server/engine.py": "Engine._turn",
        "asha_server/search/evolve.py": "apply",
        "asha_server/search/experiment.py": "Experiment._settle",
        "asha_server/search/rows.py": "rows_of",
        "asha_server/decider.py": "Decider.serve_waiting",
    }
    for file, function in named.items():
        assert f"`{function}`" in text
        assert function in _defined(ROOT / file)

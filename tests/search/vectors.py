"""The vector files, read once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "vectors"


def cases(name: str, of: str = "cases") -> list[dict[str, Any]]:
    """The cases of a vector file; there is at least one."""
    found: list[dict[str, Any]] = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))[of]
    assert found
    return found

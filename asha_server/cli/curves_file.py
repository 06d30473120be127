"""The file of `asha simulate --curves`: learning curves that were recorded, a JSON line a trial."""

from __future__ import annotations

import json
from pathlib import Path

from asha_server.cli.refusal import Refusal


def read_curves(path: Path) -> list[list[float]]:
    """The curves of a file.

    Raises:
        Refusal: a line is none, or there is no line; with its number.
    """
    curves: list[list[float]] = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        try:
            values = [float(value) for value in json.loads(line)["values"]]
        except (ValueError, TypeError, KeyError, IndexError) as error:
            raise Refusal(
                f'{path}:{number}: must be a JSON object with numbers, {{"values": [0.9, 0.7]}}'
            ) from error
        if not values:
            raise Refusal(f"{path}:{number}: has no values; a curve needs one a unit")
        curves.append(values)
    if not curves:
        raise Refusal(f"{path} holds no curves; a line a trial is wanted")
    return curves

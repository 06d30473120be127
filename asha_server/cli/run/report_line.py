"""Lines of a program's output that report metrics."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

DEFAULT_PATTERN = r"(?<![\w./-])(?P<name>[A-Za-z][\w./-]*)\s*[=:]\s*(?P<value>[^\s,;=]+)"
"""`val_loss=0.31`, `val_loss: 0.31`; several on a line, separated by spaces or commas."""

CHECKPOINT = "checkpoint"
"""Name whose value is a checkpoint, not a number."""

_LEGAL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-/]{0,127}")


@dataclass(frozen=True, slots=True)
class Report:
    """What one line says.

    Attributes:
        step: units trained so far; None if the line does not say.
        metrics: values by name; only names that the wire allows.
        checkpoint: what would resume at this step; None if the line names none.
    """

    step: int | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    checkpoint: str | None = None

    def __bool__(self) -> bool:
        """Whether there is anything to report."""
        return bool(self.metrics or self.checkpoint)


class LineParser(Protocol):
    """Reads one line of output."""

    def __call__(self, line: str) -> Report | None:
        """The line's report; None if the line is something else."""


@dataclass(frozen=True, slots=True)
class JsonLines:
    """Lines that are JSON objects: `{"step": 3, "val_loss": 0.31, "checkpoint": "model-3.pt"}`.

    NaN and Infinity are numbers here, as in Python's json. What is no number is left out.

    Attributes:
        step_name: key of the step.
    """

    step_name: str = "step"

    def __call__(self, line: str) -> Report | None:
        """The line's report; None if it is no JSON object, or has no metric and no checkpoint."""
        text = line.strip()
        if not (text.startswith("{") and text.endswith("}")):
            return None
        try:
            pairs = json.loads(text)
        except ValueError:
            return None
        return _collect(pairs.items(), self.step_name) or None


@dataclass(frozen=True, slots=True)
class PatternLines:
    """Lines with `name=value`, found by a regular expression.

    Attributes:
        pattern: with the groups `name` and `value`.
        step_name: name of the step.
    """

    pattern: re.Pattern[str]
    step_name: str = "step"

    def __call__(self, line: str) -> Report | None:
        """The line's report; None if it names no metric and no checkpoint."""
        pairs = ((match["name"], match["value"]) for match in self.pattern.finditer(line))
        return _collect(pairs, self.step_name) or None


def compile_pattern(text: str) -> re.Pattern[str]:
    """The regular expression of `--pattern`.

    Raises:
        ValueError: it is none, or lacks a group; the message says which.
    """
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise ValueError(f"{text!r} is not a regular expression: {error}") from error
    missing = sorted({"name", "value"} - set(pattern.groupindex))
    if missing:
        raise ValueError(
            f"{text!r} has no group {' and no group '.join(missing)}; "
            r"write for instance (?P<name>\w+) is (?P<value>\S+)"
        )
    return pattern


def _collect(pairs: Iterable[tuple[str, object]], step_name: str) -> Report:
    """The report of named values."""
    step: int | None = None
    metrics: dict[str, float] = {}
    checkpoint: str | None = None
    for name, value in pairs:
        if name == CHECKPOINT and isinstance(value, str):
            checkpoint = value or None
            continue
        number = _number(value)
        if number is None:
            continue
        if name == step_name:
            step = int(number) if number.is_integer() and number >= 0 else None
        elif _LEGAL_NAME.fullmatch(name):
            metrics[name] = number
    return Report(step, metrics, checkpoint)


def _number(value: object) -> float | None:
    """The value as a number; None if it is none (truth values are none)."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None

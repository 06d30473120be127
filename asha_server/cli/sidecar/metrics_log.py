"""The lines of a trainer's metrics, numbered, so that a restarted sidecar goes on where it was."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from asha_server.cli.run.metrics_file import MetricsFile
from asha_server.cli.run.report_line import JsonLines, LineParser, Report
from asha_server.cli.run.step_count import StepCount

SHOWN_MAX = 120
"""Characters of a wrong line that are shown."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the metrics.

    Attributes:
        number: of the line in its file, from 1.
        digest: tells it from another line of that number.
        step: units trained so far; None where there is nothing to send.
        report: what is to be sent at that step.
        problem: what is wrong with it; empty = nothing.
        is_answered: whether a former sidecar dealt with it.
    """

    number: int
    digest: str
    step: int | None
    report: Report
    problem: str
    is_answered: bool


class MetricsLog:
    """Reads the lines of a trial's metrics.

    Args:
        path: of the file.
        parse_line: reads one line.
        metric: the search metric.
        start_step: step that the trainer resumes at.
        answered_lines: how many a former sidecar dealt with.
        last_line: digest of the last of them. Where it does not fit, the file was written anew and
            all of it is read as new: the server knows a step that it has.
    """

    def __init__(
        self,
        path: Path,
        parse_line: LineParser,
        metric: str,
        start_step: int,
        answered_lines: int = 0,
        last_line: str = "",
    ) -> None:
        self._file = MetricsFile(path, from_start=True)
        self._parse_line = parse_line
        self._count = StepCount(metric, start_step)
        self._number = 0
        self._rewrites = 0
        self._answered_lines = answered_lines
        self._last_line = last_line

    def read(self) -> list[Line]:
        """The lines that were completed since the last call."""
        return self._take(self._file.read_lines())

    def finish(self) -> list[Line]:
        """The rest, and what stands at the end without a newline."""
        return self._take(self._file.finish())

    def _take(self, texts: list[str]) -> list[Line]:
        if self._file.rewrites != self._rewrites:
            self._rewrites = self._file.rewrites
            self._number = self._answered_lines = 0
        if self._answered_lines and self._number == 0 and texts:
            last = self._answered_lines - 1
            if last >= len(texts) or _digest(texts[last]) != self._last_line:
                self._answered_lines = 0
        return [self._line(text) for text in texts]

    def _line(self, text: str) -> Line:
        self._number += 1
        report = self._parse_line(text)
        placed = None if report is None else self._count.place(report)
        problem = ""
        if report is None and text.strip():
            problem = self._explain(text)
        step, sent = (None, Report()) if placed is None else placed
        is_answered = self._number <= self._answered_lines
        return Line(self._number, _digest(text), step, sent, problem, is_answered)

    def _explain(self, text: str) -> str:
        """What is wrong with a line that reports nothing."""
        shown = text if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]}…"
        if not isinstance(self._parse_line, JsonLines):
            why = "the pattern finds no metric in it"
        else:
            why = _explain_json(text)
        return f"{self._number}: {why}: {shown}"


def _explain_json(text: str) -> str:
    try:
        found = json.loads(text)
    except ValueError as error:
        return f'no JSON object on one line, like {{"step": 3, "val_loss": 0.31}} ({error})'
    if not isinstance(found, dict):
        return 'no JSON object, like {"step": 3, "val_loss": 0.31}'
    return "no number and no checkpoint in it"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]

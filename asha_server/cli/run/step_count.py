"""Which step a report belongs to, for programs that do not say."""

from __future__ import annotations

from asha_server.cli.run.report_line import Report

METRICS_MAX = 100
"""Metrics in one report (a limit of the server)."""


class StepCount:
    """Gives every report its step.

    A line without a step belongs to the step after the last one: its metrics are gathered until a
    line brings the search metric, which makes the step complete. A checkpoint without step and
    search metric belongs to the last step.

    Args:
        metric: the search metric.
        start_step: step that the program resumes at.
    """

    def __init__(self, metric: str, start_step: int) -> None:
        self._metric = metric
        self._last = start_step
        self._gathered: dict[str, float] = {}

    def place(self, report: Report) -> tuple[int, Report] | None:
        """The report with its step; None while it is only gathered.

        Args:
            report: as a line said it.
        """
        if report.step is not None:
            self._last = report.step
            return report.step, self._limited(report)
        if self._metric in report.metrics:
            self._last += 1
            metrics = {**self._gathered, **report.metrics}
            self._gathered = {}
            return self._last, self._limited(Report(self._last, metrics, report.checkpoint))
        self._gathered |= report.metrics
        if report.checkpoint:
            return self._last, Report(self._last, {}, report.checkpoint)
        return None

    def _limited(self, report: Report) -> Report:
        """The report with as many metrics as the server takes, the search metric among them."""
        if len(report.metrics) <= METRICS_MAX:
            return report
        names = sorted(report.metrics, key=lambda name: name != self._metric)[:METRICS_MAX]
        return Report(
            report.step, {name: report.metrics[name] for name in names}, report.checkpoint
        )

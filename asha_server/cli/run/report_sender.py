"""Reports of one trial on their way to the server, and what is heard of the answers."""

from __future__ import annotations

from asha_client.aio import Trial

from asha_server.cli.run.announcer import Announcer
from asha_server.cli.run.report_line import Report


class ReportSender:
    """Sends what a program reported of one trial, one report after the other.

    Args:
        trial: as it was handed out.
        announcer: hears the decisions.

    Attributes:
        has_search_metric: whether the server has a value of the search metric from this attempt.
        last_step: the last step that the server has of it, in units.
    """

    def __init__(self, trial: Trial, announcer: Announcer) -> None:
        self._trial = trial
        self._announcer = announcer
        self.has_search_metric = False
        self.last_step = trial.start_step

    async def send(self, step: int, report: Report) -> None:
        """Sends one report; after a verdict only its checkpoint is of use.

        Args:
            step: units trained so far.
            report: what a line said.

        Raises:
            AshaError: the server refused it for good.
        """
        trial, checkpoint = self._trial, report.checkpoint
        if trial.has_verdict:
            # Of a program that ran ahead of its decision the later checkpoints are not wanted:
            # who resumed there would never report the rungs that lie before.
            if checkpoint and step <= self.last_step:
                await trial.save_checkpoint(step, checkpoint)
        elif report.metrics:
            decision = await trial.report(step, report.metrics, checkpoint)
            self.note_answered(step, report)
            self._announcer.decided(trial, step, report.metrics, decision)
        elif checkpoint:
            await trial.save_checkpoint(step, checkpoint)

    def note_answered(self, step: int, report: Report) -> None:
        """Takes note of what the server has, be it from a former process of this worker."""
        if report.metrics:
            self.last_step = max(self.last_step, step)
            self.has_search_metric |= self._trial.metric in report.metrics

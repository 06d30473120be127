"""What `asha run` says: facts as text or JSON lines, and the program's own lines."""

from __future__ import annotations

from collections.abc import Mapping

import click
from asha_client.attempt import Attempt
from asha_client.decision import Decision, Verdict

from asha_server.cli.json_output import json_number, print_json

_COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "bright_red")


class Announcer:
    """Where everything that people and programs read of `asha run` is written.

    As text: the program's lines on the stream they came from, with the trial before them; facts on
    standard error. As JSON: facts on standard output, one object a line with `event` first; the
    program's lines all on standard error.

    Args:
        is_json: facts as JSON lines.
        is_quiet: leave the program's lines out.
        name: of the command, before what it says of itself.
    """

    def __init__(
        self, is_json: bool = False, is_quiet: bool = False, name: str = "asha run"
    ) -> None:
        self._is_json = is_json
        self._is_quiet = is_quiet
        self._name = name

    def program_line(self, trial_number: int, line: str, is_error: bool) -> None:
        """One line that a program wrote."""
        if not self._is_quiet:
            click.echo(f"{_label(trial_number)} {line}", err=is_error or self._is_json)

    def started(self, trial: Attempt, worker_id: str, pid: int | None) -> None:
        """A program began to train a trial; its process is None where nobody knows it."""
        start = f"from step {trial.start_step}" if trial.start_step else "from scratch"
        parameters = ", ".join(f"{name}={value}" for name, value in trial.parameters.items())
        self.fact(
            "trial_started",
            f"{_label(trial.number)} {trial.kind.lower()}, {start}: {parameters}",
            trial_number=trial.number,
            attempt=trial.attempt,
            kind=trial.kind,
            worker_id=worker_id,
            process_id=pid,
            start_step=trial.start_step,
            checkpoint=trial.checkpoint,
            next_decision_step=trial.next_decision_step,
            max_length=trial.max_length,
            seed=trial.seed,
            parameters=trial.parameters,
        )

    def decided(
        self, trial: Attempt, step: int, metrics: Mapping[str, float], decision: Decision
    ) -> None:
        """A report was answered. Text says so only where something was compared."""
        value = metrics.get(trial.metric)
        shown = "" if value is None else f" {trial.metric}={value:.6g}"
        place = (
            ""
            if decision.rank is None
            else f", rank {decision.rank + 1} of {decision.competitors} in rung {decision.rung}"
        )
        is_said = decision.verdict is not Verdict.CONTINUE or decision.rank is not None
        text = f"step {step}{shown}: {decision.verdict} ({decision.reason}{place})"
        self.fact(
            "metric_reported",
            f"{_label(trial.number)} {text}" if is_said else "",
            trial_number=trial.number,
            attempt=trial.attempt,
            step=step,
            metrics={name: json_number(number) for name, number in metrics.items()},
            verdict=decision.verdict,
            reason=decision.reason,
            rung=decision.rung,
            rank=decision.rank,
            competitors=decision.competitors,
            next_decision_step=decision.next_decision_step,
        )

    def ended(self, trial: Attempt, outcome: str, exit_code: int | None, message: str) -> None:
        """A program is over, and its trial is out of this worker's hands."""
        details = f": {message}" if message else ""
        self.fact(
            "trial_ended",
            f"{_label(trial.number)} {outcome} at step {trial.last_step}{details}",
            trial_number=trial.number,
            attempt=trial.attempt,
            outcome=outcome,
            step=trial.last_step,
            exit_code=exit_code,
            message=message,
        )

    def worker_failed(self, worker_id: str, message: str) -> None:
        """A worker gave up."""
        self.fact(
            "worker_failed",
            f"{self._name}: worker {worker_id}: {message}",
            worker_id=worker_id,
            message=message,
        )

    def stopping(self, signal_name: str) -> None:
        """A signal came: programs are told to end, trials are released."""
        self.fact(
            "stopping",
            f"asha run: {signal_name}: ending the programs and releasing their trials "
            "(again: without grace)",
            signal=signal_name,
        )

    def finished(self, experiment_id: str, state: str, message: str) -> None:
        """All workers are done."""
        self.fact(
            "finished",
            f"{self._name}: {message}",
            experiment_id=experiment_id,
            state=state,
            message=message,
        )

    def fact(self, event: str, text: str, **fields: object) -> None:
        """Says that something happened.

        Args:
            event: what, as one word in the past tense.
            text: the same for people; empty: people need not know.
            fields: of the JSON object, after `event`.
        """
        if self._is_json:
            print_json({"event": event, **fields})
        elif text:
            click.echo(text, err=True)


def _label(trial_number: int) -> str:
    """`[trial 7]`, in a colour of its own on a terminal (click strips it elsewhere)."""
    return click.style(f"[trial {trial_number}]", fg=_COLOURS[trial_number % len(_COLOURS)])

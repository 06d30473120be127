"""Workers side by side: each trains one trial after the other with the program."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from asha_client import AshaError, aio, identity
from asha_client.aio import Trial
from asha_client.custody import custody
from asha_client.pb import experiment_pb2

from asha_server.cli.run.announcer import Announcer
from asha_server.cli.run.briefing import (
    Place,
    describe_trial,
    format_value,
    make_environment,
    write_parameters,
)
from asha_server.cli.run.conclusion import LAST_WORDS_S
from asha_server.cli.run.template import Template
from asha_server.cli.run.training import Conduct, Training
from asha_server.cli.run.wishes import Wishes


@dataclass(frozen=True, slots=True)
class Job:
    """What every worker does.

    Attributes:
        command: the program's command line.
        environment: variables that every program inherits.
        server: address of the server, as programs are told it.
        conduct: how programs are treated.
        checkpoints: directory under which each trial has one for its checkpoints.
        metrics_file: where a program writes its metrics; None = standard output.
        worker_count: programs at a time, >= 1.
        worker_id: name of the worker, numbered if there are several; None = the platform's.
        max_idle_s: how long a worker waits for work before it ends, in seconds; None = for ever.
    """

    command: tuple[Template, ...]
    environment: Mapping[str, str]
    server: str
    conduct: Conduct
    checkpoints: Path
    metrics_file: Template | None = None
    worker_count: int = 1
    worker_id: str | None = None
    max_idle_s: float | None = None


class Crew:
    """The workers of one `asha run`.

    Args:
        job: what they do.
        announcer: hears what happens.
    """

    def __init__(self, job: Job, announcer: Announcer) -> None:
        self._job = job
        self._announcer = announcer
        self._wishes = Wishes()
        self._has_failed = False

    async def run(self, experiment: aio.Experiment) -> int:
        """Works until the search is finished, or a signal comes.

        Returns:
            The exit status: 0 the search is finished (or no work came for max_idle), 1 it or a
            worker failed, 128 + number of the signal that ended this.
        """
        # The client's custody would release trials at SIGTERM before their programs have had their
        # grace; it installs its handler once, so it comes first and ours replaces it.
        custody.install(0.0)
        self._wishes.take_signals(self._announcer.stopping)
        with tempfile.TemporaryDirectory(prefix="asha-run-") as scratch:
            workers = [
                asyncio.create_task(self._work(experiment, index, Path(scratch)))
                for index in range(self._job.worker_count)
            ]
            leaving = asyncio.create_task(self._wishes.leave.wait())
            everybody = asyncio.create_task(_all(workers))
            await asyncio.wait({everybody, leaving}, return_when=asyncio.FIRST_COMPLETED)
            # Longer than an orderly end takes; what hangs then (the server is away) is cancelled.
            patience_s = self._job.conduct.grace_s + 3 * LAST_WORDS_S
            await asyncio.wait({everybody}, timeout=patience_s)
            leaving.cancel()
            everybody.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await everybody
        self._remove_empty(self._job.checkpoints / _directory_name(experiment.id))
        self._remove_empty(self._job.checkpoints)
        if self._wishes.signal is not None:
            return 128 + self._wishes.signal
        state = await tell_end(experiment, self._announcer)
        return 1 if self._has_failed or state == "FAILED" else 0

    # Work.

    async def _work(self, experiment: aio.Experiment, index: int, scratch: Path) -> None:
        """One worker: one trial after the other. Its failure is told, and ends nobody else."""
        given = self._job.worker_id
        if given is None:
            name = identity.claim(identity.default_worker_id())
        else:
            name = given if self._job.worker_count == 1 else f"{given}-{index}"
        trials = experiment.trials(name, max_idle=self._job.max_idle_s)
        try:
            async with trials:
                while (trial := await self._next_trial(trials)) is not None:
                    await self._train(trial, index, name, scratch)
        except (AshaError, OSError) as error:
            self._has_failed = True
            self._announcer.worker_failed(name, str(error))

    async def _next_trial(self, trials: aio.Trials) -> Trial | None:
        """The next trial; None when there are no more, or the worker is to leave."""
        if self._wishes.leave.is_set():
            return None  # asking would take a trial that nobody trains
        asking = asyncio.create_task(_ask(trials))
        leaving = asyncio.create_task(self._wishes.leave.wait())
        await asyncio.wait({asking, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if leaving.done():
            asking.cancel()  # a trial that came at the same time is released with `trials`
            await asyncio.gather(asking, return_exceptions=True)
            return None
        leaving.cancel()
        return asking.result()

    async def _train(self, trial: Trial, index: int, worker_id: str, scratch: Path) -> None:
        """Trains one trial with the program."""
        job = self._job
        checkpoint_dir = (
            job.checkpoints / _directory_name(trial.experiment_id) / f"trial-{trial.number}"
        )
        place = Place(
            worker_index=index,
            worker_id=worker_id,
            parameters_file=scratch / f"trial-{trial.number}-attempt-{trial.attempt}.json",
            checkpoint_dir=checkpoint_dir,
        )
        parameters = {name: format_value(value) for name, value in trial.parameters.items()}
        described = describe_trial(trial, place)
        if job.metrics_file is not None:
            described["metrics_file"] = job.metrics_file.fill({**described, **parameters})
        values = {**described, **parameters}
        write_parameters(place.parameters_file, trial.parameters)
        checkpoint_dir.mkdir(parents=True, exist_ok=True)
        training = Training(
            trial,
            job.conduct,
            self._wishes,
            self._announcer,
            Path(described["metrics_file"]) if described["metrics_file"] else None,
        )
        try:
            await training.run(
                [template.fill(values) for template in job.command],
                {**job.environment, **make_environment(described, trial.parameters, job.server)},
                worker_id,
            )
        finally:
            place.parameters_file.unlink(missing_ok=True)
            self._remove_empty(checkpoint_dir)

    def _remove_empty(self, directory: Path) -> None:
        """Removes a directory that nobody wrote to."""
        with contextlib.suppress(OSError):
            directory.rmdir()


async def tell_end(experiment: aio.Experiment, announcer: Announcer) -> str:
    """Says what became of a search; its state's name."""
    found = await experiment.get()
    state = experiment_pb2.ExperimentState.Name(found.state).removeprefix("EXPERIMENT_STATE_")
    announcer.finished(experiment.id, state, describe_end(found, state))
    return state


async def _all(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Waits for tasks; cancels them when it is cancelled."""
    await asyncio.gather(*tasks)


async def _ask(trials: aio.Trials) -> Trial | None:
    """The next trial, or None."""
    try:
        return await trials.__anext__()
    except StopAsyncIteration:
        return None


def _directory_name(experiment_id: str) -> str:
    """The experiment's id as one component of a path."""
    return experiment_id.replace("/", "_")


def describe_end(experiment: experiment_pb2.Experiment, state: str) -> str:
    """One sentence about a search, and its best trial.

    Args:
        experiment: as the server has it.
        state: its state's name.
    """
    text = f"experiment {experiment.experiment_id} is {state}"
    if experiment.end_message:
        text += f" ({experiment.end_message})"
    if experiment.HasField("incumbent"):
        best = experiment.incumbent
        text += f"; best is trial {best.trial_number}"
        if best.HasField("best_rung_value"):
            text += (
                f" with {experiment.spec.metric.name}={best.best_rung_value:.6g}"
                f" at {best.best_rung_length} {experiment.spec.unit or 'units'}"
            )
    return text

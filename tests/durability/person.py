"""One person: gives configurations, cancels, pauses and resumes, changes, creates and deletes."""

from __future__ import annotations

import asyncio
import random
from typing import Any

from asha_server.pb import experiment_pb2 as x
from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import trial_pb2 as t

from .caller import Caller
from .searches import ENDLESS, passing


class Person:
    """Somebody who looks after one experiment, and makes others beside it.

    Args:
        caller: sends the calls.
        experiment_id: what is looked after.
        random: what is done.
        over: once set, nothing more.
    """

    def __init__(
        self, caller: Caller, experiment_id: str, random: random.Random, over: asyncio.Event
    ) -> None:
        self._caller = caller
        self._experiment_id = experiment_id
        self._random = random
        self._over = over
        self._done = 0

    async def look_after(self) -> None:
        """One thing after the other, with pauses."""
        acts = [
            (self._give, 5), (self._cancel, 2), (self._pause_and_resume, 1), (self._rename, 3),
            (self._raise, 1), (self._look, 3), (self._create_and_delete, 2),
        ]  # fmt: skip
        while not self._over.is_set():
            self._done += 1
            [act] = self._random.choices([a for a, _ in acts], [weight for _, weight in acts])
            await act()
            await asyncio.sleep(self._random.uniform(0.02, 0.2))

    async def _give(self) -> None:
        request = e.CreateTrialRequest(
            experiment_id=self._experiment_id,
            request_id=f"{self._experiment_id}-gift-{self._done}",
        )
        lr = self._random.random()
        request.parameters.add(name="lr").value.double_value = lr
        if self._random.random() < 0.3:
            for step in (1, 2):
                point = request.observations.add(step=step)
                point.metrics.add(name="loss", value=lr + self._random.random() / step)
            if self._experiment_id != "population":
                request.joins_rungs = self._random.random() < 0.5
        await self._call("CreateTrial", request, again=0.3)

    async def _cancel(self) -> None:
        number = self._random.randrange(30)
        request = e.CancelTrialRequest(experiment_id=self._experiment_id, trial_number=number)
        await self._call("CancelTrial", request, again=0.3)

    async def _pause_and_resume(self) -> None:
        await self._call(
            "PauseExperiment", e.PauseExperimentRequest(experiment_id=self._experiment_id)
        )
        await asyncio.sleep(self._random.uniform(0.0, 0.1))
        await self._call(
            "ResumeExperiment", e.ResumeExperimentRequest(experiment_id=self._experiment_id)
        )

    async def _rename(self) -> None:
        """A name that no other change gives."""
        spec = x.ExperimentSpec(display_name=f"name {self._done}")
        await self._update(spec, "display_name")

    async def _raise(self) -> None:
        if self._experiment_id in ("promotion", "stopping"):
            await self._update(x.ExperimentSpec(max_trials=ENDLESS + self._done), "max_trials")
        else:
            limit = self._random.randrange(3, 12)
            await self._update(
                x.ExperimentSpec(max_concurrent_trials=limit), "max_concurrent_trials"
            )

    async def _update(self, spec: x.ExperimentSpec, path: str) -> None:
        request = e.UpdateExperimentRequest(
            experiment_id=self._experiment_id, spec=spec, update_mask={"paths": [path]}
        )
        await self._call("UpdateExperiment", request)

    async def _look(self) -> None:
        experiment_id = self._experiment_id
        await self._call("GetExperiment", e.GetExperimentRequest(experiment_id=experiment_id))
        states = [t.TRIAL_STATE_RUNNING]
        await self._call(
            "ListTrials", e.ListTrialsRequest(experiment_id=experiment_id, states=states)
        )

    async def _create_and_delete(self) -> None:
        passing_id = f"{self._experiment_id}-{self._done}"
        request = e.CreateExperimentRequest(
            experiment_id=passing_id, spec=passing(), request_id=f"create-{passing_id}"
        )
        await self._call("CreateExperiment", request, again=0.3)
        if self._random.random() < 0.5:
            await self._call(
                "StopExperiment", e.StopExperimentRequest(experiment_id=passing_id, reason="enough")
            )
        if self._random.random() < 0.7:
            deletion = e.DeleteExperimentRequest(experiment_id=passing_id, force=True)
            await self._call("DeleteExperiment", deletion)

    async def _call(self, method: str, request: Any, again: float = 0.0) -> None:
        await self._caller.call(method, request)
        if self._random.random() < again:
            await self._caller.call(method, request, is_repeat=True)

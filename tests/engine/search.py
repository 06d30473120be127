"""The searches that the engine's tests run, and what workers say in them."""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec

from asha_server.engine import Engine
from asha_server.search.command import (
    Answer,
    Assignment,
    Finished,
    GetSuggestion,
    Heartbeat,
    ReleaseTrial,
    ReportMetric,
    ShouldStop,
    Wait,
)
from asha_server.search.spec import AsyncHalving, ExperimentSpec, Metric
from asha_server.search.terms import Goal

from .virtual_clock import SECOND_US

Suggestion = Assignment | Wait | Finished


def halving(**changes: Any) -> ExperimentSpec:
    """Rungs at 1 and 2, the better half goes on, two trials, leases of a minute."""
    spec = ExperimentSpec(
        metric=Metric("loss", Goal.MINIMIZE),
        method=AsyncHalving(num_rungs=2, divisor=2.0),
        max_length=2,
        max_trials=2,
        max_concurrent_trials=0,
        lease_ttl_us=60 * SECOND_US,
        seed=7,
    )
    return msgspec.structs.replace(spec, **changes)


@dataclasses.dataclass
class Worker:
    """One worker of an experiment."""

    engine: Engine
    name: str
    experiment_id: str = "digits"

    async def ask(self, wait_s: float = 0, request_id: str = "") -> Suggestion:
        command = GetSuggestion(self.name, request_id=request_id)
        reply: Suggestion = await self.engine.wait_for(
            self.experiment_id, command, int(wait_s * SECOND_US)
        )
        return reply

    async def take(self, wait_s: float = 0) -> Assignment:
        reply = await self.ask(wait_s)
        assert isinstance(reply, Assignment), reply
        return reply

    async def report(self, given: Assignment, step: int, value: float) -> Answer:
        command = ReportMetric(given.trial_number, given.attempt, step, (("loss", value),))
        answer: Answer = await self.engine.submit(self.experiment_id, command)
        return answer

    async def release(self, given: Assignment) -> Answer:
        command = ReleaseTrial(given.trial_number, given.attempt)
        answer: Answer = await self.engine.submit(self.experiment_id, command)
        return answer

    async def heartbeat(self, given: Assignment) -> Answer:
        command = Heartbeat(given.trial_number, given.attempt)
        answer: Answer = await self.engine.submit(self.experiment_id, command)
        return answer

    async def should_stop(self, given: Assignment, wait_s: float = 0) -> Answer:
        command = ShouldStop(given.trial_number, given.attempt)
        answer: Answer = await self.engine.wait_for(
            self.experiment_id, command, int(wait_s * SECOND_US)
        )
        return answer


async def everything_said(engine: Engine) -> None:
    """Returns once every task that was ready has spoken and the engine has heard it.

    A question is answered in the order of the inbox, so what stands before it is decided; the
    second one sees what the first one's batch did at its end.
    """
    await engine.experiments()
    await engine.experiments()

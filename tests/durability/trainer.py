"""One worker: trains, repeats itself, contradicts itself, fails, gives up, dies and comes back."""

from __future__ import annotations

import asyncio
import math
import random
from typing import Any

from asha_server.pb import suggestion_service_pb2 as s
from asha_server.pb import trial_pb2 as t

from .caller import Caller
from .journal import Exchange
from .searches import SHORT_LEASES

CONFLICTING = 1e6
"""Added to a value that contradicts a recorded one: it may stand in no file, ever."""
FAILURE_KINDS = (
    s.FAILURE_KIND_RETRYABLE,
    s.FAILURE_KIND_PERMANENT,
    s.FAILURE_KIND_INFEASIBLE,
    s.FAILURE_KIND_CHECKPOINT_UNREADABLE,
)


class Trainer:
    """A worker of one experiment.

    Args:
        caller: sends its calls.
        experiment_id: where it works.
        name: its worker id; after a death in silence it goes by another.
        random: what it does.
        over: once set, it stops.
    """

    def __init__(
        self,
        caller: Caller,
        experiment_id: str,
        name: str,
        random: random.Random,
        over: asyncio.Event,
    ) -> None:
        self._caller = caller
        self._experiment_id = experiment_id
        self._name = name
        self._random = random
        self._over = over
        self._lives = 0
        self._processes = 0
        self._asked = 0
        self._declines = False

    async def work(self) -> None:
        """Trains one trial after the other."""
        while not self._over.is_set():
            found = await self._ask()
            if found is None:
                return
            if found.HasField("assignment"):
                await self._train(found.assignment)

    async def _ask(self) -> Any:
        """What there is to do; None once the search is finished or gone."""
        self._asked += 1
        request = s.GetSuggestionRequest(
            experiment_id=self._experiment_id,
            worker_id=f"{self._name}.{self._lives}",
            incarnation_id=f"process-{self._processes}",
            request_id=f"{self._name}-{self._asked}",
            max_wait={"nanos": self._random.choice((200_000_000, 900_000_000))},
            release_held=self._declines,
        )
        self._declines = False
        exchange = await self._caller.call("GetSuggestion", request)
        if exchange.response is None:
            return None if "NOT_FOUND" in exchange.refusal else s.GetSuggestionResponse()
        if self._rarely(0.1):
            await self._caller.call("GetSuggestion", request, is_repeat=True)
        return None if exchange.response.HasField("finished") else exchange.response

    async def _train(self, given: s.Assignment) -> None:
        step, goal = given.start_step, given.next_decision_step
        while not self._over.is_set():
            if await self._interlude(given, step):
                return
            step = max(goal, step) if self._rarely(0.5) else step + 1
            decision = await self._report(given, step)
            if decision is None:
                return
            if decision.verdict != t.VERDICT_CONTINUE:
                if decision.verdict == t.VERDICT_PAUSE and self._rarely(0.3):
                    await self._checkpoint(given, step)
                return
            goal = decision.next_decision_step

    async def _interlude(  # noqa: PLR0911 - a table
        self, given: s.Assignment, step: int
    ) -> bool:
        """Whatever else happens between two reports; whether the training is over by it."""
        chance = self._random.random()
        if chance < 0.10:
            beat = await self._call("Heartbeat", s.HeartbeatRequest(**held(given)))
            return beat is None or beat.decision.verdict != t.VERDICT_CONTINUE
        if chance < 0.15:
            await self._caller.call("ShouldStop", s.ShouldStopRequest(**held(given)))
            return False
        if chance < 0.22:
            return await self._checkpoint(given, step)
        if chance < 0.24:
            return await self._end("CompleteTrial", s.CompleteTrialRequest(**held(given)))
        if chance < 0.27:
            kind = self._random.choice(FAILURE_KINDS)
            request = s.FailTrialRequest(**held(given), kind=kind, message=f"broken: {kind}")
            return await self._end("FailTrial", request)
        if chance < 0.30:
            release = s.ReleaseTrialRequest(**held(given), reason="preempted")
            return await self._end("ReleaseTrial", release)
        if chance < 0.32:  # the process is killed; its successor takes the trial up
            self._processes += 1
            return True
        if chance < 0.33:  # gives it back with the next call, and wants another
            self._declines = True
            return True
        if self._experiment_id == SHORT_LEASES and chance < 0.37:  # the node dies in silence
            self._lives += 1
            return True
        return False

    async def _end(self, method: str, request: Any) -> bool:
        await self._caller.call(method, request)
        if self._rarely(0.3):
            await self._caller.call(method, request, is_repeat=True)
        return True

    async def _checkpoint(self, given: s.Assignment, step: int) -> bool:
        request = s.ReportCheckpointRequest(
            **held(given), step=step, checkpoint_uri=self._uri(given, step)
        )
        return await self._call("ReportCheckpoint", request) is None

    async def _report(self, given: s.Assignment, step: int) -> t.Decision | None:
        """The decision at a step, which may be reported in parts and again; None: lease lost."""
        quality = given.parameters[0].value.double_value
        value = quality + self._random.random() / (1 + step)
        if self._rarely(0.03):
            value = math.nan
        request = s.ReportMetricRequest(**held(given), step=step)
        if self._rarely(0.15):
            request.metrics.add(name="train_loss", value=value / 2)
            if await self._call("ReportMetric", request) is None:
                return None
        request = s.ReportMetricRequest(**held(given), step=step)
        request.metrics.add(name="loss", value=value)
        if self._rarely(0.2):
            request.metrics.add(name="accuracy", value=1 - quality)
        if self._rarely(0.6):
            request.checkpoint_uri = self._uri(given, step)
        response = await self._call("ReportMetric", request)
        if response is None:
            return None
        if self._rarely(0.15):
            await self._caller.call("ReportMetric", request, is_repeat=True)
        if self._rarely(0.05):
            await self._contradict(request)
        decision: t.Decision = response.decision
        return decision

    async def _contradict(self, request: s.ReportMetricRequest) -> None:
        other = s.ReportMetricRequest()
        other.CopyFrom(request)
        other.metrics[0].value = CONFLICTING + self._random.random()
        await self._caller.call("ReportMetric", other)

    async def _call(self, method: str, request: Any) -> Any:
        """The answer; None where the lease is lost or the trial has ended."""
        exchange: Exchange = await self._caller.call(method, request)
        return exchange.response

    def _uri(self, given: s.Assignment, step: int) -> str:
        return f"{given.trial_number}/{given.lease.attempt}/{step}"

    def _rarely(self, probability: float) -> bool:
        return self._random.random() < probability


def held(given: s.Assignment) -> dict[str, Any]:
    """The fields by which a worker speaks of what it holds."""
    return {
        "experiment_id": given.experiment_id,
        "trial_number": given.trial_number,
        "lease_token": given.lease.token,
    }

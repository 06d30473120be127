"""The Python client over sessions, while its server is killed: every report arrives, and once."""

from __future__ import annotations

import asyncio
import signal
import time

import asha_client

from asha_server.pb import experiment_service_pb2 as e

from .served import Served

STEPS = 5_000


def train(address: str) -> list[int]:
    """Trains one trial step by step without waiting; the steps that it was told to have reported.

    Each step takes a millisecond or so.
    """
    steps = []
    with asha_client.connect(address, max_backoff=0.05) as client:
        for trial in client.experiment("e").trials("w"):
            for step in trial.steps():
                trial.report(step, {"loss": 1 / step}, wait=False)
                steps.append(step)
                time.sleep(0.001)
    return steps


async def recorded(served: Served) -> list[int]:
    """The steps in the file, in the order in which they were recorded."""
    found: list[int] = []
    request = e.ListDecisionsRequest(experiment_id="e", page_size=1000)
    while True:
        page = await served.client.experiments.ListDecisions(request)
        found += [one.step for one in page.decisions]
        request.page_token = page.next_page_token
        if not page.next_page_token:
            return found


async def test_no_report_that_nobody_waited_for_is_lost_by_a_kill(served: Served) -> None:
    await served.start()
    await served.client.create(max_length=STEPS, max_trials=1, async_halving={"num_rungs": 1})
    training = asyncio.create_task(asyncio.to_thread(train, served.address))
    for _ in range(3):
        await asyncio.sleep(0.3)
        assert not training.done()
        served.send(signal.SIGKILL)
        await served.ended()
        await served.start()

    steps = await training

    assert steps == list(range(1, STEPS + 1))
    assert await recorded(served) == steps

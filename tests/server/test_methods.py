"""The synchronous methods and populations over the wire: barriers, copies, checkpoints."""

from __future__ import annotations

import asyncio

from asha_server.pb import experiment_pb2 as x
from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import suggestion_service_pb2 as s
from asha_server.pb import trial_pb2 as t

from .conftest import Client, held

LONG = {"seconds": 30}


async def four_of_which_two_go_on(client: Client) -> None:
    """Rungs at 3 and 9; 24 units pay for 4 trials and for 2 of them to the end."""
    method = x.SyncHalving(num_rungs=2, divisor=3, total_length=24)
    spec = x.ExperimentSpec(
        metric=x.Metric(name="loss", goal=x.GOAL_MINIMIZE), max_length=9, sync_halving=method
    )
    request = e.CreateExperimentRequest(experiment_id="e", spec=spec)
    created = (await client.experiments.CreateExperiment(request)).experiment
    assert list(created.brackets[0].planned_trials) == [4, 1]


async def test_the_barrier_is_waited_for_and_opens_for_who_waits(client: Client) -> None:
    await four_of_which_two_go_on(client)
    given = [await client.take(f"w{n}") for n in range(4)]
    for n in range(3):
        decision = await client.report(given[n], 3, 0.1 * n, checkpoint_uri=f"ckpt-{n}")
        assert decision.verdict == t.VERDICT_PAUSE
    told = await client.ask("w0")
    assert told.wait.reason == s.WAIT_REASON_BARRIER
    waiting = asyncio.create_task(client.ask("w0", max_wait=LONG))
    await client.until_waiting(1)

    await client.report(given[3], 3, 0.9)

    promoted = (await waiting).assignment
    assert (promoted.trial_number, promoted.kind) == (0, t.ASSIGNMENT_KIND_PROMOTED)
    assert promoted.checkpoint_uri == "ckpt-0"
    assert (await client.trial(1)).end_reason == t.TRIAL_END_REASON_NOT_PROMOTED


async def test_a_failed_trial_opens_the_barrier_too(client: Client) -> None:
    await four_of_which_two_go_on(client)
    given = [await client.take(f"w{n}") for n in range(4)]
    for n in range(3):
        await client.report(given[n], 3, 0.1 * n)
    waiting = asyncio.create_task(client.ask("w0", max_wait=LONG))
    await client.until_waiting(1)

    await client.suggestions.FailTrial(
        s.FailTrialRequest(**held(given[3]), kind=s.FAILURE_KIND_PERMANENT)
    )

    assert (await waiting).assignment.trial_number == 0


async def population(client: Client) -> list[s.Assignment]:
    """Four trials, of which the worst makes way for a copy of the best; the round has ended."""
    method = x.Pbt(population_size=4, num_rounds=2, length_per_round=5, truncate_fraction=0.25)
    spec = x.ExperimentSpec(metric=x.Metric(name="loss", goal=x.GOAL_MINIMIZE), pbt=method, seed=7)
    spec.parameters.add(name="lr").double_range.CopyFrom(x.DoubleRange(min=1, max=2))
    request = e.CreateExperimentRequest(experiment_id="e", spec=spec)
    created = (await client.experiments.CreateExperiment(request)).experiment
    assert created.spec.max_length == 10
    given = [await client.take(f"w{n}") for n in range(4)]
    for n, assignment in enumerate(given):
        await client.report(assignment, 5, 0.1 * n, checkpoint_uri=f"ckpt-{n}")
    return given


async def deletable(client: Client) -> list[str]:
    request = e.ListCheckpointsRequest(experiment_id="e", filter=e.CHECKPOINT_FILTER_DELETABLE)
    found = await client.experiments.ListCheckpoints(request)
    return sorted(checkpoint.uri for checkpoint in found.checkpoints)


async def test_a_copy_starts_from_its_parents_weights(client: Client) -> None:
    given = await population(client)

    copy = await client.take("x")

    assert (copy.trial_number, copy.kind) == (4, t.ASSIGNMENT_KIND_NEW)
    assert (copy.start_step, copy.checkpoint_uri) == (5, "ckpt-0")
    assert (copy.next_decision_step, copy.rung, copy.max_length) == (10, 1, 10)
    assert copy.parameters != given[0].parameters
    assert (await client.trial(4)).parent_trial_number == 0
    assert not (await client.trial(0)).HasField("parent_trial_number")


async def test_the_history_names_the_parent(client: Client) -> None:
    await population(client)
    await client.take("x")

    request = e.WatchExperimentRequest(experiment_id="e", after_sequence=0)
    async for response in client.experiments.WatchExperiment(request):
        created = response.event.trial_created
        if created.HasField("parent_trial_number"):
            break

    assert (created.trial_number, created.parent_trial_number) == (4, 0)
    assert (created.start_step, created.checkpoint_uri) == (5, "ckpt-0")


async def test_a_checkpoint_that_a_copy_needs_is_kept(client: Client) -> None:
    await population(client)
    copy = await client.take("x")
    parent = await client.take("w0")
    assert parent.trial_number == 0

    await client.report(parent, 7, 0.3, checkpoint_uri="ckpt-0-7")
    assert await deletable(client) == []
    assert (await client.take("w1")).trial_number == 1
    assert (await client.take("w2")).trial_number == 2  # and with that trial 3 makes way
    assert await deletable(client) == ["ckpt-3"]

    await client.report(copy, 10, 0.01, checkpoint_uri="ckpt-4")
    assert await deletable(client) == ["ckpt-0", "ckpt-3"]


async def test_the_incumbents_inherited_checkpoint_is_kept(client: Client) -> None:
    await population(client)
    copy = await client.take("x")
    await client.report(copy, 10, 0.01)
    await client.stop()

    assert (await client.get()).incumbent.trial_number == 4
    assert "ckpt-0" not in await deletable(client)


async def test_a_population_is_the_same_after_a_restart(client: Client, launch: object) -> None:
    given = await population(client)
    copy = await client.take("x")
    before = await client.trial(4)
    await client.server.stop()

    again = await launch()  # type: ignore[operator]  # the fixture starts on the same file

    assert await again.trial(4) == before
    assert (await again.report(copy, 10, 0.01)).verdict == t.VERDICT_STOP
    assert (await again.take("w0")).trial_number == given[0].trial_number

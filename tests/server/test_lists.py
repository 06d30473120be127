"""Every list pages through everything exactly once, whatever the size of its pages."""

from __future__ import annotations

from typing import Any

import pytest

from asha_server.pb import admin_service_pb2 as a
from asha_server.pb import experiment_pb2 as x
from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import suggestion_service_pb2 as s
from asha_server.pb import trial_pb2 as t

from .conftest import Client, halving, held, refused

LISTS: dict[str, tuple[type, str]] = {
    "ListExperiments": (e.ListExperimentsRequest, "experiments"),
    "ListTrials": (e.ListTrialsRequest, "trials"),
    "ListObservations": (e.ListObservationsRequest, "observations"),
    "ListDecisions": (e.ListDecisionsRequest, "decisions"),
    "ListRungs": (e.ListRungsRequest, "entries"),
    "ListCheckpoints": (e.ListCheckpointsRequest, "checkpoints"),
    "ListLeases": (a.ListLeasesRequest, "leases"),
}


def call_of(client: Client, name: str) -> Any:
    return getattr(client.admin if name == "ListLeases" else client.experiments, name)


async def everything(client: Client, name: str, size: int, **more: Any) -> list[Any]:
    """All items of a list, page by page."""
    request_type, items = LISTS[name]
    found: list[Any] = []
    token = ""
    while True:
        page = await call_of(client, name)(request_type(page_size=size, page_token=token, **more))
        assert len(getattr(page, items)) <= (size or 100)
        found += getattr(page, items)
        token = page.next_page_token
        if not token:
            return found


def _lasting(item: Any) -> Any:
    """An item without what goes by the clock."""
    for field in ("wall_time", "remaining", "expire_time"):
        if field in item.DESCRIPTOR.fields_by_name:
            item.ClearField(field)
    return item


async def fill(client: Client) -> None:
    """Three experiments; the second with 20 trials, 12 of them arrived, 8 running."""
    for name in ("first", "e", "last"):
        await client.create(name, max_trials=30, max_concurrent_trials=0)
    await client.arrive(*(0.1 * n for n in range(12)))
    for n in range(8):
        await client.take(f"holder{n}")


@pytest.mark.parametrize("name", LISTS)
async def test_pages_of_any_size_make_the_same_list(client: Client, name: str) -> None:
    await fill(client)
    more = {} if name == "ListExperiments" else {"experiment_id": "e"}
    whole = [_lasting(item) for item in await everything(client, name, 1000, **more)]

    assert len(whole) >= (3 if name == "ListExperiments" else 8)
    for size in (1, 7, 0):
        again = await everything(client, name, size, **more)
        assert [_lasting(item) for item in again] == whole


@pytest.mark.parametrize("name", LISTS)
async def test_a_wrong_page_is_refused(client: Client, name: str) -> None:
    await client.create()
    request_type, _ = LISTS[name]
    more = {} if name == "ListExperiments" else {"experiment_id": "e"}
    other = "ListTrials" if name != "ListTrials" else "ListDecisions"
    await client.arrive(0.1, 0.2)
    token = (
        await call_of(client, other)(LISTS[other][0](experiment_id="e", page_size=1))
    ).next_page_token

    for wrong, field in (
        ({"page_size": -1}, "page_size"),
        ({"page_size": 1001}, "page_size"),
        ({"page_token": "nonsense"}, "page_token"),
        ({"page_token": "x" * 10_000}, "page_token"),
        ({"page_token": token}, "page_token"),
    ):
        refusal = await refused(call_of(client, name)(request_type(**more, **wrong)))
        assert (refusal.code, list(refusal.fields)) == ("INVALID_ARGUMENT", [field])


async def test_trials_are_filtered_by_state(client: Client) -> None:
    await fill(client)

    paused = await everything(
        client, "ListTrials", 3, experiment_id="e", states=[t.TRIAL_STATE_PAUSED]
    )
    running = await everything(
        client, "ListTrials", 100, experiment_id="e", states=[t.TRIAL_STATE_RUNNING]
    )

    assert {trial.state for trial in paused} == {t.TRIAL_STATE_PAUSED}
    assert len(paused) + len(running) == 20 - (20 - len(paused) - len(running))
    assert len(running) >= 8


async def test_a_closed_out_trial_is_stopped_in_every_list_at_once(client: Client) -> None:
    """Its rows are written later, in bits; no list shows it as paused meanwhile."""
    await client.create(max_trials=2, max_concurrent_trials=0)
    await client.arrive(0.1, 0.2)
    promoted = await client.take("p")
    await client.report(promoted, 9, 0.1)

    trials = await everything(client, "ListTrials", 10, experiment_id="e")

    assert [trial.end_reason for trial in trials] == [
        t.TRIAL_END_REASON_MAX_LENGTH, t.TRIAL_END_REASON_NOT_PROMOTED,
    ]  # fmt: skip
    assert trials[1].HasField("end_time")


async def test_observations_are_filtered_by_trial_and_metric(client: Client) -> None:
    await client.create(max_trials=3)
    given = await client.take()
    for step in range(5):
        name = "loss" if step == 4 else "accuracy"
        await client.report(given, step, metrics=[t.MetricValue(name=name, value=step)])
    seen = [t.MetricPoint(step=2, metrics=[t.MetricValue(name="loss", value=0.5)])]
    await client.experiments.CreateTrial(e.CreateTrialRequest(experiment_id="e", observations=seen))

    of_metric = await everything(
        client, "ListObservations", 2, experiment_id="e", metric_name="loss"
    )
    of_given = await everything(client, "ListObservations", 2, experiment_id="e", trial_number=1)
    of_first = await everything(client, "ListObservations", 2, experiment_id="e", trial_number=0)

    assert [(o.trial_number, o.step) for o in of_metric] == [(0, 4), (1, 2)]
    assert [(o.attempt, o.step) for o in of_given] == [(0, 2)]
    assert [o.step for o in of_first] == [0, 1, 2, 3, 4]


async def test_checkpoints_are_told_apart(client: Client) -> None:
    """LIVE may still be resumed from, or is the best trial's; the rest is DELETABLE."""
    await client.create(max_concurrent_trials=0)
    given = [await client.take(f"w{n}") for n in range(3)]
    for n, assignment in enumerate(given):
        for part in ("early", "late"):
            await client.suggestions.ReportCheckpoint(
                s.ReportCheckpointRequest(
                    **held(assignment), step=int(part == "late"), checkpoint_uri=f"{n}-{part}"
                )
            )
    await client.report(given[0], 1, 0.1)  # the best so far, paused
    await client.report(given[1], 1, 0.2)  # paused
    await client.experiments.CancelTrial(e.CancelTrialRequest(experiment_id="e", trial_number=2))

    async def uris(filter_by: e.CheckpointFilter) -> list[str]:
        found = await everything(client, "ListCheckpoints", 2, experiment_id="e", filter=filter_by)
        return [checkpoint.uri for checkpoint in found]

    assert await uris(e.CHECKPOINT_FILTER_LIVE) == ["0-early", "0-late", "1-late"]
    assert await uris(e.CHECKPOINT_FILTER_DELETABLE) == ["1-early", "2-early", "2-late"]
    assert len(await uris(e.CHECKPOINT_FILTER_UNSPECIFIED)) == 6


async def test_the_best_trials_come_by_length_then_value(client: Client) -> None:
    """Trial 0 is promoted and reaches 3 with a worse value than others have at 1."""
    await client.create(max_concurrent_trials=0)
    await client.arrive(0.1, 0.5, 0.6)
    promoted = await client.take("p")
    await client.report(promoted, 3, 0.9)

    best = await client.experiments.GetBestTrials(e.GetBestTrialsRequest(experiment_id="e"))
    one = await client.experiments.GetBestTrials(e.GetBestTrialsRequest(experiment_id="e", limit=1))

    assert [(b.trial_number, b.best_rung_length) for b in best.trials] == [(0, 3), (1, 1), (2, 1)]
    assert [b.trial_number for b in one.trials] == [0]
    assert (await client.get()).incumbent.trial_number == 0


async def test_a_page_ends_at_a_mebibyte(client: Client) -> None:
    """Ten experiments of some 300 KB each: three fit."""
    spec = halving()
    for n in range(300):
        value = t.ParameterValue(string_value=f"{n:04}" + "x" * 996)
        spec.parameters.add(name=f"p{n}").constant.value.CopyFrom(value)
    for n in range(10):
        await client.experiments.CreateExperiment(
            e.CreateExperimentRequest(experiment_id=f"big-{n}", spec=spec)
        )

    page = await client.experiments.ListExperiments(e.ListExperimentsRequest(page_size=10))

    assert len(page.experiments) == 3
    assert page.ByteSize() <= 2**20
    names = [found.experiment_id for found in await everything(client, "ListExperiments", 10)]
    assert names == [f"big-{n}" for n in reversed(range(10))]


async def test_experiments_are_filtered_by_state(client: Client) -> None:
    await client.create("going")
    await client.create("ended")
    await client.experiments.StopExperiment(e.StopExperimentRequest(experiment_id="ended"))

    running = await everything(client, "ListExperiments", 10, states=[x.EXPERIMENT_STATE_RUNNING])

    assert [found.experiment_id for found in running] == ["going"]

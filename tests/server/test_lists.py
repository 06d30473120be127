"""Every list pages through everything exactly once, whatever the size of its pages."""

from __future__ import annotations

from typing import Any

import pytest

from asha_server.config import Limits
from asha_server.pb import admin_service_pb2 as a
from asha_server.pb import experiment_pb2 as x
from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import suggestion_service_pb2 as s
from asha_server.pb import trial_pb2 as t

from .conftest import Client, Launch, halving, held, refused

LISTS: dict[str, tuple[Any, str]] = {
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
    """Three experiments; twelve trials of the second arrived, eight others of its workers train."""
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


async def test_what_is_added_meanwhile_neither_hides_nor_repeats_anything(client: Client) -> None:
    """Trials and reports come while their lists are paged through: those there were come once."""
    await fill(client)
    trials: list[int] = []
    sequences: list[int] = []
    trial_token = report_token = ""
    for number in range(12):
        trial_page = await client.experiments.ListTrials(
            e.ListTrialsRequest(experiment_id="e", page_size=1, page_token=trial_token)
        )
        report_page = await client.experiments.ListObservations(
            e.ListObservationsRequest(experiment_id="e", page_size=1, page_token=report_token)
        )
        trials += [trial.trial_number for trial in trial_page.trials]
        sequences += [observation.sequence for observation in report_page.observations]
        trial_token, report_token = trial_page.next_page_token, report_page.next_page_token
        given = await client.take(f"late{number}")
        await client.report(given, 0, number)

    assert trials == list(range(12))
    assert len(set(sequences)) == 12
    assert sequences == sorted(sequences)


@pytest.mark.parametrize("name", LISTS)
async def test_lists_of_what_there_is_not(client: Client, name: str) -> None:
    """An unknown experiment is refused, an unknown trial too; a new experiment has empty lists."""
    assert await everything(client, "ListExperiments", 10) == []
    if name == "ListExperiments":
        return
    nobody = await refused(everything(client, name, 10, experiment_id="nobody"))
    assert (nobody.code, nobody.reason) == ("NOT_FOUND", "EXPERIMENT_NOT_FOUND")
    await client.create()
    assert await everything(client, name, 10, experiment_id="e") == []
    if "trial_number" in LISTS[name][0].DESCRIPTOR.fields_by_name:
        missing = await refused(everything(client, name, 10, experiment_id="e", trial_number=0))
        assert (missing.code, missing.reason) == ("NOT_FOUND", "TRIAL_NOT_FOUND")


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

    counts = (await client.get()).trial_counts
    assert {trial.state for trial in paused} == {t.TRIAL_STATE_PAUSED}
    assert {trial.state for trial in running} == {t.TRIAL_STATE_RUNNING}
    assert (len(paused), len(running)) == (counts.paused, counts.running)
    both = [t.TRIAL_STATE_RUNNING, t.TRIAL_STATE_PAUSED]
    found = await everything(client, "ListTrials", 3, experiment_id="e", states=both)
    assert len(found) == len(paused) + len(running)


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
    of_nothing = await everything(
        client, "ListObservations", 2, experiment_id="e", metric_name="other"
    )
    of_given = await everything(client, "ListObservations", 2, experiment_id="e", trial_number=1)
    of_first = await everything(client, "ListObservations", 2, experiment_id="e", trial_number=0)

    assert [(o.trial_number, o.step) for o in of_metric] == [(0, 4), (1, 2)]
    assert of_nothing == []
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


async def test_the_best_trials_leave_out_who_has_no_finite_value(client: Client) -> None:
    """Not-a-number, infeasible and failed without a value; whoever failed later keeps its place."""
    await client.create(max_concurrent_trials=0)
    await client.arrive(0.2, float("nan"), 0.3)
    promoted = await client.take("p")
    failing, infeasible = await client.take("f"), await client.take("i")
    for assignment, kind in (
        (promoted, s.FAILURE_KIND_PERMANENT),
        (failing, s.FAILURE_KIND_PERMANENT),
        (infeasible, s.FAILURE_KIND_INFEASIBLE),
    ):
        await client.suggestions.FailTrial(s.FailTrialRequest(**held(assignment), kind=kind))

    best = await client.experiments.GetBestTrials(e.GetBestTrialsRequest(experiment_id="e"))

    assert promoted.trial_number == 0
    assert [trial.trial_number for trial in best.trials] == [0, 2]
    assert not best.trials[0].HasField("best_rung_value"), "its place at 3 is that of a failure"
    assert best.trials[1].best_rung_value == 0.3


async def test_the_best_trials_of_a_maximised_metric_have_the_greatest_values(
    client: Client,
) -> None:
    await client.create(metric=x.Metric(name="loss", goal=x.GOAL_MAXIMIZE))
    await client.arrive(0.1, 0.9, 0.5)

    best = await client.experiments.GetBestTrials(e.GetBestTrialsRequest(experiment_id="e"))

    assert [b.best_rung_value for b in best.trials] == [0.9, 0.5, 0.1]


async def test_rungs_are_listed_by_rank(client: Client) -> None:
    """Of equal values the earlier one ranks better; not-a-number is last; 0.1 was promoted."""
    await client.create()
    await client.arrive(0.5, 0.1, 0.5, float("nan"))
    await client.report(await client.take("p"), 3, 0.7)

    found = await everything(client, "ListRungs", 2, experiment_id="e")
    of_top = await everything(client, "ListRungs", 2, experiment_id="e", bracket=0, rung=1)

    assert [(entry.rung, entry.rank, entry.trial_number, entry.promoted) for entry in found] == [
        (0, 0, 1, True), (0, 1, 0, False), (0, 2, 2, False), (0, 3, 3, False), (1, 0, 1, False),
    ]  # fmt: skip
    assert of_top == found[4:]
    for nowhere in ({"bracket": 7}, {"rung": 7}):
        assert await everything(client, "ListRungs", 2, experiment_id="e", **nowhere) == []


async def test_decisions_are_listed_as_they_were_answered(client: Client) -> None:
    await client.create()
    given = await client.take("w")
    metrics = [t.MetricValue(name="accuracy", value=1)]
    answered = [await client.report(given, 0, metrics=metrics), await client.report(given, 1, 0.5)]

    found = await everything(client, "ListDecisions", 1, experiment_id="e", trial_number=0)

    assert [record.decision for record in found] == answered
    assert [record.HasField("value") for record in found] == [False, True]
    assert (found[1].attempt, found[1].step, found[1].value) == (1, 1, 0.5)


async def test_leases_are_those_of_one_experiment_or_of_all(client: Client) -> None:
    for name in ("first", "e"):
        await client.create(name)
        for n in range(3):
            await client.take(f"{name}{n}", experiment_id=name, incarnation_id="i")

    of_all = await everything(client, "ListLeases", 2)
    of_one = await everything(client, "ListLeases", 2, experiment_id="e")

    assert [lease.worker_id for lease in of_all] == [
        "first0", "first1", "first2", "e0", "e1", "e2",
    ]  # fmt: skip
    assert [(lease.experiment_id, lease.trial_number) for lease in of_one] == [
        ("e", 0), ("e", 1), ("e", 2),
    ]  # fmt: skip
    assert {(lease.attempt, lease.incarnation_id) for lease in of_all} == {(1, "i")}
    assert all(0 < lease.remaining.seconds <= 60 for lease in of_all)


# -- the size of a page ---------------------------------------------------------------------------


async def test_a_page_ends_at_a_mebibyte(client: Client) -> None:
    """Ten experiments of some 300 KB each: three fit. So do three of their trials."""
    spec = halving()
    for n in range(300):
        value = t.ParameterValue(string_value=f"{n:04}" + "x" * 996)
        spec.parameters.add(name=f"p{n}").constant.value.CopyFrom(value)
    for n in range(10):
        await client.experiments.CreateExperiment(
            e.CreateExperimentRequest(experiment_id=f"big-{n}", spec=spec)
        )
    for n in range(5):
        await client.take(f"w{n}", experiment_id="big-0")

    page = await client.experiments.ListExperiments(e.ListExperimentsRequest(page_size=10))
    trials = await client.experiments.ListTrials(e.ListTrialsRequest(experiment_id="big-0"))

    assert (len(page.experiments), len(trials.trials)) == (3, 3)
    assert max(page.ByteSize(), trials.ByteSize()) <= 2**20
    names = [found.experiment_id for found in await everything(client, "ListExperiments", 10)]
    assert names == [f"big-{n}" for n in reversed(range(10))]
    listed = await everything(client, "ListTrials", 10, experiment_id="big-0")
    assert [trial.trial_number for trial in listed] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("name", ["ListExperiments", "ListTrials", "ListObservations",
                                  "ListDecisions", "ListCheckpoints"])  # fmt: skip
async def test_a_page_ends_at_the_size_that_was_configured(launch: Launch, name: str) -> None:
    """Smaller than two items: every page has one, and all of them are found."""
    client = await launch(limits=Limits(page_bytes_max=30))
    await fill(client)
    more = {} if name == "ListExperiments" else {"experiment_id": "e"}
    request_type, items = LISTS[name]

    page = await call_of(client, name)(request_type(**more))

    assert len(getattr(page, items)) == 1
    found = await everything(client, name, 0, **more)
    trials = (await client.get()).trial_counts.created
    assert len(found) == {"ListExperiments": 3, "ListTrials": trials}.get(name, 12)


async def test_the_best_trials_end_at_the_size_of_a_page(launch: Launch) -> None:
    client = await launch(limits=Limits(page_bytes_max=30))
    await fill(client)

    best = await client.experiments.GetBestTrials(e.GetBestTrialsRequest(experiment_id="e"))

    assert [trial.trial_number for trial in best.trials] == [0]


async def test_experiments_are_filtered_by_state(client: Client) -> None:
    await client.create("going")
    await client.create("ended")
    await client.experiments.StopExperiment(e.StopExperimentRequest(experiment_id="ended"))

    running = await everything(client, "ListExperiments", 10, states=[x.EXPERIMENT_STATE_RUNNING])

    assert [found.experiment_id for found in running] == ["going"]
    assert not running[0].brackets

"""Control: what people and controllers do to experiments."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from asha_server.config import Limits
from asha_server.pb import experiment_pb2 as x
from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import suggestion_service_pb2 as s
from asha_server.pb import trial_pb2 as t
from asha_server.service.experiment import ExperimentService

from .conftest import Client, halving, held, refused


async def create(client: Client, request: e.CreateExperimentRequest) -> x.Experiment:
    return (await client.experiments.CreateExperiment(request)).experiment


# -- creation -------------------------------------------------------------------------------------


async def test_a_new_experiment_shows_every_default(client: Client) -> None:
    spec = halving()
    spec.ClearField("seed")

    made = await create(client, e.CreateExperimentRequest(spec=spec))

    adjective, noun, digits = made.experiment_id.split("-")
    assert adjective.isalpha()
    assert noun.isalpha()
    assert len(digits) == 4
    assert made.state == x.EXPERIMENT_STATE_RUNNING
    assert (made.sequence, made.progress) == (1, 0.0)
    assert made.spec.async_halving.variant == x.HALVING_VARIANT_PROMOTION
    assert made.spec.async_halving.guarantee_full_length
    assert made.spec.lease_ttl.seconds == 60
    assert (made.spec.max_restarts, made.spec.max_infeasible) == (5, 9)
    assert (made.spec.max_concurrent_trials, made.spec.worker_failure_limit) == (16, 3)
    assert made.spec.unit == "units"
    assert made.spec.HasField("seed")
    assert made.spec.WhichOneof("sampler") == "random_sampler"
    assert [list(b.rung_lengths) for b in made.brackets] == [[1, 3, 9]]
    found = await client.get(made.experiment_id)
    for shown in (found, made):
        shown.ClearField("wall_time")
    assert found == made


async def test_a_spec_as_it_was_shown_makes_the_same_experiment(client: Client) -> None:
    shown = (await client.create("one")).spec

    again = await create(client, e.CreateExperimentRequest(experiment_id="two", spec=shown))

    assert again.spec == shown


async def test_the_same_request_id_makes_one_experiment(client: Client) -> None:
    request = e.CreateExperimentRequest(experiment_id="one", spec=halving(), request_id="r")
    await create(client, request)

    assert (await create(client, request)).experiment_id == "one"
    request.spec.max_trials = 10
    reused = await refused(client.experiments.CreateExperiment(request))
    assert (reused.code, reused.reason) == ("FAILED_PRECONDITION", "REQUEST_ID_REUSED")
    request.request_id = ""
    taken = await refused(client.experiments.CreateExperiment(request))
    assert (taken.code, taken.reason) == ("ALREADY_EXISTS", "EXPERIMENT_EXISTS")
    assert taken.metadata["experiment_id"] == "one"


async def test_the_same_request_id_gets_the_name_and_seed_that_were_made_for_it(
    client: Client,
) -> None:
    """Also once the experiment was updated: the request is compared with what it created."""
    spec = halving()
    spec.ClearField("seed")
    request = e.CreateExperimentRequest(spec=spec, request_id="r")
    made = await create(client, request)
    await client.experiments.UpdateExperiment(
        e.UpdateExperimentRequest(
            experiment_id=made.experiment_id,
            spec=x.ExperimentSpec(max_trials=12),
            update_mask={"paths": ["max_trials"]},
        )
    )

    again = await create(client, request)

    assert again.experiment_id == made.experiment_id
    assert (again.spec.seed, again.spec.max_trials) == (made.spec.seed, 12)


async def test_a_rehearsal_writes_nothing(client: Client) -> None:
    request = e.CreateExperimentRequest(experiment_id="one", spec=halving(), validate_only=True)

    shown = await create(client, request)

    assert shown.experiment_id == "one"
    assert shown.brackets
    listed = await client.experiments.ListExperiments(e.ListExperimentsRequest())
    assert not listed.experiments
    await client.create("one")
    taken = await refused(client.experiments.CreateExperiment(request))
    assert taken.reason == "EXPERIMENT_EXISTS"
    request.spec.max_trials = 0
    wrong = await refused(client.experiments.CreateExperiment(request))
    assert list(wrong.fields) == ["spec.max_trials"]


# -- updates --------------------------------------------------------------------------------------


async def test_an_update_changes_what_may_change(client: Client) -> None:
    made = await client.create()
    change = {"max_trials": 12, "labels": {"team": "a"}, "lease_ttl": {"seconds": 5}}

    changed = await client.update(*change, etag=made.etag, **change)

    assert (changed.spec.max_trials, changed.spec.lease_ttl.seconds) == (12, 5)
    assert dict(changed.spec.labels) == {"team": "a"}
    assert changed.etag != made.etag
    stale = await refused(client.update(*change, etag=made.etag, **change))
    assert (stale.code, stale.reason) == ("ABORTED", "ETAG_MISMATCH")


async def test_an_etag_changes_with_the_state_and_not_with_progress(client: Client) -> None:
    made = await client.create()
    await client.arrive(0.5)
    assert (await client.get()).etag == made.etag

    await client.experiments.PauseExperiment(e.PauseExperimentRequest(experiment_id="e"))
    assert (await client.get()).etag != made.etag
    await client.experiments.ResumeExperiment(e.ResumeExperimentRequest(experiment_id="e"))
    assert (await client.get()).etag == made.etag


async def test_an_update_that_changes_nothing_is_no_event(client: Client) -> None:
    await client.create(target=0.5)

    await client.update("target", "max_trials", target=0.5, max_trials=9)

    assert (await client.get()).sequence == 1


async def test_a_named_field_that_is_absent_gets_its_default(client: Client) -> None:
    await client.create(target=0.5, max_restarts=1, lease_ttl={"seconds": 9}, labels={"a": "b"})

    changed = await client.update("target", "max_restarts", "lease_ttl", "labels")

    assert not changed.spec.HasField("target")
    assert (changed.spec.max_restarts, changed.spec.lease_ttl.seconds) == (5, 60)
    assert not changed.spec.labels


async def test_fields_that_are_not_named_are_left_alone(client: Client) -> None:
    await client.create(max_restarts=1)

    changed = await client.update("unit", "display_name", max_restarts=9, display_name="d")

    assert (changed.spec.max_restarts, changed.spec.display_name) == (1, "d")


@pytest.mark.parametrize("path", ["labels.team", "lease_ttl.seconds", "max_trials.x", "labels."])
async def test_an_update_inside_a_field_that_changes_as_a_whole_is_refused(
    client: Client, path: str
) -> None:
    """Taken for the whole field, `labels.team` would lose every other label."""
    await client.create(labels={"team": "a", "owner": "b"})

    refusal = await refused(client.update(path, labels={"team": "c"}))

    assert list(refusal.fields) == ["update_mask.paths[0]"]
    assert dict((await client.get()).spec.labels) == {"team": "a", "owner": "b"}


@pytest.mark.parametrize(
    ("spec", "path", "reason"),
    [
        (x.ExperimentSpec(max_trials=3), "max_trials", "IMMUTABLE_FIELD"),
        (x.ExperimentSpec(), "max_trials", "IMMUTABLE_FIELD"),
        (x.ExperimentSpec(max_length=3), "max_length", "IMMUTABLE_FIELD"),
        (x.ExperimentSpec(seed=3), "seed", "IMMUTABLE_FIELD"),
        (x.ExperimentSpec(unit="epochs"), "unit", "IMMUTABLE_FIELD"),
        (x.ExperimentSpec(), "parameters", "IMMUTABLE_FIELD"),
        (
            x.ExperimentSpec(metric=x.Metric(name="x", goal=x.GOAL_MINIMIZE)),
            "metric.name",
            "IMMUTABLE_FIELD",
        ),
        (x.ExperimentSpec(single=x.SingleTrial()), "single", "IMMUTABLE_FIELD"),
        (x.ExperimentSpec(), "async_halving.divisor", "IMMUTABLE_FIELD"),
        (x.ExperimentSpec(max_restarts=-1), "max_restarts", "INVALID_REQUEST"),
        (x.ExperimentSpec(), "colour", "INVALID_REQUEST"),
        (x.ExperimentSpec(), "method", "INVALID_REQUEST"),
        (x.ExperimentSpec(), "", "INVALID_REQUEST"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_an_update_of_anything_else_is_refused(
    client: Client, spec: x.ExperimentSpec, path: str, reason: str
) -> None:
    await client.create()
    request = e.UpdateExperimentRequest(
        experiment_id="e", spec=spec, update_mask={"paths": [path] if path else []}
    )

    refusal = await refused(client.experiments.UpdateExperiment(request))

    assert refusal.reason == reason
    assert (await client.get()).sequence == 1


async def test_after_the_end_only_labels_and_name_change(client: Client) -> None:
    await client.create()
    await client.stop()

    named = await client.update("display_name", "labels", display_name="done", labels={"a": "b"})
    assert named.spec.display_name == "done"
    for field, value in (("max_restarts", 9), ("max_trials", 99), ("max_concurrent_trials", 1)):
        change: dict[str, Any] = {field: value}
        refusal = await refused(client.update(field, **change))
        assert (refusal.code, refusal.reason) == ("FAILED_PRECONDITION", "IMMUTABLE_FIELD")
        assert refusal.metadata["fields"] == field


async def test_raised_trials_are_handed_out(client: Client) -> None:
    await client.create(max_trials=1)
    await client.take("w")
    assert (await client.ask("x")).HasField("wait")

    raised = await client.update("max_trials", max_trials=3)

    assert raised.brackets[0].max_trials == 3
    assert [(await client.take(f"x{n}")).trial_number for n in range(2)] == [1, 2]
    assert (await client.ask("y")).HasField("wait")


async def test_fewer_trials_at_one_time_end_nobody(client: Client) -> None:
    await client.create()
    first, second = await client.take("w"), await client.take("x")

    await client.update("max_concurrent_trials", max_concurrent_trials=1)

    assert (await client.ask("y")).wait.reason == s.WAIT_REASON_CONCURRENCY_LIMIT
    for given in (first, second):
        assert (await client.report(given, 0, 0.5)).verdict == t.VERDICT_CONTINUE


# -- pause, resume, stop --------------------------------------------------------------------------


async def test_pause_resume_and_stop_are_no_ops_in_their_state(client: Client) -> None:
    await client.create()
    given = await client.take()
    calls = client.experiments

    for _ in range(2):
        paused = await calls.PauseExperiment(e.PauseExperimentRequest(experiment_id="e"))
        assert paused.experiment.state == x.EXPERIMENT_STATE_PAUSED
    assert (await client.ask("x")).HasField("wait")
    decision = await client.report(given, 1, 0.5)
    assert (decision.verdict, decision.reason) == (
        t.VERDICT_PAUSE, t.DECISION_REASON_EXPERIMENT_PAUSED,
    )  # fmt: skip
    for _ in range(2):
        resumed = await calls.ResumeExperiment(e.ResumeExperimentRequest(experiment_id="e"))
        assert resumed.experiment.state == x.EXPERIMENT_STATE_RUNNING
    assert (await client.take("x")).kind == t.ASSIGNMENT_KIND_RETRIED
    assert (await client.trial(0)).restarts == 0
    sequence = resumed.experiment.sequence
    for reason in ("enough", "another reason"):
        stopped = await client.stop(reason)
        assert stopped.end_reason == x.END_REASON_STOPPED_BY_USER
        assert stopped.end_message == "enough"
    assert stopped.progress == 1.0
    assert stopped.sequence > sequence


async def test_nothing_is_paused_or_resumed_after_the_end(client: Client) -> None:
    """Nor stopped, where it ended by itself."""
    await client.create(max_trials=1)
    await client.report(await client.take(), 9, 0.5)
    ended = await client.get()
    assert ended.end_reason == x.END_REASON_ALL_TRIALS_ENDED
    calls = client.experiments

    for call in (
        calls.PauseExperiment(e.PauseExperimentRequest(experiment_id="e")),
        calls.ResumeExperiment(e.ResumeExperimentRequest(experiment_id="e")),
        calls.StopExperiment(e.StopExperimentRequest(experiment_id="e")),
    ):
        refusal = await refused(call)
        assert (refusal.code, refusal.reason) == ("FAILED_PRECONDITION", "EXPERIMENT_ENDED")
        assert refusal.metadata["end_reason"] == "ALL_TRIALS_ENDED"
    assert (await client.get()).sequence == ended.sequence


async def test_a_stop_stops_every_trial_that_has_not_ended(client: Client) -> None:
    await client.create()
    await client.arrive(0.1, 0.2)
    running = await client.take("x")

    stopped = await client.stop()

    counts = stopped.trial_counts
    assert (counts.created, counts.stopped, counts.running, counts.paused) == (3, 3, 0, 0)
    assert stopped.incumbent.trial_number == 0
    decision = await client.report(running, 1, 0.05)
    assert decision.reason == t.DECISION_REASON_EXPERIMENT_STOPPED


# -- deletion -------------------------------------------------------------------------------------


async def test_a_running_experiment_is_deleted_by_force_only(client: Client) -> None:
    await client.create()
    given = await client.take()
    request = e.DeleteExperimentRequest(experiment_id="e")

    refusal = await refused(client.experiments.DeleteExperiment(request))
    assert (refusal.code, refusal.reason) == ("FAILED_PRECONDITION", "EXPERIMENT_RUNNING")
    request.force = True
    await client.experiments.DeleteExperiment(request)
    gone = await refused(client.report(given, 1, 0.5))
    assert gone.reason == "EXPERIMENT_NOT_FOUND"
    again = await refused(client.experiments.DeleteExperiment(request))
    assert again.reason == "EXPERIMENT_NOT_FOUND"


async def test_a_new_experiment_of_a_deleted_name_has_nothing_of_the_former(
    client: Client,
) -> None:
    """Not its trials, not its history, not its leases; its request id is free as well."""
    request = e.CreateExperimentRequest(experiment_id="e", spec=halving(), request_id="r")
    await create(client, request)
    given, *_ = await client.arrive(0.5)
    await client.stop()
    await client.experiments.DeleteExperiment(e.DeleteExperimentRequest(experiment_id="e"))
    request.spec.max_trials = 10

    made = await create(client, request)

    assert (made.sequence, made.trial_counts.created) == (1, 0)
    await client.take("x")
    lost = await refused(client.suggestions.Heartbeat(s.HeartbeatRequest(**held(given))))
    assert (lost.code, lost.reason) == ("ABORTED", "LEASE_LOST")
    listed = await client.experiments.ListObservations(e.ListObservationsRequest(experiment_id="e"))
    assert not listed.observations


# -- preview --------------------------------------------------------------------------------------


async def preview(client: Client, spec: x.ExperimentSpec, **more: Any) -> e.Preview:
    request = e.PreviewExperimentRequest(spec=spec, **more)
    return (await client.experiments.PreviewExperiment(request)).preview


async def test_a_preview_writes_nothing_and_needs_no_metric(client: Client) -> None:
    """Of nine trials 6 end at 1, 2 at 3 and 1 at 9: 21 units; 21 · 10 s / 2 workers = 105 s."""
    spec = halving()
    spec.ClearField("metric")

    plan = await preview(client, spec, worker_count=2, seconds_per_unit=10)

    assert [(p.length, p.trial_count) for p in plan.planned_lengths] == [(1, 6), (3, 2), (9, 1)]
    assert (plan.total_trials, plan.total_units, plan.total_units_worst) == (9, 21, 81)
    assert plan.full_training_units == 81
    assert (plan.wall_time.seconds, plan.wall_time_worst.seconds) == (105, 405)
    assert [list(bracket.rung_lengths) for bracket in plan.brackets] == [[1, 3, 9]]
    listed = await client.experiments.ListExperiments(e.ListExperimentsRequest())
    assert not listed.experiments


async def test_a_preview_without_workers_has_no_wall_time(client: Client) -> None:
    for more in ({}, {"worker_count": 2}, {"seconds_per_unit": 10.0}):
        plan = await preview(client, halving(), **more)
        assert not plan.HasField("wall_time")
        assert not plan.HasField("wall_time_worst")


async def test_more_workers_than_may_train_do_not_shorten_a_preview(client: Client) -> None:
    """21 units by at most three at a time: 7 s."""
    spec = halving(max_concurrent_trials=3)

    plan = await preview(client, spec, worker_count=100, seconds_per_unit=1)

    assert plan.concurrency_limit == 3
    assert plan.wall_time.seconds == 7


async def test_a_preview_of_what_no_number_holds_shows_the_greatest(client: Client) -> None:
    """The greatest int64, and the ten thousand years of the longest duration."""
    greatest = 2**63 - 1
    spec = halving(max_length=greatest, max_trials=greatest)

    plan = await preview(client, spec, worker_count=1, seconds_per_unit=1e308)

    assert plan.total_trials == greatest
    assert (plan.total_units, plan.total_units_worst) == (greatest, greatest)
    assert plan.wall_time.seconds == 315_576_000_000


async def test_what_is_answered_is_of_the_experiment_that_was_meant(client: Client) -> None:
    """Found by the fuzzer: deleted and created anew in the very next moment, under its name."""
    server = client.server
    service = ExperimentService(server.engine, server.reader, server.watching, Limits())
    await client.create()
    await client.take()

    cancelled, _, _ = await asyncio.gather(
        service.CancelTrial(e.CancelTrialRequest(experiment_id="e"), None),
        service.DeleteExperiment(e.DeleteExperimentRequest(experiment_id="e", force=True), None),
        service.CreateExperiment(
            e.CreateExperimentRequest(experiment_id="e", spec=halving()), None
        ),
    )

    assert cancelled.trial.state == t.TRIAL_STATE_CANCELLED
    assert (await client.get()).trial_counts.created == 0

"""Control: what people and controllers do to experiments and trials."""

from __future__ import annotations

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from asha_server.pb import experiment_pb2 as x
from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import trial_pb2 as t

from .conftest import Client, halving, refused


async def test_a_new_experiment_shows_every_default(client: Client) -> None:
    spec = halving()
    spec.ClearField("seed")
    request = e.CreateExperimentRequest(spec=spec)

    made = (await client.experiments.CreateExperiment(request)).experiment

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
    assert made.spec.HasField("seed")
    assert [list(b.rung_lengths) for b in made.brackets] == [[1, 3, 9]]


async def test_the_same_request_id_makes_one_experiment(client: Client) -> None:
    request = e.CreateExperimentRequest(experiment_id="one", spec=halving(), request_id="r")
    await client.experiments.CreateExperiment(request)

    again = (await client.experiments.CreateExperiment(request)).experiment
    assert again.experiment_id == "one"
    request.spec.max_trials = 10
    reused = await refused(client.experiments.CreateExperiment(request))
    assert (reused.code, reused.reason) == ("FAILED_PRECONDITION", "REQUEST_ID_REUSED")
    request.request_id = ""
    taken = await refused(client.experiments.CreateExperiment(request))
    assert (taken.code, taken.reason) == ("ALREADY_EXISTS", "EXPERIMENT_EXISTS")


async def test_a_rehearsal_writes_nothing(client: Client) -> None:
    request = e.CreateExperimentRequest(experiment_id="one", spec=halving(), validate_only=True)

    shown = (await client.experiments.CreateExperiment(request)).experiment

    assert shown.experiment_id == "one"
    assert shown.brackets
    listed = await client.experiments.ListExperiments(e.ListExperimentsRequest())
    assert not listed.experiments
    await client.create("one")
    taken = await refused(client.experiments.CreateExperiment(request))
    assert taken.reason == "EXPERIMENT_EXISTS"


async def test_an_update_changes_what_may_change(client: Client) -> None:
    made = await client.create()
    request = e.UpdateExperimentRequest(
        experiment_id="e",
        spec=x.ExperimentSpec(max_trials=12, labels={"team": "a"}, lease_ttl={"seconds": 5}),
        update_mask=FieldMask(paths=["max_trials", "labels", "lease_ttl"]),
        etag=made.etag,
    )

    changed = (await client.experiments.UpdateExperiment(request)).experiment

    assert (changed.spec.max_trials, changed.spec.lease_ttl.seconds) == (12, 5)
    assert dict(changed.spec.labels) == {"team": "a"}
    assert changed.etag != made.etag
    stale = await refused(client.experiments.UpdateExperiment(request))
    assert (stale.code, stale.reason) == ("ABORTED", "ETAG_MISMATCH")


@pytest.mark.parametrize(
    ("spec", "path", "reason"),
    [
        (x.ExperimentSpec(max_trials=3), "max_trials", "IMMUTABLE_FIELD"),
        (x.ExperimentSpec(max_length=3), "max_length", "IMMUTABLE_FIELD"),
        (x.ExperimentSpec(seed=3), "seed", "IMMUTABLE_FIELD"),
        (x.ExperimentSpec(single=x.SingleTrial()), "single", "IMMUTABLE_FIELD"),
        (x.ExperimentSpec(max_restarts=-1), "max_restarts", "INVALID_REQUEST"),
        (x.ExperimentSpec(), "colour", "INVALID_REQUEST"),
        (x.ExperimentSpec(), "", "INVALID_REQUEST"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_an_update_of_anything_else_is_refused(
    client: Client, spec: x.ExperimentSpec, path: str, reason: str
) -> None:
    await client.create()
    mask = FieldMask(paths=[path] if path else [])
    request = e.UpdateExperimentRequest(experiment_id="e", spec=spec, update_mask=mask)

    refusal = await refused(client.experiments.UpdateExperiment(request))

    assert refusal.reason == reason
    assert (await client.get()).sequence == 1


async def test_after_the_end_only_labels_and_name_change(client: Client) -> None:
    await client.create()
    await client.experiments.StopExperiment(e.StopExperimentRequest(experiment_id="e"))

    def update(path: str) -> e.UpdateExperimentRequest:
        return e.UpdateExperimentRequest(
            experiment_id="e", spec=x.ExperimentSpec(display_name="done", max_restarts=9),
            update_mask=FieldMask(paths=[path]),
        )  # fmt: skip

    named = await client.experiments.UpdateExperiment(update("display_name"))
    assert named.experiment.spec.display_name == "done"
    refusal = await refused(client.experiments.UpdateExperiment(update("max_restarts")))
    assert refusal.reason == "IMMUTABLE_FIELD"


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
    for _ in range(2):
        stopped = await calls.StopExperiment(e.StopExperimentRequest(experiment_id="e"))
        assert stopped.experiment.end_reason == x.END_REASON_STOPPED_BY_USER
    assert stopped.experiment.progress == 1.0
    ended = await refused(calls.PauseExperiment(e.PauseExperimentRequest(experiment_id="e")))
    assert (ended.code, ended.reason) == ("FAILED_PRECONDITION", "EXPERIMENT_ENDED")


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
    await client.create()
    lost = await refused(client.report(given, 1, 0.5))
    assert lost.reason in ("TRIAL_NOT_FOUND", "LEASE_LOST"), "a token of the former one"


async def test_a_given_configuration_is_tried_first(client: Client) -> None:
    await client.create()
    value = t.ParameterValue(double_value=0.25)
    request = e.CreateTrialRequest(
        experiment_id="e", parameters=[t.Parameter(name="lr", value=value)], request_id="r"
    )

    made = (await client.experiments.CreateTrial(request)).trial
    again = (await client.experiments.CreateTrial(request)).trial
    given = await client.take()

    assert (made.state, made.trial_number, made.bracket) == (t.TRIAL_STATE_QUEUED, 0, -1)
    assert again.trial_number == 0
    assert (given.trial_number, given.kind) == (0, t.ASSIGNMENT_KIND_ENQUEUED)
    assert given.parameters[0].value == value


async def test_a_finished_trial_can_join_the_rungs(client: Client) -> None:
    await client.create()
    request = e.CreateTrialRequest(
        experiment_id="e",
        joins_rungs=True,
        observations=[
            t.MetricPoint(step=step, metrics=[t.MetricValue(name="loss", value=1 / step)])
            for step in (1, 3)
        ],
    )

    made = (await client.experiments.CreateTrial(request)).trial

    assert (made.state, made.best_rung_length) == (t.TRIAL_STATE_COMPLETED, 3)
    assert made.best_rung_value == pytest.approx(1 / 3)
    rungs = await client.experiments.ListRungs(e.ListRungsRequest(experiment_id="e"))
    assert [(entry.rung, entry.promoted) for entry in rungs.entries] == [(0, True), (1, False)]


async def test_a_cancelled_trial_stays_cancelled(client: Client) -> None:
    await client.create()
    given = await client.take()
    request = e.CancelTrialRequest(experiment_id="e", trial_number=0, reason="diverges")

    for _ in range(2):
        trial = (await client.experiments.CancelTrial(request)).trial
        assert (trial.state, trial.end_message) == (t.TRIAL_STATE_CANCELLED, "diverges")
    decision = await client.report(given, 1, 0.5)
    assert decision.reason == t.DECISION_REASON_CANCELLED


async def test_a_preview_writes_nothing_and_needs_no_metric(client: Client) -> None:
    """Of nine trials 6 end at 1, 2 at 3 and 1 at 9: 21 units; 21 · 10 s / 2 workers = 105 s."""
    spec = halving()
    spec.ClearField("metric")
    request = e.PreviewExperimentRequest(spec=spec, worker_count=2, seconds_per_unit=10)

    plan = (await client.experiments.PreviewExperiment(request)).preview

    assert [(p.length, p.trial_count) for p in plan.planned_lengths] == [(1, 6), (3, 2), (9, 1)]
    assert (plan.total_trials, plan.total_units, plan.total_units_worst) == (9, 21, 81)
    assert plan.wall_time.seconds == 105

"""Control of single trials: configurations that are given, and cancelled trials."""

from __future__ import annotations

from typing import Any

import pytest

from asha_server.pb import experiment_pb2 as x
from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import suggestion_service_pb2 as s
from asha_server.pb import trial_pb2 as t

from .conftest import Client, held, refused


def lr(value: float) -> list[t.Parameter]:
    return [t.Parameter(name="lr", value=t.ParameterValue(double_value=value))]


def seen(**values_at_steps: float) -> list[t.MetricPoint]:
    """Observations: `at1=0.5` is a loss of 0.5 at step 1."""
    return [
        t.MetricPoint(step=int(step[2:]), metrics=[t.MetricValue(name="loss", value=value)])
        for step, value in values_at_steps.items()
    ]


async def give(client: Client, **more: Any) -> t.Trial:
    request = e.CreateTrialRequest(experiment_id="e", **more)
    return (await client.experiments.CreateTrial(request)).trial


async def cancel(client: Client, number: int = 0, reason: str = "") -> t.Trial:
    request = e.CancelTrialRequest(experiment_id="e", trial_number=number, reason=reason)
    return (await client.experiments.CancelTrial(request)).trial


# -- given configurations -------------------------------------------------------------------------


async def test_a_given_configuration_is_tried_first(client: Client) -> None:
    await client.create()

    made = await give(client, parameters=lr(0.25))
    given = await client.take()

    assert (made.state, made.trial_number, made.bracket) == (t.TRIAL_STATE_QUEUED, 0, -1)
    assert (made.attempt, made.rung) == (0, -1)
    assert (given.trial_number, given.kind) == (0, t.ASSIGNMENT_KIND_ENQUEUED)
    assert given.parameters[0].value.double_value == 0.25
    assert (given.bracket, given.rung) == (0, 0)


async def test_given_configurations_are_tried_in_their_order(client: Client) -> None:
    await client.create()
    for value in (0.75, 0.25):
        await give(client, parameters=lr(value))

    values = [(await client.take(f"w{n}")).parameters[0].value.double_value for n in range(2)]

    assert values == [0.75, 0.25]


async def test_what_a_given_configuration_leaves_out_is_sampled(client: Client) -> None:
    await client.create()

    made = await give(client)

    assert [parameter.name for parameter in made.parameters] == ["lr"]
    assert 0 <= made.parameters[0].value.double_value <= 1


async def test_the_same_request_id_gives_one_trial(client: Client) -> None:
    await client.create()
    first = await give(client, parameters=lr(0.25), request_id="r")

    assert await give(client, parameters=lr(0.25), request_id="r") == first
    reused = await refused(give(client, parameters=lr(0.5), request_id="r"))
    assert (reused.code, reused.reason) == ("FAILED_PRECONDITION", "REQUEST_ID_REUSED")
    assert (await client.get()).trial_counts.created == 1


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [
        ("lr", t.ParameterValue(double_value=1.5), "parameters[0].value"),
        ("lr", t.ParameterValue(int_value=0), "parameters[0].value"),
        ("lr", t.ParameterValue(double_value=float("nan")), "parameters[0].value"),
        ("colour", t.ParameterValue(double_value=0.5), "parameters[0].name"),
        ("", t.ParameterValue(double_value=0.5), "parameters[0].name"),
    ],
)
async def test_values_outside_the_space_are_refused(
    client: Client, name: str, value: t.ParameterValue, field: str
) -> None:
    await client.create()

    refusal = await refused(give(client, parameters=[t.Parameter(name=name, value=value)]))

    assert (refusal.code, list(refusal.fields)) == ("INVALID_ARGUMENT", [field])
    assert (await client.get()).sequence == 1


async def test_there_are_no_more_given_trials_than_trials(client: Client) -> None:
    await client.create(max_trials=2)
    await client.take()
    await give(client, parameters=lr(0.5))

    refusal = await refused(give(client, parameters=lr(0.25)))

    assert (refusal.code, refusal.reason) == ("RESOURCE_EXHAUSTED", "LIMIT_EXCEEDED")
    assert refusal.retry_after_s is None


async def test_nothing_is_given_after_the_end(client: Client) -> None:
    await client.create()
    first = await give(client, parameters=lr(0.25), request_id="r")
    await client.stop()

    refusal = await refused(give(client, parameters=lr(0.5)))

    assert (refusal.code, refusal.reason) == ("FAILED_PRECONDITION", "EXPERIMENT_ENDED")
    again = await give(client, parameters=lr(0.25), request_id="r")
    assert again.trial_number == first.trial_number, "what was created stays the answer"


# -- finished trials ------------------------------------------------------------------------------


async def test_a_finished_trial_is_known_and_takes_no_place(client: Client) -> None:
    await client.create(max_trials=1)

    made = await give(client, parameters=lr(0.5), observations=seen(at1=0.5, at9=0.1))

    assert (made.state, made.end_reason) == (
        t.TRIAL_STATE_COMPLETED, t.TRIAL_END_REASON_ENDED_BY_ITSELF,
    )  # fmt: skip
    assert (made.last_step, made.last_value) == (9, 0.1)
    assert not made.HasField("best_rung_length")
    assert (await client.take()).trial_number == 1
    rungs = await client.experiments.ListRungs(e.ListRungsRequest(experiment_id="e"))
    assert not rungs.entries


async def test_a_finished_trial_can_join_the_rungs(client: Client) -> None:
    await client.create()

    made = await give(client, observations=seen(at1=1, at3=0.25), joins_rungs=True)

    assert (made.state, made.best_rung_length) == (t.TRIAL_STATE_COMPLETED, 3)
    assert made.best_rung_value == 0.25
    rungs = await client.experiments.ListRungs(e.ListRungsRequest(experiment_id="e"))
    assert [(entry.rung, entry.promoted) for entry in rungs.entries] == [(0, True), (1, False)]
    assert (await client.get()).incumbent.trial_number == 0


async def test_a_finished_trial_competes_with_those_that_train(client: Client) -> None:
    """0.5 and 0.6 are second and third of three: the joined one alone is among the best third."""
    await client.create()
    await give(client, observations=seen(at1=0.1), joins_rungs=True)

    await client.arrive(0.5)
    decision = await client.report(await client.take("x"), 1, 0.6)

    assert (decision.rank, decision.competitors, decision.cutoff) == (2, 3, 0.1)


@pytest.mark.parametrize(
    ("more", "fields"),
    [
        ({"joins_rungs": True}, {"joins_rungs"}),
        ({"observations": [*seen(at3=1), *seen(at1=1)]}, {"observations"}),
        ({"observations": [*seen(at1=1), *seen(at1=1)]}, {"observations"}),
        ({"observations": [t.MetricPoint(step=1)]}, {"observations[0].metrics"}),
        ({"observations": [t.MetricPoint(step=1, metrics=2 * [t.MetricValue(name="a")])]},
         {"observations[0].metrics"}),
        ({"observations": [t.MetricPoint(step=1, metrics=[t.MetricValue(name="ä")])]},
         {"observations[0].metrics[0].name"}),
    ],
)  # fmt: skip
async def test_observations_that_cannot_be_are_refused(
    client: Client, more: dict[str, Any], fields: set[str]
) -> None:
    await client.create()

    refusal = await refused(give(client, **more))

    assert (refusal.code, set(refusal.fields)) == ("INVALID_ARGUMENT", fields)


# -- cancelled trials -----------------------------------------------------------------------------


async def test_a_cancelled_trial_stays_cancelled(client: Client) -> None:
    await client.create()
    given = await client.take()

    for reason in ("diverges", "another reason"):
        trial = await cancel(client, reason=reason)
        assert (trial.state, trial.end_message) == (t.TRIAL_STATE_CANCELLED, "diverges")
    decision = await client.report(given, 1, 0.5)
    assert (decision.verdict, decision.reason) == (t.VERDICT_STOP, t.DECISION_REASON_CANCELLED)
    assert (await client.take()).trial_number == 1


async def test_a_trial_that_ended_otherwise_is_not_cancelled(client: Client) -> None:
    await client.create()
    given = await client.take()
    await client.suggestions.FailTrial(
        s.FailTrialRequest(**held(given), kind=s.FAILURE_KIND_PERMANENT)
    )

    refusal = await refused(cancel(client))

    assert (refusal.code, refusal.reason) == ("FAILED_PRECONDITION", "TRIAL_ENDED")
    assert refusal.metadata["trial_state"] == "FAILED"
    missing = await refused(cancel(client, 1))
    assert (missing.code, missing.reason) == ("NOT_FOUND", "TRIAL_NOT_FOUND")


async def test_a_given_configuration_can_be_cancelled_before_it_is_tried(client: Client) -> None:
    await client.create()
    await give(client, parameters=lr(0.5))

    trial = await cancel(client)

    assert (trial.state, trial.attempt) == (t.TRIAL_STATE_CANCELLED, 0)
    assert (await client.take()).trial_number == 1


async def test_all_cancelled_is_completed(client: Client) -> None:
    await client.create(max_trials=1)
    await client.take()

    await cancel(client)

    assert (await client.get()).state == x.EXPERIMENT_STATE_COMPLETED

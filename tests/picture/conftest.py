"""A small search, simulated, for the pictures' tests."""

from __future__ import annotations

import pytest

from asha_server.picture.story import Story, story_of
from asha_server.search.counterpart import synchronous_form
from asha_server.search.curves import RecordedCurves
from asha_server.search.simulation import Conditions, simulate
from asha_server.search.spec import AsyncHalving, ExperimentSpec, Metric
from asha_server.search.terms import Goal

SPEC = ExperimentSpec(
    metric=Metric("loss", Goal.MINIMIZE),
    method=AsyncHalving(num_rungs=2, divisor=3.0),
    max_length=3,
    max_trials=6,
    max_concurrent_trials=0,
    unit="epochs",
    seed=1,
)
LOSSES = (0.6, 0.2, 0.5, 0.4, 0.1, 0.3)
CURVES = RecordedCurves([[loss] for loss in LOSSES])


def story(spec: ExperimentSpec, conditions: Conditions) -> Story:
    outcome = simulate(spec, CURVES, conditions)
    return story_of(outcome.records, conditions.workers, outcome.elapsed_s)


@pytest.fixture
def asynchronous() -> Story:
    return story(SPEC, Conditions(2))


@pytest.fixture
def synchronous() -> Story:
    return story(synchronous_form(SPEC), Conditions(2))

"""One rung below the top one, value after value: who is promoted, who is stopped."""

from __future__ import annotations

from typing import Any

import pytest

from asha_server.search import command as c
from asha_server.search.experiment import Experiment

from .drive import number, spec_of
from .vectors import cases


def one_rung(divisor: float, trials: int, variant: str) -> Experiment:
    """A rung at 999 of 1000 units that all trials are on their way to.

    One trial more than report keeps the rung from being final.
    """
    config = {
        "method": "async_halving",
        "variant": variant,
        "num_rungs": 2,
        "divisor": divisor,
        "max_length": 1000,
        "max_trials": trials + 1,
        "max_concurrent_trials": 0,
    }
    experiment, _ = Experiment.create("rung", spec_of(config), seed=1, now_us=0)
    for trial in range(trials + 1):
        assignment = experiment.decide(c.GetSuggestion(f"w{trial}"), 0).reply
        assert isinstance(assignment, c.Assignment)
        assert assignment.trial_number == trial
    return experiment


def entries(experiment: Experiment) -> list[tuple[int, bool]]:
    """(trial, whether promoted), best first."""
    state = experiment.state
    return [
        (trial, state.trials[trial].entries[0].is_promoted)
        for _, _, _, trial in state.brackets[0].rungs[0].entries
    ]


def report(experiment: Experiment, trial: int, value: float | str) -> c.Answer:
    metrics = (("loss", number(value) or 0.0),)
    reply = experiment.decide(c.ReportMetric(trial, 1, 999, metrics), 0).reply
    assert isinstance(reply, c.Answer)
    return reply


@pytest.mark.parametrize("case", cases("promotion_single_rung"), ids=lambda case: case["name"])
def test_who_is_promoted_after_each_report(case: dict[str, Any]) -> None:
    experiment = one_rung(case["divisor"], len(case["values"]), "PROMOTION")

    for trial, value in enumerate(case["values"]):
        promoted = [trial] if report(experiment, trial, value).decision.reason == "PROMOTED" else []
        helper = 0
        while True:
            reply = experiment.decide(c.GetSuggestion(f"helper {trial} {helper}"), 0).reply
            if not isinstance(reply, c.Assignment):
                break
            assert reply.kind == "PROMOTED"
            promoted.append(reply.trial_number)
            helper += 1
        assert promoted == case["promoted_after_each"][trial]

    assert entries(experiment) == [tuple(entry) for entry in case["order"]]


@pytest.mark.parametrize("case", cases("stopping_single_rung"), ids=lambda case: case["name"])
def test_who_is_stopped_by_each_report(case: dict[str, Any]) -> None:
    experiment = one_rung(case["divisor"], len(case["values"]), "STOPPING")

    for trial, value in enumerate(case["values"]):
        decision = report(experiment, trial, value).decision
        explained = [decision.reason, decision.rank, decision.competitors, decision.cutoff]
        assert explained == case["decisions"][trial]
        assert (decision.verdict == "CONTINUE") == (decision.reason == "TOP_FRACTION")

    assert [trial for trial, _ in entries(experiment)] == case["order"]

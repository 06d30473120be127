"""A deleted search is freed bit by bit, so that nobody waits for a million trials to go."""

from __future__ import annotations

from asha_server.search.command import Assignment, GetSuggestion, ReportMetric
from asha_server.search.experiment import Experiment

from .drive import spec_of

TRIALS = 250


def test_a_deleted_search_is_let_go_of_in_pieces() -> None:
    spec = spec_of({"method": "async_halving", "num_rungs": 3, "divisor": 3, "max_length": 9,
                    "max_trials": TRIALS, "max_concurrent_trials": 0,
                    "goal": "MINIMIZE"})  # fmt: skip
    experiment, _ = Experiment.create("e", spec, seed=1, now_us=1)
    for number in range(TRIALS):
        given = experiment.decide(GetSuggestion(f"w{number}", request_id=f"r{number}"), 1).reply
        assert isinstance(given, Assignment)
        loss = (("loss", 1 / (number + 1)),)
        experiment.decide(
            ReportMetric(given.trial_number, given.attempt, given.next_decision_step, loss), 1
        )
    state = experiment.state
    most = 10

    pieces = 1
    before = len(state.trials)
    while state.crumble(most):
        assert before - len(state.trials) <= most
        before = len(state.trials)
        pieces += 1

    assert pieces > TRIALS / 3 / most  # at least a third of the trials entered rung 0
    assert state.trials == []
    assert not any(rung.entries for bracket in state.brackets for rung in bracket.rungs)
    assert not state.assigned_by

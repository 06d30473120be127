"""The example of docs/explanation/asha.md, played through the real search.

Nine trials, one worker, three rungs at 1, 3 and 9 epochs; each trial has a loss of its own that
sinks by 0.01 an epoch. Nothing here decides anything: the losses go in, the verdicts come out.
"""

from __future__ import annotations

from typing import NamedTuple

from asha_server.search.command import Answer, Assignment, GetSuggestion, ReportMetric
from asha_server.search.experiment import Experiment
from asha_server.search.spec import AsyncHalving, ExperimentSpec, Metric
from asha_server.search.terms import Goal, HalvingVariant, TrialState, Verdict

LENGTHS = (1, 3, 9)
LOSSES = (0.90, 0.70, 0.80, 0.60, 0.50, 0.95, 0.40, 0.85, 0.65)
"""Loss of each trial before its first epoch."""


class Step(NamedTuple):
    """One report of the example.

    Attributes:
        trial: whose.
        epoch: units trained so far.
        loss: the value reported.
        verdict: what was decided.
    """

    trial: int
    epoch: int
    loss: float
    verdict: Verdict


class Play(NamedTuple):
    """The example from beginning to end.

    Attributes:
        steps: list[Step], in order.
        epochs: units trained over all trials.
        states: list[TrialState], of each trial in the end.
    """

    steps: list[Step]
    epochs: int
    states: list[TrialState]


def play(variant: HalvingVariant) -> Play:
    """Trains every trial that the search wants trained."""
    spec = ExperimentSpec(
        metric=Metric("loss", Goal.MINIMIZE),
        method=AsyncHalving(num_rungs=len(LENGTHS), divisor=3.0, variant=variant),
        max_length=LENGTHS[-1],
        max_trials=len(LOSSES),
    )
    experiment, _ = Experiment.create("example", spec, seed=0, now_us=0)
    steps: list[Step] = []
    while isinstance(given := experiment.decide(GetSuggestion("worker"), 0).reply, Assignment):
        steps += _train(experiment, given)
    state = experiment.state
    return Play(steps, state.total_length, [state.state_of(trial) for trial in state.trials])


def _train(experiment: Experiment, given: Assignment) -> list[Step]:
    """Trains one assignment until the verdict is not to continue."""
    steps: list[Step] = []
    epoch = given.next_decision_step
    while True:
        loss = round(LOSSES[given.trial_number] - epoch / 100, 2)
        command = ReportMetric(
            given.trial_number, given.attempt, epoch, (("loss", loss),), f"checkpoint-{epoch}"
        )
        answer = experiment.decide(command, 0).reply
        assert isinstance(answer, Answer)
        decision = answer.decision
        steps.append(Step(given.trial_number, epoch, loss, decision.verdict))
        if decision.verdict is not Verdict.CONTINUE:
            return steps
        epoch = decision.next_decision_step

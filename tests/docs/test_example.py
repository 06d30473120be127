"""The numbers that docs/explanation and docs/howto tell are what the search really does."""

from __future__ import annotations

from pathlib import Path

import pytest

from asha_server.search.command import Answer, Assignment, GetSuggestion, Reply, ReportMetric
from asha_server.search.experiment import Experiment
from asha_server.search.preview import preview
from asha_server.search.spec import (
    AdaptiveAsha,
    AsyncHalving,
    ExperimentSpec,
    Method,
    Metric,
    RandomSearch,
    validate,
)
from asha_server.search.terms import BracketMode, Goal, HalvingVariant, TrialState, Verdict

from .page import DOCS, Block, blocks, rows

ASHA = DOCS / "explanation" / "asha.md"
VARIANTS = DOCS / "howto" / "choose-a-variant.md"


def _block(name: str, argument: str = "", page: Path = ASHA) -> Block:
    (found,) = (block for block in blocks(page) if (block.mark, block.argument) == (name, argument))
    return found


def _experiment(variant: HalvingVariant, max_trials: int) -> Experiment:
    spec = ExperimentSpec(
        metric=Metric("loss", Goal.MINIMIZE),
        method=AsyncHalving(num_rungs=3, divisor=3.0, variant=variant),
        max_length=9,
        max_trials=max_trials,
    )
    return Experiment.create("example", spec, seed=0, now_us=0)[0]


def _follow(experiment: Experiment, table: list[list[str]]) -> list[list[str]]:
    """Reports the trials, epochs and losses of a table; the table as the search makes it."""
    told: list[list[str]] = []
    given: Reply | None = None
    for number, row in enumerate(table, 1):
        trial, epoch, loss = int(row[1]), int(row[2]), float(row[3])
        if given is None:
            given = experiment.decide(GetSuggestion("worker"), 0).reply
        assert isinstance(given, Assignment)
        assert given.trial_number == trial, f"report {number} is of trial {given.trial_number}"
        metrics = (("loss", loss),)
        command = ReportMetric(trial, given.attempt, epoch, metrics, f"{trial}-{epoch}")
        answer = experiment.decide(command, 0).reply
        assert isinstance(answer, Answer)
        said = answer.decision
        places = [said.rung, said.rank, said.competitors, said.verdict, said.reason]
        told.append([str(number), row[1], row[2], row[3], *map(str, places)])
        if said.verdict is not Verdict.CONTINUE:
            given = None
    return told


@pytest.mark.parametrize(
    ("name", "variant", "max_trials", "epochs", "completed"),
    [
        ("promotion", HalvingVariant.PROMOTION, 9, 29, 2),
        ("stopping", HalvingVariant.STOPPING, 9, 49, 5),
        ("close-out", HalvingVariant.PROMOTION, 2, 10, 1),  # 1 + 9 epochs
    ],
)
def test_the_examples_reports_get_the_verdicts_of_the_table(
    name: str, variant: HalvingVariant, max_trials: int, epochs: int, completed: int
) -> None:
    table = rows(_block("example", name))
    experiment = _experiment(variant, max_trials)

    assert _follow(experiment, table) == table
    state = experiment.state
    assert state.state.is_ended
    assert state.total_length == epochs
    assert state.counts[TrialState.COMPLETED] == completed
    assert state.counts[TrialState.STOPPED] == max_trials - completed


def _spec(method: Method) -> ExperimentSpec:
    spec = ExperimentSpec(
        metric=Metric("loss", Goal.MINIMIZE), method=method, max_length=81, max_trials=100
    )
    assert validate(spec) == []
    return spec


def test_the_modes_have_the_brackets_of_the_table() -> None:
    told: list[list[str]] = []
    for mode in (BracketMode.AGGRESSIVE, BracketMode.STANDARD, BracketMode.CONSERVATIVE):
        plan = preview(_spec(AdaptiveAsha(mode=mode, divisor=3.0)))
        for index, bracket in enumerate(plan.brackets):
            lengths = ", ".join(map(str, bracket.rung_lengths))
            first = (mode.value.lower(), str(plan.units)) if index == 0 else ("", "")
            told.append([first[0], lengths, str(bracket.max_trials), first[1]])

    assert rows(_block("brackets")) == told


def test_the_methods_cost_what_the_table_says() -> None:
    methods: dict[str, Method] = {
        "`random_search: {}`": RandomSearch(),
        "`adaptive_asha: {}`": AdaptiveAsha(),
        "`adaptive_asha: {divisor: 3}`": AdaptiveAsha(divisor=3.0),
        "`adaptive_asha: {divisor: 3, mode: aggressive}`": AdaptiveAsha(
            divisor=3.0, mode=BracketMode.AGGRESSIVE
        ),
        "`adaptive_asha: {divisor: 3, mode: conservative}`": AdaptiveAsha(
            divisor=3.0, mode=BracketMode.CONSERVATIVE
        ),
    }
    told = []
    for written, method in methods.items():
        plan = preview(_spec(method))
        told.append([written, str(plan.units), f"{plan.units / plan.units_full:.1%}"])

    table = rows(_block("plans", page=VARIANTS))
    assert [[row[0], row[1], row[2].replace(" ", "")] for row in table] == told


def test_sixteen_slots_are_shared_as_six_five_and_five() -> None:
    plan = preview(_spec(AdaptiveAsha(divisor=3.0)))

    assert plan.concurrency_limit == 16
    assert [bracket.share for bracket in plan.brackets] == [6, 5, 5]

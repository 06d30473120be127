"""The slow, obvious model of `model.py` against the fixed vectors.

An oracle that has not passed these is worth nothing. Every field that a vector gives is compared,
and where a trace says nothing of `closed` or `experiment` there must be none.
"""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import NotRequired, TypedDict, cast

import pytest

from .model import Model, exact, geometry, preview, rung_lengths, rung_limit

VECTORS = Path(__file__).parent.parent / "vectors"


class Step(TypedDict):
    op: str
    expect: dict[str, object]
    worker: NotRequired[str]
    release_held: NotRequired[bool]
    trial: NotRequired[int]
    attempt: NotRequired[int]
    step: NotRequired[int]
    value: NotRequired[float | str | None]
    checkpoint: NotRequired[str]
    kind: NotRequired[str]
    closed: NotRequired[list[int]]
    experiment: NotRequired[str]


class Trace(TypedDict):
    name: str
    config: dict[str, object]
    steps: list[Step]
    final: dict[str, object]


class BracketCase(TypedDict):
    config: dict[str, object]
    concurrency_limit: int | None
    brackets: list[dict[str, object]]
    total_trials: int


class LimitCase(TypedDict):
    n: int
    divisor: float
    rungs: int


class LengthsCase(TypedDict):
    num_rungs: int
    max_length: int
    divisor: float
    lengths: list[int]


class PreviewCase(TypedDict):
    config: dict[str, object]
    plan: list[list[int]]
    total_trials: int
    total_units: int


class PromotionCase(TypedDict):
    divisor: float
    values: list[float | str]
    promoted_after_each: list[list[int]]
    order: list[list[object]]


class StoppingCase(TypedDict):
    divisor: float
    values: list[float | str]
    decisions: list[list[object]]
    order: list[int]


def _read(name: str) -> dict[str, list[object]]:
    read: dict[str, list[object]] = json.loads((VECTORS / name).read_text(encoding="utf-8"))
    return read


TRACES = [
    pytest.param(trace, id=f"{name[7:-5]}-{trace['name']}")
    for name in ("traces_promotion.json", "traces_stopping.json")
    for trace in cast("list[Trace]", _read(name)["traces"])
]
BRACKETS = cast("list[BracketCase]", _read("brackets.json")["cases"])
LIMITS = cast("list[LimitCase]", _read("rung_limits.json")["cases"])
LENGTHS = cast("list[LengthsCase]", _read("rung_limits.json")["lengths"])
PREVIEWS = cast("list[PreviewCase]", _read("preview.json")["cases"])
PROMOTIONS = cast("list[PromotionCase]", _read("promotion_single_rung.json")["cases"])
STOPPINGS = cast("list[StoppingCase]", _read("stopping_single_rung.json")["cases"])


def number(value: float | str | None) -> float | None:
    """A value as the vectors write it: what is not a number is a string."""
    return None if value is None else float(value)


def play(model: Model, step: Step) -> dict[str, object]:  # noqa: PLR0911 - one a kind of step
    """One step of a trace."""
    trial, attempt = step.get("trial", -1), step.get("attempt", -1)
    match step["op"]:
        case "get_suggestion":
            return model.get_suggestion(
                step["worker"], release_held=step.get("release_held", False)
            )
        case "report":
            value, checkpoint = number(step["value"]), step.get("checkpoint", "")
            return model.report(trial, attempt, step["step"], value, checkpoint)
        case "complete":
            return model.complete(trial, attempt)
        case "fail":
            return model.fail(trial, attempt, step["kind"])
        case "release":
            return model.release(trial, attempt)
        case "expire":
            return model.expire(trial)
        case "cancel":
            return model.cancel(trial)
        case "stop_experiment":
            return model.stop_experiment()
        case other:
            raise AssertionError(other)


@pytest.mark.parametrize("trace", TRACES)
def test_trace(trace: Trace) -> None:
    model = Model(trace["config"])
    progress = model.progress()

    for number_of_step, step in enumerate(trace["steps"]):
        answer = play(model, step)

        where = f"step {number_of_step}: {step}, answer {answer}"
        got = {name: answer.get(name) for name in step["expect"]}
        assert got == step["expect"], where
        # What an expectation leaves out because there is none must not be in the answer either.
        silent = ("error", "rank", "competitors", "cutoff")
        for absent in silent if step["op"] == "report" else ("error",):
            assert absent in step["expect"] or absent not in answer, where
        assert answer.get("closed", []) == sorted(step.get("closed", [])), where
        assert answer.get("experiment") == step.get("experiment"), where
        assert progress <= model.progress() <= 1, where
        progress = model.progress()

    assert model.final() == trace["final"]
    assert (model.progress() == 1) or trace["final"]["experiment_state"] == "RUNNING"


@pytest.mark.parametrize("case", BRACKETS)
def test_brackets(case: BracketCase) -> None:
    brackets, limit = geometry(case["config"])

    assert limit == case["concurrency_limit"]
    assert [
        {
            "num_rungs": len(bracket.lengths),
            "rungs": bracket.lengths,
            "max_trials": bracket.max_trials,
            "share": bracket.share,
        }
        for bracket in brackets
    ] == case["brackets"]
    assert sum(bracket.max_trials for bracket in brackets) == case["total_trials"]


@pytest.mark.parametrize("case", LIMITS)
def test_rung_limit(case: LimitCase) -> None:
    assert rung_limit(case["n"], exact(case["divisor"])) == case["rungs"]


@pytest.mark.parametrize("case", LENGTHS)
def test_rung_lengths(case: LengthsCase) -> None:
    divisor = exact(case["divisor"])
    assert rung_lengths(case["num_rungs"], case["max_length"], divisor) == case["lengths"]


@pytest.mark.parametrize("case", PREVIEWS)
def test_preview(case: PreviewCase) -> None:
    assert preview(case["config"]) == {
        "plan": case["plan"],
        "total_trials": case["total_trials"],
        "total_units": case["total_units"],
    }


def one_rung(divisor: float, trials: int, variant: str) -> Model:
    """A rung below the top one, all trials running, and one more that keeps the rung open."""
    model = Model(
        {
            "method": "async_halving",
            "variant": variant,
            "num_rungs": 2,
            "divisor": divisor,
            "max_length": 1000,
            "max_trials": trials + 1,
            "max_concurrent_trials": 0,
        }
    )
    for trial in range(trials + 1):
        assert model.get_suggestion(f"w{trial}")["trial"] == trial
    return model


@pytest.mark.parametrize("case", PROMOTIONS)
def test_promotion_single_rung(case: PromotionCase) -> None:
    model = one_rung(case["divisor"], len(case["values"]), "PROMOTION")

    for trial, value in enumerate(case["values"]):
        promoted: list[object] = []
        if model.report(trial, 1, 999, number(value))["reason"] == "PROMOTED":
            promoted.append(trial)
        helper = 0
        while "kind" in (answer := model.get_suggestion(f"helper {trial} {helper}")):
            assert answer["kind"] == "PROMOTED"
            promoted.append(answer["trial"])
            helper += 1
        assert promoted == case["promoted_after_each"][trial]

    rungs = cast("list[list[list[list[object]]]]", model.final()["rungs"])
    assert [[trial, promoted] for trial, _, promoted in rungs[0][0]] == case["order"]


@pytest.mark.parametrize("case", STOPPINGS)
def test_stopping_single_rung(case: StoppingCase) -> None:
    model = one_rung(case["divisor"], len(case["values"]), "STOPPING")

    for trial, value in enumerate(case["values"]):
        answer = model.report(trial, 1, 999, number(value))
        names = ("reason", "rank", "competitors", "cutoff")
        assert [answer.get(name) for name in names] == case["decisions"][trial]
        assert answer["verdict"] == ("CONTINUE" if answer["reason"] == "TOP_FRACTION" else "STOP")

    rungs = cast("list[list[list[list[object]]]]", model.final()["rungs"])
    assert [trial for trial, _, _ in rungs[0][0]] == case["order"]


def test_a_fractional_divisor_is_the_decimal_as_written() -> None:
    assert exact(2.2) == Fraction(11, 5)

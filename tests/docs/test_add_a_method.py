"""docs/howto/add-a-method.md: its code makes a method, and its dialogue is what that does."""

from __future__ import annotations

from typing import Any

import pytest

from asha_server.search.experiment import Experiment
from asha_server.search.method import METHODS
from asha_server.search.preview import preview
from asha_server.search.spec import ExperimentSpec, Metric, validate
from asha_server.search.terms import Goal
from tests.search.dialogue import Dialogue, parse

from .page import DOCS, fences

PAGE = DOCS / "howto" / "add-a-method.md"


@pytest.fixture
def method(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The method of the page, registered for one test."""
    before = dict(METHODS)
    names: dict[str, Any] = {}
    for language, text in fences(PAGE):
        if language == "python":
            exec(text, names)
    yield names["MedianStopping"]
    METHODS.clear()
    METHODS.update(before)


def spec_of(method: Any, num_rungs: int | None) -> ExperimentSpec:
    return ExperimentSpec(
        metric=Metric("loss", Goal.MINIMIZE),
        method=method(num_rungs),
        max_length=4,
        max_trials=3,
    )


def test_the_dialogue_of_the_page_is_what_its_code_does(method: Any) -> None:
    (text,) = [text for language, text in fences(PAGE) if language == "text"]
    begun, *exchanges = parse(text)
    dialogue = Dialogue()
    dialogue.experiment, _ = Experiment.create("page", spec_of(method, 2), seed=1, now_us=0)
    assert begun.said.endswith("num_rungs=2 max_length=4 max_trials=3")
    assert begun.answer == ["rungs 2 4"]

    for exchange in exchanges:
        assert dialogue.say(exchange.said) == exchange.answer, exchange.said


def test_its_plan_and_its_violations_follow(method: Any) -> None:
    assert preview(spec_of(method, 2)).trials_by_length == ((2, 2), (4, 1))
    (violation,) = validate(spec_of(method, None))
    assert violation.path == "spec.median_stopping.num_rungs"

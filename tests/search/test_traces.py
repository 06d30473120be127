"""Every conversation of `tests/vectors/traces_*.json`, held with the core."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from asha_server.search.experiment import Experiment

from .drive import final_of, run_step, spec_of

VECTORS = Path(__file__).parents[1] / "vectors"


def _load(name: str) -> list[dict[str, Any]]:
    traces = json.loads((VECTORS / f"traces_{name}.json").read_text())["traces"]
    assert traces
    return [{**trace, "name": f"{name}: {trace['name']}"} for trace in traces]


TRACES = _load("promotion") + _load("stopping")


@pytest.mark.parametrize("trace", TRACES, ids=lambda trace: trace["name"])
def test_the_core_answers_every_conversation_as_written(trace: dict[str, Any]) -> None:
    experiment, _ = Experiment.create("trace", spec_of(trace["config"]), seed=1, now_us=1)

    for place, step in enumerate(trace["steps"]):
        answer = run_step(experiment, step, now_us=place + 2)

        where = f"step {place}: {step}\nanswered {answer}"
        for field, expected in step["expect"].items():
            assert answer.get(field) == expected, f"{field}: {where}"
        silent = ("error", "rank", "cutoff") if step["op"] == "report" else ("error",)
        for field in silent:
            assert field in step["expect"] or field not in answer, f"unexpected {field}: {where}"
        assert step.get("experiment") == answer.get("experiment"), f"experiment: {where}"
        assert sorted(step.get("closed", [])) == answer.get("closed", []), f"closed: {where}"
        experiment.check()
    assert final_of(experiment) == trace["final"]

"""Determined's configurations: every section of its vector file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from asha_server.cli.determined.hyperparameters import SpaceTranslator, plain
from asha_server.cli.determined.searcher_fields import with_defaults
from asha_server.cli.determined.template import merge_hyperparameters
from asha_server.cli.determined.translation import translate
from asha_server.cli.experiment_file import read_experiment
from asha_server.cli.yaml_document import Node, parse
from asha_server.search import spec as core
from asha_server.search.parameter import (
    Categorical,
    Constant,
    DoubleRange,
    Group,
    IntRange,
    ParameterSpec,
)
from asha_server.search.preview import preview
from asha_server.wire.spec import parse_spec

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "determined_configs.json").read_text("utf-8")
)
METHODS = {"random": "random_search", "grid": "grid_search"}


def node(value: Any) -> Node:
    return parse(json.dumps(value), "f.yaml")


def faults(**sections: Any) -> list[str]:
    """What is refused of a file, as a person reads it."""
    return [str(fault) for fault in translate(node(sections)).faults]


def spec_of(**sections: Any) -> core.ExperimentSpec:
    """What the search is asked for by a file."""
    return parse_spec(read_experiment(json.dumps(sections), "f.yaml").spec)


@pytest.mark.parametrize("case", VECTORS["defaults"], ids=lambda case: case["searcher"]["name"])
def test_defaults_are_filled_in(case: dict[str, Any]) -> None:
    assert plain(with_defaults(node(case["searcher"]))) == case["with_defaults"]


@pytest.mark.parametrize("searcher", VECTORS["valid"], ids=lambda searcher: searcher["name"])
def test_what_determined_accepts_is_translated(searcher: dict[str, Any]) -> None:
    found = faults(searcher=searcher)

    match searcher["name"]:
        case "custom":
            (fault,) = found
            assert "a custom searcher is a program, not a search" in fault
        case "sync_halving":  # its budget is in epochs, its length in batches
            (fault,) = found
            assert "f.yaml:1: searcher.budget: is in epochs and the length in batches" in fault
            assert not faults(
                searcher=searcher,
                records_per_epoch=640_000,
                hyperparameters={"global_batch_size": 64},
            )
        case _:
            assert not found


@pytest.mark.parametrize("case", VECTORS["invalid"], ids=lambda case: case["why"])
def test_what_determined_refuses_is_refused(case: dict[str, Any]) -> None:
    (fault,) = faults(searcher=case["searcher"])

    # Their words: "max_trials below minimum 1", "metric is a required property", …
    field = next(
        (name for name in case["why"].split() if f"searcher.{name}" in fault),
        "max_length" if case["why"].startswith("length") else "divisor",
    )
    assert f"f.yaml:1: searcher.{field}: " in fault


@pytest.mark.parametrize("case", VECTORS["accepted_there"], ids=lambda case: case["why"])
def test_what_only_determined_accepts(case: dict[str, Any]) -> None:
    found = faults(searcher=case["searcher"])

    assert bool(found) == case["refused_here"]
    if not found:
        plan = preview(spec_of(searcher=case["searcher"], hyperparameters={}))
        assert [bracket.max_trials for bracket in plan.brackets] == [1, 1, 1]


@pytest.mark.parametrize("case", VECTORS["imports"], ids=lambda case: case["searcher"]["name"])
def test_a_searcher_means_that_search(case: dict[str, Any]) -> None:
    spec = spec_of(searcher=case["searcher"], hyperparameters={})
    wanted = dict(case["search"])

    method = spec.method
    assert method is not None
    assert method.arm == METHODS.get(wanted["method"], wanted["method"])
    del wanted["method"]
    assert spec.metric.name == case["searcher"]["metric"]
    assert spec.metric.goal == wanted.pop("goal")
    for name, value in wanted.items():
        found = getattr(method, name, None) if hasattr(method, name) else getattr(spec, name)
        shown = list(found) if isinstance(found, tuple) else found
        assert shown == (value.upper() if name == "mode" else value), name


def flat(specs: tuple[ParameterSpec, ...], outer: str = "") -> list[dict[str, Any]]:
    """Parameters as the vectors write them."""
    found: list[dict[str, Any]] = []
    for parameter in specs:
        name, kind = f"{outer}{parameter.name}", parameter.kind
        if isinstance(kind, Group):
            found += flat(kind.parameters, f"{name}.")
        elif isinstance(kind, DoubleRange | IntRange):
            shown = {
                "name": name,
                "type": "double" if isinstance(kind, DoubleRange) else "int",
                "scale": "log" if kind.log else None,
                "min": kind.min,
                "max": kind.max,
                "count": kind.count,
            }
            found.append({key: value for key, value in shown.items() if value is not None})
        elif isinstance(kind, Categorical):
            found.append({"name": name, "type": "categorical", "values": list(kind.values)})
        else:
            assert isinstance(kind, Constant)
            found.append({"name": name, "type": "constant", "value": kind.value})
    return found


SEARCHER = {"name": "random", "metric": "loss", "max_trials": 9, "max_length": {"batches": 9}}


@pytest.mark.parametrize("case", VECTORS["parameters"], ids=lambda case: str([*case["determined"]]))
def test_hyperparameters_mean_those_parameters(case: dict[str, Any]) -> None:
    spec = spec_of(searcher=SEARCHER, hyperparameters=case["determined"])

    found = flat(spec.parameters)

    assert found == case["parameters"]
    for one, other in zip(found, case["parameters"], strict=True):
        assert type(one.get("value")) is type(other.get("value"))


@pytest.mark.parametrize("case", VECTORS["hyperparameters_valid"], ids=str)
def test_a_hyperparameter_that_determined_accepts(case: dict[str, Any]) -> None:
    hyperparameters = {"x": case["value"]}

    if case["value"] == {"type": "categorical", "vals": []}:  # accepted there, refused here
        (fault,) = faults(searcher=SEARCHER, hyperparameters=hyperparameters)
        assert "hyperparameters.x.vals: is empty" in fault
    else:
        spec = spec_of(searcher=SEARCHER, hyperparameters=hyperparameters)
        assert [parameter.name for parameter in spec.parameters] == ["x"]


@pytest.mark.parametrize("case", VECTORS["hyperparameters_invalid"], ids=lambda case: case["why"])
def test_a_hyperparameter_that_determined_refuses(case: dict[str, Any]) -> None:
    (fault,) = faults(searcher=SEARCHER, hyperparameters={"x": case["value"]})

    assert "f.yaml:1: hyperparameters.x" in fault
    assert {
        "minval must be less than maxval": "x: minval must be less than maxval",
        "base must be greater than 0": "x.base: must be greater than 0",
        "count below minimum 1": "x.count: must be 1 or more",
        "vals is required": "x.vals: is required",
        "unknown type": "x: has an unknown type",
    }[case["why"]] in fault


@pytest.mark.parametrize("case", VECTORS["grid_needs_count"], ids=lambda case: case["error"])
def test_a_grid_needs_counts(case: dict[str, Any]) -> None:
    searcher = {"name": "grid", "metric": "loss", "max_length": 9}

    (fault,) = faults(searcher=searcher, hyperparameters=case["hyperparameters"])

    assert (
        "hyperparameters.dict_hparam.double_hparam.count: is required: grid search is in use"
        in fault
    )


@pytest.mark.parametrize("case", VECTORS["merge"], ids=["one hyperparameter", "nested"])
def test_a_file_is_laid_over_a_template(case: dict[str, Any]) -> None:
    merged = merge_hyperparameters(node({"x": case["user"]}), node({"x": case["template"]}))

    assert _parameters(merged) == _parameters(node({"x": case["merged"]}))


def _parameters(section: Node) -> object:
    translator = SpaceTranslator()
    translated = plain(translator.translate(section))
    assert not translator.faults
    return translated

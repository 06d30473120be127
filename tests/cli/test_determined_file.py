"""A person's Determined file: what is told, what is refused, and where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from asha_server.cli.experiment_file import WrongFile, read_experiment
from asha_server.cli.yaml_document import parse
from asha_server.errors import InvalidRequest
from asha_server.wire.spec import parse_spec

from .conftest import ROOT, Asha

FILE = str(ROOT / "examples" / "determined.yaml")


def read(*settings: str, **sections: Any) -> Any:
    return read_experiment(json.dumps(sections), "f.yaml", settings)


def accepted(**sections: Any) -> None:
    """Reads a file, and asks the search about it.

    Raises:
        WrongFile: as `asha preview` refuses it.
    """
    file = read(**sections)
    try:
        parse_spec(file.spec)
    except InvalidRequest as error:
        raise file.refusal([(v.path, v.message) for v in error.violations]) from error


def notes(name: str, **fields: Any) -> list[str]:
    searcher = {"name": name, "metric": "loss", "max_length": {"batches": 1_000}} | fields
    found: list[str] = list(read(searcher=searcher, hyperparameters={}).notes)
    return found


def told(notes: list[str], begins: str) -> list[str]:
    return [note.removeprefix(f"{begins}: ") for note in notes if note.startswith(begins)]


def test_the_example_is_previewed_and_what_became_of_it_is_told(asha: Asha) -> None:
    said = asha("preview", "-f", FILE, "--no-forecast", "--json")

    assert said.facts[0]["total_trials"] == 1_000
    assert "determined.yaml is a configuration of Determined AI:" in said.err
    assert "translated: searcher.max_length -> max_length 1000, unit batches" in said.err
    assert "translated: as there by default: " in said.err
    assert "no meaning here: entrypoint, resources" in said.err
    assert "allows 4 rungs; there a logarithm of floats allowed 3" in said.err


def test_the_example_is_created_with_its_seed_and_name(asha: Asha) -> None:
    assert asha("create", "-f", FILE, "--id", "from-determined").status == 0

    (shown,) = asha("status", "from-determined", "--json").facts

    spec = shown["spec"]
    assert (spec["display_name"], spec["seed"], spec["max_restarts"]) == ("mnist_adaptive", 42, 3)
    assert spec["labels"] == {"vision": ""}
    assert [parameter["name"] for parameter in spec["parameters"]] == [
        "dropout", "global_batch_size", "learning_rate", "optimizer",
    ]  # fmt: skip


def test_faults_stand_where_the_file_has_them(asha: Asha, tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(
        "entrypiont: x\n"
        "searcher:\n"
        "  name: adaptive_asha\n"
        "  metric: loss\n"
        "  max_trials: 0\n"
        "  divisr: 4\n"
        "hyperparameters:\n"
        "  lr: {type: log, minval: -1, maxval: -4, base: 10}\n"
    )

    said = asha("preview", "-f", str(path))

    assert said.status == 1
    assert said.err.splitlines() == [
        f"Error: {path} has 4 faults:",
        f"  {path}:1: entrypiont: is no field of a Determined experiment; did you mean entrypoint?",
        f"  {path}:5: searcher.max_trials: must be 1 or more",
        f"  {path}:6: searcher.divisr: is no field of adaptive_asha; did you mean divisor?",
        f"  {path}:8: hyperparameters.lr: minval must be less than maxval",
    ]


def test_what_only_the_search_refuses_has_the_files_path_too(asha: Asha, tmp_path: Path) -> None:
    path = tmp_path / "long.yaml"
    path.write_text(
        "searcher: {name: async_halving, metric: loss, max_trials: 3, max_length: 9,\n"
        "  num_rungs: 101}\n"
        "hyperparameters: {}\n"
    )

    said = asha("preview", "-f", str(path))

    assert f"{path}:2: searcher.num_rungs: is required and must be from 1 to 100" in said.err


SPACE_FAULTS: list[tuple[Any, str]] = [
    ({"type": "int", "minval": 0, "maxval": 2**70}, "x.maxval"),
    ({"type": "int", "minval": 0, "maxval": 9, "count": 2**70}, "x.count"),
    ({"type": "categorical", "vals": [1, 1]}, "x.vals[1]"),
    ({"type": "const", "val": 2**70}, "x.val"),
    (2**70, "x"),
    ({"deep": {"not a name": 1}}, "x.deep.not a name"),
]


@pytest.mark.parametrize(("value", "path"), SPACE_FAULTS, ids=[path for _, path in SPACE_FAULTS])
def test_what_only_our_form_refuses_has_the_files_words(value: Any, path: str) -> None:
    searcher = {"name": "random", "metric": "loss", "max_trials": 3, "max_length": 9}

    with pytest.raises(WrongFile) as refused:
        accepted(searcher=searcher, hyperparameters={"x": value})

    assert [fault.spot.path for fault in refused.value.faults] == [f"hyperparameters.{path}"]


def test_faults_of_all_sections_come_at_once_in_the_order_of_the_file() -> None:
    text = (
        "labels: vision\n"
        "hyperparameters:\n"
        "  lr: {type: log, minval: -4, maxval: -1}\n"
        "searcher:\n"
        "  name: pbt\n"
        "  metric: loss\n"
        "  population_size: 0\n"
        "reproducibility: {experiment_sed: 1}\n"
        "batches_per_step: 0\n"
    )

    with pytest.raises(WrongFile) as refused:
        read_experiment(text, "f.yaml")

    assert [(f.spot.place, f.spot.path) for f in refused.value.faults] == [
        ("f.yaml:1", "labels"),
        ("f.yaml:3", "hyperparameters.lr.base"),
        ("f.yaml:4", "searcher.num_rounds"),
        ("f.yaml:4", "searcher.replace_function"),
        ("f.yaml:4", "searcher.explore_function"),
        ("f.yaml:4", "searcher.length_per_round"),
        ("f.yaml:7", "searcher.population_size"),
        ("f.yaml:8", "reproducibility.experiment_sed"),
        ("f.yaml:9", "batches_per_step"),
    ]


@pytest.mark.parametrize("labels", [["vision"], {"vision": True}], ids=["list", "mapping"])
def test_labels_are_a_list_or_the_keys_of_a_mapping(labels: Any) -> None:
    searcher = {"name": "single", "metric": "loss", "max_length": 1}

    assert dict(read(searcher=searcher, labels=labels).spec.labels) == {"vision": ""}


def test_set_renames_a_determined_file() -> None:
    searcher = {"name": "single", "metric": "loss", "max_length": 1}

    assert read("name=second", name="first", searcher=searcher).spec.display_name == "second"


def test_set_reaches_the_fields_of_both_forms() -> None:
    searcher = {"name": "random", "metric": "loss", "max_trials": 3}

    file = read("searcher.max_trials=5", "max_length=7", searcher=searcher, hyperparameters={})

    assert (file.spec.max_trials, file.spec.max_length) == (5, 7)


def test_a_length_that_the_training_code_has_is_asked_for() -> None:
    searcher = {"name": "random", "metric": "loss", "max_trials": 3}

    file = read(searcher=searcher, hyperparameters={})

    assert told(file.notes, "missing") == [
        "a length; since 0.38 the training code has it. Add searcher.max_length, or say "
        "--set max_length=N"
    ]


def test_a_template_lies_below_the_file(asha: Asha, tmp_path: Path) -> None:
    template = tmp_path / "template.yaml"
    template.write_text("searcher: {metric: loss, max_length: {epochs: 3}}\nresources: {}\n")
    path = tmp_path / "user.yaml"
    path.write_text("searcher: {name: random, max_trials: 4}\nhyperparameters: {}\n")

    said = asha("preview", "-f", str(path), "--template", str(template), "--json")

    assert said.facts[0]["total_units"] == 12
    assert "no meaning here: resources" in said.err


def laid_over(user: dict[str, Any], template: dict[str, Any]) -> Any:
    base = parse(json.dumps(template), "t.yaml")
    return read_experiment(json.dumps(user), "f.yaml", (), base).spec


def test_a_template_of_another_searcher_lends_only_what_all_have() -> None:
    user = {"searcher": {"name": "single", "max_length": 7}}
    template = {
        "searcher": {
            "name": "random", "metric": "loss", "smaller_is_better": False, "max_trials": 5,
            "max_concurrent_trials": 2, "max_length": {"batches": 9},
        }
    }  # fmt: skip

    spec = laid_over(user, template)

    assert (spec.WhichOneof("method"), spec.max_length, spec.unit) == ("single", 7, "")
    assert (spec.metric.name, spec.metric.goal) == ("loss", 2)  # GOAL_MAXIMIZE
    assert not spec.HasField("max_trials")


def test_what_a_file_leaves_empty_is_the_templates() -> None:
    user = {"searcher": {"name": "random", "metric": None, "max_trials": 3}, "max_restarts": None}
    template = {"searcher": {"metric": "loss", "max_length": 4}, "max_restarts": 2}

    spec = laid_over(user, template)

    assert (spec.metric.name, spec.max_restarts) == ("loss", 2)


def test_a_length_is_taken_whole() -> None:
    user = {"searcher": {"name": "random", "metric": "l", "max_trials": 3,
                         "max_length": {"epochs": 2}}}  # fmt: skip
    template = {"searcher": {"max_length": {"batches": 500}}}

    spec = laid_over(user, template)

    assert (spec.max_length, spec.unit) == (2, "epochs")


def test_an_empty_hyperparameter_is_a_constant_over_any_template() -> None:
    searcher = {"name": "single", "metric": "loss", "max_length": 1}
    user = {"searcher": searcher, "hyperparameters": {"transformer": None}}
    template = {"hyperparameters": {"transformer": {"task": "translate"}, "lr": 0.1}}

    spec = laid_over(user, template)

    assert [p.name for p in spec.parameters] == ["lr", "transformer"]
    assert spec.parameters[1].constant.value.json_value == "null"


def test_labels_of_file_and_template_are_joined() -> None:
    searcher = {"name": "single", "metric": "loss", "max_length": 1}

    spec = laid_over({"searcher": searcher, "labels": ["a", "b"]}, {"labels": ["b", "c"]})

    assert dict(spec.labels) == {"a": "", "b": "", "c": ""}


# -- lengths --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "length", "unit"),
    [
        ({"max_length": {"records": 5}}, 5, "records"),
        ({"max_length": 5}, 5, "units"),
        ({"max_steps": 5}, 500, "batches"),
        ({"max_time": 5, "time_metric": "epochs"}, 5, "epochs"),
    ],
)
def test_a_length_of_any_version(fields: dict[str, Any], length: int, unit: str) -> None:
    searcher = {"name": "adaptive_asha", "metric": "loss", "max_trials": 3} | fields

    spec = parse_spec(read(searcher=searcher, hyperparameters={}).spec)

    assert (spec.max_length, spec.unit) == (length, unit)


def test_steps_have_the_batches_that_the_file_says() -> None:
    searcher = {"name": "single", "metric": "loss", "max_steps": 5}

    file = read(searcher=searcher, batches_per_step=20)

    assert file.spec.max_length == 100
    assert "batches_per_step -> 20 batches a step" in told(file.notes, "translated")
    assert not told(file.notes, "no meaning here")


@pytest.mark.parametrize(
    ("fields", "path", "message"),
    [
        ({"max_length": 3, "max_time": 3, "time_metric": "batches"}, "max_length", "excludes"),
        ({"max_time": 3}, "max_time", "needs searcher.time_metric"),
        ({"time_metric": "batches"}, "time_metric", "needs searcher.max_time"),
        ({"max_length": 3, "max_steps": 3}, "max_steps", "excludes searcher.max_length"),
        ({"max_length": {"batches": 3, "epochs": 1}}, "max_length", "must be one of"),
        ({"max_length": {"weeks": 3}}, "max_length", "must be one of"),
        ({"bracket_rungs": [1, 0]}, "bracket_rungs", "each 1 or more"),
        ({"stop_once": "yes"}, "stop_once", "true or false"),
        ({"divisor": 10**400}, "divisor", "finite"),
        ({"max_rungs": True}, "max_rungs", "whole number"),
    ],
)
def test_what_cannot_be_is_refused(fields: dict[str, Any], path: str, message: str) -> None:
    searcher = {"name": "adaptive_asha", "metric": "loss", "max_trials": 3} | fields

    with pytest.raises(WrongFile) as refused:
        read(searcher=searcher, hyperparameters={})

    (fault,) = refused.value.faults
    assert fault.spot.path == f"searcher.{path}"
    assert message in fault.message


def test_a_budget_is_converted_to_the_lengths_unit() -> None:
    searcher = {
        "name": "adaptive", "metric": "loss", "max_length": {"batches": 100},
        "budget": {"epochs": 2},
    }  # fmt: skip
    hyperparameters = {"global_batch_size": {"type": "const", "val": 10}}

    file = read(searcher=searcher, hyperparameters=hyperparameters, records_per_epoch=5_000)

    assert file.spec.adaptive.total_length == 1_000
    by = "records_per_epoch, hyperparameters.global_batch_size"
    assert f"{by} -> convert searcher.budget to batches" in told(file.notes, "translated")
    assert not told(file.notes, "no meaning here")
    assert file.spec.max_concurrent_trials == 0  # there was no limit


@pytest.mark.parametrize(
    ("minval", "maxval"),
    [(0, 10**9), (-(10**9), 0), (0.0, 1e300), (-400, -399)],
)
def test_exponents_beyond_doubles_are_refused_at_once(minval: float, maxval: float) -> None:
    lr = {"type": "log", "minval": minval, "maxval": maxval, "base": 10}
    searcher = {"name": "single", "metric": "loss", "max_length": 1}

    with pytest.raises(WrongFile) as refused:
        read(searcher=searcher, hyperparameters={"lr": lr})

    (fault,) = refused.value.faults
    assert "spans no doubles" in fault.message


def test_a_population_is_translated() -> None:
    searcher = {
        "name": "pbt", "metric": "loss", "smaller_is_better": False, "population_size": 40,
        "num_rounds": 20, "length_per_round": {"batches": 200},
        "replace_function": {"truncate_fraction": 0.25},
        "explore_function": {"resample_probability": 0.1, "perturb_factor": 0.3},
    }  # fmt: skip

    spec = parse_spec(read(searcher=searcher, hyperparameters={}).spec)

    method = spec.chosen
    assert [getattr(method, name) for name in method.__struct_fields__] == [
        40, 20, 200, 0.25, 0.1, 0.3,
    ]  # fmt: skip
    assert spec.unit == "batches"


# -- differences ----------------------------------------------------------------------------------


def test_the_stopping_variants_differences_are_told() -> None:
    lines = told(notes("adaptive_asha", max_trials=100, stop_once=True), "different here")

    assert [line.split(";")[0] for line in lines] == [
        "of equal values the earlier ranks better, so they stop",
        "a value that is NaN or infinite ranks last and is never promoted",
        "slots that a bracket does not use go to another one",
        "a report after a trial's stop gets the same answer and counts once",
        "a worker is told to stop in the answer to its report",
        "a trial that ends by itself makes room for the next",
    ]


def test_one_bracket_has_nobody_to_share_slots_with() -> None:
    one = told(notes("adaptive_asha", max_trials=100, mode="aggressive"), "different here")
    given = told(notes("adaptive_asha", max_trials=100, bracket_rungs=[2]), "different here")
    two = told(notes("adaptive_asha", max_trials=100, bracket_rungs=[2, 1]), "different here")

    assert [sum("slots" in line for line in lines) for lines in (one, given, two)] == [0, 0, 1]


def test_only_what_a_file_touches_is_told() -> None:
    assert not told(notes("single"), "different here")
    assert len(told(notes("random", max_trials=3), "different here")) == 1
    nested = read(
        searcher={"name": "single", "metric": "loss", "max_length": 1},
        hyperparameters={"optimizer": {"lr": 0.1}},
    ).notes
    assert len(told(nested, "different here")) == 1


@pytest.mark.parametrize(
    ("fields", "lost"),
    [
        ({"divisor": 10, "max_trials": 1_000}, 2),
        ({"divisor": 10, "max_trials": 5_000}, 1),
        # 999 trials allow 3 rungs, as the logarithm of the length does: the search is the same.
        ({"divisor": 10, "max_trials": 999}, 0),
        ({"divisor": 10, "max_trials": 1_000, "max_rungs": 3}, 0),
        ({"divisor": 10, "max_trials": 1_000, "bracket_rungs": [2]}, 0),
        ({"divisor": 4, "max_trials": 256}, 0),
    ],
)
def test_a_rung_lost_to_a_logarithm_is_told(fields: dict[str, Any], lost: int) -> None:
    lines = told(notes("adaptive_asha", **fields), "different here")

    assert sum("logarithm" in line for line in lines) == lost


# -- the page -------------------------------------------------------------------------------------


def test_the_page_shows_what_the_command_says(asha: Asha, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "docs" / "howto" / "come-from-determined.md").read_text("utf-8")
    monkeypatch.chdir(ROOT)

    said = asha("preview", "-f", "examples/determined.yaml")

    for text in (said.out, said.err):
        assert f"```text\n{text.rstrip()}\n```" in page

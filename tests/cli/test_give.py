"""`asha give`: configurations from files and from other experiments."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import Asha, Worker

SPACE = """
metric: {name: loss, goal: minimize}
max_length: 9
max_trials: 9
async_halving: {num_rungs: 3, divisor: 3}
parameters:
  lr: {double_range: {min: 0.0, max: 1.0}}
  size: {categorical: {values: [16, 32]}}
  optimizer:
    group:
      parameters:
        name: {categorical: {values: [adam, sgd]}}
"""


@pytest.fixture
def create(asha: Asha, tmp_path: Path) -> Callable[[str], None]:
    """Creates an experiment with a space of several kinds."""
    path = tmp_path / "space.yaml"
    path.write_text(SPACE)

    def make(experiment_id: str) -> None:
        assert asha("create", "-f", str(path), "--id", experiment_id).status == 0

    return make


def test_a_csv_of_configurations_is_tried_first(
    asha: Asha, create: Callable[[str], None], tmp_path: Path, worker: Callable[[str], Worker]
) -> None:
    """An empty cell is left to the sampler; the same file again gives nothing twice."""
    create("give-1")
    path = tmp_path / "given.csv"
    path.write_text("lr,size,optimizer.name\n0.25,32,sgd\n0.5,,adam\n")

    said = asha("give", "give-1", str(path))
    again = asha("give", "give-1", str(path))

    assert said.out == again.out == "gave 2 configurations as trials 0, 1\n"
    first = worker("give-1").take()
    values = {p.name: p.value for p in first.parameters}
    assert (values["lr"].double_value, values["size"].int_value) == (0.25, 32)
    assert values["optimizer.name"].string_value == "sgd"


def test_rows_with_steps_are_finished_trials(
    asha: Asha, create: Callable[[str], None], tmp_path: Path
) -> None:
    create("give-2")
    path = tmp_path / "seen.csv"
    path.write_text(
        "lr,size,optimizer.name,step,loss\n"
        "0.25,32,sgd,1,0.5\n0.25,32,sgd,3,0.4\n0.75,16,adam,1,0.9\n"
    )

    facts = asha("give", "give-2", str(path), "--joins-rungs", "--json").facts

    assert [(fact["state"], fact["best_rung_length"]) for fact in facts] == [
        ("TRIAL_STATE_COMPLETED", 3), ("TRIAL_STATE_COMPLETED", 1),
    ]  # fmt: skip


def test_json_lines_may_nest(asha: Asha, create: Callable[[str], None], tmp_path: Path) -> None:
    create("give-3")
    path = tmp_path / "given.jsonl"
    path.write_text(
        '{"parameters": {"lr": 0.125, "optimizer": {"name": "adam"}}, "observations": '
        '[{"step": 1, "metrics": {"loss": 0.3}}]}\n'
    )

    (fact,) = asha("give", "give-3", str(path), "--json").facts

    assert fact["last_value"] == 0.3
    assert fact["parameters"][0]["value"]["double_value"] == 0.125


def test_the_best_of_another_experiment_are_given(
    asha: Asha, create: Callable[[str], None], worker: Callable[[str], Worker]
) -> None:
    create("give-4")
    create("give-5")
    worker("give-4").arrive(0.5, 0.2, 0.9)

    tried = asha("give", "give-5", "--from", "give-4", "--best", "2", "--json").facts
    seen = asha(
        "give", "give-5", "--from", "give-4", "--best", "1", "--observed", "--joins-rungs", "--json"
    ).facts

    best = asha("best", "give-4", "--json").facts
    assert [fact["parameters"] for fact in tried] == [fact["parameters"] for fact in best[:2]]
    assert [fact["state"] for fact in tried] == ["TRIAL_STATE_QUEUED"] * 2
    assert [fact["best_rung_value"] for fact in seen] == [0.2]


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("a.csv", "colour\nred\n", "no such parameter; there are lr, size, optimizer.name"),
        ("b.csv", "lr\nfast\n", "b.csv:2: lr: 'fast' is not a number"),
        ("c.csv", "size\n17\n", "c.csv:2: size: must be one of 16, 32"),
        ("d.csv", "lr,step,loss\n0.1,one,2\n", "d.csv:2: an observation is a whole step"),
        ("e.csv", "lr\n", "holds no configurations"),
        ("f.jsonl", "{}\n", "f.jsonl:1: must be a JSON object"),
        ("g.jsonl", '{"parameters": {"x": 1}}\n', "g.jsonl:1: x: no such parameter"),
    ],
)
def test_a_wrong_file_is_refused_by_its_line(
    asha: Asha, create: Callable[[str], None], tmp_path: Path, name: str, text: str, fault: str
) -> None:
    create(f"give-{name}")
    path = tmp_path / name
    path.write_text(text)

    said = asha("give", f"give-{name}", str(path))

    assert said.status == 1
    assert fault in said.err


def test_a_value_outside_its_range_is_the_servers_to_refuse(
    asha: Asha, create: Callable[[str], None], tmp_path: Path
) -> None:
    create("give-6")
    path = tmp_path / "far.csv"
    path.write_text("lr\n7.5\n")

    said = asha("give", "give-6", str(path))

    assert (said.status, "must be from 0.0 to 1.0" in said.err) == (1, True)


def test_one_source_is_wanted(asha: Asha) -> None:
    assert asha("give", "digits").status == 2
    assert asha("give", "digits", "--from", "a", "/dev/null").status == 2


def test_a_new_experiment_starts_from_another_one(
    asha: Asha, create: Callable[[str], None], tmp_path: Path
) -> None:
    create("give-old")
    rows = tmp_path / "old.csv"
    rows.write_text("lr,step,loss\n0.1,1,0.5\n0.2,1,0.3\n0.3,1,0.4\n")
    assert asha("give", "give-old", str(rows), "--joins-rungs").status == 0
    path = tmp_path / "small.yaml"
    path.write_text(SPACE)

    tried = asha("create", "-f", str(path), "--id", "give-new", "--from", "give-old", "--best", "2")
    taken = asha("create", "-f", str(path), "--id", "give-seen", "--from", "give-old", "--observed")

    assert (tried.status, taken.status) == (0, 0)
    new = asha("trials", "give-new", "--json").facts
    assert [lr(trial) for trial in new] == [0.2, 0.3]
    assert {trial["state"] for trial in new} == {"TRIAL_STATE_QUEUED"}
    seen = asha("trials", "give-seen", "--json").facts
    assert [lr(trial) for trial in seen] == [0.2, 0.3, 0.1]
    assert {trial["state"] for trial in seen} == {"TRIAL_STATE_COMPLETED"}


def test_there_must_be_an_experiment_to_start_from(asha: Asha, tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(SPACE)

    said = asha("create", "-f", str(path), "--id", "give-none", "--from", "nobody")

    assert said.status == 1
    assert "nobody" in said.err
    assert asha("status", "give-none").status == 1  # nothing was created


def test_observed_needs_an_experiment(asha: Asha, tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(SPACE)

    assert asha("create", "-f", str(path), "--observed").status == 2


def lr(trial: dict[str, Any]) -> float:
    (value,) = (p["value"]["double_value"] for p in trial["parameters"] if p["name"] == "lr")
    return float(value)

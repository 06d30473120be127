"""The file of `asha create -f`: its three comforts, and every fault at once with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.protobuf import json_format

from asha_server.cli.experiment_file import WrongFile, read_experiment
from asha_server.pb.experiment_pb2 import ExperimentSpec

from .conftest import Asha

COMFORTABLE = """
metric: {name: loss, goal: minimize}
max_length: 9
adaptive_asha: {mode: aggressive, divisor: 2.5}
lease_ttl: 90s
parameters:
  lr: {double_range: {min: 1e-4, max: 1, log: true}}
  kind: {categorical: {values: [3, 3.0, adam, true, null, [1, 2], {a: 1}]}}
  optimizer:
    group:
      parameters:
        momentum:
          double_range: {min: 0, max: 0.9}
          condition: {parent: kind, values: [adam]}
"""

PLAIN = {
    "metric": {"name": "loss", "goal": "GOAL_MINIMIZE"},
    "max_length": 9,
    "adaptive_asha": {"mode": "BRACKET_MODE_AGGRESSIVE", "divisor": 2.5},
    "lease_ttl": "90s",
    "parameters": [
        {"name": "lr", "double_range": {"min": 1e-4, "max": 1, "log": True}},
        {
            "name": "kind",
            "categorical": {
                "values": [
                    {"int_value": 3},
                    {"double_value": 3.0},
                    {"string_value": "adam"},
                    {"bool_value": True},
                    {"json_value": "null"},
                    {"json_value": "[1,2]"},
                    {"json_value": '{"a":1}'},
                ]
            },
        },
        {
            "name": "optimizer",
            "group": {
                "parameters": [
                    {
                        "name": "momentum",
                        "double_range": {"min": 0, "max": 0.9},
                        "condition": {"parent": "kind", "values": [{"string_value": "adam"}]},
                    }
                ]
            },
        },
    ],
}


def test_the_comforts_mean_protobufs_own_form() -> None:
    plain = json_format.ParseDict(PLAIN, ExperimentSpec())

    assert read_experiment(COMFORTABLE, "f.yaml").spec == plain
    own_form = json_format.MessageToJson(plain, preserving_proto_field_name=True)
    assert read_experiment(own_form, "f.json").spec == plain


def test_yaml_is_1_2_so_no_and_on_are_words() -> None:
    text = "parameters: {flag: {categorical: {values: [no, on, 012, 1e3]}}}"
    values = read_experiment(text, "f.yaml").spec.parameters[0].categorical.values

    assert [value.WhichOneof("kind") for value in values] == [
        "string_value", "string_value", "int_value", "double_value",
    ]  # fmt: skip
    assert values[2].int_value == 12


def test_set_replaces_and_adds_values() -> None:
    spec = read_experiment(
        COMFORTABLE,
        "f.yaml",
        ["max_length=27", "adaptive_asha.max_rungs=3", "parameters.lr.double_range.max=0.5"],
    ).spec

    assert spec.max_length == 27
    assert spec.adaptive_asha.max_rungs == 3
    assert spec.parameters[0].double_range.max == 0.5


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("metric: {goal: up}", "f.yaml:1: metric.goal: must be one of minimize, maximize"),
        ("max_length: nine", "f.yaml:1: max_length: must be a whole number"),
        ("max_lenght: 9", "f.yaml:1: max_lenght: there is no such field; did you mean max_length?"),
        ("a: [1\n b: 2", "f.yaml:2: is not YAML"),
        ("lease_ttl: soon", "f.yaml:1: lease_ttl:"),
        ("max_length: 1\nmax_length: 2", "f.yaml:2:"),
        ("single: {}\nrandom_search: {}", "f.yaml:2: random_search: excludes single"),
        ("- 1", "f.yaml:1: must be a mapping"),
        ("seed: 99999999999999999999", "f.yaml:1: seed:"),
    ],
)
def test_a_fault_names_its_line_and_the_way_out(text: str, fault: str) -> None:
    with pytest.raises(WrongFile) as caught:
        read_experiment(text, "f.yaml")

    assert any(str(found).startswith(fault) for found in caught.value.faults), caught.value.message


def test_all_faults_come_at_once_the_servers_too(asha: Asha, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(
        "metric: {name: loss, goal: minimize}\nmax_length: 0\nmax_trials: -3\n"
        "adaptive_asha: {divisor: 1}\nparameters:\n  lr: {double_range: {min: 1, max: 0}}\n"
    )

    for words in (("create", "-f", str(path)), ("preview", "-f", str(path))):
        said = asha(*words)
        assert said.status == 1
        for fault in (
            "bad.yaml:2: max_length:",
            "bad.yaml:3: max_trials:",
            "bad.yaml:4: adaptive_asha.divisor:",
            "bad.yaml:6: parameters.lr.double_range.max:",
        ):
            assert fault in said.err, said.err


def test_a_number_that_no_double_holds_is_refused() -> None:
    text = f"metric: {{name: loss, goal: minimize}}\ntarget: 1{'0' * 400}\nsingle: {{}}\n"

    with pytest.raises(WrongFile, match=r"f.yaml:2: target: must fit into a double"):
        read_experiment(text, "f.yaml")

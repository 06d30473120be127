"""The demo's experiment: seven hyperparameters of a small network, searched by `adaptive_asha`."""

from __future__ import annotations

from google.protobuf import json_format

from asha_server.pb.experiment_pb2 import ExperimentSpec

EXPERIMENT_ID = "digits"
MAX_LENGTH = 81
"""Epochs of a surviving trial."""


def demo_spec(max_trials: int, max_length: int, seed: int) -> ExperimentSpec:
    """The search as `asha create -f` would read it from a file."""
    return json_format.ParseDict(
        {
            "display_name": "handwritten digits",
            "metric": {"name": "val_loss", "goal": "GOAL_MINIMIZE"},
            "max_length": max_length,
            "unit": "epochs",
            "max_trials": max_trials,
            "adaptive_asha": {"divisor": 3},
            "seed": seed,
            "lease_ttl": "20s",
            "parameters": [
                _range("learning_rate", 1e-4, 0.5),
                _range("alpha", 1e-6, 1.0),
                {"name": "hidden", "int_range": {"min": 8, "max": 128, "log": True}},
                {"name": "layers", "int_range": {"min": 1, "max": 2}},
                _choice("batch_size", 16, 32, 64, 128),
                _choice("activation", "relu", "tanh"),
                _choice("solver", "adam", "sgd"),
                {
                    "name": "momentum",
                    "double_range": {"min": 0.0, "max": 0.99},
                    "condition": {"parent": "solver", "values": [{"string_value": "sgd"}]},
                },
            ],
        },
        ExperimentSpec(),
    )


def _range(name: str, least: float, most: float) -> dict[str, object]:
    return {"name": name, "double_range": {"min": least, "max": most, "log": True}}


def _choice(name: str, *values: int | str) -> dict[str, object]:
    kinds = {int: "int_value", str: "string_value"}
    return {"name": name, "categorical": {"values": [{kinds[type(v)]: v} for v in values]}}

"""What a program is told about its trial: template words, environment variables, a JSON file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from asha_client.attempt import Attempt
from asha_client.parameter import Value

from asha_server.pb.experiment_pb2 import ParameterSpec

WORDS: Mapping[str, str] = {
    "experiment": "ASHA_EXPERIMENT",
    "trial": "ASHA_TRIAL_NUMBER",
    "attempt": "ASHA_ATTEMPT",
    "worker": "ASHA_WORKER_INDEX",
    "worker_id": "ASHA_WORKER_ID",
    "seed": "ASHA_SEED",
    "start_step": "ASHA_START_STEP",
    "checkpoint": "ASHA_CHECKPOINT",
    "checkpoint_dir": "ASHA_CHECKPOINT_DIR",
    "next_decision_step": "ASHA_NEXT_DECISION_STEP",
    "max_length": "ASHA_MAX_LENGTH",
    "metric": "ASHA_METRIC",
    "parameters_file": "ASHA_PARAMETERS_FILE",
    "metrics_file": "ASHA_METRICS_FILE",
}
"""Environment variable by template word. A parameter of the same name hides a word."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a trial is trained.

    Attributes:
        worker_index: 0-based number of the worker within this process.
        worker_id: the worker's name.
        parameters_file: the JSON file of the configuration.
        checkpoint_dir: directory for the trial's checkpoints; the same for every attempt.
    """

    worker_index: int
    worker_id: str
    parameters_file: Path
    checkpoint_dir: Path


def describe_trial(trial: Attempt, place: Place) -> dict[str, str]:
    """Values of the template words of WORDS for one trial, as texts; empty = there is none.

    `metrics_file` is left empty: its name may itself have words.
    """
    return {
        "experiment": trial.experiment_id,
        "trial": str(trial.number),
        "attempt": str(trial.attempt),
        "worker": str(place.worker_index),
        "worker_id": place.worker_id,
        "seed": str(trial.seed),
        "start_step": str(trial.start_step),
        "checkpoint": trial.checkpoint or "",
        "checkpoint_dir": str(place.checkpoint_dir),
        "next_decision_step": str(trial.next_decision_step),
        "max_length": str(trial.max_length),
        "metric": trial.metric,
        "parameters_file": str(place.parameters_file),
        "metrics_file": "",
    }


def make_environment(
    described: Mapping[str, str], parameters: Mapping[str, Value], server: str
) -> dict[str, str]:
    """The variables that are added to the program's environment.

    Args:
        described: values of the words of WORDS.
        parameters: the configuration.
        server: address of the server, for programs that are clients themselves.
    """
    environment = {WORDS[word]: value for word, value in described.items()}
    environment["ASHA_SERVER"] = server
    for name, value in parameters.items():
        environment[parameter_variable(name)] = format_value(value)
    return environment


def write_parameters(path: Path, parameters: Mapping[str, Value]) -> None:
    """Writes the configuration as one JSON object, values by full name."""
    path.write_text(json.dumps(dict(parameters), indent=2) + "\n", encoding="utf-8")


def parameter_variable(name: str) -> str:
    """A parameter's environment variable: `optimizer.lr` has ASHA_PARAM_OPTIMIZER_LR."""
    return "ASHA_PARAM_" + re.sub(r"[^A-Z0-9]", "_", name.upper())


def format_value(value: Value) -> str:
    """A parameter's value as text: numbers as Python writes them, texts as they are, else JSON."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case int() | float():
            return repr(value)
        case _:
            return json.dumps(value, sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class ParameterNames:
    """The parameters of a search space, by full name.

    Attributes:
        always: those that every configuration has.
        sometimes: conditional ones.
    """

    always: frozenset[str]
    sometimes: frozenset[str]

    @property
    def clashes(self) -> list[tuple[str, ...]]:
        """Groups of names that would share one environment variable."""
        by_variable: dict[str, list[str]] = {}
        for name in sorted(self.always | self.sometimes):
            by_variable.setdefault(parameter_variable(name), []).append(name)
        return [tuple(names) for names in by_variable.values() if len(names) > 1]


def find_parameter_names(specs: Iterable[ParameterSpec]) -> ParameterNames:
    """The names of a search space."""
    always: set[str] = set()
    sometimes: set[str] = set()
    for name, is_conditional in _walk(specs, "", False):
        (sometimes if is_conditional else always).add(name)
    return ParameterNames(frozenset(always), frozenset(sometimes))


def _walk(
    specs: Iterable[ParameterSpec], prefix: str, is_conditional: bool
) -> Iterator[tuple[str, bool]]:
    """Each leaf's full name, and whether it or a group above it has a condition."""
    for spec in specs:
        name = f"{prefix}{spec.name}"
        conditional = is_conditional or spec.HasField("condition")
        if spec.WhichOneof("kind") == "group":
            yield from _walk(spec.group.parameters, f"{name}.", conditional)
        else:
            yield name, conditional

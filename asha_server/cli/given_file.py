"""Files of given configurations: CSV or JSON lines, with or without what was measured.

CSV: a row a configuration. A column that is called like a parameter holds its values; an empty
cell leaves the parameter to the sampler. With a column `step` each row is an observation of its
configuration, and every other column a metric; rows of one configuration follow each other.

JSON lines: `{"parameters": {"lr": 0.1, "optimizer": {"momentum": 0.9}}, "observations": [{"step":
1, "metrics": {"val_loss": 0.3}}]}`; observations may be left out.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from asha_server.cli import wording
from asha_server.cli.refusal import Refusal
from asha_server.pb.experiment_pb2 import ParameterSpec
from asha_server.pb.trial_pb2 import MetricPoint, MetricValue, Parameter, ParameterValue

Kinds = Mapping[str, ParameterSpec]
"""Dotted path -> the parameter as declared."""


@dataclass(slots=True)
class GivenTrial:
    """One configuration, and what is known of it.

    Attributes:
        parameters: those given.
        observations: by rising step; empty: it is to be tried.
    """

    parameters: list[Parameter]
    observations: list[MetricPoint] = field(default_factory=list)


def kinds_of(parameters: Iterable[ParameterSpec], prefix: str = "") -> dict[str, ParameterSpec]:
    """Every parameter of a search space by its dotted path, groups left out."""
    kinds: dict[str, ParameterSpec] = {}
    for parameter in parameters:
        path = f"{prefix}{parameter.name}"
        if parameter.HasField("group"):
            kinds |= kinds_of(parameter.group.parameters, f"{path}.")
        else:
            kinds[path] = parameter
    return kinds


def read_given(text: str, name: str, kinds: Kinds) -> list[GivenTrial]:
    """The trials of a file; `.csv` by its name, else JSON lines.

    Raises:
        Refusal: naming the line and what is wrong with it.
    """
    rows = _read_csv(text, name, kinds) if name.endswith(".csv") else _read_json(text, name, kinds)
    found = list(rows)
    if not found:
        raise Refusal(f"{name} holds no configurations")
    return found


def _read_csv(text: str, name: str, kinds: Kinds) -> Iterator[GivenTrial]:
    reader = csv.DictReader(io.StringIO(text))
    columns = list(reader.fieldnames or ())
    metrics = [column for column in columns if column not in kinds and column != "step"]
    if metrics and "step" not in columns:
        raise Refusal(
            f"{name}: {', '.join(metrics)}: no such parameter; there are {', '.join(kinds)}. "
            "Columns of metrics need a column `step` beside them"
        )
    current: tuple[str, ...] | None = None
    trial = GivenTrial([])
    for row in reader:
        place = f"{name}:{reader.line_num}"
        cells = tuple(row.get(column) or "" for column in kinds)
        if "step" not in columns or cells != current:
            if current is not None:
                yield trial
            current = cells
            given = {path: cell for path, cell in zip(kinds, cells, strict=True) if cell}
            trial = GivenTrial(_parameters(given, kinds, place))
        if "step" in columns:
            seen = {metric: row[metric] for metric in metrics if row[metric]}
            trial.observations.append(_point(row["step"], seen, place))
    if current is not None:
        yield trial


def _read_json(text: str, name: str, kinds: Kinds) -> Iterator[GivenTrial]:
    for number, line in enumerate(text.splitlines(), 1):
        place = f"{name}:{number}"
        try:
            content = json.loads(line)
            given = dict(_flat(content["parameters"]))
            seen = [(point["step"], point["metrics"]) for point in content.get("observations", [])]
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise Refusal(
                f'{place}: must be a JSON object as {{"parameters": {{"lr": 0.1}}, '
                '"observations": [{"step": 1, "metrics": {"val_loss": 0.3}}]}'
            ) from error
        points = [_point(step, metrics, place) for step, metrics in seen]
        yield GivenTrial(_parameters(given, kinds, place), points)


def _flat(nested: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for key, value in nested.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _point(step: object, metrics: Mapping[str, object], place: str) -> MetricPoint:
    try:
        values = [MetricValue(name=n, value=float(str(v))) for n, v in metrics.items()]
        return MetricPoint(step=int(str(step)), metrics=values)
    except ValueError as error:
        raise Refusal(
            f"{place}: an observation is a whole step and numbers, not {step!r} {dict(metrics)!r}"
        ) from error


def _parameters(given: Mapping[str, object], kinds: Kinds, place: str) -> list[Parameter]:
    parameters = []
    for path, value in given.items():
        if path not in kinds:
            raise Refusal(f"{place}: {path}: no such parameter; there are {', '.join(kinds)}")
        parameters.append(Parameter(name=path, value=_value(kinds[path], value, path, place)))
    return parameters


def _value(kind: ParameterSpec, given: object, path: str, place: str) -> ParameterValue:
    """The value of the type that the parameter has; the server judges whether it is in range."""
    text = json.dumps(given) if isinstance(given, list | bool | None) else str(given)
    try:
        if kind.HasField("double_range"):
            return ParameterValue(double_value=float(text))
        if kind.HasField("int_range"):
            return ParameterValue(int_value=int(text))
    except ValueError as error:
        raise Refusal(f"{place}: {path}: {text!r} is not a number of its kind") from error
    known = kind.categorical.values if kind.HasField("categorical") else [kind.constant.value]
    for value in known:
        if wording.value_text(value) == text:
            return value
    choices = ", ".join(map(wording.value_text, known))
    raise Refusal(f"{place}: {path}: must be one of {choices}, not {text!r}")

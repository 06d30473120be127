"""The file of `asha create -f`: ExperimentSpec in protobuf's JSON form, written as YAML 1.2.

Field names are those of `protos/asha/v1/experiment.proto`. Three comforts are for people:

* `parameters` may be a mapping by name instead of a list of entries with a `name`, in groups too.
* An enum's value may be short and lower case: `goal: minimize` for `GOAL_MINIMIZE`.
* A parameter's value may be a bare scalar. `3` is an int_value, `3.0` a double_value, `adam` a
  string_value, `true` a bool_value; null, lists and maps become json_value. (A map with just one
  key that is the name of such a field, as `{int_value: 3}`, is protobuf's own form of a value.)

JSON is YAML, so the `spec` that `asha status ID --json` prints is such a file too. Everything that
is wrong is found at once, and each fault names the line and the path as they stand in the file.

A configuration of Determined AI is such a file too, see `determined/`: it is translated, and what
becomes of it is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import click

from asha_server.cli.determined.template import merge
from asha_server.cli.determined.translation import is_determined, is_determined_path, translate
from asha_server.cli.overrides import override
from asha_server.cli.refusal import Refusal
from asha_server.cli.spec_reader import Fault, SpecReader, Spot
from asha_server.cli.yaml_document import Node, YamlError, parse
from asha_server.pb.experiment_pb2 import ExperimentSpec

FunctionT = TypeVar("FunctionT", bound=Callable[..., object])

OPTIONS: dict[str, Spot] = {
    "experiment_id": Spot("--id", ""),
    "worker_count": Spot("--workers", ""),
    "seconds_per_unit": Spot("--seconds-per-unit", ""),
}
"""Where the fields of a request come from that are not in the file."""


class WrongFile(Refusal):
    """A file that makes no experiment.

    Attributes:
        faults: everything that is wrong, in the order of the file.
    """

    def __init__(self, name: str, faults: Sequence[Fault]) -> None:
        counted = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        lines = "\n".join(f"  {fault}" for fault in faults)
        super().__init__(f"{name} has {counted}:\n{lines}")
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class ExperimentFile:
    """An experiment as a file asks for it.

    Attributes:
        name: of the file, for a person.
        spec: what it asks for.
        spots: proto path (`spec.parameters[2].double_range`) -> where that stands in the file.
        notes: what became of a file in another form, a line each.
    """

    name: str
    spec: ExperimentSpec
    spots: Mapping[str, Spot]
    notes: Sequence[str] = ()

    def refusal(self, violations: Iterable[tuple[str, str]]) -> WrongFile:
        """Violations by proto path, as faults of the file.

        Args:
            violations: (proto path, what is wrong and the way out).
        """
        return WrongFile(self.name, [Fault(self._spot(path), text) for path, text in violations])

    def _spot(self, path: str) -> Spot:
        """Where a field stands, or would stand: beside the nearest that is there."""
        known = path
        while known not in self.spots:
            known = known[: max(known.rfind("."), known.rfind("["), 0)]
        spot = self.spots[known]
        rest = path[len(known) :].removeprefix(".").removeprefix("spec.")
        written = f"{spot.path}{rest if rest.startswith('[') else f'.{rest}' if rest else ''}"
        return Spot(spot.place, written.removeprefix("."))


def read_experiment(
    text: str, name: str, settings: Sequence[str] = (), template: Node | None = None
) -> ExperimentFile:
    """The experiment of a file.

    Args:
        text: of the file.
        name: of the file, for a person.
        settings: `--set`, each `PATH=VALUE`.
        template: of Determined's form, over which the file is laid.

    Raises:
        WrongFile: with everything that is not in the form of a spec. What the form allows and the
            search refuses (a rung too many, min above max) is the server's to say.
    """
    try:
        root = parse(text, name)
        if template is not None or is_determined(root):
            return _read_determined(root, name, settings, template)
        override(root, settings)
    except YamlError as error:
        raise WrongFile(name, [Fault(Spot(error.place, ""), error.message)]) from error
    return _read(root, name)


def _read(
    root: Node, name: str, written: Mapping[str, str] = {}, notes: Sequence[str] = ()
) -> ExperimentFile:
    """The experiment of a document.

    Args:
        root: of the document, in our form.
        name: of the file, for a person.
        written: path in our form -> path in the file, where it has another form.
        notes: what became of a file in another form.

    Raises:
        WrongFile: as `read_experiment`.
    """
    reader = SpecReader()
    spec = ExperimentSpec()
    reader.read_message(spec, root, "spec", "")
    if reader.faults:
        raise WrongFile(name, [Fault(_as_written(f.spot, written), f.message)
                               for f in reader.faults])  # fmt: skip
    spots = {path: _as_written(spot, written) for path, spot in reader.spots.items()}
    return ExperimentFile(name, spec, {"": Spot(name, ""), **OPTIONS, **spots}, notes)


def _as_written(spot: Spot, written: Mapping[str, str]) -> Spot:
    """A place under the path that the file has for it."""
    known = spot.path
    while known and known not in written:
        known = known[: max(known.rfind("."), known.rfind("["), 0)]
    return Spot(spot.place, f"{written[known]}{spot.path[len(known) :]}") if known else spot


def _read_determined(
    root: Node, name: str, settings: Sequence[str], template: Node | None
) -> ExperimentFile:
    """The experiment of a configuration of Determined.

    `--set` reaches the fields of both forms: Determined's before the translation, ours after it.
    """
    theirs = [text for text in settings if is_determined_path(text.partition("=")[0])]
    override(root, theirs)
    translation = translate(root if template is None else merge(root, template))
    if translation.faults:
        raise WrongFile(name, translation.faults)
    override(translation.root, [text for text in settings if text not in theirs])
    return _read(translation.root, name, translation.written, translation.notes)


def load_experiment(
    path: Path, settings: Sequence[str], template: Path | None = None
) -> ExperimentFile:
    """The experiment of the file at a path; `-` is standard input.

    What became of a file in another form is told on standard error.

    Raises:
        WrongFile: as `read_experiment`, or a file is no UTF-8 text.
    """
    base = None
    if template is not None:
        try:
            base = parse(_text(template), str(template))
        except YamlError as error:
            fault = Fault(Spot(error.place, ""), error.message)
            raise WrongFile(str(template), [fault]) from error
    file = read_experiment(_text(path), _name(path), settings, base)
    if file.notes:
        click.echo(f"{file.name} is a configuration of Determined AI:", err=True)
        for note in file.notes:
            click.echo(f"  {note}", err=True)
    return file


def _name(path: Path) -> str:
    return "<stdin>" if str(path) == "-" else str(path)


def _text(path: Path) -> str:
    name = _name(path)
    with click.open_file(str(path), "rb") as stream:
        content: bytes = stream.read()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        fault = Fault(Spot(name, ""), f"is not UTF-8 text: byte {error.start} is no part of any")
        raise WrongFile(name, [fault]) from error


def _check_settings(
    ctx: click.Context, param: click.Parameter, value: tuple[str, ...]
) -> tuple[str, ...]:
    for setting in value:
        if not setting.partition("=")[0] or "=" not in setting:
            raise click.BadParameter(f"{setting!r} is not PATH=VALUE", ctx, param)
    return value


def template_option(function: FunctionT) -> FunctionT:
    """Adds `--template FILE`: `template: Path | None`."""
    return click.option(
        "--template",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        metavar="FILE",
        help="A template of Determined AI, over which its configuration is laid.",
    )(function)


def file_options(function: FunctionT) -> FunctionT:
    """Adds `-f FILE` and `--set PATH=VALUE`: `path: Path` and `settings: tuple[str, ...]`."""
    decorated = click.option(
        "--set",
        "settings",
        multiple=True,
        callback=_check_settings,
        metavar="PATH=VALUE",
        help="Replace or add a value: --set max_trials=200 --set adaptive_asha.divisor=3",
    )(function)
    return click.option(
        "-f",
        "--file",
        "path",
        required=True,
        type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
        metavar="FILE",
        help="The experiment as YAML or JSON, also Determined's; - is standard input.",
    )(decorated)

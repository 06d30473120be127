"""The searches of one `asha simulate`: that of its file, and the one beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from asha_server.cli.experiment_file import ExperimentFile, load_experiment
from asha_server.cli.refusal import Refusal
from asha_server.errors import AshaError, InvalidRequest
from asha_server.search.counterpart import asynchronous_form, synchronous_form
from asha_server.search.sync_method_spec import SynchronousSpec
from asha_server.wire.spec import parse_spec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from asha_server.search.spec import ExperimentSpec

FORMS: dict[str, Callable[[ExperimentSpec], ExperimentSpec]] = {
    "sync": synchronous_form,
    "async": asynchronous_form,
}
"""What `--beside` takes besides a file."""


@dataclass(frozen=True, slots=True)
class Search:
    """A search to be simulated.

    Attributes:
        name: what tells it from the other: its method, with the file where both have the same.
        spec: valid.
    """

    name: str
    spec: ExperimentSpec

    @property
    def is_synchronous(self) -> bool:
        """Whether it waits at its rungs."""
        return isinstance(self.spec.method, SynchronousSpec)


def read_searches(
    path: Path, settings: Sequence[str], template: Path | None, beside: str | None
) -> list[Search]:
    """The search of a file, and beside it the other one if there is one.

    Args:
        path: of the file.
        settings: `--set`; they hold for this file.
        template: `--template`, of a configuration of Determined AI; for this file too.
        beside: a key of `FORMS`, or the path of another file; None: no other search.

    Raises:
        Refusal: a file makes no experiment, or the two cannot be compared.
    """
    file = load_experiment(path, settings, template)
    first = _spec_of(file)
    if beside is None:
        return [Search(first.chosen.arm, first)]
    if beside in FORMS:
        try:
            second = FORMS[beside](first)
        except InvalidRequest as error:
            raise _refusal(file, error) from error
        return [Search(spec.chosen.arm, spec) for spec in (first, second)]
    other = load_experiment(_existing(beside), ())
    second = _spec_of(other)
    if second.metric.goal is not first.metric.goal:
        raise Refusal(
            f"{other.name} asks for another metric.goal than {file.name}: with the same curves the "
            "two search for opposite things"
        )
    second = msgspec.structs.replace(second, seed=first.seed)
    if second.chosen.arm != first.chosen.arm:
        return [Search(spec.chosen.arm, spec) for spec in (first, second)]
    return [
        Search(f"{spec.chosen.arm} of {name}", spec)
        for name, spec in ((file.name, first), (other.name, second))
    ]


def _spec_of(file: ExperimentFile) -> ExperimentSpec:
    try:
        return parse_spec(file.spec)
    except InvalidRequest as error:
        raise _refusal(file, error) from error
    except AshaError as error:
        raise Refusal(f"{file.name}: {error.message} [{error.reason}]") from error


def _refusal(file: ExperimentFile, error: InvalidRequest) -> Refusal:
    return file.refusal([(v.path, v.message) for v in error.violations])


def _existing(name: str) -> Path:
    path = Path(name)
    if not path.is_file():
        raise Refusal(f"--beside {name}: is no file, nor one of {', '.join(FORMS)}")
    return path

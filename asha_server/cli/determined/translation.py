"""A whole Determined configuration: what of it is a search, and what has no meaning here."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from asha_server.cli.determined import searcher_fields
from asha_server.cli.determined.differences import differences
from asha_server.cli.determined.hyperparameters import SpaceTranslator, plain
from asha_server.cli.determined.searcher import Search, translate_searcher
from asha_server.cli.spec_reader import Fault, Spot
from asha_server.cli.yaml_document import Node

WITHOUT_MEANING = frozenset(
    {
        "batches_per_step", "bind_mounts", "checkpoint_policy", "checkpoint_storage", "data",
        "data_layer", "debug", "description", "entrypoint", "environment", "integrations",
        "internal", "log_policies", "log_pattern_policies", "min_checkpoint_period",
        "min_validation_period", "optimizations", "pbs", "perform_initial_validation",
        "preemption_timeout", "profiling", "project", "records_per_epoch", "reproducibility",
        "resources", "retention_policy", "scheduling_unit", "security", "slurm",
        "tensorboard_storage", "workspace",
    }
)  # fmt: skip
"""Fields of an experiment that say nothing about its search. Two convert units, see searcher.py."""
TRANSLATED = ("name", "labels", "max_restarts", "searcher", "hyperparameters")


@dataclass(frozen=True, slots=True)
class Translation:
    """An experiment of Determined in our form.

    Attributes:
        root: ExperimentSpec as `asha create` reads it.
        written: path in our form -> path in the file.
        faults: everything that is refused, in the order of the file.
        notes: what is to be told, a line each.
    """

    root: Node
    written: dict[str, str]
    faults: Sequence[Fault]
    notes: Sequence[str]


def is_determined(root: Node) -> bool:
    """Whether a document is a configuration of Determined: it has its sections."""
    return isinstance(root.value, dict) and not root.value.keys().isdisjoint(
        ("searcher", "hyperparameters")
    )


def is_determined_path(path: str) -> bool:
    """Whether `--set PATH=VALUE` means a field of a Determined configuration, not one of ours."""
    first = path.partition(".")[0]
    return first in ("searcher", "hyperparameters") or first in WITHOUT_MEANING


def translate(root: Node) -> Translation:
    """An experiment of Determined in our form.

    Args:
        root: of the document, for which `is_determined`.
    """
    assert isinstance(root.value, dict)
    faults = [*_unknown(root)]
    searcher = root.value.get("searcher", Node(None, root.place))
    if searcher.value is None:
        faults.append(Fault(Spot(root.place, "searcher"), "is required"))
        return Translation(Node({}, root.place), {}, faults, [])
    wrong = [
        Fault(Spot(node.place, f"searcher.{path}".rstrip(".")), message)
        for node, path, message in searcher_fields.faults(searcher)
    ]
    name = searcher.value["name"].value if isinstance(searcher.value, dict) and (
        "name" in searcher.value
    ) else None  # fmt: skip
    space = SpaceTranslator(needs_count=name == "grid")
    section = root.value.get("hyperparameters", Node({}, root.place))
    if section.value is None:
        section = Node({}, section.place)
    parameters = space.translate(section)
    faults += wrong + space.faults
    if wrong:
        return Translation(Node({}, root.place), {}, faults, [])
    filled = searcher_fields.with_defaults(searcher)
    assert isinstance(searcher.value, dict)
    given = {key for key, node in searcher.value.items() if node.value is not None}
    search = translate_searcher(filled, root, given)
    faults += search.faults
    search.members["parameters"] = parameters
    search.written["parameters"] = "hyperparameters"
    count = len(parameters.value) if isinstance(parameters.value, dict) else 0
    search.translated.append(f"hyperparameters -> parameters, {count} by name")
    _translate_rest(search, root)
    notes = _notes(search, root, filled, space)
    return Translation(Node(search.members, root.place), search.written, faults, notes)


def _unknown(root: Node) -> list[Fault]:
    """Fields that no version of Determined knows."""
    assert isinstance(root.value, dict)
    known = [*TRANSLATED, *sorted(WITHOUT_MEANING)]
    found = []
    for name, node in root.value.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else "; leave it out"
            message = f"is no field of a Determined experiment{hint}"
            found.append(Fault(Spot(node.place, name), message))
    return found


def _translate_rest(search: Search, root: Node) -> None:
    """Name, labels, restarts and seed."""
    assert isinstance(root.value, dict)
    given = {name: node for name, node in root.value.items() if node.value is not None}
    for theirs, ours in (("name", "display_name"), ("max_restarts", "max_restarts")):
        if theirs in given:
            search.put(ours, given[theirs].value, given[theirs], theirs)
            search.translated.append(f"{theirs} -> {ours} {given[theirs].value}")
    labels = given.get("labels")
    if labels is not None and isinstance(labels.value, list):
        texts = {str(item.value): Node("", item.place) for item in labels.value}
        search.put("labels", texts, labels, "labels")
        search.translated.append(f"labels -> labels {', '.join(texts)}")
    reproducibility = given.get("reproducibility")
    if reproducibility is not None and isinstance(reproducibility.value, dict):
        seed = reproducibility.value.get("experiment_seed")
        if seed is not None and seed.value is not None:
            search.put("seed", seed.value, seed, "reproducibility.experiment_seed")
            search.translated.append(
                f"reproducibility.experiment_seed -> seed {seed.value} (other configurations are "
                "drawn by it than there)"
            )


def _notes(search: Search, root: Node, filled: Node, space: SpaceTranslator) -> list[str]:
    assert isinstance(root.value, dict)
    assert isinstance(filled.value, dict)
    notes = [f"translated: {line}" for line in search.translated]
    unused = [name for name in root.value if name in WITHOUT_MEANING and name != "reproducibility"]
    unused += [
        f"searcher.{name}"
        for name in ("source_trial_id", "source_checkpoint_uuid")
        if filled.value[name].value is not None
    ]
    if unused:
        notes.append(f"no meaning here: {', '.join(unused)}")
    length = search.members.get("max_length")
    if length is None and search.arm != "pbt":
        notes.append(
            "missing: a length; since 0.38 the training code has it. Add searcher.max_length, or "
            "say --set max_length=N"
        )
    lines = differences(
        {name: plain(node) for name, node in filled.value.items()},
        length.value if length is not None and isinstance(length.value, int) else None,
        is_stopping=search.is_stopping,
        has_nested=space.has_nested,
    )
    return notes + [f"different here: {line}" for line in lines]

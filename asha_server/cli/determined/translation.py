"""A whole Determined configuration: what of it is a search, and what has no meaning here."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
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
        "data_layer", "debug", "description", "entrypoint", "environment", "integration",
        "integrations", "internal", "log_policies", "log_pattern_policies", "min_checkpoint_period",
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
    return first in ("name", "searcher", "hyperparameters") or first in WITHOUT_MEANING


def translate(root: Node) -> Translation:
    """An experiment of Determined in our form.

    Args:
        root: of the document, for which `is_determined`.
    """
    assert isinstance(root.value, dict)
    searcher = root.value.get("searcher", Node(None, root.place))
    name = searcher.value.get("name") if isinstance(searcher.value, dict) else None
    space = SpaceTranslator(needs_count=name is not None and name.value == "grid")
    parameters = space.translate(_section(root, "hyperparameters"))
    wrong = [*_searcher_faults(searcher)]
    if wrong:
        search = Search()
        _translate_rest(search, root)
        return _refused(root, [*wrong, *space.faults, *search.faults])
    filled = searcher_fields.with_defaults(searcher)
    assert isinstance(searcher.value, dict)
    given = {key for key, node in searcher.value.items() if node.value is not None}
    search = translate_searcher(filled, root, given)
    search.members["parameters"] = parameters
    search.written |= space.written
    count = len(parameters.value) if isinstance(parameters.value, dict) else 0
    search.translated.append(f"hyperparameters -> parameters, {count} by name")
    _translate_rest(search, root)
    refused = _refused(root, [*search.faults, *space.faults])
    if refused.faults:
        return refused
    notes = _notes(search, root, filled, space)
    return Translation(Node(search.members, root.place), search.written, [], notes)


def _section(root: Node, name: str) -> Node:
    """A section of the file; empty if there is none."""
    assert isinstance(root.value, dict)
    found = root.value.get(name)
    return Node({}, root.place) if found is None or found.value is None else found


def _refused(root: Node, faults: Sequence[Fault]) -> Translation:
    """These faults and those of the rest of the file, in its order."""
    every = [*_unknown(root), *_wrong_numbers(root), *faults]
    return Translation(Node({}, root.place), {}, sorted(every, key=_order), [])


def _order(fault: Fault) -> tuple[str, int]:
    """File and line of a fault."""
    name, _, line = fault.spot.place.rpartition(":")
    return (name, int(line)) if line.isdecimal() else (fault.spot.place, 0)


def _searcher_faults(searcher: Node) -> Iterator[Fault]:
    if searcher.value is None:
        yield Fault(Spot(searcher.place, "searcher"), "is required")
        return
    for node, path, message in searcher_fields.faults(searcher):
        yield Fault(Spot(node.place, f"searcher.{path}".rstrip(".")), message)


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


def _wrong_numbers(root: Node) -> Iterator[Fault]:
    """Of those that convert units."""
    assert isinstance(root.value, dict)
    for name, least in (("batches_per_step", 1), ("records_per_epoch", 0)):
        node = root.value.get(name)
        if node is None or node.value is None:
            continue
        if type(node.value) is not int or node.value < least:
            message = f"must be a whole number, {least} or more"
            yield Fault(Spot(node.place, name), message)


def _translate_rest(search: Search, root: Node) -> None:
    """Name, labels, restarts and seed."""
    assert isinstance(root.value, dict)
    given = {name: node for name, node in root.value.items() if node.value is not None}
    for theirs, ours in (("name", "display_name"), ("max_restarts", "max_restarts")):
        if theirs in given:
            search.put(ours, given[theirs].value, given[theirs], theirs)
            search.translated.append(f"{theirs} -> {ours} {given[theirs].value}")
    if "labels" in given:
        _translate_labels(search, given["labels"])
    if "reproducibility" in given:
        _translate_seed(search, given["reproducibility"])


def _translate_labels(search: Search, labels: Node) -> None:
    """A list of texts, or the keys of a mapping (Determined stores them so)."""
    if isinstance(labels.value, dict):
        texts = {name: Node("", node.place) for name, node in labels.value.items()}
    elif isinstance(labels.value, list) and all(isinstance(i.value, str) for i in labels.value):
        texts = {str(item.value): Node("", item.place) for item in labels.value}
    else:
        search.refuse(labels, "labels", "must be a list of texts")
        return
    search.put("labels", texts, labels, "labels")
    search.translated.append(f"labels -> labels {', '.join(texts)}")


def _translate_seed(search: Search, section: Node) -> None:
    if not isinstance(section.value, dict):
        search.refuse(section, "reproducibility", "must be a mapping: experiment_seed")
        return
    for name, node in section.value.items():
        if name != "experiment_seed":
            way_out = "is no field of reproducibility; there is: experiment_seed"
            search.refuse(node, f"reproducibility.{name}", way_out)
    seed = section.value.get("experiment_seed")
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
    useful = {"reproducibility", *search.used}
    unused = [name for name in root.value if name in WITHOUT_MEANING and name not in useful]
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

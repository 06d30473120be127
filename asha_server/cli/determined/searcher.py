"""`searcher:` of a Determined configuration as method, metric and lengths of ours.

`stop_once`, and `max_time` with `time_metric`, mean the stopping variant; otherwise it is the
promotion variant. A length's unit is the unit's name here; a bare number has none.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from fractions import Fraction

from asha_server.cli.determined.hyperparameters import plain
from asha_server.cli.determined.searcher_fields import OLDER_LENGTHS
from asha_server.cli.spec_reader import Fault, Spot
from asha_server.cli.yaml_document import Node

METHODS = {"random": "random_search", "grid": "grid_search"}
"""Searchers that have another name here."""
STEP_BATCHES = 100
"""Batches of a step where `batches_per_step` does not say (before 0.13)."""
SYNCHRONOUS = ("sync_halving", "adaptive", "adaptive_simple", "pbt")
"""Searchers that knew no limit of trials at one time."""


@dataclass(frozen=True, slots=True)
class Length:
    """So many units.

    Attributes:
        units: how many, >= 1.
        unit: batches, records or epochs; "" where the file does not say.
        node: where it stands.
        path: as written in the file.
    """

    units: int
    unit: str
    node: Node
    path: str


@dataclass(slots=True)
class Search:
    """A searcher in our form.

    Attributes:
        members: fields of ExperimentSpec.
        written: path in our form -> path in the file.
        translated: what became what, a line each.
        faults: what cannot be translated.
        used: fields outside of the section that a length was converted by.
        arm: the method.
        is_stopping: whether it is the stopping variant.
    """

    members: dict[str, Node] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)
    translated: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    arm: str = ""
    is_stopping: bool = False

    def put(self, path: str, value: object, node: Node, source: str) -> None:
        """Sets a field.

        Args:
            path: of ExperimentSpec, at most one dot.
            value: scalar, or a list of nodes.
            node: where it comes from.
            source: its path in the file.
        """
        outer, _, inner = path.partition(".")
        leaf = Node(value, node.place)  # type: ignore[arg-type]  # a node's value, or of it
        if inner:
            holder = self.members.setdefault(outer, Node({}, node.place)).value
            assert isinstance(holder, dict)
            holder[inner] = leaf
        else:
            self.members[outer] = leaf
        self.written[path] = source

    def refuse(self, node: Node, path: str, message: str) -> None:
        """Notes a fault."""
        self.faults.append(Fault(Spot(node.place, path), message))


def translate_searcher(searcher: Node, root: Node, given: Collection[str]) -> Search:
    """The search that a section means.

    Args:
        searcher: valid, its defaults filled in.
        root: the whole file, for what converts units.
        given: names of the fields that are no defaults.
    """
    assert isinstance(searcher.value, dict)
    members = searcher.value
    name = str(members["name"].value)
    search = Search(arm=METHODS.get(name, name))
    search.put(search.arm, {}, members["name"], "searcher.name")
    search.put("metric.name", members["metric"].value, members["metric"], "searcher.metric")
    smaller = members["smaller_is_better"]
    goal = "minimize" if smaller.value else "maximize"
    search.put("metric.goal", goal, smaller, "searcher.smaller_is_better")
    for key in ("max_trials", "max_concurrent_trials"):
        if key in members:
            search.put(key, members[key].value, members[key], f"searcher.{key}")
    if name in SYNCHRONOUS:
        search.put("max_concurrent_trials", 0, searcher, "searcher")
    for key in ("num_rungs", "mode", "max_rungs", "bracket_rungs", "divisor", "train_stragglers",
                "population_size", "num_rounds"):  # fmt: skip
        if key in members:
            search.put(f"{search.arm}.{key}", members[key].value, members[key], f"searcher.{key}")
    for function in ("replace_function", "explore_function"):
        found = members[function].value if function in members else {}
        assert isinstance(found, dict)
        for key, node in found.items():
            search.put(f"pbt.{key}", node.value, node, f"searcher.{function}.{key}")
    _put_lengths(search, name, members, root)
    _put_variant(search, name, members)
    search.translated += _told(search, given)
    return search


def _put_lengths(search: Search, name: str, members: dict[str, Node], root: Node) -> None:
    """The lengths, all in the unit of the first one."""
    if name == "pbt":
        length = _length(search, members, root, "length_per_round")
        target = "pbt.length_per_round"
    else:
        length = _length(search, members, root, "max_length")
        target = "max_length"
    if members.get("max_time", _NOTHING).value is not None:
        node, metric = members["max_time"], members["time_metric"]
        assert isinstance(node.value, int)
        length = Length(node.value, str(metric.value), node, "searcher.max_time")
    if length is not None:
        search.put(target, length.units, length.node, length.path)
        if length.unit:
            search.put("unit", length.unit, length.node, length.path)
    if name in ("sync_halving", "adaptive"):
        budget = _length(search, members, root, "budget")
        assert budget is not None
        units = _converted(budget, length.unit if length is not None else budget.unit, root)
        if units is None:
            assert length is not None
            search.refuse(
                budget.node,
                budget.path,
                f"is in {budget.unit} and the length in {length.unit}: give both in one unit, or "
                "records_per_epoch and a constant global_batch_size, which convert them",
            )
        else:
            search.put(f"{name}.total_length", units, budget.node, budget.path)
            _tell_conversion(search, budget, length)


def _tell_conversion(search: Search, budget: Length, length: Length | None) -> None:
    """What a budget was converted by, if it was."""
    units = {budget.unit, length.unit if length is not None else budget.unit}
    if len(units) == 1 or "" in units:
        return
    factors = {"epochs": "records_per_epoch", "batches": "hyperparameters.global_batch_size"}
    by = [factors[unit] for unit in ("epochs", "batches") if unit in units]
    search.used.update(by)
    search.translated.append(f"{', '.join(by)} -> convert {budget.path} to {length.unit}")  # type: ignore[union-attr]  # there are two units, so there is a length


_NOTHING = Node(None, "")


def _length(search: Search, members: dict[str, Node], root: Node, key: str) -> Length | None:
    """A length under its name, or in steps under an older one."""
    names = (key, *OLDER_LENGTHS[key])
    found = next((name for name in names if members.get(name, _NOTHING).value is not None), None)
    if found is None:
        return None
    node, path = members[found], f"searcher.{found}"
    value = node.value
    if found != key:
        assert isinstance(value, int)
        step = _root_number(root, "batches_per_step")
        if step is not None and "batches_per_step" not in search.used:
            search.used.add("batches_per_step")
            search.translated.append(f"batches_per_step -> {step} batches a step")
        step = step or STEP_BATCHES
        return Length(value * step, "batches", node, path)
    if isinstance(value, dict):
        ((unit, units),) = value.items()
        assert isinstance(units.value, int)
        return Length(units.value, unit, node, path)
    assert isinstance(value, int)
    return Length(value, "", node, path)


def _converted(length: Length, unit: str, root: Node) -> int | None:
    """A length in another unit, rounded down but to 1 at least; None if that is not known."""
    if length.unit == unit or not (length.unit and unit):
        return length.units
    records = {
        "records": 1,
        "epochs": _root_number(root, "records_per_epoch"),
        "batches": _batch_size(root),
    }
    theirs, ours = records.get(length.unit), records.get(unit)
    if not (theirs and ours):
        return None
    return max(int(Fraction(length.units * theirs, ours)), 1)


def _root_number(root: Node, key: str) -> int | None:
    found = root.value.get(key) if isinstance(root.value, dict) else None
    return found.value if found is not None and type(found.value) is int else None


def _batch_size(root: Node) -> int | None:
    """The constant `global_batch_size`; None if it is none."""
    assert isinstance(root.value, dict)
    section = root.value.get("hyperparameters", _NOTHING).value
    found = section.get("global_batch_size", _NOTHING) if isinstance(section, dict) else _NOTHING
    value = found.value
    if isinstance(value, dict) and value.get("type", _NOTHING).value == "const":
        value = value.get("val", _NOTHING).value
    return value if type(value) is int else None


def _put_variant(search: Search, name: str, members: dict[str, Node]) -> None:
    if name not in ("adaptive_asha", "async_halving"):
        return
    once, time = (members.get(key, _NOTHING) for key in ("stop_once", "max_time"))
    search.is_stopping = once.value is True or time.value is not None
    variant = "stopping" if search.is_stopping else "promotion"
    source = "stop_once" if once.value is not None else "max_time" if search.is_stopping else "name"
    search.put(f"{search.arm}.variant", variant, members[source], f"searcher.{source}")


def _told(search: Search, given: Collection[str]) -> list[str]:
    """What became what, a line a field of the file, and one for all defaults."""
    by_source: dict[str, list[str]] = {}
    for path, source in search.written.items():
        outer, _, inner = path.partition(".")
        node = search.members[outer]
        if inner:
            assert isinstance(node.value, dict)
            node = node.value[inner]
        key = source.removeprefix("searcher.").partition(".")[0]
        by_source.setdefault(source if key in given else "", []).append(
            path if path == search.arm else f"{path} {_shown(plain(node))}"
        )
    defaults = by_source.pop("", [])
    lines = [f"{source} -> {', '.join(paths)}" for source, paths in by_source.items()]
    return lines + ([f"as there by default: {', '.join(defaults)}"] if defaults else [])


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)

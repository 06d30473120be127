"""The fields of `searcher:` in Determined's versions: which there are, their bounds and defaults.

Source: Determined AI's configuration schemas, releases 0.12 to 0.38;
tests/vectors/determined_configs.json.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from asha_server.cli.yaml_document import Node

UNITS = ("batches", "records", "epochs")
MODES = ("aggressive", "standard", "conservative")
CUSTOM = "custom"

Check: TypeAlias = Callable[[object], str | None]
"""A value that is not null -> what is wrong with it; None if nothing is."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a searcher.

    Attributes:
        check: of its value.
        is_required: whether a search cannot be without it.
        default: what stands for an absent one, if `has_default`.
        has_default: whether an absent one is filled in.
    """

    check: Check
    is_required: bool = False
    default: object = None
    has_default: bool = False


def _whole(least: int, most: int | None = None) -> Check:
    def check(value: object) -> str | None:
        if not isinstance(value, int) or isinstance(value, bool):
            return "must be a whole number"
        if value < least:
            return f"must be {least} or more"
        return f"must be at most {most}" if most is not None and value > most else None

    return check


def _number(value: object, least: float, most: float) -> str | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return "must be a number"
    return None if least <= value <= most else f"must be from {least:g} to {most:g}"


def _divisor(value: object) -> str | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return "must be a number"
    return None if 1 < value <= sys.float_info.max else "must be finite and greater than 1"


def _text(value: object) -> str | None:
    return None if isinstance(value, str) else "must be a text"


def _flag(value: object) -> str | None:
    return None if isinstance(value, bool) else "must be true or false"


def _mode(value: object) -> str | None:
    return None if value in MODES else f"must be one of {', '.join(MODES)}"


def _rungs(value: object) -> str | None:
    if not isinstance(value, list):
        return "must be a list of whole numbers"
    if all(_whole(1)(item.value) is None for item in value):
        return None
    return "must be a list of whole numbers, each 1 or more: a bracket has a rung at least"


def _length(value: object) -> str | None:
    """A whole number, or one of one unit."""
    if isinstance(value, dict):
        if len(value) != 1 or next(iter(value)) not in UNITS:
            return f"must be one of {{batches: N}}, {{records: N}}, {{epochs: N}}, not {[*value]}"
        value = next(iter(value.values())).value
    return _whole(1)(value)


def _fraction_of(name: str, *names: str, most: float = 1.0) -> Check:
    def check(value: object) -> str | None:
        expected = {name, *names}
        if not isinstance(value, dict) or {*value} != expected:
            return f"must have the fields {', '.join(sorted(expected))}"
        for key, node in value.items():
            wrong = _number(node.value, 0, most)
            if wrong is not None:
                return f"{key} {wrong}"
        return None

    return check


COMMON = {
    "name": Field(_text, is_required=True),
    "metric": Field(_text, is_required=True),
    "smaller_is_better": Field(_flag, default=True, has_default=True),
    "source_trial_id": Field(_whole(0), has_default=True),
    "source_checkpoint_uuid": Field(_text, has_default=True),
}
"""What every searcher has."""
_LENGTH = {
    "max_length": Field(_length),
    "max_steps": Field(_whole(1)),
}
_CONCURRENCY = {"max_concurrent_trials": Field(_whole(0), default=16, has_default=True)}
_TRIALS = {"max_trials": Field(_whole(1), is_required=True)}
_DIVISOR = {"divisor": Field(_divisor, default=4, has_default=True)}
_NUM_RUNGS = {"num_rungs": Field(_whole(1), is_required=True)}
_BRACKETS = {
    "mode": Field(_mode, default="standard", has_default=True),
    "max_rungs": Field(_whole(1), default=5, has_default=True),
}
_GIVEN_BRACKETS = {"bracket_rungs": Field(_rungs, default=[], has_default=True)}
_STOPPING = {
    "stop_once": Field(_flag),
    "time_metric": Field(_text, has_default=True),
    "max_time": Field(_whole(1), has_default=True),
    "target_trial_steps": Field(_whole(1)),
}
_BUDGET = {
    "budget": Field(_length),
    "step_budget": Field(_whole(1)),
    "target_trial_steps": Field(_whole(1)),
    "train_stragglers": Field(_flag, default=True, has_default=True),
}

SEARCHERS: dict[str, dict[str, Field]] = {
    "single": COMMON | _LENGTH,
    "random": COMMON | _LENGTH | _TRIALS | _CONCURRENCY,
    "grid": COMMON | _LENGTH | _CONCURRENCY,
    "async_halving": COMMON
    | _LENGTH | _NUM_RUNGS | _TRIALS | _DIVISOR | _CONCURRENCY | _STOPPING,
    "adaptive_asha": COMMON
    | _LENGTH | _TRIALS | _GIVEN_BRACKETS | _DIVISOR | _BRACKETS | _CONCURRENCY | _STOPPING,
    "sync_halving": COMMON | _LENGTH | _NUM_RUNGS | _BUDGET | _DIVISOR,
    "adaptive": COMMON | _LENGTH | _BUDGET | _GIVEN_BRACKETS | _DIVISOR | _BRACKETS,
    "adaptive_simple": COMMON
    | _LENGTH | {"max_trials": Field(_whole(1, 2_000), is_required=True)} | _DIVISOR | _BRACKETS,
    "pbt": COMMON
    | {
        "population_size": Field(_whole(1), is_required=True),
        "num_rounds": Field(_whole(1), is_required=True),
        "length_per_round": Field(_length),
        "steps_per_round": Field(_whole(1)),
        "replace_function": Field(
            _fraction_of("truncate_fraction", most=0.5), is_required=True
        ),
        "explore_function": Field(
            _fraction_of("resample_probability", "perturb_factor"), is_required=True
        ),
    },
}  # fmt: skip
"""Name of a searcher -> its fields, old and new."""


OLDER_LENGTHS = {
    "max_length": ("max_steps", "target_trial_steps"),
    "budget": ("step_budget",),
    "length_per_round": ("steps_per_round",),
}
"""Name of a length -> the names that it had when lengths were counted in steps (before 0.13)."""


def with_defaults(searcher: Node) -> Node:
    """A valid section with every default filled in; null stands for absent."""
    assert isinstance(searcher.value, dict)
    fields = SEARCHERS[str(searcher.value["name"].value)]
    given = {name: node for name, node in searcher.value.items() if node.value is not None}
    filled = {
        name: Node([] if field.default == [] else field.default, searcher.place)  # type: ignore[arg-type]  # scalars but for []
        for name, field in fields.items()
        if field.has_default and name not in given
    }
    return Node(given | filled, searcher.place)


def faults(searcher: Node) -> Iterator[tuple[Node, str, str]]:
    """Everything that is wrong with a section: (where, path below `searcher`, what and why)."""
    if not isinstance(searcher.value, dict):
        yield searcher, "", "must be a mapping"
        return
    members = searcher.value
    name = members["name"].value if "name" in members else None
    if name == CUSTOM:
        yield (
            members["name"],
            "name",
            "a custom searcher is a program, not a search: keep it and let it create trials with "
            "CreateTrial, or choose a method of this server (adaptive_asha)",
        )
        return
    if not isinstance(name, str) or name not in SEARCHERS:
        where = members.get("name", searcher)
        yield where, "name", f"must be one of {', '.join(SEARCHERS)}"
        return
    fields = SEARCHERS[name]
    for key, node in members.items():
        if key not in fields:
            near = difflib.get_close_matches(key, fields, n=1)
            way_out = f"did you mean {near[0]}?" if near else f"there are: {', '.join(fields)}"
            yield node, key, f"is no field of {name}; {way_out}"
        elif node.value is not None:
            wrong = fields[key].check(node.value)
            if wrong is not None:
                yield node, key, wrong
    for key, field in fields.items():
        if field.is_required and (key not in members or members[key].value is None):
            yield searcher, key, f"is required by {name}"
    yield from _length_faults(searcher, fields)


def _length_faults(searcher: Node, fields: Mapping[str, Field]) -> Iterator[tuple[Node, str, str]]:
    """Lengths that are given twice, by half or not at all."""
    assert isinstance(searcher.value, dict)
    members = searcher.value
    given = {key for key, node in members.items() if node.value is not None and key in fields}
    for name, older in OLDER_LENGTHS.items():
        found = [key for key in (name, *older) if key in given]
        for other in found[1:]:
            yield members[other], other, f"excludes searcher.{found[0]}"
        if not found and name in fields and name != "max_length":
            yield searcher, name, f"is required by {members['name'].value}"
        if found and name == "max_length" and "max_time" in given:
            message = "excludes searcher.max_time: give one of them"
            yield members[found[0]], found[0], message
    for key, other in (("max_time", "time_metric"), ("time_metric", "max_time")):
        if key in given and other not in given:
            yield members[key], key, f"needs searcher.{other} beside it"

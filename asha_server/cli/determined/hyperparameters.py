"""`hyperparameters:` of a Determined configuration as parameters of ours.

| there                                     | here                                  |
| ----------------------------------------- | ------------------------------------- |
| `{type: double, minval, maxval, count}`   | `double_range`                        |
| `{type: log, minval, maxval, base, count}` | `double_range`, log, base^min to base^max |
| `{type: int, minval, maxval, count}`      | `int_range`                           |
| `{type: categorical, vals}`               | `categorical`                         |
| `{type: const, val}`, a scalar or a list  | `constant`                            |
| a mapping without `type`                  | `group`                               |

Members are sorted by name, as Determined's grid orders them.
"""

from __future__ import annotations

import json
import math
import sys
from fractions import Fraction

from asha_server.cli.spec_reader import Fault, Spot
from asha_server.cli.yaml_document import Node, Scalar

FIELDS: dict[str, tuple[str, ...]] = {
    "const": ("val",),
    "int": ("minval", "maxval", "count"),
    "double": ("minval", "maxval", "count"),
    "log": ("minval", "maxval", "base", "count"),
    "categorical": ("vals",),
}
LOG_MAX = 800.0
"""Natural logarithms beyond it are of no double: e^-746 is 0 and e^710 infinite."""


class SpaceTranslator:
    """Translates hyperparameters, and collects every fault on the way.

    Args:
        needs_count: whether the search is a grid.

    Attributes:
        faults: list[Fault], in the order of the file.
        has_nested: whether there is a group.
        written: path in our form -> path in the file, where the two differ.
    """

    def __init__(self, *, needs_count: bool = False) -> None:
        self._needs_count = needs_count
        self.faults: list[Fault] = []
        self.has_nested = False
        self.written: dict[str, str] = {}

    def translate(
        self, section: Node, path: str = "hyperparameters", ours: str = "parameters"
    ) -> Node:
        """The parameters of a section, a mapping by name.

        Args:
            section: the mapping.
            path: as written in the file.
            ours: path in our form.
        """
        self.written[ours] = path
        if not isinstance(section.value, dict):
            self._refuse(section, path, "must be a mapping of names to hyperparameters")
            return Node({}, section.place)
        members = {
            name: self._parameter(section.value[name], f"{path}.{name}", f"{ours}.{name}")
            for name in sorted(section.value)
        }
        return Node(members, section.place)

    def _refuse(self, node: Node, path: str, message: str) -> None:
        self.faults.append(Fault(Spot(node.place, path), message))

    def _parameter(self, node: Node, path: str, ours: str) -> Node:
        if not isinstance(node.value, dict):
            self._write(ours, path, "constant", value="")
            return _kind("constant", {"value": _value(node)}, node)
        if "type" not in node.value:
            self.has_nested = True
            self._write(ours, path, "group")
            members = self.translate(node, path, f"{ours}.group.parameters")
            return _kind("group", {"parameters": members}, node)
        kind = node.value["type"].value
        if not isinstance(kind, str) or kind not in FIELDS:
            self._refuse(node, path, f"has an unknown type; there are: {', '.join(FIELDS)}")
            return node
        given = {name: item for name, item in node.value.items() if item.value is not None}
        for name in given:
            if name != "type" and name not in FIELDS[kind]:
                there_are = ", ".join(FIELDS[kind])
                self._refuse(node.value[name], f"{path}.{name}", f"{kind} has {there_are}")
        match kind:
            case "const":
                self._write(ours, path, "constant", value="val")
                return self._constant(node, path)
            case "categorical":
                self._write(ours, path, "categorical", values="vals")
                return self._categorical(node, given, path)
        arm = "int_range" if kind == "int" else "double_range"
        self._write(ours, path, arm, min="minval", max="maxval", count="count")
        return self._range(kind, node, given, path)

    def _write(self, ours: str, path: str, arm: str, **fields: str) -> None:
        """Notes where the fields of a parameter of ours stand in the file; "" is the whole."""
        self.written[f"{ours}.{arm}"] = path
        for field, theirs in fields.items():
            self.written[f"{ours}.{arm}.{field}"] = f"{path}.{theirs}" if theirs else path

    def _constant(self, node: Node, path: str) -> Node:
        assert isinstance(node.value, dict)
        if "val" not in node.value:
            self._refuse(node, f"{path}.val", "is required by const")
            return node
        return _kind("constant", {"value": _value(node.value["val"])}, node)

    def _categorical(self, node: Node, given: dict[str, Node], path: str) -> Node:
        values = given.get("vals")
        if values is None or not isinstance(values.value, list):
            self._refuse(values or node, f"{path}.vals", "is required: a list of values")
            return node
        if not values.value:
            message = "is empty: there is nothing to choose from (Determined accepts it, and fails)"
            self._refuse(values, f"{path}.vals", message)
        choices = Node([_value(item) for item in values.value], values.place)
        return _kind("categorical", {"values": choices}, node)

    def _range(self, kind: str, node: Node, given: dict[str, Node], path: str) -> Node:
        bounds = [self._number(kind, node, given, path, name) for name in ("minval", "maxval")]
        low, high = bounds
        fault_count = len(self.faults)
        if low is not None and high is not None and not low < high:
            self._refuse(node, path, "minval must be less than maxval")
        count = given.get("count")
        if count is not None and (type(count.value) is not int or count.value < 1):
            self._refuse(count, f"{path}.count", "must be 1 or more")
        if count is None and self._needs_count:
            self._refuse(node, f"{path}.count", "is required: grid search is in use")
        base = given.get("base", Node(None, node.place))
        if kind == "log" and not (_is_number(base.value) and base.value > 0):  # type: ignore[operator]  # a number, by the test before
            wrong = "must be greater than 0" if "base" in given else "is required by log"
            self._refuse(base, f"{path}.base", wrong)
        if len(self.faults) > fault_count or low is None or high is None:
            return node
        members: dict[str, Node] = {}
        if kind == "log":
            low, high = sorted(_power(base.value, exponent) for exponent in (low, high))
            if not 0 < low < high < math.inf:
                self._refuse(node, path, "spans no doubles: base^minval must be below base^maxval")
            members["log"] = Node(True, node.place)
        members["min"] = Node(low, given["minval"].place)
        members["max"] = Node(high, given["maxval"].place)
        if count is not None:
            members["count"] = count
        return _kind("int_range" if kind == "int" else "double_range", members, node)

    def _number(
        self, kind: str, node: Node, given: dict[str, Node], path: str, name: str
    ) -> int | float | None:
        found = given.get(name)
        value = found.value if found is not None else None
        if kind == "int" and type(value) is int:
            return value
        if kind != "int" and _is_number(value):
            assert isinstance(value, int | float)
            return value
        what = "a whole number" if kind == "int" else "a number"
        self._refuse(found or node, f"{path}.{name}", f"is required: {what}")
        return None


def _is_number(value: object) -> bool:
    """Whether it is a finite number that a double can hold."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return -sys.float_info.max <= value <= sys.float_info.max


def _power(base: object, exponent: float) -> float:
    """Base^exponent, correctly rounded where the exponent is whole; 0 or inf beyond doubles."""
    assert isinstance(base, int | float)
    logarithm = exponent * math.log(base)
    if abs(logarithm) > LOG_MAX:
        return math.inf if logarithm > 0 else 0.0
    try:
        if float(exponent).is_integer():
            return float(Fraction(repr(base)) ** int(exponent))
        return math.pow(base, exponent)
    except OverflowError:
        return math.inf


def _kind(name: str, members: dict[str, Node], node: Node) -> Node:
    return Node({name: Node(members, node.place)}, node.place)


def _value(node: Node) -> Node:
    """A value in the form of `asha create`: bare, but for maps, which are said to be values."""
    if not isinstance(node.value, dict):
        return node
    text = json.dumps(plain(node), sort_keys=True, separators=(",", ":"))
    return Node({"json_value": Node(text, node.place)}, node.place)


def plain(node: Node) -> object:
    """A node as plain values."""
    value: Scalar | list[Node] | dict[str, Node] = node.value
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    return value

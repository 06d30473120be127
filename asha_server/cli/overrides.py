"""`--set PATH=VALUE`: a value of a YAML document, replaced or added before it is read.

The path is dotted, as `adaptive_asha.divisor` or `parameters.lr.double_range.max`. Of several keys
that the dots allow, the longest that is there is meant, so `parameters.optimizer.lr.constant` finds
a parameter called `optimizer.lr`. A list's item is named by its index or by its `name`. The value
is YAML: `200`, `minimize`, `[3, 2]`, `{}`.
"""

from __future__ import annotations

from collections.abc import Sequence

from asha_server.cli.yaml_document import Node, YamlError, parse


def override(root: Node, settings: Sequence[str]) -> None:
    """Applies settings to a document, in their order.

    Args:
        root: of the document; changed.
        settings: each `PATH=VALUE`.

    Raises:
        YamlError: a path leads nowhere, or a value is not YAML.
    """
    for setting in settings:
        path, _, text = setting.partition("=")
        place = f"--set {path}"
        value = parse(text or "''", place, has_lines=False)
        _put(root, path.split("."), value, place)


def _put(root: Node, parts: list[str], value: Node, place: str) -> None:
    """Puts a value where the parts of a path lead; mappings on the way are made."""
    node = root
    while True:
        taken, key = _step(node, parts, place)
        parts = parts[taken:]
        holder = node.value
        assert isinstance(holder, dict | list)
        if not parts:
            holder[key] = value  # type: ignore[index]  # _step gives a key for a mapping, an index for a list
            return
        if isinstance(holder, dict) and (key not in holder or holder[str(key)].value is None):
            holder[str(key)] = Node({}, place)
        node = holder[key]  # type: ignore[index]  # as above


def _step(node: Node, parts: list[str], place: str) -> tuple[int, str | int]:
    """How many parts name a member of a node, and its key or index.

    Raises:
        YamlError: the node has no such member and can have none.
    """
    match node.value:
        case dict() as members:
            for taken in range(len(parts), 0, -1):
                if ".".join(parts[:taken]) in members:
                    return taken, ".".join(parts[:taken])
            return 1, parts[0]
        case list() as items:
            if parts[0].isdecimal() and int(parts[0]) < len(items):
                return 1, int(parts[0])
            names = [_name(item) for item in items]
            for taken in range(len(parts), 0, -1):
                if ".".join(parts[:taken]) in names:
                    return taken, names.index(".".join(parts[:taken]))
            raise YamlError(place, f"leads nowhere: the list has no item {parts[0]!r}")
    raise YamlError(place, f"leads nowhere: {node.place} is a single value, without members")


def _name(item: Node) -> object:
    """The `name` of a list's item; None if it has none."""
    named = item.value.get("name") if isinstance(item.value, dict) else None
    return named.value if named is not None else None

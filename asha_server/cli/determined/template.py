"""A Determined configuration laid over a template, as Determined merges them.

What the file says wins. Mappings are merged member by member; a hyperparameter with a `type` is one
thing and is taken whole. A field that is null in the file stays absent: the template's is not used.
"""

from __future__ import annotations

from asha_server.cli.yaml_document import Node


def merge(user: Node, template: Node) -> Node:
    """A file laid over a template.

    Args:
        user: the file, or a part of it.
        template: the template, or the same part of it.
    """
    theirs, base = user.value, template.value
    if not (isinstance(theirs, dict) and isinstance(base, dict)):
        return user
    if "type" in theirs or "type" in base:
        return user
    merged = dict(base)
    for name, node in theirs.items():
        merged[name] = merge(node, base[name]) if name in base else node
    return Node(merged, user.place)

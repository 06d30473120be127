"""A Determined configuration laid over a template, as Determined merges them.

What the file says wins; what it leaves out, or leaves empty, is the template's. Of a searcher with
another name only what all searchers have is taken. A length, like every other value of a searcher,
is one thing; so is a hyperparameter, unless both are mappings of others.

Source: Determined AI's merging of configurations and its test cases;
tests/vectors/determined_configs.json.
"""

from __future__ import annotations

from asha_server.cli.determined.searcher_fields import COMMON
from asha_server.cli.yaml_document import Node


def merge(user: Node, template: Node) -> Node:
    """A configuration laid over a template.

    Args:
        user: the file.
        template: of the same form. What is no mapping is left out.
    """
    merged = _laid_over(user, template)
    if not (isinstance(user.value, dict) and isinstance(template.value, dict)):
        return merged
    assert isinstance(merged.value, dict)
    for section, lay in (
        ("searcher", _merge_searchers),
        ("hyperparameters", merge_hyperparameters),
        ("labels", _merge_labels),
        ("reproducibility", _laid_over),
    ):
        ours, base = user.value.get(section), template.value.get(section)
        if ours is not None and base is not None and ours.value is not None:
            merged.value[section] = lay(ours, base)
    return merged


def merge_hyperparameters(user: Node, template: Node) -> Node:
    """A search space, or a group of it, laid over another.

    Null is a value here: a constant.
    """
    if not (_is_group(user) and _is_group(template)):
        return user
    assert isinstance(user.value, dict)
    assert isinstance(template.value, dict)
    merged = template.value | user.value
    for name in template.value.keys() & user.value.keys():
        merged[name] = merge_hyperparameters(user.value[name], template.value[name])
    return Node(merged, user.place)


def _is_group(node: Node) -> bool:
    return isinstance(node.value, dict) and "type" not in node.value


def _merge_searchers(user: Node, template: Node) -> Node:
    if not isinstance(user.value, dict) or not isinstance(template.value, dict):
        return user
    names = {
        searcher.value["name"].value
        for searcher in (user, template)
        if isinstance(searcher.value, dict) and "name" in searcher.value
    } - {None}
    if len(names) > 1:
        common = {key: node for key, node in template.value.items() if key in COMMON}
        return _laid_over(user, Node(common, template.place))
    return _laid_over(user, template)


def _merge_labels(user: Node, template: Node) -> Node:
    """The labels of both."""
    if isinstance(user.value, list) and isinstance(template.value, list):
        known = [item.value for item in template.value]
        more = [item for item in user.value if item.value not in known]
        return Node([*template.value, *more], user.place)
    return user


def _laid_over(user: Node, template: Node) -> Node:
    """Fields of which each is one thing; null stands for absent."""
    if not (isinstance(user.value, dict) and isinstance(template.value, dict)):
        return user
    given = {key: node for key, node in user.value.items() if node.value is not None}
    return Node(user.value | template.value | given, user.place)

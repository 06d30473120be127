"""YAML 1.2 with lines: the core schema, anchors, and what is refused."""

from __future__ import annotations

import math

import pytest

from asha_server.cli.yaml_document import Node, YamlError, parse, read_scalar


def plain(node: Node) -> object:
    """A node without its places."""
    match node.value:
        case dict() as members:
            return {key: plain(member) for key, member in members.items()}
        case list() as items:
            return [plain(item) for item in items]
    return node.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("~", None), ("", None), ("null", None), ("true", True), ("False", False),
        ("12", 12), ("-3", -3), ("010", 10), ("0o10", 8), ("0xff", 255),
        ("1e3", 1000.0), (".5", 0.5), ("5.", 5.0), ("-.inf", -math.inf), ("+.inf", math.inf),
        ("yes", "yes"), ("off", "off"), ("2024-05-01", "2024-05-01"), ("1_000", "1_000"),
        ("1:30", "1:30"), ("0b11", "0b11"), ("nUll", "nUll"),
    ],
)  # fmt: skip
def test_unquoted_text_follows_the_core_schema(text: str, value: object) -> None:
    assert read_scalar(text) == value
    assert type(read_scalar(text)) is type(value)


def test_nan_is_a_number() -> None:
    value = read_scalar(".nan")

    assert isinstance(value, float)
    assert math.isnan(value)


def test_quotes_and_tags_decide_before_the_schema() -> None:
    assert plain(parse("['1', !!str 2, !!float 3, !!int 4, \"true\"]", "f")) == [
        "1", "2", 3.0, 4, "true",
    ]  # fmt: skip


def test_an_alias_is_its_anchor_at_another_place() -> None:
    root = parse("a: &x {n: 1}\nb: *x\n", "f")

    assert plain(root) == {"a": {"n": 1}, "b": {"n": 1}}
    assert isinstance(root.value, dict)
    assert root.value["b"].place == "f:2"


def test_a_member_stands_where_its_key_is() -> None:
    root = parse("outer:\n  inner:\n    - 1\n", "f")

    assert isinstance(root.value, dict)
    assert root.value["outer"].place == "f:1"
    assert isinstance(root.value["outer"].value, dict)
    assert root.value["outer"].value["inner"].place == "f:2"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "f:1: is empty"),
        ("a: 1\n---\nb: 2", "f:2: begins a second document"),
        ("a: &x [*x]", "f:1: contains itself by *x"),
        ("a: *y", "f:1: refers to an anchor that there is not: *y"),
        ("a: 1\na: 2", "f:2: has the key 'a' a second time; the first is f:1"),
        ("1: a", "f:1: has a key that is not a text"),
        ("a: !!int x", "f:1: has the tag tag:yaml.org,2002:int"),
        ("a:\n\t- 1", "f:2: is not YAML"),
        ("a: \x00", "f:1: is not YAML"),
        ("[" * 200, "f:1: is nested more than 100 deep"),
    ],
)
def test_what_is_no_document_says_where_and_why(text: str, error: str) -> None:
    with pytest.raises(YamlError) as caught:
        parse(text, "f")

    assert str(caught.value).startswith(error)

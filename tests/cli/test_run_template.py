"""Template words of `asha run`, and what a program is told."""

from __future__ import annotations

import pytest

from asha_server.cli.run.briefing import find_parameter_names, format_value, parameter_variable
from asha_server.cli.run.template import TemplateError, Word, check_words, parse_template
from asha_server.pb.experiment_pb2 import (
    Condition,
    Constant,
    DoubleRange,
    ParameterGroup,
    ParameterSpec,
)


def test_words_are_replaced_and_doubled_braces_are_literal() -> None:
    template = parse_template('{{"lr": {lr}}} of {optimizer.name}')

    assert template.words == (Word("lr"), Word("optimizer.name"))
    assert template.fill({"lr": "0.1", "optimizer.name": "sgd"}) == '{"lr": 0.1} of sgd'


def test_a_default_stands_for_a_value_that_is_absent_or_empty() -> None:
    template = parse_template("{checkpoint:none}/{momentum:0.9}/{start_step:7}")

    assert template.fill({"checkpoint": "", "start_step": "0"}) == "none/0.9/0"


@pytest.mark.parametrize("text", ["{", "a}", "{a", "{a{b}}"])
def test_a_lone_brace_is_refused_with_the_way_out(text: str) -> None:
    with pytest.raises(TemplateError, match="for a literal one"):
        parse_template(text)


def test_every_unknown_word_is_named() -> None:
    templates = [parse_template("--lr={lr}"), parse_template("{epochs} {hidden}")]

    with pytest.raises(TemplateError, match=r"words \{epochs\}, \{hidden\}; there are lr, trial"):
        check_words(templates, always={"lr", "trial"}, sometimes=())


def test_a_conditional_parameter_needs_a_default() -> None:
    with pytest.raises(TemplateError, match=r"\{momentum:VALUE\}"):
        check_words([parse_template("{momentum}")], always=(), sometimes={"momentum"})

    check_words([parse_template("{momentum:0}")], always=(), sometimes={"momentum"})


def test_names_are_dotted_and_a_groups_condition_covers_its_members() -> None:
    rate = ParameterSpec(name="rate", double_range=DoubleRange(min=0, max=1))
    group = ParameterGroup(parameters=[rate])
    names = find_parameter_names(
        [
            ParameterSpec(name="kind", constant=Constant()),
            ParameterSpec(name="plain", group=group),
            ParameterSpec(name="adam", group=group, condition=Condition(parent="kind")),
        ]
    )

    assert names.always == {"kind", "plain.rate"}
    assert names.sometimes == {"adam.rate"}
    assert names.clashes == []


def test_names_that_share_an_environment_variable_clash() -> None:
    names = find_parameter_names(
        [ParameterSpec(name=name, constant=Constant()) for name in ("a-b", "a.b", "ab")]
    )

    assert names.clashes == [("a-b", "a.b")]
    assert parameter_variable("a.b") == parameter_variable("a-b") == "ASHA_PARAM_A_B"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1, "0.1"),
        (1e-5, "1e-05"),
        (3, "3"),
        (True, "true"),
        ("a b", "a b"),
        (None, "null"),
        ({"b": [1, 2], "a": None}, '{"a":null,"b":[1,2]}'),
    ],
)
def test_values_are_written_as_python_or_json_writes_them(value: object, text: str) -> None:
    assert format_value(value) == text  # type: ignore[arg-type]  # one case of each kind

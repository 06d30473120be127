"""The suite itself: that its cases cover the wire, and that it finds what is wrong."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest
from asha_client.pb import error_pb2, trial_pb2

from .case import IN_SESSION, Case, in_modes
from .catalogue import ALL_CASES, REASONS, SCRIPTED_ONLY, cases_for
from .compare import ABSENT, MATCHERS, differences, filled
from .conftest import Drivers
from .driver_process import CLIENTS, DriverFailed, DriverProcess, load_language
from .generated import UNNAMED_VALUE, variants
from .play import Mismatch, Play
from .servers import Misbehaving
from .test_cases import complaint_of
from .wire_methods import METHODS, enum_types, plain

REAL = [case for case in ALL_CASES if case.server != "script"]


def values_of(node: Any, key: str) -> list[Any]:
    """Every value under a key, however deep."""
    if isinstance(node, dict):
        here = [node[key]] if key in node else []
        return here + [found for value in node.values() for found in values_of(value, key)]
    if isinstance(node, list):
        return [found for value in node for found in values_of(value, key)]
    return []


def methods_of(cases: list[Case]) -> set[str]:
    """The methods that drivers call in these cases; those of the loop by its steps."""
    steps = [step for case in cases for step in case.steps if "do" in step]
    return {step["method"] for step in steps if step["do"] == "call"}


def expected_reasons(cases: list[Case]) -> set[str]:
    """The reasons of errors that drivers are expected to tell."""
    errors = [error for case in cases for error in values_of(case.steps, "error")]
    return {error["reason"] for error in errors}


def test_every_unary_method_is_called_on_both_servers() -> None:
    scripted = methods_of([case for case in ALL_CASES if case.server == "script"])

    assert set(METHODS) - scripted == set()
    assert set(METHODS) - methods_of(REAL) == set()


def test_the_table_of_reasons_is_that_of_the_wire() -> None:
    names = {name.removeprefix("ERROR_REASON_") for name in error_pb2.ErrorReason.keys()}  # noqa: SIM118 - no dict

    assert names - {"UNSPECIFIED"} == set(REASONS)


def test_every_reason_is_expected_and_most_from_the_real_server() -> None:
    assert set(REASONS) - expected_reasons(ALL_CASES) == set()
    assert set(REASONS) - expected_reasons(REAL) == set(SCRIPTED_ONLY)


def numbers(message: Any) -> set[tuple[str, int]]:
    """Every enum value in a message."""
    found = set()
    for field, value in message.ListFields():
        items = value if field.is_repeated and not isinstance(value, dict) else [value]
        if field.enum_type is not None:
            found |= {(field.enum_type.full_name, number) for number in items}
        elif field.message_type is not None and not field.message_type.GetOptions().map_entry:
            found |= {one for item in items for one in numbers(item)}
    return found


def test_every_enum_value_and_one_without_a_name_cross_the_wire() -> None:
    """UNSPECIFIED is what an empty message has."""
    sent = {
        found
        for method in METHODS.values()
        for kind in (method.input_type, method.output_type)
        for message in variants(kind)
        for found in numbers(message)
    }
    wanted = {
        (enum.full_name, number)
        for enum in enum_types()
        for number in [*(v.number for v in enum.values if v.number), UNNAMED_VALUE]
    }

    assert wanted - sent == set()


def paths(descriptor: Any, within: tuple[str, ...] = ()) -> set[str]:
    """Every field that a message can hold, by the names on the way to it."""
    if within.count(descriptor.full_name) > 1:
        return set()
    found = set()
    for field in descriptor.fields:
        found.add(f"{descriptor.full_name}.{field.name}")
        if field.message_type is not None:
            found |= paths(field.message_type, (*within, descriptor.full_name))
    return found


def set_fields(message: Any) -> set[str]:
    """Every field that a message does hold."""
    found = set()
    for field, value in message.ListFields():
        found.add(f"{field.containing_type.full_name}.{field.name}")
        if field.message_type is not None:
            if field.message_type.GetOptions().map_entry:
                entry = field.message_type.full_name
                found |= {f"{entry}.key", f"{entry}.value"}
            else:
                for item in value if field.is_repeated else [value]:
                    found |= set_fields(item)
    return found


@pytest.mark.parametrize("method", METHODS)
def test_every_field_is_sent_with_a_value(method: str) -> None:
    for kind in (METHODS[method].input_type, METHODS[method].output_type):
        sent = {found for message in variants(kind) for found in set_fields(message)}

        assert paths(kind) - sent == set()


def test_hard_values_cross_the_wire() -> None:
    trial = trial_pb2.Trial.DESCRIPTOR
    texts = json.dumps([plain(one) for one in variants(trial)], ensure_ascii=False)

    for hard in ("9007199254740993", "-9223372036854775808", "NaN", "-Infinity", "模型", "5e-324"):
        assert hard in texts


def test_the_committed_results_are_of_these_cases_and_clients() -> None:
    """Else run the suite with every driver and `--results`, then docs/generate.py."""
    results = json.loads((CLIENTS / "conformance" / "results.json").read_text(encoding="utf-8"))
    languages = {path.parent.name for path in CLIENTS.glob("*/client.toml")}
    played = {
        name: {case.name for case in cases_for(sessions=load_language(name).sessions)}
        for name in languages
    }

    assert results["cases"] == {case.name: case.about for case in ALL_CASES}
    assert {name: set(outcomes) for name, outcomes in results["languages"].items()} == played


def test_the_guide_names_cases_that_exist() -> None:
    guide = (CLIENTS.parent / "docs/howto/write-a-client.md").read_text(encoding="utf-8")
    rows = [line.split("|") for line in guide.splitlines() if line.startswith("|")][2:]
    named = {name for row in rows for name in re.findall(r"`([^`]+)`", row[3])}

    assert len(named) > 30
    assert named - {case.name.removesuffix(IN_SESSION) for case in ALL_CASES} == set()


def test_names_of_cases_are_unique_and_sentences_end() -> None:
    assert len({case.name for case in ALL_CASES}) == len(ALL_CASES)
    assert [case.name for case in ALL_CASES if not case.about.endswith(".")] == []


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ({"a": 0, "b": "", "c": False, "d": [], "e": None}, {}),
        ({"n": "9007199254740993"}, {"n": 9007199254740993}),
        ({"n": 9007199254740993}, {"n": "9007199254740993"}),
        ({"x": 2.0, "nan": "NaN"}, {"x": 2, "nan": "NaN", "more": 1}),
        ({"$contains": "b"}, "abc"),
        ({"$between": [1, 2]}, 1.5),
        ({"$includes": [{"a": 1}]}, [{"a": 2}, {"a": 1, "b": 3}]),
    ],
)
def test_what_is_equal(expected: Any, actual: Any) -> None:
    assert differences(expected, actual, {}) == []


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ({"n": "9007199254740993"}, {"n": 9007199254740992}),
        ({"n": "9007199254740993"}, {"n": 9007199254740993.0}),
        ({"flag": True}, {"flag": 1}),
        ({"flag": 1}, {"flag": True}),
        ({"text": "1.0"}, {"text": 1.0}),
        ({"a": None}, {"a": 0}),
        ({"a": 1}, {}),
        ([1, 2], [2, 1]),
        ([1], [1, 1]),
        ({"a": {"$any": True}}, {"a": ""}),
        ({"a": {"$save": "name"}}, {}),
        ({"$contains": "b"}, ABSENT),
        ({"$between": [1, 2]}, "x"),
        ({"$not": 1}, 1),
        ({"$includes": [{"a": 1}]}, [{"a": 2}]),
    ],
)
def test_what_differs(expected: Any, actual: Any) -> None:
    assert differences(expected, actual, {}) != []


def test_exact_finds_surplus_fields() -> None:
    assert differences({"a": 1}, {"a": 1, "b": 2}, {}, exact=True) == ["b: expected nothing, got 2"]


def test_a_known_failure_may_fail_and_may_not_pass() -> None:
    assert complaint_of("differs", None) == "differs"
    assert complaint_of("differs", "as yet") == ""
    assert complaint_of("", None) == ""
    assert "take it off" in complaint_of("", "as yet")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name = 'x'", "says no command `driver`"),
        ("name = 'x'\ndriver = ['no-such-program-anywhere']", "no program no-such-program"),
        ("name = 'x'\ndriver = ['./driver']", "no program"),
        ("name = ", "client.toml"),
    ],
)
def test_what_is_missing_is_a_failure(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "client.toml").write_text(text)

    with pytest.raises(DriverFailed, match=words):
        DriverProcess(load_language("x", tmp_path))
    with pytest.raises(DriverFailed, match="no-such-language"):
        load_language("no-such-language", tmp_path)


def test_a_build_that_fails_shows_what_it_said(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    toml = "build = ['sh', '-c', 'echo the reason >&2; exit 3']\ndriver = ['true']"
    (tmp_path / "x" / "client.toml").write_text(toml)

    with pytest.raises(DriverFailed, match=r"exited 3(?s:.*)the reason"):
        load_language("x", tmp_path).build()


def test_every_matcher_is_used_by_a_case() -> None:
    text = json.dumps([dataclasses.asdict(case) for case in ALL_CASES])

    assert {name for name in MATCHERS if f'"{name}"' not in text} == set()


def test_variables_keep_their_type_alone_and_become_text_within_text() -> None:
    assert filled({"a": "${n}", "b": ["x-${n}"]}, {"n": 7}) == {"a": 7, "b": ["x-7"]}
    with pytest.raises(KeyError):
        filled("${missing}", {})


def expect_mismatch(case: Case, words: str, drivers: Drivers) -> None:
    """Plays a case that must fail with these words."""
    driver = drivers.get("python")
    with Misbehaving({}) as server:
        with pytest.raises(Mismatch, match=words):
            Play(case, driver, server).run()
        driver.hear(driver.tell({"do": "close"}))  # while there is a server to release the trial to


WRONG_STEPS: list[dict[str, Any]] = [
    {"do": "next_trial", "experiment_id": "digits", "expect": {"ok": {"trial": 1}}},
    {"do": "next_trial", "experiment_id": "digits", "expect": {"ok": {"configuration": []}}},
    {"do": "next_trial", "experiment_id": "digits", "expect": {"error": {}}},
    {"do": "next_trial", "experiment_id": "digits", "takes_s": [5, 9]},
    {"do": "no-such-step"},
    {"received": "GetSuggestion", "count": 1, "within_s": 0},
]


@pytest.mark.parametrize("step", WRONG_STEPS, ids=lambda step: next(iter(step.values())))
@pytest.mark.parametrize("sessions", [False, True])
def test_a_case_that_expects_something_else_fails(
    step: dict[str, Any], sessions: bool, drivers: Drivers
) -> None:
    case = Case(
        name="wrong",
        about="A wrong expectation is found.",
        server="script",
        steps=[step],
        sessions=sessions,
    )
    expect_mismatch(case, "wrong, step 1 of 2", drivers)


@pytest.mark.parametrize(
    ("told", "sessions", "words"),
    [(False, True, "should have come over a session"), (True, False, "a session was opened")],
)
def test_a_client_that_goes_another_way_is_found(
    told: bool, sessions: bool, words: str, drivers: Drivers
) -> None:
    case = Case(
        name="wrong-way",
        about="A client that does not do as it is told is found.",
        server="script",
        steps=[{"do": "next_trial", "experiment_id": "digits"}],
        connect={"sessions": told},
        sessions=sessions,
    )
    expect_mismatch(case, words, drivers)


def test_a_case_of_a_worker_is_played_in_both_modes_and_says_what_differs() -> None:
    ask = {"do": "next_trial", "experiment_id": "digits"}
    received = {"received": "X", "deadline_s": 1, "session": {"deadline_s": None, "count": 2}}
    calls = Case(name="a", about="A.", server="script", steps=[{"do": "call"}, {"received": "X"}])
    loop = Case(name="b", about="B.", server="script", steps=[ask, received])
    only = dataclasses.replace(loop, name="c", modes=["session"])

    assert [case.name for one in (calls, loop, only) for case in in_modes(one)] == [
        "a", "b", "b[session]", "c[session]",
    ]  # fmt: skip
    unary, session = in_modes(loop)
    assert (unary.sessions, session.sessions) == (False, True)
    assert unary.steps == [ask, {"received": "X", "deadline_s": 1}]
    assert session.steps == [ask, {"received": "X", "count": 2}]

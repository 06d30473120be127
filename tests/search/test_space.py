from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asha_server.errors import FieldViolation
from asha_server.search.space import (
    INT64_MAX,
    INT64_MIN,
    MAX_GRID_CASES,
    MAX_GRID_POINTS,
    MAX_GROUP_DEPTH,
    MAX_PARAMETERS,
    Categorical,
    Condition,
    Configuration,
    Constant,
    DoubleRange,
    GridTooLargeError,
    Group,
    IntRange,
    JsonValue,
    Kind,
    ParameterSpec,
    SearchSpace,
    Value,
    axis,
    canonical_json,
    decode_value,
    encode_value,
    leaves,
    same_value,
    validate_parameters,
    value_key,
)

VECTORS = Path(__file__).parents[1] / "vectors"
POINTS = json.loads((VECTORS / "grid_points.json").read_text())["cases"]
PRODUCT = json.loads((VECTORS / "grid_product.json").read_text())
ALMOST_ONE = 1 - 2.0**-53  # the greatest unit number


# ---------------------------------------------------------------- helpers and strategies


def p(name: str, kind: Kind | None, parent: str = "", *values: Value) -> ParameterSpec:
    condition = Condition(parent, values) if parent else None
    return ParameterSpec(name, kind, condition)


def g(name: str, *members: ParameterSpec) -> ParameterSpec:
    return ParameterSpec(name, Group(members))


def draw_one(kind: Kind, unit: float) -> Value:
    ((_, value),) = SearchSpace((p("x", kind),)).configuration(lambda _: unit)
    return value


def points(kind: DoubleRange | IntRange | Categorical | Constant) -> list[Value]:
    along = axis(kind)
    return [along.point(index) for index in range(along.size)]


def faults(*parameters: ParameterSpec, grid: bool = False) -> list[str]:
    return [violation.path for violation in validate_parameters(parameters, needs_count=grid)]


def value_of(plain: object) -> Value:
    if plain is None or isinstance(plain, (dict, list)):
        return JsonValue(json.dumps(plain, sort_keys=True, separators=(",", ":")))
    assert isinstance(plain, (bool, int, float, str))
    return plain


def kind_of(vector: dict[str, Any]) -> DoubleRange | IntRange | Categorical | Constant:
    log = vector.get("scale") == "log"
    match vector["type"]:
        case "int":
            return IntRange(vector["min"], vector["max"], log, count=vector["count"])
        case "double":
            return DoubleRange(float(vector["min"]), float(vector["max"]), log, vector["count"])
        case "categorical":
            return Categorical(tuple(value_of(value) for value in vector["values"]))
        case _:
            return Constant(value_of(vector["value"]))


def space_of(vector: dict[str, Any]) -> tuple[ParameterSpec, ...]:
    return tuple(
        p(name, kind_of(inner) if "type" in inner else Group(space_of(inner)))
        for name, inner in vector.items()
    )


def flat(point: dict[str, Any], prefix: str = "") -> dict[str, object]:
    found: dict[str, object] = {}
    for name, inner in point.items():
        if isinstance(inner, dict):
            found |= flat(inner, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = inner
    return found


scalars = st.one_of(
    st.integers(INT64_MIN, INT64_MAX),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.text(st.characters(codec="utf-8"), max_size=5),
)
values_ = scalars | st.sampled_from(
    [JsonValue("null"), JsonValue("[]"), JsonValue('{"a":[1,2.5]}')]
)


@st.composite
def double_ranges(draw: st.DrawFn) -> DoubleRange:
    log = draw(st.booleans())
    numbers = (
        st.floats(allow_nan=False, allow_infinity=False, min_value=0, exclude_min=True)
        if log
        else st.floats(allow_nan=False, allow_infinity=False)
    )
    low, high = sorted(draw(st.lists(numbers, min_size=2, max_size=2, unique=True)))
    return DoubleRange(low, high, log, draw(st.integers(1, 3)))


@st.composite
def int_ranges(draw: st.DrawFn) -> IntRange:
    log = draw(st.booleans())
    numbers = st.integers(1 if log else INT64_MIN, INT64_MAX) | st.integers(1, 9)
    low, high = sorted(draw(st.tuples(numbers, numbers)))
    step = draw(st.none() | st.integers(1, 4) | st.integers(1, INT64_MAX))
    return IntRange(low, high, log, step, draw(st.integers(1, 4)))


categoricals = st.lists(values_, min_size=1, max_size=4, unique_by=value_key).map(
    lambda values: Categorical(tuple(values))
)
leaf_kinds = st.one_of(double_ranges(), int_ranges(), categoricals, values_.map(Constant))


@st.composite
def spaces(draw: st.DrawFn) -> tuple[ParameterSpec, ...]:
    """Up to 7 leaves in up to 2 groups, conditions on any earlier drawn leaf, in any order."""
    parents: list[tuple[str, Kind]] = []
    top: list[ParameterSpec] = []
    group_count = draw(st.integers(0, 2))
    names = draw(st.permutations(["a", "b", "c", "d", "e"]))
    for number, name in enumerate(names[: draw(st.integers(0, 5))]):
        condition = draw(conditions(parents))
        if number < group_count:
            members = []
            for member in draw(st.permutations(["x", "y"])):
                kind = draw(leaf_kinds)
                members.append(ParameterSpec(member, kind, draw(conditions(parents))))
                parents.append((f"{name}.{member}", kind))
            top.append(ParameterSpec(name, Group(tuple(members)), condition))
        else:
            kind = draw(leaf_kinds)
            top.append(ParameterSpec(name, kind, condition))
            parents.append((name, kind))
    return tuple(draw(st.permutations(top)))


@st.composite
def conditions(draw: st.DrawFn, parents: list[tuple[str, Kind]]) -> Condition | None:
    possible = [(path, kind) for path, kind in parents if not isinstance(kind, DoubleRange)]
    if not possible or draw(st.booleans()):
        return None
    path, kind = draw(st.sampled_from(possible))
    match kind:
        case Categorical():
            values = draw(st.lists(st.sampled_from(kind.values), min_size=1, unique_by=value_key))
        case Constant():
            values = [kind.value]
        case _:
            assert isinstance(kind, IntRange)
            indices = draw(st.sets(st.integers(0, min(kind.size - 1, 9)), min_size=1))
            values = [kind.min + index * kind.spacing for index in indices]
    return Condition(path, tuple(values))


def is_active(space: SearchSpace, path: str, chosen: dict[str, Value]) -> bool:
    """By the definition, recursively: each condition's parent is active and has such a value."""
    leaf = next(leaf for leaf in space.leaves if leaf.path == path)
    return all(
        is_active(space, condition.parent, chosen)
        and value_key(chosen[condition.parent]) in condition.keys
        for condition in leaf.conditions
    )


# ---------------------------------------------------------------- values


def test_values_are_the_same_only_by_type_and_value() -> None:
    different: list[Value] = [1, 1.0, True, "1", JsonValue("[1]"), 0, 0.0, False, "", "true"]

    for a, b in itertools.combinations(different, 2):
        assert not same_value(a, b)
    for a in different:
        assert same_value(a, a)


@settings(deadline=None)
@given(values_)
def test_an_encoded_value_comes_back_with_its_type_through_any_json(value: Value) -> None:
    encoded = encode_value(value)

    assert same_value(decode_value(msgspec.json.decode(msgspec.json.encode(encoded))), value)
    assert same_value(decode_value(json.loads(json.dumps(encoded))), value)


def test_encoded_values_read_as_themselves() -> None:
    values: list[Value] = [1.0, 1, True, "x", JsonValue("null"), 1e300]

    encoded = msgspec.json.encode([encode_value(value) for value in values])

    assert encoded == b'[1.0,1,true,"x",{"json":"null"},1e300]'


@pytest.mark.parametrize("value", [math.nan, math.inf, 2**63, -(2**63) - 1, JsonValue("[1, 2]")])
def test_a_value_that_json_cannot_carry_is_not_encoded(value: Value) -> None:
    if isinstance(value, JsonValue):  # kept as it is: refused when the space is validated
        assert decode_value(encode_value(value)) == value
        return

    with pytest.raises(ValueError, match="must"):
        encode_value(value)


@pytest.mark.parametrize("encoded", [None, [], {}, {"json": 1}, {"json": "null", "more": 1}])
def test_other_forms_are_not_decoded(encoded: object) -> None:
    with pytest.raises(ValueError, match=r"Expected|Object"):
        decode_value(encoded)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        (" null ", "null"),
        ('{"b": [1, 1.0, true], "a": "\\u00fc"}', '{"a":"ü","b":[1,1.0,true]}'),
        ("[ ]", "[]"),
        ("[1e2]", "[100.0]"),
    ],
)
def test_canonical_json_sorts_keys_and_drops_spaces(text: str, canonical: str) -> None:
    assert canonical_json(text) == canonical
    assert canonical_json(canonical) == canonical


@pytest.mark.parametrize(
    "text",
    ["", "{", "1", '"x"', "true", "[NaN]", "[1e999]", '{"a":1,"a":2}', '["\\ud800"]', "[" * 10**5],
)
def test_what_has_no_canonical_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        canonical_json(text)


# ---------------------------------------------------------------- declarations


@settings(deadline=None)
@given(spaces())
def test_declarations_come_back_from_json(parameters: tuple[ParameterSpec, ...]) -> None:
    encoded = msgspec.json.encode(parameters)

    decoded = msgspec.json.decode(encoded, type=tuple[ParameterSpec, ...])

    assert repr(decoded) == repr(parameters)  # == takes 1 for 1.0


def test_declarations_with_unknown_fields_are_not_decoded() -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        msgspec.json.decode(b'{"name":"x","kind":null,"default":1}', type=ParameterSpec)


def test_leaves_are_flat_in_declared_order_under_the_conditions_of_their_groups() -> None:
    parameters = (
        ParameterSpec(
            "g",
            Group((p("y", IntRange(0, 1), "k", 2), g("inner", p("x", Constant(1))))),
            Condition("k", (1, 2)),
        ),
        p("k", IntRange(1, 3)),
    )

    found = leaves(parameters)

    assert [leaf.path for leaf in found] == ["g.y", "g.inner.x", "k"]
    assert [leaf.components for leaf in found] == [("g", "y"), ("g", "inner", "x"), ("k",)]
    assert [[len(c.keys) for c in leaf.conditions] for leaf in found] == [[2, 1], [2], []]


# ---------------------------------------------------------------- validation


@settings(deadline=None)
@given(spaces())
def test_good_spaces_have_no_violation(parameters: tuple[ParameterSpec, ...]) -> None:
    assert validate_parameters(parameters, needs_count=False) == []


def test_no_parameters_are_a_space_of_one_configuration() -> None:
    assert validate_parameters((), needs_count=True) == []
    assert SearchSpace(()).grid_size() == 1
    assert list(SearchSpace(()).grid()) == [()]
    assert SearchSpace(()).configuration(lambda _: 0.0) == ()


ROOT = "spec.parameters[0]"


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        (None, ""),
        (DoubleRange(1.0, 1.0), ".double_range.max"),
        (DoubleRange(2.0, 1.0), ".double_range.max"),
        (DoubleRange(math.nan, 1.0), ".double_range.min"),
        (DoubleRange(-math.inf, 1.0), ".double_range.min"),
        (DoubleRange(0.0, math.inf), ".double_range.max"),
        (DoubleRange(0.0, math.nan), ".double_range.max"),
        (DoubleRange(0.0, 1.0, log=True), ".double_range.min"),
        (DoubleRange(-1.0, 1.0, log=True), ".double_range.min"),
        (DoubleRange(0.0, 1.0, count=0), ".double_range.count"),
        (DoubleRange(0.0, 1.0, count=MAX_GRID_POINTS + 1), ".double_range.count"),
        (IntRange(2, 1), ".int_range.max"),
        (IntRange(0, 1, log=True), ".int_range.min"),
        (IntRange(0, 1, step=0), ".int_range.step"),
        (IntRange(0, 1, step=-1), ".int_range.step"),
        (IntRange(0, 1, step=2**63), ".int_range.step"),
        (IntRange(0, 1, count=0), ".int_range.count"),
        (IntRange(0, 2**63), ".int_range.max"),
        (IntRange(-(2**63) - 1, 0), ".int_range.min"),
        (Categorical(()), ".categorical.values"),
        (Categorical((1, 2, 1)), ".categorical.values[2]"),
        (Categorical((0.0, -0.0)), ".categorical.values[1]"),
        (Categorical((JsonValue("null"), JsonValue("null"))), ".categorical.values[1]"),
        (Categorical(("a", math.nan)), ".categorical.values[1]"),
        (Categorical((2**63,)), ".categorical.values[0]"),
        (Categorical((JsonValue("[1, 2]"),)), ".categorical.values[0]"),
        (Constant(math.inf), ".constant.value"),
        (Constant(JsonValue("1")), ".constant.value"),
        (Constant(JsonValue("nul")), ".constant.value"),
    ],
)
def test_a_faulty_kind_is_refused_at_its_field(kind: Kind | None, field: str) -> None:
    assert faults(p("x", kind)) == [ROOT + field]


@pytest.mark.parametrize(
    "kind",
    [
        DoubleRange(-1e308, 1e308),
        DoubleRange(5e-324, 1.7e308, log=True),
        IntRange(1, 1),
        IntRange(1, 9, log=True, step=3),
        IntRange(0, 1, step=5),
        IntRange(INT64_MIN, INT64_MAX),
        Categorical((1, 1.0, True, "1", JsonValue("[1]"))),
        Constant(JsonValue("null")),
        Group(()),
    ],
)
def test_a_sound_kind_is_accepted(kind: Kind) -> None:
    assert faults(p("x", kind)) == []


@pytest.mark.parametrize("name", ["a", "9", "a.b", "A_b-c/d.e", "x" * 128])
def test_a_name_within_the_rule_is_accepted(name: str) -> None:
    assert faults(p(name, Constant(1))) == []


@pytest.mark.parametrize("name", ["", ".a", "_a", "-a", "/a", "a b", "ä", "a\n", "x" * 129, "²"])
def test_a_name_outside_the_rule_is_refused(name: str) -> None:
    assert faults(p(name, Constant(1))) == [f"{ROOT}.name"]


def test_a_path_declared_twice_is_refused_however_it_is_written() -> None:
    one = Constant(1)

    assert faults(p("a", one), p("a", one)) == ["spec.parameters[1].name"]
    assert faults(p("a", one), g("a")) == ["spec.parameters[1].name"]
    assert faults(g("a"), g("a")) == ["spec.parameters[1].name"]
    assert faults(p("a.b", one), g("a", p("b", one))) == [
        "spec.parameters[1].group.parameters[0].name"
    ]
    assert faults(g("a", p("b", one)), g("b", p("b", one)), p("b.a", one)) == []


def test_all_faults_are_found_at_once_at_any_depth() -> None:
    found = faults(
        g("g", p("ok", Constant(1)), g("h", p("?", Categorical(())))),
        p("x", DoubleRange(math.inf, -math.inf)),
        p("y", IntRange(3, 2, log=True, step=0, count=0), "nobody"),
        p("x", None),
    )

    assert found == [
        "spec.parameters[0].group.parameters[1].group.parameters[0].name",
        "spec.parameters[0].group.parameters[1].group.parameters[0].categorical.values",
        "spec.parameters[1].double_range.min",
        "spec.parameters[1].double_range.max",
        "spec.parameters[2].int_range.max",
        "spec.parameters[2].int_range.step",
        "spec.parameters[2].int_range.count",
        "spec.parameters[3].name",
        "spec.parameters[3]",
        "spec.parameters[2].condition.values",
        "spec.parameters[2].condition.parent",
    ]


def test_violations_start_with_the_given_path() -> None:
    (violation,) = validate_parameters((p("x", None),), needs_count=False, path="parameters")

    assert violation.path == "parameters[0]"
    assert "double_range" in violation.message


def test_parameters_are_limited_in_all() -> None:
    half = [p(f"p{number}", Constant(1)) for number in range(MAX_PARAMETERS // 2 - 1)]

    assert faults(g("a", *half), g("b", *half)) == []  # 2 groups, 2 · 499 constants
    assert faults(g("a", *half), g("b", *half), p("c", Constant(1))) == ["spec.parameters"]


def test_groups_are_limited_in_depth() -> None:
    deepest = g("g")
    for _ in range(MAX_GROUP_DEPTH - 1):
        deepest = g("g", deepest)

    assert faults(deepest) == []
    assert faults(g("g", deepest)) == [f"{ROOT}{'.group.parameters[0]' * MAX_GROUP_DEPTH}.group"]


CHOICE = Categorical(("sgd", "adam", 1))


@pytest.mark.parametrize(
    ("condition", "field"),
    [
        (Condition("nobody", ("sgd",)), "parent"),
        (Condition("lr", (0.5,)), "parent"),  # a double
        (Condition("g", (1,)), "parent"),  # a group
        (Condition("inner", (1,)), "parent"),  # not the absolute path
        (Condition("x", ("sgd",)), "parent"),  # itself
        (Condition("o", ()), "values"),
        (Condition("o", ("lbfgs",)), "values[0]"),
        (Condition("o", ("sgd", 1.0)), "values[1]"),
        (Condition("o", ("sgd", "sgd")), "values[1]"),
        (Condition("o", (math.nan,)), "values[0]"),
        (Condition("g.inner", (5,)), "values[0]"),
        (Condition("g.inner", (1, 2)), "values[1]"),  # not on 1, 3
        (Condition("g.inner", (3.0,)), "values[0]"),
        (Condition("k", (False,)), "values[0]"),
    ],
)
def test_a_faulty_condition_is_refused_at_its_field(condition: Condition, field: str) -> None:
    kind = Categorical(("sgd",))

    found = faults(
        ParameterSpec("x", kind, condition),
        p("o", CHOICE),
        g("g", p("inner", IntRange(1, 4, step=2))),
        p("lr", DoubleRange(0.0, 1.0)),
        p("k", Constant(True)),
    )

    assert found == [f"{ROOT}.condition.{field}"]


def test_conditions_in_a_circle_are_refused_at_each_of_them() -> None:
    bit = Categorical((0, 1))

    found = faults(
        p("a", bit, "b", 1), p("b", bit, "c", 1), p("c", bit, "a", 1), p("free", bit, "a", 1)
    )

    assert found == [f"spec.parameters[{number}].condition.parent" for number in (0, 1, 2)]


def test_a_group_cannot_depend_on_what_is_inside_it() -> None:
    bit = Categorical((0, 1))
    inside = ParameterSpec("g", Group((g("h", p("a", bit)),)), Condition("g.h.a", (1,)))
    around = ParameterSpec("g", Group((p("a", bit),)), Condition("b", (1,)))

    assert faults(inside) == [f"{ROOT}.condition.parent"]
    assert faults(around, p("b", bit, "g.a", 1)) == [
        "spec.parameters[0].condition.parent",
        "spec.parameters[1].condition.parent",
    ]


def test_a_parameter_may_depend_on_one_declared_later_or_in_another_group() -> None:
    bit = Categorical((0, 1))

    assert faults(p("a", bit, "g.b", 1), g("g", p("b", bit), p("c", bit, "g.b", 0))) == []


def test_a_grid_needs_the_count_of_every_numeric_parameter() -> None:
    parameters = (
        p("a", DoubleRange(0.0, 1.0)),
        g("g", p("b", IntRange(5, 5)), p("c", Categorical((1, 2)))),
    )

    assert faults(*parameters) == []
    assert faults(*parameters, grid=True) == [
        "spec.parameters[0].double_range.count",
        "spec.parameters[1].group.parameters[0].int_range.count",
    ]


def test_a_grid_has_at_most_a_million_points() -> None:
    thousand = IntRange(1, 10**6, count=1000)
    more = IntRange(1, 10**6, count=1001)

    assert MAX_GRID_POINTS == 1_000_000
    assert faults(p("a", thousand), p("b", thousand), grid=True) == []
    assert faults(p("a", thousand), p("b", more), grid=True) == ["spec.parameters"]
    assert faults(p("a", thousand), p("b", more)) == []  # for a random search it means nothing


def test_the_limit_counts_points_under_their_conditions() -> None:
    # 2 branches of 10^6 / 2 points each; the product without conditions has 5·10^11.
    half = IntRange(1, 10**6, count=500_000)
    branch = Categorical(("a", "b"))
    parameters = (p("k", branch), p("a", half, "k", "a"), p("b", half, "k", "b"))

    assert faults(*parameters, grid=True) == []
    assert SearchSpace(parameters).grid_size() == 1_000_000
    assert faults(*parameters, p("z", Categorical((1, 2))), grid=True) == ["spec.parameters"]


def test_conditions_too_entangled_to_count_are_refused() -> None:
    bit = Categorical((0, 1))
    parents = [p(f"a{number:02}", bit) for number in range(20)]
    children = [p(f"b{number:02}", bit, f"a{number:02}", 1) for number in range(20)]

    (violation,) = validate_parameters((*parents, *children), needs_count=True)

    assert violation.path == "spec.parameters"
    assert str(MAX_GRID_CASES) in violation.message
    with pytest.raises(GridTooLargeError):
        SearchSpace((*parents, *children)).grid_size()


@pytest.mark.parametrize(
    "kind",
    [
        DoubleRange(1.0, math.nextafter(1.0, 2), count=3),
        DoubleRange(1.0, math.nextafter(1.0, 2), log=True, count=3),
    ],
)
def test_more_grid_points_than_doubles_are_refused(kind: Kind) -> None:
    name = f"{ROOT}.double_range.count"

    assert faults(p("x", kind), grid=True) == [name]


# ---------------------------------------------------------------- points from unit numbers


@settings(deadline=None)
@given(leaf_kinds, st.floats(0, ALMOST_ONE))
def test_a_drawn_value_is_in_the_space(kind: Kind, unit: float) -> None:
    value = draw_one(kind, unit)

    assert SearchSpace((p("x", kind),)).validate_given((("x", value),)) == []


@pytest.mark.parametrize(
    ("kind", "unit", "expected"),
    [
        (DoubleRange(-1.0, 3.0), 0.0, -1.0),
        (DoubleRange(-1.0, 3.0), 0.25, 0.0),  # -1 + 0.25 · 4
        (DoubleRange(1.0, math.nextafter(1.0, 2)), ALMOST_ONE, math.nextafter(1.0, 2)),
        (DoubleRange(-1.7e308, 1.7e308), 0.5, 0.0),  # the width is beyond a double
        (DoubleRange(0.001, 0.1, log=True), 0.5, 0.01),
        (DoubleRange(0.001, 0.1, log=True), 0.0, 0.001),
        (IntRange(1, 4), 0.0, 1),
        (IntRange(1, 4), 0.25, 2),
        (IntRange(1, 4), ALMOST_ONE, 4),
        (IntRange(1, 10, step=4), ALMOST_ONE, 9),  # 1, 5, 9
        (IntRange(INT64_MIN, INT64_MAX), 0.0, INT64_MIN),
        (IntRange(INT64_MIN, INT64_MAX), 0.5, 0),
        (IntRange(INT64_MIN, INT64_MAX), ALMOST_ONE, INT64_MAX - 2047),  # 2^64 · (1 - 2^-53)
        (IntRange(1, 7, log=True), 0.0, 1),
        (IntRange(1, 7, log=True), 0.32, 1),  # 8^0.32 = 1.95
        (IntRange(1, 7, log=True), 0.34, 2),  # 8^0.34 = 2.03
        (IntRange(1, 7, log=True), ALMOST_ONE, 7),
        (IntRange(1, 10, log=True, step=4), 0.5, 1),  # 13^0.5 = 3.6, down to 1 of 1, 5, 9
        (IntRange(1, 10, log=True, step=4), ALMOST_ONE, 9),
        (IntRange(1, INT64_MAX, log=True), 0.0, 1),
        (IntRange(1, INT64_MAX, log=True), 0.5, 3_037_000_499),  # floor(2^31.5)
        (IntRange(5, 5, log=True), ALMOST_ONE, 5),
        (Categorical(("a", "b", "c")), 0.34, "b"),
        (Categorical(("a", "b", "c")), ALMOST_ONE, "c"),
        (Constant("v"), 0.5, "v"),
    ],
)
def test_a_value_follows_from_the_unit_number(kind: Kind, unit: float, expected: Value) -> None:
    value = draw_one(kind, unit)

    assert type(value) is type(expected)
    assert value == expected


def test_a_log_int_is_log_uniform_with_both_ends() -> None:
    # P(v) = ln((v + 1) / v) / ln(8): 0.333, 0.195, 0.138, 0.107, 0.088, 0.074, 0.064
    drawn = [draw_one(IntRange(1, 7, log=True), number / 1000) for number in range(1000)]

    counts = [drawn.count(value) for value in range(1, 8)]

    assert counts == [334, 195, 138, 107, 88, 74, 64]


def test_double_bounds_written_as_integers_give_doubles() -> None:
    assert isinstance(draw_one(DoubleRange(0, 1), 0.0), float)
    assert all(isinstance(point, float) for point in points(DoubleRange(1, 3, count=3)))


@settings(deadline=None)
@given(spaces(), st.data())
def test_a_configuration_is_valid_ordered_and_has_exactly_the_active_parameters(
    parameters: tuple[ParameterSpec, ...], data: st.DataObject
) -> None:
    space = SearchSpace(parameters)
    units = {leaf.path: data.draw(st.floats(0, ALMOST_ONE)) for leaf in space.leaves}

    configuration = space.configuration(units.__getitem__)

    chosen = dict(configuration)
    paths = [leaf.path for leaf in space.leaves]
    assert [path for path, _ in configuration] == [
        path for path in paths if is_active(space, path, chosen)
    ]
    assert space.validate_given(configuration) == []


@settings(deadline=None)
@given(spaces(), st.data())
def test_declared_order_changes_no_value(
    parameters: tuple[ParameterSpec, ...], data: st.DataObject
) -> None:
    units = {leaf.path: data.draw(st.floats(0, ALMOST_ONE)) for leaf in leaves(parameters)}

    one = SearchSpace(parameters).configuration(units.__getitem__)
    other = SearchSpace(tuple(reversed(parameters))).configuration(units.__getitem__)

    assert dict(one) == dict(other)


OPTIMIZER = (
    g("sgd", p("momentum", DoubleRange(0.0, 1.0), "optimizer", "sgd")),
    p("optimizer", Categorical(("sgd", "adam"))),
    ParameterSpec(
        "adam", Group((p("beta", DoubleRange(0.0, 1.0)),)), Condition("optimizer", ("adam",))
    ),
    p("nesterov", Categorical((True, False)), "optimizer", "sgd"),
    p("dampening", IntRange(0, 9), "nesterov", False),
)


def test_inactive_parameters_are_absent_and_deactivate_theirs() -> None:
    space = SearchSpace(OPTIMIZER)

    assert space.configuration(lambda _: 0.0) == (
        ("sgd.momentum", 0.0),
        ("optimizer", "sgd"),
        ("nesterov", True),
    )
    assert space.configuration(lambda _: 0.5) == (("optimizer", "adam"), ("adam.beta", 0.5))


def test_given_values_win_and_decide_conditions() -> None:
    space = SearchSpace(OPTIMIZER)

    configuration = space.configuration(lambda _: 0.5, {"optimizer": "sgd", "sgd.momentum": 0.9})

    assert configuration == (
        ("sgd.momentum", 0.9),
        ("optimizer", "sgd"),
        ("nesterov", False),
        ("dampening", 5),
    )


# ---------------------------------------------------------------- given configurations


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (DoubleRange(0.0, 1.0), 1),
        (DoubleRange(0.0, 1.0), True),
        (DoubleRange(0.0, 1.0), "0.5"),
        (DoubleRange(0.0, 1.0), 1.0000001),
        (DoubleRange(0.0, 1.0), math.nan),
        (IntRange(0, 4, step=2), 1),
        (IntRange(0, 4, step=2), 6),
        (IntRange(0, 4, step=2), 2.0),
        (IntRange(0, 4, step=2), False),
        (IntRange(1, 6, step=2), 6),
        (Categorical((1, "a")), 1.0),
        (Categorical((1, "a")), True),
        (Categorical((1, "a")), "b"),
        (Constant(JsonValue("null")), "null"),
        (Constant(1), 2),
    ],
)
def test_a_given_value_outside_the_space_is_refused(kind: Kind, value: Value) -> None:
    (violation,) = SearchSpace((p("x", kind),)).validate_given((("x", value),))

    assert violation.path == "parameters[0].value"


def test_an_unknown_or_repeated_name_is_refused() -> None:
    space = SearchSpace((p("x", IntRange(0, 1)), g("g")))
    given_: Configuration = (("y", 1), ("x", 1), ("x", 0), ("g", 1))

    violations = space.validate_given(given_, "trial.parameters")

    assert [violation.path for violation in violations] == [
        "trial.parameters[0].name",
        "trial.parameters[2].name",
        "trial.parameters[3].name",
    ]


def test_a_value_given_for_an_inactive_parameter_is_refused() -> None:
    space = SearchSpace(OPTIMIZER)

    violations = space.validate_given((("sgd.momentum", 0.5), ("optimizer", "adam")))

    assert violations == [
        FieldViolation(
            "parameters[0].name",
            'must be left out: sgd.momentum is active only if optimizer is "sgd", and it is "adam"',
        )
    ]


def test_a_value_that_sampling_might_make_inactive_is_refused() -> None:
    space = SearchSpace(OPTIMIZER)

    violations = space.validate_given((("sgd.momentum", 0.5),))

    assert violations == [
        FieldViolation(
            "parameters[0].name",
            "must be left out, or optimizer given too: "
            'sgd.momentum is active only if optimizer is "sgd"',
        )
    ]


def test_an_inactive_grandparent_is_named() -> None:
    space = SearchSpace(OPTIMIZER)

    violations = space.validate_given(
        (("dampening", 1), ("nesterov", False), ("optimizer", "adam"))
    )

    assert [violation.path for violation in violations] == [
        "parameters[0].name",
        "parameters[1].name",
    ]
    assert "optimizer" in violations[0].message


def test_a_parent_that_always_activates_need_not_be_given() -> None:
    space = SearchSpace(
        (
            p("k", Constant("v")),
            p("n", IntRange(1, 2)),
            p("c", Categorical((1, 2, 3))),
            p("a", IntRange(0, 9), "k", "v"),
            p("b", IntRange(0, 9), "n", 1, 2),
            p("d", IntRange(0, 9), "c", 3, 2, 1),
        )
    )

    assert space.validate_given((("a", 1), ("b", 1), ("d", 1))) == []


def test_a_partial_configuration_is_accepted() -> None:
    assert SearchSpace(OPTIMIZER).validate_given((("nesterov", True), ("optimizer", "sgd"))) == []


# ---------------------------------------------------------------- grid


@pytest.mark.parametrize("case", POINTS, ids=lambda case: json.dumps(case["parameter"]))
def test_grid_points_vector(case: dict[str, Any]) -> None:
    kind = kind_of(case["parameter"])

    found = points(kind)

    if isinstance(kind, DoubleRange):
        assert all(isinstance(point, float) for point in found)
        assert found == pytest.approx(case["points"], rel=1e-12)
    else:
        assert [value_key(point) for point in found] == [
            value_key(value_of(point)) for point in case["points"]
        ]


@pytest.mark.parametrize("case", PRODUCT["cases"], ids=lambda case: json.dumps(case["space"])[:60])
def test_grid_product_vector(case: dict[str, Any]) -> None:
    parameters = space_of(case["space"])

    assert validate_parameters(parameters, needs_count=True) == []
    grid = list(SearchSpace(parameters).grid())

    assert len(grid) == SearchSpace(parameters).grid_size() == len(case["points"])
    for point, expected in zip(grid, case["points"], strict=True):
        wanted = flat(expected)
        assert {path for path, _ in point} == wanted.keys()
        for path, value in point:
            if isinstance(value, float):
                assert value == pytest.approx(wanted[path], rel=1e-12)
            else:
                assert same_value(value, value_of(wanted[path]))


@pytest.mark.parametrize("case", PRODUCT["sizes"], ids=lambda case: str(case["counts"]))
def test_grid_size_vector(case: dict[str, Any]) -> None:
    parameters = tuple(
        p(f"p{number}", IntRange(0, 10**6, count=count))
        for number, count in enumerate(case["counts"])
    )

    space = SearchSpace(parameters)

    assert space.grid_size() == case["points"]
    assert len(set(space.grid())) == case["points"]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (IntRange(1, 10, step=3, count=9), [1, 4, 7, 10]),
        (IntRange(1, 9, step=3, count=2), [1, 7]),  # 7 is the last of 1, 4, 7
        (IntRange(0, 20, step=5, count=4), [0, 5, 15, 20]),  # 6.67 -> 5, 13.3 -> 15
        (IntRange(0, 6, step=2, count=1), [4]),  # 3 is half between: away from zero
        (IntRange(-6, 0, step=2, count=1), [-4]),
        (IntRange(-3, 3, step=6, count=1), [3]),  # 0 itself is half between: upwards
        (IntRange(1, 10**4, log=True, count=5), [1, 10, 100, 1000, 10_000]),
        (IntRange(1, 16, log=True, count=1), [4]),
        (IntRange(1, 8, log=True, count=5), [1, 2, 3, 5, 8]),  # 1, 1.68, 2.83, 4.76, 8
        (IntRange(1, 9, log=True, count=8), [1, 2, 3, 4, 5, 7, 9]),  # 1, 1.37 fall together
        (IntRange(2, 3, log=True, count=5), [2, 3]),
        (IntRange(INT64_MIN, INT64_MAX, count=2), [INT64_MIN, INT64_MAX]),
        (IntRange(INT64_MIN, INT64_MAX, count=1), [-1]),  # -0.5, half away from zero
        (IntRange(1, INT64_MAX, log=True, count=2), [1, INT64_MAX]),
    ],
)
def test_int_grid_points_lie_on_the_range(kind: IntRange, expected: list[int]) -> None:
    assert points(kind) == expected


@settings(deadline=None)
@given(int_ranges(), st.integers(1, 40))
def test_int_grid_points_ascend_without_repeating_and_lie_in_the_range(
    kind: IntRange, count: int
) -> None:
    kind = msgspec.structs.replace(kind, count=count)
    space = SearchSpace((p("x", kind),))

    found = [point[0][1] for point in space.grid()]

    assert found == sorted(set(found))  # type: ignore[type-var]  # all are ints
    assert all(space.validate_given((("x", point),)) == [] for point in found)
    if count > 1:
        assert (found[0], found[-1]) == (kind.min, kind.last)


@settings(deadline=None)
@given(st.integers(1, 60), st.integers(0, 400), st.integers(1, 4), st.integers(2, 80))
def test_log_int_grid_points_are_the_rounded_ones_without_repeats(
    low: int, width: int, step: int, count: int
) -> None:
    kind = IntRange(low, low + width, log=True, step=step, count=count)
    if count >= kind.size:
        every = list(range(kind.min, kind.last + 1, step))
        assert points(kind) == every
        return

    # By floats and all of them, where the axis skips: rounded, repeats dropped.
    ratio = math.log(kind.last / low)
    rounded = dict.fromkeys(
        low + step * math.floor((low * math.exp(ratio * i / (count - 1)) - low) / step + 0.5)
        for i in range(count)
    )
    exact_halves = any(
        abs(((low * math.exp(ratio * i / (count - 1)) - low) / step) % 1 - 0.5) < 1e-9
        for i in range(count)
    )
    if not exact_halves:  # there the floats of this test cannot tell
        assert points(kind) == list(rounded)


@settings(deadline=None)
@given(double_ranges(), st.integers(2, 50))
def test_double_grid_points_ascend_from_min_to_max(kind: DoubleRange, count: int) -> None:
    kind = msgspec.structs.replace(kind, count=count)
    if validate_parameters((p("x", kind),), needs_count=True):
        return  # no room for so many

    found = points(kind)

    assert len(found) == count
    assert found == sorted(set(found))  # type: ignore[type-var]  # all are doubles
    assert (found[0], found[-1]) == (kind.min, kind.max)


def test_a_grid_sorts_by_path_component_not_by_dotted_text() -> None:
    # As text "a-.x" < "a.x"; by component ("a", "x") < ("a-", "x").
    bit = IntRange(0, 1, count=2)
    space = SearchSpace((g("a-", p("x", bit)), g("a", p("x", bit))))

    assert list(space.grid())[1] == (("a-.x", 1), ("a.x", 0))


def test_an_inactive_parameter_contributes_one_absent_point() -> None:
    space = SearchSpace(
        (p("a", Categorical(("sgd", "adam"))), p("b", IntRange(0, 2, count=3), "a", "sgd"))
    )

    assert list(space.grid()) == [
        (("a", "sgd"), ("b", 0)),
        (("a", "sgd"), ("b", 1)),
        (("a", "sgd"), ("b", 2)),
        (("a", "adam"),),
    ]


def test_repeated_configurations_are_dropped_where_the_child_sorts_first() -> None:
    # In loops: a=0 z=on, a=0 z=off (a absent), a=1 z=on, a=1 z=off (again).
    space = SearchSpace(
        (p("a", IntRange(0, 1, count=2), "z", "on"), p("z", Categorical(("on", "off"))))
    )

    assert list(space.grid()) == [(("a", 0), ("z", "on")), (("z", "off"),), (("a", 1), ("z", "on"))]


def test_a_condition_on_an_int_between_grid_points_never_holds() -> None:
    space = SearchSpace((p("n", IntRange(0, 10, count=2)), p("x", Categorical((1, 2)), "n", 5)))

    assert list(space.grid()) == [(("n", 0),), (("n", 10),)]


@settings(max_examples=300, deadline=None)
@given(spaces())
def test_a_grid_is_the_nested_loops_with_repeats_dropped(
    parameters: tuple[ParameterSpec, ...],
) -> None:
    if validate_parameters(parameters, needs_count=True):
        return
    space = SearchSpace(parameters)
    ordered = sorted(space.leaves, key=lambda leaf: leaf.components)
    loops: dict[str, Configuration] = {}
    for combination in itertools.product(*(points(leaf.kind) for leaf in ordered)):
        chosen = dict(zip((leaf.path for leaf in ordered), combination, strict=True))
        configuration = tuple(
            (leaf.path, chosen[leaf.path])
            for leaf in space.leaves
            if is_active(space, leaf.path, chosen)
        )
        loops.setdefault(repr(configuration), configuration)  # repr tells 1 from 1.0

    grid = list(space.grid())

    assert [repr(configuration) for configuration in grid] == list(loops)
    assert space.grid_size() == len(loops)


def test_the_last_point_of_a_huge_grid_is_found_at_once() -> None:
    thousand = IntRange(1, 1000, count=1000)
    space = SearchSpace((p("a", thousand), p("b", thousand)))

    assert space.grid_point(0) == (("a", 1), ("b", 1))
    assert space.grid_point(123_456) == (("a", 124), ("b", 457))
    assert space.grid_point(999_999) == (("a", 1000), ("b", 1000))


@pytest.mark.parametrize("index", [-1, 2])
def test_a_point_outside_the_grid_does_not_exist(index: int) -> None:
    with pytest.raises(IndexError, match=f"grid point {index} of 2"):
        SearchSpace((p("a", Categorical((1, 2))),)).grid_point(index)


def test_a_space_without_counts_has_no_grid() -> None:
    with pytest.raises(ValueError, match="count"):
        SearchSpace((p("a", IntRange(1, 2)),)).grid_size()

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asha_server.search.sampler import GridSampler, RandomSampler, Sampler, trial_seed, uniform
from asha_server.search.space import (
    INT64_MAX,
    INT64_MIN,
    Categorical,
    Condition,
    Constant,
    DoubleRange,
    Group,
    IntRange,
    JsonValue,
    ParameterSpec,
    SearchSpace,
)

int64 = st.integers(INT64_MIN, INT64_MAX)
trial_numbers = st.integers(0, INT64_MAX)

PARAMETERS = (
    ParameterSpec("lr", DoubleRange(1e-5, 1.0, log=True, count=3)),
    ParameterSpec("dropout", DoubleRange(0.0, 0.5, count=2)),
    ParameterSpec("units", IntRange(16, 1024, log=True, step=16, count=2)),
    ParameterSpec("layers", IntRange(1, 8, count=2)),
    ParameterSpec("wide", IntRange(INT64_MIN, INT64_MAX, count=1)),
    ParameterSpec("optimizer", Categorical(("sgd", "adam"))),
    ParameterSpec(
        "sgd",
        Group((ParameterSpec("momentum", DoubleRange(0.0, 1.0, count=2)),)),
        Condition("optimizer", ("sgd",)),
    ),
    ParameterSpec("tags", Constant(JsonValue('["a"]'))),
)


# Golden values: the promise of reproducibility. They may never change.


@pytest.mark.parametrize(
    ("seed", "trial_number", "path", "expected"),
    [
        (0, 0, "lr", 0.34621638410987077),
        (0, 1, "lr", 0.20145215116842163),
        (1, 0, "lr", 0.030111936412754448),
        (7, 12, "optimizer.momentum", 0.8308201231114208),
        (INT64_MAX, 1_000_000, "ü", 0.8764859573609324),
    ],
)
def test_uniform_never_changes(seed: int, trial_number: int, path: str, expected: float) -> None:
    assert uniform(seed, trial_number, path) == expected


@pytest.mark.parametrize(
    ("seed", "trial_number", "expected"),
    [
        (0, 0, 299397655),
        (0, 1, 263456842),
        (1, 0, 719688465),
        (INT64_MAX, 1_000_000, 1500481896),
    ],
)
def test_trial_seed_never_changes(seed: int, trial_number: int, expected: int) -> None:
    assert trial_seed(seed, trial_number) == expected


def test_random_configurations_never_change() -> None:
    sampler = RandomSampler(SearchSpace(PARAMETERS), seed=42)

    assert sampler.propose(0) == (
        ("lr", 0.003834869278789041),
        ("dropout", 0.27418580000335513),
        ("units", 896),
        ("layers", 4),
        ("wide", 7217331264646232064),
        ("optimizer", "adam"),
        ("tags", JsonValue('["a"]')),
    )
    assert sampler.propose(1) == (
        ("lr", 0.05184943757487615),
        ("dropout", 0.39280423324545777),
        ("units", 768),
        ("layers", 3),
        ("wide", -567948379601575936),
        ("optimizer", "sgd"),
        ("sgd.momentum", 0.3767805029362916),
        ("tags", JsonValue('["a"]')),
    )


def test_uniform_does_not_depend_on_the_hash_seed_of_the_process() -> None:
    code = "from asha_server.search.sampler import uniform; print(repr(uniform(0, 0, 'lr')))"

    for hash_seed in ("0", "1"):
        printed = subprocess.run(
            [sys.executable, "-c", code],
            env={
                **os.environ,
                "PYTHONHASHSEED": hash_seed,
                "PYTHONPATH": os.pathsep.join(sys.path),
            },
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert printed == "0.34621638410987077\n"


@settings(deadline=None)
@given(int64, trial_numbers, st.text(st.characters(codec="utf-8")))
def test_unit_numbers_are_53_bits_from_0_to_below_1(
    seed: int, trial_number: int, path: str
) -> None:
    unit = uniform(seed, trial_number, path)

    assert 0 <= unit < 1
    assert (unit * 2**53).is_integer()


def test_unit_numbers_are_spread_evenly_over_trials_seeds_and_paths() -> None:
    tenth = [0] * 10
    for number in range(10_000):
        tenth[int(uniform(3, number, "x") * 10)] += 1
        tenth[int(uniform(number, 3, "x") * 10)] += 1
        tenth[int(uniform(3, 3, f"x{number}") * 10)] += 1

    # 3000 each; six standard deviations are 6 · sqrt(30000 · 0.1 · 0.9) = 312.
    assert all(2688 < count < 3312 for count in tenth)


def test_no_two_triples_share_a_unit_number() -> None:
    triples = [
        (seed, number, path)
        for seed in range(-3, 30)
        for number in range(30)
        for path in ("", "a", "a.b", "ab", "\0a")
    ]

    assert len({uniform(*triple) for triple in triples}) == len(triples)


@settings(deadline=None)
@given(int64, trial_numbers)
def test_trial_seeds_fit_31_bits(seed: int, trial_number: int) -> None:
    assert 0 <= trial_seed(seed, trial_number) < 2**31


def test_a_trial_seed_is_no_unit_number_of_an_empty_path() -> None:
    assert trial_seed(0, 0) != int(uniform(0, 0, "") * 2**31)


@pytest.mark.parametrize(("seed", "trial_number"), [(2**63, 0), (0, 2**63)])
def test_seeds_and_trial_numbers_beyond_int64_are_refused(seed: int, trial_number: int) -> None:
    with pytest.raises(OverflowError):
        uniform(seed, trial_number, "x")
    with pytest.raises(OverflowError):
        trial_seed(seed, trial_number)


@settings(deadline=None)
@given(int64, trial_numbers)
def test_a_random_configuration_lies_in_the_space(seed: int, trial_number: int) -> None:
    space = SearchSpace(PARAMETERS)

    configuration = RandomSampler(space, seed).propose(trial_number)

    assert space.validate_given(configuration) == []


@settings(deadline=None)
@given(int64, trial_numbers, st.sets(st.sampled_from(PARAMETERS[:5]), min_size=1))
def test_a_value_is_independent_of_the_other_parameters(
    seed: int, trial_number: int, kept: set[ParameterSpec]
) -> None:
    every = dict(RandomSampler(SearchSpace(PARAMETERS), seed).propose(trial_number))

    some = dict(RandomSampler(SearchSpace(tuple(kept)), seed).propose(trial_number))

    assert some == {path: every[path] for path in some}
    assert len(some) == len(kept)


def test_a_value_is_independent_of_the_order_in_which_trials_are_asked_for() -> None:
    one = RandomSampler(SearchSpace(PARAMETERS), 5)
    other = RandomSampler(SearchSpace(PARAMETERS), 5)

    forwards = [one.propose(trial_number) for trial_number in range(20)]
    backwards = [other.propose(trial_number) for trial_number in reversed(range(20))]

    assert forwards == backwards[::-1]


def test_given_values_win_and_change_no_other() -> None:
    sampler: Sampler = RandomSampler(SearchSpace(PARAMETERS), 42)

    own = dict(sampler.propose(1))
    mixed = dict(sampler.propose(1, {"lr": 0.5, "optimizer": "adam"}))

    assert mixed["lr"] == 0.5
    assert mixed["optimizer"] == "adam"
    assert "sgd.momentum" not in mixed
    same = mixed.keys() & own.keys() - {"lr", "optimizer"}
    assert {path: mixed[path] for path in same} == {path: own[path] for path in same}


def test_a_grid_gives_trial_t_its_point_t() -> None:
    # 2 dropout · 2 layers · 3 lr · (sgd 2 momentum + adam 1) · 1 tags · 2 units · 1 wide
    space = SearchSpace(PARAMETERS)
    sampler = GridSampler(space)

    assert len(sampler) == 72
    assert [sampler.propose(number) for number in range(72)] == list(space.grid())
    with pytest.raises(IndexError, match="72 of 72"):
        sampler.propose(72)


def test_given_values_win_over_a_grid_point() -> None:
    space = SearchSpace(
        (
            ParameterSpec("a", Categorical(("x", "y"))),
            ParameterSpec("b", IntRange(3, 5, count=3), Condition("a", ("x",))),
            ParameterSpec("c", IntRange(0, 9, count=2)),
        )
    )
    sampler: Sampler = GridSampler(space)

    assert sampler.propose(7) == (("a", "y"), ("c", 9))
    assert sampler.propose(7, {"a": "x"}) == (("a", "x"), ("b", 3), ("c", 9))
    assert sampler.propose(7, {"c": 4}) == (("a", "y"), ("c", 4))

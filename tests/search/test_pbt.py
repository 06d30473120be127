"""Population-based training: its plan, its limits, and how a copy's configuration differs."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asha_server.search.parameter import (
    Categorical,
    Condition,
    Constant,
    DoubleRange,
    IntRange,
    ParameterSpec,
)
from asha_server.search.perturbation import perturbed
from asha_server.search.preview import preview
from asha_server.search.sampler import RandomSampler
from asha_server.search.space import SearchSpace
from asha_server.search.spec import ExperimentSpec, Metric, Pbt, validate
from asha_server.search.terms import Goal

SPACE = SearchSpace(
    (
        ParameterSpec("lr", DoubleRange(1e-5, 0.1, log=True)),
        ParameterSpec("layers", IntRange(1, 9)),
        ParameterSpec("optimizer", Categorical(("sgd", "adam"))),
        ParameterSpec("momentum", DoubleRange(0.1, 0.9), Condition("optimizer", ("sgd",))),
        ParameterSpec("width", Constant(64)),
    )
)


def spec_of(method: Pbt, max_length: int | None = None) -> ExperimentSpec:
    metric = Metric("loss", Goal.MINIMIZE)
    return ExperimentSpec(metric=metric, method=method, max_length=max_length)


def test_the_plan_counts_copies_and_only_what_they_train() -> None:
    plan = preview(spec_of(Pbt(20, 4, 5, truncate_fraction=0.2)))

    assert plan.trials_by_length == ((5, 4), (10, 4), (15, 4), (20, 20))
    assert plan.trial_count == 32
    assert plan.units == plan.units_worst == 20 * 4 * 5


def test_the_fraction_is_the_decimal_that_was_written() -> None:
    # 0.29 · 100 is 28.999999999999996 in floats.
    assert Pbt(100, 2, 1, truncate_fraction=0.29).truncated_count == 29
    assert Pbt(3, 2, 1, truncate_fraction=0.3).truncated_count == 0
    assert Pbt(5, 2, 1, truncate_fraction=0.5).truncated_count == 2


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"population_size": None}, "population_size"),
        ({"population_size": 0}, "population_size"),
        ({"population_size": 10_001}, "population_size"),
        ({"num_rounds": None}, "num_rounds"),
        ({"num_rounds": 1_001}, "num_rounds"),
        ({"length_per_round": 0}, "length_per_round"),
        ({"length_per_round": 2**62}, "length_per_round"),
        ({"truncate_fraction": 0.51}, "truncate_fraction"),
        ({"truncate_fraction": math.nan}, "truncate_fraction"),
        ({"resample_probability": -0.1}, "resample_probability"),
        ({"perturb_factor": 1.1}, "perturb_factor"),
    ],
)
def test_what_is_wrong_is_said(fields: dict[str, float | None], path: str) -> None:
    sizes = {"population_size": 2, "num_rounds": 4, "length_per_round": 5}

    (violation,) = validate(spec_of(Pbt(**(sizes | fields))))  # type: ignore[arg-type]

    assert violation.path == f"spec.pbt.{path}"


def test_its_limits_are_allowed() -> None:
    assert not validate(spec_of(Pbt(10_000, 1_000, 1, 0.5, 1.0, 1.0)))
    assert not validate(spec_of(Pbt(1, 1, 2**63 - 1, 0.0, 0.0, 0.0)))


def test_max_length_follows_from_the_rounds() -> None:
    assert not validate(spec_of(Pbt(2, 4, 5), max_length=20))
    assert spec_of(Pbt(2, 4, 5)).completed(seed=1).max_length == 20
    (violation,) = validate(spec_of(Pbt(2, 4, 5), max_length=21))
    assert violation.path == "spec.max_length"


def test_nothing_is_sampled_anew_at_probability_0() -> None:
    sampler = RandomSampler(SPACE, seed=7)
    parent = sampler.propose(0)

    copy = dict(sampler.explore(1, parent, resample_probability=0, perturb_factor=0.2))

    known = dict(parent)
    assert copy["optimizer"] == known["optimizer"]
    assert copy["width"] == 64
    lr, parents_lr = copy["lr"], known["lr"]
    assert isinstance(lr, float)
    assert isinstance(parents_lr, float)
    assert any(math.isclose(lr, parents_lr * by) for by in (0.8, 1.2))


def test_everything_is_sampled_anew_at_probability_1() -> None:
    sampler = RandomSampler(SPACE, seed=7)

    copy = sampler.explore(5, sampler.propose(0), resample_probability=1, perturb_factor=0.2)

    assert copy == sampler.propose(5)


def test_a_parameter_that_becomes_active_is_sampled() -> None:
    sampler = RandomSampler(SPACE, seed=7)
    parent = (("lr", 0.01), ("layers", 3), ("optimizer", "adam"), ("width", 64))
    copies = [
        dict(sampler.explore(number, parent, resample_probability=0.5, perturb_factor=0.2))
        for number in range(100)
    ]

    active = {copy["optimizer"]: "momentum" in copy for copy in copies}
    assert active == {"sgd": True, "adam": False}


def test_resampling_and_direction_follow_their_chances() -> None:
    sampler = RandomSampler(SPACE, seed=7)
    parent = sampler.propose(0)
    lr = dict(parent)["lr"]
    assert isinstance(lr, float)
    counts: Counter[str] = Counter()
    for number in range(1, 4_001):
        copy = dict(sampler.explore(number, parent, 0.25, 0.2))["lr"]
        assert isinstance(copy, float)
        kinds = {lr * 0.8: "lowered", lr * 1.2: "raised"}
        near = [kind for value, kind in kinds.items() if math.isclose(copy, value)]
        counts[near[0] if near else "resampled"] += 1

    # Four standard deviations of a count are 110 and 122.
    assert abs(counts["resampled"] - 1_000) < 120
    assert abs(counts["raised"] - 1_500) < 130
    assert abs(counts["lowered"] - 1_500) < 130


def test_the_copy_is_a_function_of_seed_number_and_parent() -> None:
    parent = RandomSampler(SPACE, seed=7).propose(0)

    def copies(seed: int, number: int) -> object:
        return RandomSampler(SPACE, seed).explore(number, parent, 0.2, 0.2)

    first = [copies(7, number) for number in range(20)]

    assert first == [copies(7, number) for number in range(20)]
    assert len({*first}) > 10
    assert first != [copies(8, number) for number in range(20)]


@given(
    low=st.integers(-50, 50),
    width=st.integers(0, 100),
    step=st.integers(1, 7),
    place=st.floats(0, 1, exclude_max=True),
    factor=st.floats(0, 1),
    is_raised=st.booleans(),
)
def test_a_perturbed_int_is_a_value_of_its_range(
    low: int, width: int, step: int, place: float, factor: float, is_raised: bool
) -> None:
    kind = IntRange(low, low + width, step=step)
    value = low + step * int(place * kind.size)

    moved = perturbed(kind, value, factor, is_raised=is_raised)

    assert isinstance(moved, int)
    assert low <= moved <= low + width
    assert (moved - low) % step == 0
    if factor > 0 and value > 0 and not is_raised and value > low:
        assert moved < value
    if factor > 0 and value > 0 and is_raised and value < kind.last:
        assert moved > value


@given(place=st.floats(-9, 9), factor=st.floats(0, 1), is_raised=st.booleans())
def test_a_perturbed_double_stays_inside(place: float, factor: float, is_raised: bool) -> None:
    moved = perturbed(DoubleRange(-9, 9), place, factor, is_raised=is_raised)

    assert isinstance(moved, float)
    assert -9 <= moved <= 9

"""The plans of the synchronous methods: Determined's numbers, and Hyperband's as published."""

from __future__ import annotations

import math
from typing import Any

import pytest

from asha_server.search.preview import preview
from asha_server.search.spec import (
    Adaptive,
    AdaptiveSimple,
    ExperimentSpec,
    Hyperband,
    Method,
    Metric,
    SyncHalving,
    validate,
)
from asha_server.search.terms import BracketMode, Goal


def spec_of(method: Method, max_length: int, max_trials: int | None = None) -> ExperimentSpec:
    return ExperimentSpec(
        metric=Metric("loss", Goal.MINIMIZE),
        method=method,
        max_length=max_length,
        max_trials=max_trials,
    )


def plan_of(
    method: Method, max_length: int, max_trials: int | None = None
) -> list[list[tuple[int, int]]]:
    """(length, trials that enter) of each rung, by bracket."""
    spec = spec_of(method, max_length, max_trials)
    assert not validate(spec)
    return [list(zip(b.rung_lengths, b.entries, strict=True)) for b in spec.geometry()]


@pytest.mark.parametrize(
    ("max_length", "total_length", "lengths"),
    [
        (80_000, 48_000, [1_250, 5_000, 20_000, 80_000]),
        (5_120_050, 3_072_050, [80_000, 320_003, 1_280_012, 5_120_050]),
    ],
)
def test_sync_halving_has_the_trials_of_determineds_tests(
    max_length: int, total_length: int, lengths: list[int]
) -> None:
    (rungs,) = plan_of(SyncHalving(num_rungs=4, total_length=total_length), max_length)

    # 64, 16, 4, 1 trials would train 260,000; times 48/260: 11.8, 2.9, 0.7, 0.2.
    assert rungs == list(zip(lengths, (11, 2, 1, 1), strict=True))


@pytest.mark.parametrize(
    ("mode", "trials"),
    [(BracketMode.AGGRESSIVE, 64), (BracketMode.STANDARD, 43), (BracketMode.CONSERVATIVE, 31)],
)
def test_adaptive_has_the_trials_of_determineds_documentation(
    mode: BracketMode, trials: int
) -> None:
    method = Adaptive(mode=mode, max_rungs=3, total_length=160)

    assert preview(spec_of(method, 16)).trial_count == trials


def test_adaptive_splits_the_length_evenly() -> None:
    method = Adaptive(max_rungs=2, total_length=6_401)

    assert plan_of(method, 3_200) == [[(800, 2), (3_200, 1)], [(3_200, 1)]]


def test_adaptive_takes_its_brackets_as_given() -> None:
    method = Adaptive(bracket_rungs=(1, 2), total_length=6_400)

    assert plan_of(method, 3_200) == [[(800, 2), (3_200, 1)], [(3_200, 1)]]


def test_adaptive_simple_splits_the_trials_evenly() -> None:
    # Determined's test: 8 trials over brackets of 5, 4 and 3 rungs.
    assert plan_of(AdaptiveSimple(), 3_200, 8) == [
        [(12, 3), (50, 1), (200, 1), (800, 1), (3_200, 1)],
        [(50, 3), (200, 1), (800, 1), (3_200, 1)],
        [(200, 2), (800, 1), (3_200, 1)],
    ]


def test_adaptive_simple_gives_each_bracket_a_trial() -> None:
    method = AdaptiveSimple(mode=BracketMode.CONSERVATIVE, max_rungs=3)

    assert [rungs[0][1] for rungs in plan_of(method, 100, 1)] == [1, 1, 1]


HYPERBAND_81 = [
    [(1, 81), (3, 27), (9, 9), (27, 3), (81, 1)],
    [(3, 34), (9, 11), (27, 3), (81, 1)],
    [(9, 15), (27, 5), (81, 1)],
    [(27, 8), (81, 2)],
    [(81, 5)],
]


def test_hyperband_has_the_brackets_of_the_papers_table() -> None:
    """Li et al. 2018, table 1: R = 81, η = 3."""
    assert plan_of(Hyperband(), 81) == HYPERBAND_81


def test_hyperband_repeats_its_brackets_while_the_length_lasts() -> None:
    once = preview(spec_of(Hyperband(), 81)).units
    first = 297  # 81·1 + 27·2 + 9·6 + 3·18 + 1·54

    assert plan_of(Hyperband(total_length=once + first - 1), 81) == HYPERBAND_81
    assert plan_of(Hyperband(total_length=once + first), 81) == HYPERBAND_81 + HYPERBAND_81[:1]
    assert plan_of(Hyperband(total_length=first), 81) == HYPERBAND_81[:1]


@pytest.mark.parametrize("divisor", [2, 3, 4, 5, 10])
def test_hyperband_loses_no_rung_at_an_exact_power(divisor: int) -> None:
    """Logarithms of floats do: log(10^3) / log(10) is 2.9999999999999996."""
    assert len(plan_of(Hyperband(divisor=divisor), divisor**3)) == 4


@pytest.mark.parametrize("max_length", [1, 7, 100, 1_000])
@pytest.mark.parametrize("divisor", [1.5, 2, 2.2, 3, 4])
def test_a_plan_never_widens_and_keeps_its_length(divisor: float, max_length: int) -> None:
    for total_length in (1, 50, 12_345):
        method = SyncHalving(num_rungs=4, divisor=divisor, total_length=total_length)
        spec = spec_of(method, max_length)
        (bracket,) = spec.geometry()

        assert list(bracket.entries) == sorted(bracket.entries, reverse=True)
        assert min(bracket.entries) >= 1
        # One more of each would cost more than there is, but for those that are one anyway.
        if bracket.entries[-1] > 1:
            assert bracket.units <= total_length


@pytest.mark.parametrize(
    ("method", "path", "message"),
    [
        (SyncHalving(total_length=9), "sync_halving.num_rungs", "from 1 to 100"),
        (SyncHalving(num_rungs=2), "sync_halving.total_length", "is required"),
        (SyncHalving(num_rungs=2, total_length=0), "sync_halving.total_length", "1 or more"),
        (SyncHalving(num_rungs=2, total_length=9, divisor=1), "sync_halving.divisor", "above 1"),
        (Adaptive(), "adaptive.total_length", "is required"),
        (Adaptive(total_length=9, max_rungs=0), "adaptive.max_rungs", "from 1 to 100"),
        (
            Adaptive(total_length=9, bracket_rungs=(1, 0)),
            "adaptive.bracket_rungs[1]",
            "from 1 to 100",
        ),
        (Hyperband(divisor=0.5), "hyperband.divisor", "above 1"),
        (Hyperband(total_length=-1), "hyperband.total_length", "1 or more"),
        (Hyperband(total_length=296), "hyperband.total_length", "it must be 297 or more"),
        (Hyperband(total_length=10**6), "hyperband.total_length", "more than 100 brackets"),
    ],
)
def test_what_is_wrong_is_said(method: Method, path: str, message: str) -> None:
    (violation,) = validate(spec_of(method, 81))

    assert violation.path == f"spec.{path}"
    assert message in violation.message


@pytest.mark.parametrize("divisor", [1.0, -2.0, math.nan, math.inf])
@pytest.mark.parametrize("kind", [SyncHalving, Adaptive, AdaptiveSimple, Hyperband])
@pytest.mark.parametrize("max_length", [None, -9, 9])
def test_a_divisor_that_is_none_is_said_beside_all_else(
    kind: Any, divisor: float, max_length: int | None
) -> None:
    """Found by the fuzzer: a length to be spent asked how often an infinite divisor divides it."""
    more = {SyncHalving: {"num_rungs": 2, "total_length": 9}, Hyperband: {"total_length": 10}}
    method = kind(divisor=divisor, **more.get(kind, {}))
    spec = ExperimentSpec(
        metric=Metric("loss", Goal.MINIMIZE), method=method, max_length=max_length
    )

    assert f"spec.{method.arm}.divisor" in [violation.path for violation in validate(spec)]


def test_a_hundred_brackets_of_hyperband_are_allowed() -> None:
    units = preview(spec_of(Hyperband(), 81)).units

    assert len(plan_of(Hyperband(total_length=20 * units), 81)) == 100


def test_methods_that_fix_the_trials_refuse_max_trials() -> None:
    for method in (SyncHalving(num_rungs=2, total_length=9), Adaptive(total_length=9), Hyperband()):
        (violation,) = validate(spec_of(method, 81, max_trials=3))

        assert violation.path == "spec.max_trials"


def test_adaptive_simple_needs_max_trials() -> None:
    (violation,) = validate(spec_of(AdaptiveSimple(), 81))

    assert violation.path == "spec.max_trials"

"""The synchronous form of an asynchronous method, and back."""

from __future__ import annotations

from typing import Any

import pytest

from asha_server.errors import InvalidRequest
from asha_server.search.counterpart import asynchronous_form, synchronous_form
from asha_server.search.spec import (
    Adaptive,
    AdaptiveAsha,
    AsyncHalving,
    ExperimentSpec,
    Hyperband,
    Method,
    Metric,
    Pbt,
    RandomSearch,
    SyncHalving,
    validate,
)
from asha_server.search.terms import BracketMode, Goal, HalvingVariant

PBT = Pbt(population_size=4, num_rounds=2, length_per_round=3)


def spec_of(method: Method, **changes: Any) -> ExperimentSpec:
    fields = {"max_length": 81, "max_trials": 100, "seed": 1, **changes}
    return ExperimentSpec(metric=Metric("loss", Goal.MINIMIZE), method=method, **fields)


def test_one_bracket_has_the_same_rungs_and_just_as_many_trials() -> None:
    """27 trials at 1, 9 on to 3, 3 on to 9: 27 + 9 * 2 + 3 * 6 = 63 units."""
    spec = spec_of(AsyncHalving(num_rungs=3, divisor=3.0), max_length=9, max_trials=27)

    form = synchronous_form(spec)

    assert form.method == SyncHalving(num_rungs=3, divisor=3.0, total_length=63)
    (bracket,) = form.geometry()
    assert (bracket.rung_lengths, bracket.entries) == ((1, 3, 9), (27, 9, 3))
    assert validate(form) == []


def test_several_brackets_keep_theirs() -> None:
    spec = spec_of(AdaptiveAsha(divisor=3.0))

    form = synchronous_form(spec)

    assert isinstance(form.method, Adaptive)
    assert [b.rung_lengths for b in form.geometry()] == [b.rung_lengths for b in spec.geometry()]
    assert [b.entries for b in form.geometry()] == [
        (63, 21, 7, 2, 1),
        (26, 8, 2, 1),
        (11, 3, 1),
    ]


@pytest.mark.parametrize("trials", [1, 2, 7, 64, 1000])
@pytest.mark.parametrize("rungs", [1, 2, 4, 9])
@pytest.mark.parametrize("divisor", [2.0, 2.5, 4.0])
def test_any_bracket_has_as_many_trials_in_its_lowest_rung(
    trials: int, rungs: int, divisor: float
) -> None:
    spec = spec_of(AsyncHalving(num_rungs=rungs, divisor=divisor), max_trials=trials)

    form = synchronous_form(spec)

    assert validate(form) == []
    assert form.geometry()[0].entries[0] == trials
    assert form.geometry()[0].rung_lengths == spec.geometry()[0].rung_lengths


@pytest.mark.parametrize("mode", BracketMode)
def test_there_and_back_are_the_same_rungs_and_trials(mode: BracketMode) -> None:
    spec = spec_of(AdaptiveAsha(mode=mode, variant=HalvingVariant.STOPPING))

    back = asynchronous_form(synchronous_form(spec))

    assert validate(back) == []
    assert [b.rung_lengths for b in back.geometry()] == [b.rung_lengths for b in spec.geometry()]
    # `adaptive` gives every bracket the same units: a trial more or less where that rounds.
    assert 0 <= back.trial_total() - spec.trial_total() < len(spec.geometry())


def test_hyperband_has_an_asynchronous_form() -> None:
    spec = spec_of(Hyperband(divisor=3.0), max_trials=None, max_length=9)

    form = asynchronous_form(spec)

    assert form.method == AdaptiveAsha(divisor=3.0, bracket_rungs=(3, 2, 1))
    assert form.max_trials == spec.trial_total()


@pytest.mark.parametrize(
    ("method", "words"),
    [
        (RandomSearch(), "random_search is no asynchronous halving"),
        (Hyperband(), "is synchronous already"),
        (PBT, "no synchronous form"),
    ],
)
def test_what_has_no_synchronous_form_is_refused(method: Method, words: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        synchronous_form(spec_of(method, max_trials=10))

    assert words in caught.value.violations[0].message


@pytest.mark.parametrize("method", [AsyncHalving(num_rungs=2), RandomSearch(), PBT])
def test_what_is_not_synchronous_has_no_asynchronous_form(method: Method) -> None:
    with pytest.raises(InvalidRequest):
        asynchronous_form(spec_of(method))

"""The geometry of brackets: which rungs at which lengths, how many trials, which shares."""

from __future__ import annotations

from typing import Any

import pytest

from asha_server.search.bracket import (
    Divisor,
    concurrency_limit,
    rung_lengths,
    single_geometry,
    split_added_trials,
    split_trials,
)

from .drive import spec_of
from .vectors import cases


@pytest.mark.parametrize("case", cases("brackets"))
def test_a_spec_has_the_brackets_of_the_vector(case: dict[str, Any]) -> None:
    spec = spec_of(case["config"])

    brackets = spec.geometry()

    assert [
        {
            "num_rungs": len(bracket.rung_lengths),
            "rungs": list(bracket.rung_lengths),
            "max_trials": bracket.max_trials,
            "share": bracket.share,
        }
        for bracket in brackets
    ] == case["brackets"]
    assert sum(bracket.max_trials for bracket in brackets) == case["total_trials"]
    limit = concurrency_limit(spec.max_concurrent_trials, len(brackets))
    assert limit == case["concurrency_limit"]


@pytest.mark.parametrize("case", cases("rung_limits"))
def test_the_most_rungs_are_exact_powers(case: dict[str, Any]) -> None:
    assert Divisor(case["divisor"]).rung_limit(case["n"]) == case["rungs"]


@pytest.mark.parametrize("case", cases("rung_limits", of="lengths"))
def test_rung_lengths_are_exact(case: dict[str, Any]) -> None:
    lengths = rung_lengths(case["num_rungs"], case["max_length"], Divisor(case["divisor"]))

    assert list(lengths) == case["lengths"]


def test_a_fractional_divisor_is_the_decimal_as_written() -> None:
    # 11 / 2.2 is 5 in decimals; in binary floats 2.2 is a little more and the floor would be 4.
    assert Divisor(2.2).share_of(11) == 5


def test_more_brackets_than_trials_make_more_trials() -> None:
    # Each bracket has at least one, by the formula.
    assert split_trials([3, 2, 1], 2, Divisor(2)) == (1, 1, 1)


def test_added_trials_go_to_the_open_brackets_by_weight() -> None:
    # d = 2: weights 4/3, 1, 1. The first is closed out, so the other two halve 5: 2 and 2, and
    # the one that is left goes to the first open bracket.
    assert split_added_trials([3, 2, 1], [True, False, False], 5, Divisor(2)) == (0, 3, 2)


def test_one_bracket_without_a_limit_has_a_claim_to_its_full_width() -> None:
    # d^(k-1) = 3^2 = 9, but never more than there are trials.
    (wide,) = single_geometry(3, 100, 81, 0, Divisor(3))
    (narrow,) = single_geometry(3, 4, 81, 0, Divisor(3))

    assert (wide.share, narrow.share) == (9, 4)


def test_at_least_one_trial_nominally_reaches_every_rung() -> None:
    (bracket,) = single_geometry(4, 7, 27, 4, Divisor(3))

    # 7, 7/3 = 2, 2/3 -> 1, 1/3 -> 1.
    assert bracket.entries == (7, 2, 1, 1)

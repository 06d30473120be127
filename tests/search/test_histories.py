"""Random histories: the core decides as the slow model does, and all its copies are one.

Every answer, every trial and every rung is compared with `model.py`; at every few steps the live
experiment with the one reloaded from its rows and the one replayed from its history.
ASHA_HYPOTHESIS_PROFILE chooses how many: default, ci, deep.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .walk import pbt_configuration, rule_configuration, synchronous_configuration, walk

STEPS = 80


def _seeds(name: str) -> list[tuple[int, str]]:
    """Seeds that once found a bug, each with its story."""
    lines = Path(__file__).with_name(name).read_text().splitlines()
    pairs = (line.split(maxsplit=1) for line in lines if line and not line.startswith("#"))
    return [(int(seed), story) for seed, story in pairs]


@given(st.randoms(use_true_random=False))
def test_a_random_history_goes_as_the_model_says(random: Random) -> None:
    walk(random, STEPS)


@given(st.integers(min_value=0, max_value=2**32))
def test_a_seeded_history_goes_as_the_model_says(seed: int) -> None:
    """Not shrunk, but of even mixture: hypothesis prefers small numbers, and so dull histories."""
    walk(Random(seed), STEPS)


@pytest.mark.parametrize("seed", [seed for seed, _ in _seeds("seeds.txt")])
def test_a_seed_that_found_a_bug(seed: int) -> None:
    walk(Random(seed), STEPS)


@given(st.randoms(use_true_random=False))
def test_a_random_synchronous_history_goes_as_the_model_says(random: Random) -> None:
    walk(random, STEPS, synchronous_configuration)


@given(st.integers(min_value=0, max_value=2**32))
def test_a_seeded_synchronous_history_goes_as_the_model_says(seed: int) -> None:
    walk(Random(seed), STEPS, synchronous_configuration)


@given(st.randoms(use_true_random=False))
def test_a_random_history_of_a_population_goes_as_the_model_says(random: Random) -> None:
    walk(random, STEPS, pbt_configuration)


@given(st.integers(min_value=0, max_value=2**32))
def test_a_seeded_history_of_a_population_goes_as_the_model_says(seed: int) -> None:
    walk(Random(seed), STEPS, pbt_configuration)


@pytest.mark.parametrize("seed", [seed for seed, _ in _seeds("pbt_seeds.txt")])
def test_a_seed_of_a_population_that_found_a_bug(seed: int) -> None:
    walk(Random(seed), STEPS, pbt_configuration)


@given(st.integers(min_value=0, max_value=2**32))
def test_a_seeded_history_by_another_rung_rule_goes_as_the_model_says(seed: int) -> None:
    walk(Random(seed), STEPS, rule_configuration)

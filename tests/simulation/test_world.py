"""Worlds of workers, a bad network and a mortal server: every invariant at every event.

`tests/search/walk.py` holds the core to a slow model, command by command; here they come
from parties that know only what reached them, and a server that dies goes on from its rows.
ASHA_HYPOTHESIS_PROFILE asks for more small worlds, ASHA_WORLDS for more large ones.
"""

from __future__ import annotations

import os
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.search import walk

from .virtual_worker import SECOND_US
from .world import Faults, World

WORLDS = int(os.environ.get("ASHA_WORLDS", "1"))
SMALL = settings(max_examples=max(settings().max_examples // 10, 1))


def small_world(random: Random, *, turns_max: int) -> None:
    configure = random.choice(
        (walk.configuration, walk.synchronous_configuration, walk.pbt_configuration)
    )
    workers, turns = random.randint(1, 6), random.randint(1, turns_max)
    config, faults = configure(random), Faults.some(random)
    World(random, config, faults, workers=workers, turns=turns, checked_every=10).run()


@SMALL
@given(st.randoms(use_true_random=False))
def test_a_small_world_keeps_every_invariant(random: Random) -> None:
    small_world(random, turns_max=30)


@SMALL
@given(st.integers(min_value=0, max_value=2**32))
def test_a_seeded_small_world_keeps_every_invariant(seed: int) -> None:
    small_world(Random(seed), turns_max=300)


@pytest.mark.parametrize("seed", range(WORLDS))
def test_a_world_of_thousands_keeps_every_invariant(seed: int) -> None:
    random = Random(seed)
    config = {
        "method": "adaptive_asha", "variant": random.choice(("PROMOTION", "STOPPING")),
        "divisor": 3, "mode": "standard", "max_length": 27, "max_trials": 2_000,
        "max_concurrent_trials": random.choice((0, 800)), "max_restarts": 5,
        "goal": "MINIMIZE",
    }  # fmt: skip
    faults = Faults(loss=0.05, twins=0.1, crashes=0.005, wildness=1.0, delay_us=SECOND_US)
    world = World(random, config, faults, workers=1_000, turns=12_000, checked_every=4_000)

    world.run()

    assert len(world.server.experiment.state.trials) >= 2_000
    assert world.server.restarts > 0

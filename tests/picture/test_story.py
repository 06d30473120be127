"""A history told as stretches of training."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest

from asha_server.picture.story import Ending, Story
from asha_server.search.simulation import Conditions

from .conftest import SPEC, story


def told(story: Story) -> list[tuple[int, int, float, float, int, int, str]]:
    return [
        (s.worker, s.trial, s.start_s, s.end_s, s.from_step, s.to_step, s.ending.value)
        for s in story.stretches
    ]


def test_the_asynchronous_search_goes_on_with_what_is_best_so_far(asynchronous: Story) -> None:
    """Two workers, one second a unit, losses .6 .2 .5 .4 .1 .3 in rung 0, the best third goes on.

    Trial 1 is the best of three when trial 2 has come at 2 s, and trial 4 of five at 3 s.
    """
    assert told(asynchronous) == [
        (0, 0, 0.0, 1.0, 0, 1, "paused"),
        (1, 1, 0.0, 1.0, 0, 1, "paused"),
        (0, 2, 1.0, 2.0, 0, 1, "paused"),
        (1, 3, 1.0, 2.0, 0, 1, "paused"),
        (0, 1, 2.0, 4.0, 1, 3, "completed"),
        (1, 4, 2.0, 3.0, 0, 1, "went on"),
        (1, 4, 3.0, 5.0, 1, 3, "completed"),
        (0, 5, 4.0, 5.0, 0, 1, "paused"),
    ]
    assert asynchronous.trained_in_full_s() == [4.0, 5.0]
    assert asynchronous.elapsed_s == 5.0


def test_the_synchronous_search_waits_for_the_whole_rung(synchronous: Story) -> None:
    """All six are in at 3 s; one is certain before: trial 1 is among the best two of four."""
    completed = [s for s in synchronous.stretches if s.ending is Ending.COMPLETED]

    assert sorted(s.trial for s in completed) == [1, 4]
    assert min(s.start_s for s in completed) == 3.0


def test_who_was_paused_to_the_end_was_stopped_then(asynchronous: Story) -> None:
    assert asynchronous.stopped_s == {0: 5.0, 2: 5.0, 3: 5.0, 5: 5.0}


def test_a_lost_job_is_a_stretch_of_its_own() -> None:
    spec = msgspec.structs.replace(SPEC, max_restarts=50)

    found = story(spec, Conditions(2, drop_probability=0.4, seed=3))

    lost = [s for s in found.stretches if s.ending is Ending.LOST]
    assert lost
    for stretch in lost:
        after = [s for s in found.stretches if s.trial == stretch.trial
                 and s.start_s >= stretch.end_s]  # fmt: skip
        assert after[0].from_step == stretch.from_step


def test_what_the_time_limit_cuts_off_ends_with_it() -> None:
    found = story(SPEC, Conditions(2, time_limit_s=3.5))

    cut = [s for s in found.stretches if s.ending is Ending.CUT_OFF]
    assert [(s.trial, s.end_s) for s in cut] == [(1, 3.5), (4, 3.5)]


@pytest.mark.parametrize("workers", [1, 3, 9])
def test_no_worker_trains_two_trials_at_once(workers: int) -> None:
    found = story(SPEC, Conditions(workers, straggler_deviation=1.0))

    for worker in range(workers):
        own = [s for s in found.stretches if s.worker == worker]
        assert all(a.end_s <= b.start_s for a, b in pairwise(own))

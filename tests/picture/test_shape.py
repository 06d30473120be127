"""Properties that move with time."""

from __future__ import annotations

import pytest

from asha_server.picture.shape import Moves, Steps, moves, number_at, steps, word_at


@pytest.mark.parametrize(
    ("time_s", "value"), [(0.0, 10.0), (1.0, 10.0), (2.0, 15.0), (3.0, 20.0), (9.0, 20.0)]
)
def test_a_number_moves_evenly_from_key_to_key(time_s: float, value: float) -> None:
    assert number_at(Moves(((1.0, 10.0), (3.0, 20.0))), time_s) == value


def test_of_two_keys_at_one_time_the_latter_holds_from_then() -> None:
    """A lost job falls back at once."""
    height = Moves(((0.0, 0.0), (2.0, 8.0), (2.0, 3.0), (4.0, 5.0)))

    assert [height.at(time_s) for time_s in (1.0, 2.0, 3.0)] == [4.0, 3.0, 4.0]


def test_words_change_at_once() -> None:
    words = Steps(((1.0, "a"), (2.0, "b")))

    assert [word_at(words, time_s) for time_s in (0.0, 1.0, 1.9, 2.0, 5.0)] == list("aaabb")


def test_what_never_changes_is_no_track() -> None:
    assert moves([(0.0, 1.004), (2.0, 1.0)]) == 1.0
    assert steps([(0.0, "a"), (1.0, "a")]) == "a"
    assert steps([(0.0, "a"), (0.0, "b"), (1.0, "b")]) == "b"
    assert steps([(0.0, "a"), (1.0, "a"), (2.0, "b")]) == Steps(((0.0, "a"), (2.0, "b")))

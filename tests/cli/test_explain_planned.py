"""`asha explain` and `asha watch` where a fixed number goes on: barriers and populations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .conftest import Asha, Worker

HALVING = """
metric: {name: loss, goal: minimize}
unit: epochs
max_length: 4
sync_halving: {num_rungs: 2, divisor: 4, total_length: 14}
parameters: {lr: {double_range: {min: 0.0, max: 1.0}}}
"""
POPULATION = """
metric: {name: loss, goal: minimize}
unit: epochs
pbt: {population_size: 4, num_rounds: 2, length_per_round: 1, truncate_fraction: 0.25}
parameters: {lr: {double_range: {min: 0.0, max: 1.0}}}
"""

Make = Callable[[str], Worker]


def made(asha: Asha, tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / f"{name}.yaml"
    path.write_text(text)
    assert asha("create", "-f", str(path), "--id", name).status == 0


def test_a_barrier_is_explained(asha: Asha, worker: Make, tmp_path: Path) -> None:
    made(asha, tmp_path, "barrier", HALVING)
    works = worker("barrier")
    given = [works.take(f"w{n}") for n in range(8)]
    for assignment, value in zip(given[:7], (0.9, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6), strict=True):
        works.report(assignment, 1, value)

    leads = asha("explain", "barrier", "1").out
    lags = asha("explain", "barrier", "0").out
    works.report(given[7], 1, 0.15)
    last = asha("explain", "barrier", "7").out
    out = asha("explain", "barrier", "4").out

    best = "the best 2 of the 8 that enter it"
    assert (
        f"Only {best} go on, each once it is certain to be among them, and it was not yet: pause"
        in leads
    )
    assert (
        f"It waits in rung 0, now rank 1 of 7; {best} go on, once it is certain who that is."
        in leads
    )
    assert "now rank 7 of 7" in lags
    assert f"It was certain to be among {best}, who go on: continue" in last
    # Trial 1 goes on with the next worker; then the others are stopped.
    assert "It waits in rung 0, now rank 5 of 8" in out
    assert works.take("w0").trial_number == 1
    over = asha("explain", "barrier", "4").out
    assert f"It was rank 5 of 8; only {best} go on, those at 0.15 or better." in over
    assert "In all 2 trials went on from it." in over


def test_a_copy_is_explained(asha: Asha, worker: Make, tmp_path: Path) -> None:
    made(asha, tmp_path, "population", POPULATION)
    works = worker("population")
    works.arrive(0.4, 0.1, 0.2, 0.3)
    copy = works.take("w0")

    assert "trials    5: " in asha("status", "population").out
    told = asha("explain", "population", str(copy.trial_number)).out
    parent = asha("explain", "population", "1").out

    assert "a copy of trial 1: from its checkpoint at step 1, parameters near that trial's" in told
    assert "It has not been compared at any rung." in told
    assert "the best 3 of the 4 that enter it go on" in parent


def test_what_the_watch_tells_of_a_copy(asha: Asha, worker: Make, tmp_path: Path) -> None:
    made(asha, tmp_path, "watched", POPULATION)
    works = worker("watched")
    works.arrive(0.4, 0.1, 0.2, 0.3)
    works.take("w0")
    assert asha("stop", "watched", "--yes").status == 0

    lines = asha("watch", "watched", "--after", "0").out.splitlines()

    assert any("trial 4: created (from trial 1 at 1)" in line for line in lines)

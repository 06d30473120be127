"""What a search will cost, before it begins."""

from __future__ import annotations

from typing import Any

import pytest

from asha_server.search.preview import preview

from .drive import spec_of
from .vectors import cases


@pytest.mark.parametrize("case", cases("preview"))
def test_the_nominal_plan_is_that_of_the_vector(case: dict[str, Any]) -> None:
    plan = preview(spec_of(case["config"]))

    assert [list(ending) for ending in plan.trials_by_length] == case["plan"]
    assert plan.trial_count == case["total_trials"]
    assert plan.units == case["total_units"]


def test_at_worst_every_trial_trains_to_the_end() -> None:
    # 9 trials of rungs 1 3 9: nominally 6 end at 1, 2 at 3, 1 at 9: 6 + 6 + 9.
    halving = {"method": "async_halving", "num_rungs": 3, "divisor": 3}

    plan = preview(spec_of({**halving, "max_length": 9, "max_trials": 9}))

    assert (plan.units, plan.units_worst) == (21, 81)


def test_a_single_trial_runs_alone() -> None:
    assert preview(spec_of({"method": "single", "max_length": 9})).concurrency_limit == 1

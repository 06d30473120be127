"""Kill the server at any moment: nothing acknowledged is lost, nothing counts twice or changes.

A few kills; ASHA_DURABILITY_KILLS and ASHA_DURABILITY_SEED ask for more and for others.
"""

from __future__ import annotations

import os
from pathlib import Path

from asha_server.search.terms import ExperimentState

from .campaign import Round, campaign
from .file_history import read_file
from .searches import SHORT_LEASES, searches

KILLS = int(os.environ.get("ASHA_DURABILITY_KILLS", "5"))
SEED = int(os.environ.get("ASHA_DURABILITY_SEED", "1"))


SHORT = 40
"""Trials of a search that is to end: a few seconds of training."""


async def test_a_search_whose_server_is_killed_ends_as_it_should(tmp_path: Path) -> None:
    await Round(tmp_path, SEED, kills=3, workers=2, trials=SHORT).run()

    found = read_file(tmp_path / "asha.db")
    states = {name: history.state.state for name, history in found.items()}
    assert states == dict.fromkeys(searches(SHORT), ExperimentState.COMPLETED)
    assert all(history.state.progress == 1.0 for history in found.values())
    halvings = [found[name].state for name in ("promotion", "stopping", SHORT_LEASES)]
    assert [state.brackets[0].is_full for state in halvings] == [True] * 3


async def test_a_server_that_is_killed_again_and_again_keeps_its_promises(tmp_path: Path) -> None:
    tally = await campaign(tmp_path, seed=SEED, kills=KILLS)

    assert tally.kills.total() == KILLS
    assert tally.answers > 100 * KILLS

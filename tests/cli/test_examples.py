"""Every example file makes an experiment, and its cost is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import ROOT, Asha

EXAMPLES = sorted((ROOT / "examples").rglob("*.yaml"))
METHODS = {
    "adaptive_asha", "async_halving", "single", "random_search", "grid_search",
    "sync_halving", "adaptive", "adaptive_simple", "hyperband", "pbt",
}  # fmt: skip


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_previewed_and_created(asha: Asha, path: Path) -> None:
    (plan,) = asha("preview", "-f", str(path), "--no-forecast", "--json").facts
    created = asha("create", "-f", str(path), "--id", f"example-{path.parent.name}-{path.stem}")

    ends = plan["planned_lengths"]
    lengths = sum(planned["length"] * planned["trial_count"] for planned in ends)
    assert plan["total_trials"] == sum(planned["trial_count"] for planned in ends) > 0
    if path.stem != "pbt":  # whose copies train only what their parents did not
        assert plan["total_trials"] == sum(b["max_trials"] for b in plan["brackets"])
        assert plan["total_units"] == lengths
    else:
        assert plan["total_units"] == 20 * 8 * 5 < lengths
    assert created.status == 0


def test_every_method_of_this_server_has_an_example(asha: Asha) -> None:
    shown = {
        asha("preview", "-f", str(path), "--no-forecast").out.split()[0].rstrip(":")
        for path in EXAMPLES
    }

    assert shown == METHODS

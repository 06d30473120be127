"""The experiments that are searched while the server dies: every family of methods."""

from __future__ import annotations

from typing import Any

from asha_server.pb import experiment_pb2 as x

SHORT_LEASES = "short-leases"
"""The experiment whose workers die in silence: its leases last a second."""

ENDLESS = 3_000
"""So many trials that no search ends within the life of one file."""


def searches(trials: int) -> dict[str, x.ExperimentSpec]:
    """Experiment id -> spec, of about so many trials each."""
    return {
        "promotion": _spec(
            max_length=27, max_trials=trials, adaptive_asha=x.AdaptiveAsha(divisor=3)
        ),
        "stopping": _spec(
            max_length=27, max_trials=trials,
            adaptive_asha=x.AdaptiveAsha(divisor=3, variant=x.HALVING_VARIANT_STOPPING),
        ),
        "synchronous": _spec(
            max_length=9,
            sync_halving=x.SyncHalving(num_rungs=3, divisor=3, total_length=6 * trials),
        ),
        "population": _spec(
            pbt=x.Pbt(population_size=8, num_rounds=trials // 6, length_per_round=2)
        ),
        SHORT_LEASES: _spec(
            max_length=9, max_trials=trials, lease_ttl={"seconds": 1},
            async_halving=x.AsyncHalving(num_rungs=3, divisor=3), max_restarts=50,
        ),
    }  # fmt: skip


def passing() -> x.ExperimentSpec:
    """One that is created, perhaps searched a little, and deleted."""
    return _spec(max_length=4, max_trials=4, async_halving=x.AsyncHalving(num_rungs=2, divisor=2))


def _spec(**fields: Any) -> x.ExperimentSpec:
    fields.setdefault("lease_ttl", {"seconds": 600})
    spec = x.ExperimentSpec(
        metric=x.Metric(name="loss", goal=x.GOAL_MINIMIZE), seed=7, worker_failure_limit=0, **fields
    )
    spec.parameters.add(name="lr").double_range.CopyFrom(x.DoubleRange(min=0, max=1))
    return spec

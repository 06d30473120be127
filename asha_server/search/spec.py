"""What an experiment is: the specification a person writes, with every default filled in.

Field names and meanings are those of `asha.v1.ExperimentSpec`; durations are microseconds.
`validate` finds every violation at once, each under its proto path.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import msgspec

from asha_server.errors import FieldViolation
from asha_server.search.method_spec import (
    INT64_MAX,
    AdaptiveAsha,
    AsyncHalving,
    GridSearch,
    MethodSpec,
    RandomSearch,
    SingleTrial,
)
from asha_server.search.pbt_spec import Pbt
from asha_server.search.space import ParameterSpec, validate_parameters
from asha_server.search.sync_method_spec import Adaptive, AdaptiveSimple, Hyperband, SyncHalving
from asha_server.search.terms import Goal, HalvingVariant, RungRule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asha_server.search.bracket import Divisor, Geometry

__all__ = [
    "INT64_MAX",
    "Adaptive",
    "AdaptiveAsha",
    "AdaptiveSimple",
    "AsyncHalving",
    "ExperimentSpec",
    "GridSearch",
    "Hyperband",
    "Method",
    "MethodSpec",
    "Metric",
    "Pbt",
    "RandomSearch",
    "SingleTrial",
    "SyncHalving",
    "validate",
]

SECOND_US = 1_000_000
LEASE_TTL_DEFAULT_US = 60 * SECOND_US
LEASE_TTL_MIN_US = SECOND_US
LEASE_TTL_MAX_US = 24 * 3600 * SECOND_US
DURATION_MAX_US = 10 * 365 * 24 * 3600 * SECOND_US
"""Longest `max_wall_time` and `progress_timeout`: ten years, far inside int64 microseconds."""
LABELS_MAX = 64
LABEL_BYTES_MAX = 384
"""Size of one label, key and value together."""
TEXT_BYTES_MAX = 256
"""Size of a display name."""
UNIT_BYTES_MAX = 128

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_\-./]{0,127}", re.ASCII)
NAME_RULE = "1 to 128 of A-Z a-z 0-9 _ - . /, first a letter or digit"


class Metric(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The search metric: which reported value decides, and in which direction it improves."""

    name: str = ""
    goal: Goal | None = None


Method = (
    AdaptiveAsha
    | AsyncHalving
    | SingleTrial
    | RandomSearch
    | GridSearch
    | SyncHalving
    | Adaptive
    | AdaptiveSimple
    | Hyperband
    | Pbt
)


class ExperimentSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An experiment as asked for.

    Attributes:
        metric: the search metric.
        parameters: the search space, in declared order.
        method: how trials are chosen and ended; None is refused.
        max_length: L, units a surviving trial trains in all; required, >= 1.
        unit: the name of a unit of length; shown, never computed with.
        max_trials: N; required by methods that do not fix it themselves, >= 1.
        max_concurrent_trials: C, >= 0; 0 = no limit.
        seed: >= 0; None: the server draws one.
        lease_ttl_us: 1 s to 24 h. Microseconds.
        max_restarts: failures and expiries a trial survives between two rung entries, >= 0.
        max_infeasible: infeasible trials in a row that are borne, >= 0; None: N.
        target: an experiment that reaches it ends; inclusive. None: none.
        max_wall_time_us: 0 = no limit. Microseconds, pauses not counted.
        max_total_length: units trained over all trials; 0 = no limit.
        progress_timeout_us: longest time without a report; 0 = off. Microseconds.
        worker_failure_limit: assignments in a row without a report before a worker waits; 0 = off.
    """

    display_name: str = ""
    labels: dict[str, str] = {}
    metric: Metric = Metric()
    parameters: tuple[ParameterSpec, ...] = ()
    method: Method | None = None
    max_length: int | None = None
    unit: str = "units"
    max_trials: int | None = None
    max_concurrent_trials: int = 16
    seed: int | None = None
    lease_ttl_us: int = LEASE_TTL_DEFAULT_US
    max_restarts: int = 5
    max_infeasible: int | None = None
    target: float | None = None
    max_wall_time_us: int = 0
    max_total_length: int = 0
    progress_timeout_us: int = 0
    worker_failure_limit: int = 3

    @property
    def chosen(self) -> MethodSpec:
        """The method, of a valid spec."""
        assert self.method is not None
        return self.method

    @property
    def divisor(self) -> Divisor:
        """The method's d; methods that compare nothing have the default."""
        return self.chosen.exact_divisor

    @property
    def variant(self) -> HalvingVariant:
        """What a rung does with those outside its best."""
        return HalvingVariant.PROMOTION if self.chosen.pauses else HalvingVariant.STOPPING

    @property
    def rung_rule(self) -> RungRule:
        """Which of a rung's entries go on."""
        return self.chosen.rule

    @property
    def guarantee_full_length(self) -> bool:
        """Whether the best of a final rung goes on though nobody was promoted from it."""
        return self.chosen.guarantees_full_length

    @property
    def replaces_infeasible(self) -> bool:
        """Whether a new trial replaces an infeasible one; a grid point cannot be replaced."""
        return self.chosen.replaces_infeasible

    def trial_total(self) -> int:
        """N: valid trials of the whole experiment. O(parameters) for a grid."""
        return self.chosen.trial_total(self)

    def geometry(self) -> tuple[Geometry, ...]:
        """The brackets of this experiment, in the order in which they are started."""
        return self.chosen.geometry(self)

    def completed(self, seed: int) -> ExperimentSpec:
        """This spec with the defaults that depend on other fields, and the drawn seed."""
        return msgspec.structs.replace(
            self,
            max_length=self.chosen.full_length(self),
            seed=self.seed if self.seed is not None else seed,
            max_infeasible=(
                self.max_infeasible if self.max_infeasible is not None else self.trial_total()
            ),
        )


def validate(spec: ExperimentSpec) -> list[FieldViolation]:
    """Every violation of a spec, in the order of its fields; empty if it can be run."""
    return [FieldViolation(f"spec.{path}", message) for path, message in _violations(spec)] + (
        validate_parameters(
            spec.parameters, needs_count=isinstance(spec.method, GridSearch), path="spec.parameters"
        )
    )


def _violations(  # noqa: PLR0912 - one branch a field
    spec: ExperimentSpec,
) -> Iterator[tuple[str, str]]:
    for field, text, most in (
        ("display_name", spec.display_name, TEXT_BYTES_MAX),
        ("unit", spec.unit, UNIT_BYTES_MAX),
    ):
        if len(text.encode()) > most:
            yield field, f"has {len(text.encode())} bytes; at most {most} are allowed"
    if len(spec.labels) > LABELS_MAX:
        yield "labels", f"has {len(spec.labels)} entries; at most {LABELS_MAX} are allowed"
    for key, value in spec.labels.items():
        if not NAME.fullmatch(key):
            yield f"labels[{key!r}]", f"the key must be {NAME_RULE}"
        size = len(key.encode()) + len(value.encode())
        if size > LABEL_BYTES_MAX:
            yield f"labels[{key!r}]", f"has {size} bytes; at most {LABEL_BYTES_MAX} are allowed"
    if not NAME.fullmatch(spec.metric.name):
        yield "metric.name", f"must be {NAME_RULE}; it names the metric that decides"
    if spec.metric.goal is None:
        yield "metric.goal", "is required: GOAL_MINIMIZE or GOAL_MAXIMIZE"
    yield from _method_violations(spec)
    is_fixed = spec.method is not None and not spec.method.takes_max_length
    if not is_fixed and (spec.max_length is None or not 1 <= spec.max_length <= INT64_MAX):
        yield "max_length", "is required and must be 1 or more: units a surviving trial trains"
    if not 0 <= spec.max_concurrent_trials <= INT64_MAX:
        yield "max_concurrent_trials", "must be 0 (no limit) or more"
    if spec.seed is not None and not 0 <= spec.seed <= INT64_MAX:
        yield "seed", "must be 0 or more"
    if not LEASE_TTL_MIN_US <= spec.lease_ttl_us <= LEASE_TTL_MAX_US:
        yield "lease_ttl", "must be from 1 s to 24 h"
    if spec.target is not None and not math.isfinite(spec.target):
        yield "target", "must be a finite number"
    for field, number, most in (
        ("max_restarts", spec.max_restarts, INT64_MAX),
        ("max_infeasible", spec.max_infeasible or 0, INT64_MAX),
        ("max_wall_time", spec.max_wall_time_us, DURATION_MAX_US),
        ("max_total_length", spec.max_total_length, INT64_MAX),
        ("progress_timeout", spec.progress_timeout_us, DURATION_MAX_US),
        ("worker_failure_limit", spec.worker_failure_limit, INT64_MAX),
    ):
        if number < 0:
            yield field, "must be 0 or more"
        elif number > most:
            yield field, "must be at most ten years"


def _method_violations(spec: ExperimentSpec) -> Iterator[tuple[str, str]]:
    method = spec.method
    if method is None:
        yield "method", "is required: adaptive_asha is the one to start with"
        return
    if not method.takes_max_trials:
        if spec.max_trials is not None:
            yield "max_trials", "is fixed by the method; leave it out"
    elif spec.max_trials is None or not 1 <= spec.max_trials <= INT64_MAX:
        yield "max_trials", "is required and must be 1 or more"
    yield from method.violations(spec)

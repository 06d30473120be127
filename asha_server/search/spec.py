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
from asha_server.search.bracket import (
    MAX_BRACKETS_LIMIT,
    MAX_RUNGS_LIMIT,
    Divisor,
    Geometry,
    adaptive_geometry,
    bracket_rungs,
    concurrency_limit,
    flat_geometry,
    halving_share,
    shares,
    single_geometry,
)
from asha_server.search.space import ParameterSpec, SearchSpace, validate_parameters
from asha_server.search.terms import BracketMode, Goal, HalvingVariant, RungRule

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

INT64_MAX = 2**63 - 1
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


class AdaptiveAsha(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="adaptive_asha"):
    """Several brackets of asynchronous halving that trade exploration against length."""

    mode: BracketMode = BracketMode.STANDARD
    divisor: float = 4.0
    max_rungs: int = 5
    bracket_rungs: tuple[int, ...] = ()
    variant: HalvingVariant = HalvingVariant.PROMOTION
    rung_rule: RungRule = RungRule.TOP_K
    guarantee_full_length: bool = True


class AsyncHalving(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="async_halving"):
    """One bracket of asynchronous halving, given directly."""

    num_rungs: int | None = None
    divisor: float = 4.0
    variant: HalvingVariant = HalvingVariant.PROMOTION
    rung_rule: RungRule = RungRule.TOP_K
    guarantee_full_length: bool = True


class SingleTrial(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="single"):
    """One trial to the full length."""


class RandomSearch(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="random_search"):
    """Every trial to the full length, none compared."""


class GridSearch(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="grid_search"):
    """Every point of the grid to the full length, none compared."""


Method = AdaptiveAsha | AsyncHalving | SingleTrial | RandomSearch | GridSearch


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
    def divisor(self) -> Divisor:
        """The method's d; methods that compare nothing have the default."""
        match self.method:
            case AdaptiveAsha() | AsyncHalving():
                return Divisor(self.method.divisor)
        return Divisor(4.0)

    @property
    def variant(self) -> HalvingVariant:
        """What a rung does with those outside its best."""
        match self.method:
            case AdaptiveAsha() | AsyncHalving():
                return self.method.variant
        return HalvingVariant.STOPPING

    @property
    def rung_rule(self) -> RungRule:
        """Which of a rung's entries go on."""
        match self.method:
            case AdaptiveAsha() | AsyncHalving():
                return self.method.rung_rule
        return RungRule.TOP_K

    @property
    def guarantee_full_length(self) -> bool:
        """Whether the best of a final rung goes on though nobody was promoted from it."""
        match self.method:
            case AdaptiveAsha() | AsyncHalving():
                return self.method.guarantee_full_length
        return False

    @property
    def replaces_infeasible(self) -> bool:
        """Whether a new trial replaces an infeasible one; a grid point cannot be replaced."""
        return not isinstance(self.method, GridSearch)

    def trial_total(self) -> int:
        """N: valid trials of the whole experiment. O(parameters) for a grid."""
        match self.method:
            case SingleTrial():
                return 1
            case GridSearch():
                return SearchSpace(self.parameters).grid_size()
        assert self.max_trials is not None
        return self.max_trials

    def geometry(self) -> tuple[Geometry, ...]:
        """The brackets of this experiment, most rungs first."""
        assert self.max_length is not None
        limit, total = self.max_concurrent_trials, self.trial_total()
        match self.method:
            case AdaptiveAsha() as method:
                rungs = method.bracket_rungs or bracket_rungs(
                    method.mode, method.max_rungs, self.max_length, total, self.divisor
                )
                return adaptive_geometry(rungs, total, self.max_length, limit, self.divisor)
            case AsyncHalving() as method:
                assert method.num_rungs is not None
                return single_geometry(
                    method.num_rungs, total, self.max_length, limit, self.divisor
                )
        return flat_geometry(total, self.max_length, limit)

    def shares(self, rung_counts: Sequence[int], trials: Sequence[int]) -> tuple[int, ...]:
        """Active trials each bracket has a claim to, for brackets that exist already.

        Args:
            rung_counts: rungs of each bracket.
            trials: n_b of each bracket.
        """
        limit = self.max_concurrent_trials
        match self.method:
            case AdaptiveAsha():
                return shares(concurrency_limit(limit, len(trials)), trials, self.divisor)
            case AsyncHalving():
                return (halving_share(rung_counts[0], trials[0], limit, self.divisor),)
        return (limit or trials[0],)

    def completed(self, seed: int) -> ExperimentSpec:
        """This spec with the defaults that depend on other fields, and the drawn seed."""
        return msgspec.structs.replace(
            self,
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
    if spec.max_length is None or not 1 <= spec.max_length <= INT64_MAX:
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
    match spec.method:
        case None:
            yield "method", "is required: adaptive_asha is the one to start with"
            return
        case SingleTrial() | GridSearch():
            if spec.max_trials is not None:
                yield "max_trials", "is fixed by the method; leave it out"
        case AdaptiveAsha() | AsyncHalving() | RandomSearch():
            if spec.max_trials is None or not 1 <= spec.max_trials <= INT64_MAX:
                yield "max_trials", "is required and must be 1 or more"
    match spec.method:
        case AdaptiveAsha() as method:
            yield from _halving_violations("adaptive_asha", method)
            if not 1 <= method.max_rungs <= MAX_RUNGS_LIMIT:
                yield "adaptive_asha.max_rungs", f"must be from 1 to {MAX_RUNGS_LIMIT}"
            if len(method.bracket_rungs) > MAX_BRACKETS_LIMIT:
                yield (
                    "adaptive_asha.bracket_rungs",
                    f"names {len(method.bracket_rungs)} brackets; at most {MAX_BRACKETS_LIMIT}",
                )
            for index, count in enumerate(method.bracket_rungs):
                if not 1 <= count <= MAX_RUNGS_LIMIT:
                    yield (
                        f"adaptive_asha.bracket_rungs[{index}]",
                        f"must be from 1 to {MAX_RUNGS_LIMIT}",
                    )
        case AsyncHalving() as method:
            yield from _halving_violations("async_halving", method)
            if method.num_rungs is None or not 1 <= method.num_rungs <= MAX_RUNGS_LIMIT:
                yield (
                    "async_halving.num_rungs",
                    f"is required and must be from 1 to {MAX_RUNGS_LIMIT}",
                )


def _halving_violations(arm: str, method: AdaptiveAsha | AsyncHalving) -> Iterator[tuple[str, str]]:
    if not (math.isfinite(method.divisor) and method.divisor > 1):
        yield f"{arm}.divisor", "must be a finite number above 1"
    if method.rung_rule is not RungRule.TOP_K and method.variant is not HalvingVariant.STOPPING:
        yield f"{arm}.rung_rule", f"{method.rung_rule} needs variant STOPPING"

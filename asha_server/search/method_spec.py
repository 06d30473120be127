"""What a search method is asked for, and the plan that follows: its brackets before anything ran.

Each method is a struct of its own fields, which are those of its message in `asha.v1`, with the
questions that the rest of the search asks of it. What it decides while it runs is in `method.py`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

import msgspec

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
    nominal_entries,
    shares,
    single_geometry,
    split_added_trials,
)
from asha_server.search.space import SearchSpace
from asha_server.search.terms import BracketMode, HalvingVariant, RungRule

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from asha_server.search.spec import ExperimentSpec

INT64_MAX = 2**63 - 1
Violations: TypeAlias = "Iterator[tuple[str, str]]"
"""(path below `spec.`, what is wrong and the way out)."""


class MethodSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A method that compares nothing: one bracket whose only rung is the full length.

    The others differ from it in what they override.
    """

    @property
    def arm(self) -> str:
        """Its name: the arm of `ExperimentSpec.method`."""
        return str(self.__struct_config__.tag)

    @property
    def takes_max_trials(self) -> bool:
        """Whether `max_trials` is required; otherwise the method fixes it and refuses it."""
        return True

    @property
    def takes_max_length(self) -> bool:
        """Whether `max_length` is required; otherwise the method fixes it."""
        return True

    @property
    def exact_divisor(self) -> Divisor:
        """D; methods that compare nothing have the default."""
        return Divisor(4.0)

    @property
    def pauses(self) -> bool:
        """Whether trials pause at a rung until they are promoted."""
        return False

    @property
    def has_fixed_plan(self) -> bool:
        """Whether exactly the planned number of trials goes on from each rung."""
        return False

    @property
    def rule(self) -> RungRule:
        """Which of a rung's entries go on, in the stopping variant."""
        return RungRule.TOP_K

    @property
    def guarantees_full_length(self) -> bool:
        """Whether the best of a final rung goes on though nobody was promoted from it."""
        return self.pauses

    @property
    def replaces_infeasible(self) -> bool:
        """Whether a new trial replaces an infeasible one."""
        return True

    @property
    def keeps_round(self) -> bool:
        """Whether an infeasible trial is replaced in the rung that it was heading for."""
        return False

    def trial_total(self, spec: ExperimentSpec) -> int:
        """N: valid trials of the whole experiment, as planned."""
        assert spec.max_trials is not None
        return spec.max_trials

    def full_length(self, spec: ExperimentSpec) -> int:
        """L: units a surviving trial trains in all."""
        assert spec.max_length is not None
        return spec.max_length

    def geometry(self, spec: ExperimentSpec) -> tuple[Geometry, ...]:
        """Its brackets, in the order in which they are started."""
        return flat_geometry(
            self.trial_total(spec), self.full_length(spec), spec.max_concurrent_trials
        )

    def entries(
        self,
        spec: ExperimentSpec,
        bracket: int,
        num_rungs: int,
        max_trials: int,
    ) -> tuple[int, ...]:
        """Trials planned to enter each rung of a bracket that exists already.

        Args:
            spec: the experiment, as it is now.
            bracket: index of the bracket.
            num_rungs: its rungs.
            max_trials: its n_b.
        """
        return nominal_entries(num_rungs, max_trials, self.exact_divisor)

    def shares(
        self,
        spec: ExperimentSpec,
        rung_counts: Sequence[int],
        trials: Sequence[int],
    ) -> tuple[int, ...]:
        """Active trials each bracket has a claim to, for brackets that exist already.

        Args:
            spec: the experiment, as it is now.
            rung_counts: rungs of each bracket.
            trials: n_b of each bracket.
        """
        return tuple(spec.max_concurrent_trials or n for n in trials)

    def concurrency_limit(self, spec: ExperimentSpec, bracket_count: int) -> int | None:
        """C', the most trials active at one time; None: no limit."""
        return concurrency_limit(spec.max_concurrent_trials, bracket_count)

    def split_added(
        self, rung_counts: Sequence[int], is_closed_out: Sequence[bool], added: int
    ) -> tuple[int, ...]:
        """How raising N by `added` raises every n_b."""
        return split_added_trials(rung_counts, is_closed_out, added, self.exact_divisor)

    def violations(self, spec: ExperimentSpec) -> Violations:
        """What is wrong with its own fields."""
        return iter(())


class AsynchronousSpec(MethodSpec, frozen=True, forbid_unknown_fields=True):
    """What the asynchronous methods have in common."""

    divisor: float = 4.0
    variant: HalvingVariant = HalvingVariant.PROMOTION
    rung_rule: RungRule = RungRule.TOP_K
    guarantee_full_length: bool = True

    @property
    def exact_divisor(self) -> Divisor:
        """D."""
        return Divisor(self.divisor)

    @property
    def pauses(self) -> bool:
        """Whether it is the promotion variant."""
        return self.variant is HalvingVariant.PROMOTION

    @property
    def rule(self) -> RungRule:
        """The rule asked for."""
        return self.rung_rule

    @property
    def guarantees_full_length(self) -> bool:
        """As asked for."""
        return self.guarantee_full_length


class AdaptiveAsha(AsynchronousSpec, frozen=True, forbid_unknown_fields=True, tag="adaptive_asha"):
    """Several brackets of asynchronous halving that trade exploration against length."""

    mode: BracketMode = BracketMode.STANDARD
    max_rungs: int = 5
    bracket_rungs: tuple[int, ...] = ()

    def geometry(self, spec: ExperimentSpec) -> tuple[Geometry, ...]:
        """All brackets, most rungs first."""
        total, length, divisor = self.trial_total(spec), self.full_length(spec), self.exact_divisor
        rungs = self.bracket_rungs or bracket_rungs(
            self.mode, self.max_rungs, length, total, divisor
        )
        return adaptive_geometry(rungs, total, length, spec.max_concurrent_trials, divisor)

    def shares(
        self,
        spec: ExperimentSpec,
        rung_counts: Sequence[int],
        trials: Sequence[int],
    ) -> tuple[int, ...]:
        """Equal parts of C'."""
        limit = self.concurrency_limit(spec, len(trials))
        return shares(limit, trials, self.exact_divisor)

    def violations(self, spec: ExperimentSpec) -> Violations:
        """Of divisor, rule, rungs and brackets."""
        yield from halving_violations(self)
        yield from adaptive_violations(self.arm, self.max_rungs, self.bracket_rungs)


class AsyncHalving(AsynchronousSpec, frozen=True, forbid_unknown_fields=True, tag="async_halving"):
    """One bracket of asynchronous halving, given directly."""

    num_rungs: int | None = None

    def geometry(self, spec: ExperimentSpec) -> tuple[Geometry, ...]:
        """The one bracket."""
        assert self.num_rungs is not None
        return single_geometry(
            self.num_rungs, self.trial_total(spec), self.full_length(spec),
            spec.max_concurrent_trials, self.exact_divisor,
        )  # fmt: skip

    def shares(
        self, spec: ExperimentSpec, rung_counts: Sequence[int], trials: Sequence[int]
    ) -> tuple[int, ...]:
        """C, or the width of a full bracket."""
        limit = spec.max_concurrent_trials
        return (halving_share(rung_counts[0], trials[0], limit, self.exact_divisor),)

    def violations(self, spec: ExperimentSpec) -> Violations:
        """Of divisor, rule and rungs."""
        yield from halving_violations(self)
        yield from num_rungs_violations(self.arm, self.num_rungs)


class SingleTrial(MethodSpec, frozen=True, forbid_unknown_fields=True, tag="single"):
    """One trial to the full length."""

    @property
    def takes_max_trials(self) -> bool:
        """No: it is 1."""
        return False

    def trial_total(self, spec: ExperimentSpec) -> int:
        """One."""
        return 1

    def concurrency_limit(self, spec: ExperimentSpec, bracket_count: int) -> int | None:
        """One."""
        return 1


class RandomSearch(MethodSpec, frozen=True, forbid_unknown_fields=True, tag="random_search"):
    """Every trial to the full length, none compared."""


class GridSearch(MethodSpec, frozen=True, forbid_unknown_fields=True, tag="grid_search"):
    """Every point of the grid to the full length, none compared."""

    @property
    def takes_max_trials(self) -> bool:
        """No: the grid sets the trials."""
        return False

    @property
    def replaces_infeasible(self) -> bool:
        """A grid point cannot be replaced."""
        return False

    def trial_total(self, spec: ExperimentSpec) -> int:
        """Points of the grid. O(parameters)."""
        return SearchSpace(spec.parameters).grid_size()


def halving_violations(method: AsynchronousSpec) -> Violations:
    """Of what both asynchronous methods have."""
    yield from divisor_violations(method.arm, method.divisor)
    if method.rung_rule is not RungRule.TOP_K and method.variant is not HalvingVariant.STOPPING:
        yield f"{method.arm}.rung_rule", f"{method.rung_rule} needs variant STOPPING"


def divisor_violations(arm: str, divisor: float) -> Violations:
    """Of a divisor."""
    if not (math.isfinite(divisor) and divisor > 1):
        yield f"{arm}.divisor", "must be a finite number above 1"


def num_rungs_violations(arm: str, num_rungs: int | None) -> Violations:
    """Of a bracket's rungs, given directly."""
    if num_rungs is None or not 1 <= num_rungs <= MAX_RUNGS_LIMIT:
        yield f"{arm}.num_rungs", f"is required and must be from 1 to {MAX_RUNGS_LIMIT}"


def adaptive_violations(arm: str, max_rungs: int, rungs: Sequence[int] = ()) -> Violations:
    """Of brackets that follow from a mode, or are given."""
    if not 1 <= max_rungs <= MAX_RUNGS_LIMIT:
        yield f"{arm}.max_rungs", f"must be from 1 to {MAX_RUNGS_LIMIT}"
    if len(rungs) > MAX_BRACKETS_LIMIT:
        yield f"{arm}.bracket_rungs", f"names {len(rungs)} brackets; at most {MAX_BRACKETS_LIMIT}"
    for index, count in enumerate(rungs):
        if not 1 <= count <= MAX_RUNGS_LIMIT:
            yield f"{arm}.bracket_rungs[{index}]", f"must be from 1 to {MAX_RUNGS_LIMIT}"

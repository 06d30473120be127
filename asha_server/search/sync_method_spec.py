"""The synchronous methods: what they are asked for, and the brackets that follow.

All four are successive halving with a fixed plan: m_i trials enter rung i, and the best m_(i+1) of
them go on once it is certain which those are. They differ in where the m_i come from.

| method            | brackets                       | trials of a bracket                  |
| ----------------- | ------------------------------ | ------------------------------------ |
| `sync_halving`    | one, of `num_rungs`            | what `total_length` pays for         |
| `adaptive`        | by mode; side by side          | the same; `total_length` split evenly |
| `adaptive_simple` | by mode; side by side          | `max_trials` split evenly            |
| `hyperband`       | s_max .. 0 in turn, repeatedly | ceil((s_max + 1)·d^s / (s + 1))      |

Every number is exact where Determined computes in floats.

Source: Jamieson, Talwalkar 2016, arXiv:1502.07943 (successive halving); Li et al. 2018,
arXiv:1603.06560, Algorithm 1 (Hyperband); Determined AI 0.12, `sync_halving`, `adaptive`,
`adaptive_simple` and their previews.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import cycle, pairwise
from math import ceil
from typing import TYPE_CHECKING

from asha_server.search.bracket import (
    MAX_BRACKETS_LIMIT,
    Divisor,
    Geometry,
    concurrency_limit,
    equal_parts,
    mode_rungs,
    rung_lengths,
)
from asha_server.search.method_spec import (
    INT64_MAX,
    MethodSpec,
    adaptive_violations,
    divisor_violations,
    num_rungs_violations,
)
from asha_server.search.terms import BracketMode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from asha_server.search.method_spec import Violations
    from asha_server.search.spec import ExperimentSpec


class SynchronousSpec(MethodSpec, frozen=True, forbid_unknown_fields=True):
    """What the synchronous methods have in common."""

    divisor: float = 4.0

    @property
    def takes_max_trials(self) -> bool:
        """No: trials follow from the length."""
        return False

    @property
    def exact_divisor(self) -> Divisor:
        """D."""
        return Divisor(self.divisor)

    @property
    def pauses(self) -> bool:
        """Yes: at each rung, until its set is full."""
        return True

    @property
    def has_fixed_plan(self) -> bool:
        """Yes."""
        return True

    def trial_total(self, spec: ExperimentSpec) -> int:
        """Trials of all brackets."""
        return sum(bracket.max_trials for bracket in self.geometry(spec))

    def entries(
        self, spec: ExperimentSpec, bracket: int, num_rungs: int, max_trials: int
    ) -> tuple[int, ...]:
        """As planned: nothing changes it."""
        return self.geometry(spec)[bracket].entries


class SyncHalving(SynchronousSpec, frozen=True, forbid_unknown_fields=True, tag="sync_halving"):
    """One bracket of synchronous halving whose trials follow from the units it may train."""

    num_rungs: int | None = None
    total_length: int | None = None
    train_stragglers: bool = True

    def geometry(self, spec: ExperimentSpec) -> tuple[Geometry, ...]:
        """The one bracket."""
        assert self.num_rungs is not None
        assert self.total_length is not None
        lengths = rung_lengths(self.num_rungs, self.full_length(spec), self.exact_divisor)
        entries = affordable_entries(lengths, self.total_length, self.exact_divisor)
        return (Geometry(lengths, entries, spec.max_concurrent_trials or entries[0]),)

    def violations(self, spec: ExperimentSpec) -> Violations:
        """Of rungs, divisor and length."""
        yield from num_rungs_violations(self.arm, self.num_rungs)
        yield from divisor_violations(self.arm, self.divisor)
        yield from total_length_violations(self.arm, self.total_length)


class Adaptive(SynchronousSpec, frozen=True, forbid_unknown_fields=True, tag="adaptive"):
    """Synchronous brackets side by side, each with an equal part of the units."""

    mode: BracketMode = BracketMode.STANDARD
    max_rungs: int = 5
    bracket_rungs: tuple[int, ...] = ()
    total_length: int | None = None
    train_stragglers: bool = True

    def geometry(self, spec: ExperimentSpec) -> tuple[Geometry, ...]:
        """The brackets, most rungs first."""
        assert self.total_length is not None
        counts = sorted(self.bracket_rungs or mode_rungs(self.mode, self.max_rungs), reverse=True)
        each, divisor = self.total_length // len(counts), self.exact_divisor
        lengths = [rung_lengths(count, self.full_length(spec), divisor) for count in counts]
        return side_by_side(
            spec, lengths, [affordable_entries(rungs, each, divisor) for rungs in lengths]
        )

    def shares(
        self, spec: ExperimentSpec, rung_counts: Sequence[int], trials: Sequence[int]
    ) -> tuple[int, ...]:
        """Equal parts of C'."""
        return equal_shares(spec, trials)

    def violations(self, spec: ExperimentSpec) -> Violations:
        """Of divisor, brackets and length."""
        yield from divisor_violations(self.arm, self.divisor)
        yield from adaptive_violations(self.arm, self.max_rungs, self.bracket_rungs)
        yield from total_length_violations(self.arm, self.total_length)


class AdaptiveSimple(
    SynchronousSpec, frozen=True, forbid_unknown_fields=True, tag="adaptive_simple"
):
    """Synchronous brackets side by side, each with an equal number of trials."""

    mode: BracketMode = BracketMode.STANDARD
    max_rungs: int = 5

    @property
    def takes_max_trials(self) -> bool:
        """Yes."""
        return True

    def trial_total(self, spec: ExperimentSpec) -> int:
        """N; more where there are more brackets than that."""
        assert spec.max_trials is not None
        return spec.max_trials

    def geometry(self, spec: ExperimentSpec) -> tuple[Geometry, ...]:
        """The brackets, most rungs first."""
        divisor = self.exact_divisor
        counts = mode_rungs(self.mode, self.max_rungs)
        lengths = [rung_lengths(count, self.full_length(spec), divisor) for count in counts]
        trials = [max(n, 1) for n in equal_parts(self.trial_total(spec), len(counts))]
        return side_by_side(
            spec,
            lengths,
            [halved(n, count, divisor) for n, count in zip(trials, counts, strict=True)],
        )

    def entries(
        self, spec: ExperimentSpec, bracket: int, num_rungs: int, max_trials: int
    ) -> tuple[int, ...]:
        """max(floor(n / d^i), 1)."""
        return halved(max_trials, num_rungs, self.exact_divisor)

    def shares(
        self, spec: ExperimentSpec, rung_counts: Sequence[int], trials: Sequence[int]
    ) -> tuple[int, ...]:
        """Equal parts of C'."""
        return equal_shares(spec, trials)

    def split_added(
        self, rung_counts: Sequence[int], is_closed_out: Sequence[bool], added: int
    ) -> tuple[int, ...]:
        """Evenly over the brackets that are not closed out; the rest to the first ones."""
        takers = [index for index, closed in enumerate(is_closed_out) if not closed] or [0]
        more = dict(zip(takers, equal_parts(added, len(takers)), strict=True))
        return tuple(more.get(index, 0) for index in range(len(rung_counts)))

    def violations(self, spec: ExperimentSpec) -> Violations:
        """Of divisor and rungs."""
        yield from divisor_violations(self.arm, self.divisor)
        yield from adaptive_violations(self.arm, self.max_rungs)


class Hyperband(SynchronousSpec, frozen=True, forbid_unknown_fields=True, tag="hyperband"):
    """Hyperband as published: the brackets s_max .. 0 in turn, repeated while the units last."""

    divisor: float = 3.0
    total_length: int | None = None

    def geometry(self, spec: ExperimentSpec) -> tuple[Geometry, ...]:
        """The brackets in the order in which they are started."""
        return tuple(
            Geometry(lengths, entries, spec.max_concurrent_trials or entries[0])
            for lengths, entries, _ in self._paid_for(spec)
        )

    def entries(
        self, spec: ExperimentSpec, bracket: int, num_rungs: int, max_trials: int
    ) -> tuple[int, ...]:
        """floor(n / d^i)."""
        return halved(max_trials, num_rungs, self.exact_divisor)

    def concurrency_limit(self, spec: ExperimentSpec, bracket_count: int) -> int | None:
        """C: brackets are started in turn, so one trial at a time is enough."""
        return spec.max_concurrent_trials or None

    def _paid_for(
        self, spec: ExperimentSpec
    ) -> Iterator[tuple[tuple[int, ...], tuple[int, ...], int]]:
        """Rung lengths, entries and units of each bracket, as far as the units last."""
        length, divisor = self.full_length(spec), self.exact_divisor
        most = divisor.rung_limit(length)
        once = []
        for count in range(most, 0, -1):
            lengths = rung_lengths(count, length, divisor)
            entries = halved(ceil(most * divisor.power(count - 1) / count), count, divisor)
            once.append((lengths, entries, Geometry(lengths, entries, 1).units))
        if self.total_length is None:
            yield from once
            return
        left = self.total_length
        for lengths, entries, units in cycle(once):
            if units > left:
                return
            left -= units
            yield lengths, entries, units

    def violations(self, spec: ExperimentSpec) -> Violations:
        """Of divisor and length."""
        of_divisor = [*divisor_violations(self.arm, self.divisor)]
        yield from of_divisor
        if self.total_length is None:
            return
        of_length = [*total_length_violations(self.arm, self.total_length)]
        yield from of_length
        if of_divisor or of_length or not 1 <= (spec.max_length or 0) <= INT64_MAX:
            return
        first = next(Hyperband(divisor=self.divisor)._paid_for(spec))
        if first[2] > self.total_length:
            yield (
                f"{self.arm}.total_length",
                f"is less than the first bracket trains; it must be {first[2]} or more",
            )
        for count, _ in enumerate(self._paid_for(spec)):
            if count == MAX_BRACKETS_LIMIT:
                yield (
                    f"{self.arm}.total_length",
                    f"makes more than {MAX_BRACKETS_LIMIT} brackets; lower it, or start a second "
                    "experiment from the results of this one",
                )
                return


def affordable_entries(
    lengths: Sequence[int], total_length: int, divisor: Divisor
) -> tuple[int, ...]:
    """Trials per rung such that a bracket trains about `total_length` units.

    The shape is d^(k-1), …, d, 1 trials; all are multiplied by the one factor that makes it train
    `total_length` units, and rounded down; none below 1.

    Args:
        lengths: of the rungs, lowest first. Units.
        total_length: units the bracket may train. Rounding down and the 1 aside it is kept.
        divisor: d.

    Source: Determined AI 0.12, `sync_halving`.
    """
    shape = [max(int(divisor.power(len(lengths) - 1 - rung)), 1) for rung in range(len(lengths))]
    gained = [length - below for below, length in pairwise((0, *lengths))]
    factor = Fraction(total_length, sum(n * more for n, more in zip(shape, gained, strict=True)))
    entries = [max(int(factor * shape[0]), 1)]
    for n in shape[1:]:
        entries.append(max(min(int(factor * n), entries[-1]), 1))
    return tuple(entries)


def halved(max_trials: int, num_rungs: int, divisor: Divisor) -> tuple[int, ...]:
    """max(floor(n / d^i), 1): trials per rung of a bracket of n."""
    return tuple(max(int(max_trials / divisor.power(rung)), 1) for rung in range(num_rungs))


def side_by_side(
    spec: ExperimentSpec, lengths: Sequence[tuple[int, ...]], entries: Sequence[tuple[int, ...]]
) -> tuple[Geometry, ...]:
    """Brackets that run at the same time, each with an equal share of the workers."""
    claims = equal_shares(spec, [n[0] for n in entries])
    return tuple(map(Geometry, lengths, entries, claims))


def equal_shares(spec: ExperimentSpec, trials: Sequence[int]) -> tuple[int, ...]:
    """Equal parts of C', the first ones one more; without a limit each bracket's all."""
    limit = concurrency_limit(spec.max_concurrent_trials, len(trials))
    if limit is None:
        return tuple(trials)
    return equal_parts(limit, len(trials))


def total_length_violations(arm: str, total_length: int | None) -> Violations:
    """Of the units that a search may train."""
    if total_length is None or not 1 <= total_length <= INT64_MAX:
        yield f"{arm}.total_length", "is required and must be 1 or more: units trained in all"

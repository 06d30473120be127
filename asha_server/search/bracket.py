"""The geometry of a search: which brackets, which rungs at which lengths, how many trials each.

All of it is exact. A divisor is the decimal number as written (2.2 is 11/5), powers are taken in
integers, and no logarithm of a float is ever asked (3^5 = 243 gives p = 5).

| here            | the paper (arXiv 1810.05934) | search.md |
| --------------- | ---------------------------- | --------- |
| divisor         | η, reduction factor          | d         |
| max_length      | R, maximum resource          | L         |
| rung_lengths[0] | r, minimum resource          | u_0       |
| max_trials      | n                            | N, n_b    |
| num_rungs       | s_max - s + 1                | k         |
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec

from asha_server.search.terms import BracketMode

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_RUNGS_LIMIT = 100
"""Most rungs a bracket may be given. 2^63 halved 63 times is 1, so more are of use to nobody."""

MAX_BRACKETS_LIMIT = 100
"""Most brackets `bracket_rungs` may name."""


class Divisor:
    """d (the paper's η) as the decimal number that was written.

    Args:
        value: > 1, may be fractional. Unitless.
    """

    __slots__ = ("_denominator", "_numerator", "fraction")

    def __init__(self, value: float) -> None:
        # repr gives the shortest decimal that is this float: the number as the user wrote it.
        self.fraction = Fraction(repr(float(value)))
        self._numerator, self._denominator = self.fraction.as_integer_ratio()

    def share_of(self, count: int) -> int:
        """floor(count / d): how many of `count` are the best 1/d."""
        return count * self._denominator // self._numerator

    def power(self, exponent: int) -> Fraction:
        """d^exponent, exact."""
        return self.fraction**exponent

    def rung_limit(self, count: int, at_most: int = MAX_RUNGS_LIMIT) -> int:
        """1 + the largest p with d^p <= count, at most `at_most`. O(result).

        Args:
            count: >= 1; a length or a number of trials.
            at_most: where to stop counting, >= 1. Rungs.
        """
        rungs, power = 1, self.fraction
        while rungs < at_most and power <= count:
            rungs += 1
            power *= self.fraction
        return rungs


class Geometry(msgspec.Struct, frozen=True):
    """One bracket before anything happened in it.

    Attributes:
        rung_lengths: u_0 .. u_(k-1), not descending, the last is max_length. Units.
        entries: m_0 .. m_(k-1), trials planned to enter each rung; the first is n_b, the valid
            trials this bracket will have. None below 1, not ascending.
        share: active trials the bracket has a claim to while others want some too, >= 1.
        copies: trials planned to begin at each rung but the lowest, >= 0; as many end at each
            below the top.
    """

    rung_lengths: tuple[int, ...]
    entries: tuple[int, ...]
    share: int
    copies: int = 0

    @property
    def max_trials(self) -> int:
        """n_b, the valid trials this bracket will have."""
        return self.entries[0]

    @property
    def units(self) -> int:
        """Units trained where so many trials enter each rung, each resumed where it paused."""
        gained = (length - below for below, length in pairwise((0, *self.rung_lengths)))
        return sum(n * more for n, more in zip(self.entries, gained, strict=True))


def rung_lengths(num_rungs: int, max_length: int, divisor: Divisor) -> tuple[int, ...]:
    """u_i = max(floor(L / d^(k-1-i)), 1), lowest first.

    Equal neighbours (tiny L) are legal: one report then passes several rungs.

    Source: search.md section 2, rule 4; Li et al. 2018, Algorithm 2 (r·η^(s+k)).
    """
    return tuple(
        max(int(max_length / divisor.power(num_rungs - 1 - rung)), 1) for rung in range(num_rungs)
    )


def bracket_rungs(
    mode: BracketMode, max_rungs: int, max_length: int, max_trials: int, divisor: Divisor
) -> tuple[int, ...]:
    """Rungs of every bracket of `adaptive_asha`, descending.

    Source: search.md section 2, rule 1; Determined AI's `adaptive_asha` modes.
    """
    most = min(
        max_rungs,
        divisor.rung_limit(max_length, max_rungs),
        divisor.rung_limit(max_trials, max_rungs),
    )
    return mode_rungs(mode, most)


def mode_rungs(mode: BracketMode, most: int) -> tuple[int, ...]:
    """Rungs of every bracket that a mode makes, descending.

    Args:
        mode: aggressive: one bracket; conservative: one of each; standard: the upper half.
        most: rungs of the first, >= 1.
    """
    match mode:
        case BracketMode.AGGRESSIVE:
            fewest = most
        case BracketMode.STANDARD:
            fewest = (most - 1) // 2 + 1
        case BracketMode.CONSERVATIVE:
            fewest = 1
    return tuple(range(most, fewest - 1, -1))


def split_trials(rungs: Sequence[int], max_trials: int, divisor: Divisor) -> tuple[int, ...]:
    """n_b of every bracket: in proportion to d^(k-1)/k, at least 1, the rest to the first.

    Source: search.md section 2, rule 2.
    """
    weights = [divisor.power(count - 1) / count for count in rungs]
    total = sum(weights)
    split = [max(int(weight / total * max_trials), 1) for weight in weights]
    split[0] += max(max_trials - sum(split), 0)
    return tuple(split)


def split_added_trials(
    rungs: Sequence[int], is_closed_out: Sequence[bool], added: int, divisor: Divisor
) -> tuple[int, ...]:
    """How raising N by `added` raises every n_b: by the same weights over the open brackets.

    The rest goes to the first open one; where all are closed out, to the first of all.

    Source: search.md section 8.
    """
    weights = [
        Fraction(0) if closed else divisor.power(count - 1) / count
        for count, closed in zip(rungs, is_closed_out, strict=True)
    ]
    total = sum(weights)
    split = [int(weight / total * added) if total else 0 for weight in weights]
    first_open = next((index for index, weight in enumerate(weights) if weight), 0)
    split[first_open] += added - sum(split)
    return tuple(split)


def concurrency_limit(max_concurrent_trials: int, bracket_count: int) -> int | None:
    """C', the most trials active at one time, or None where the user set no limit (C = 0).

    Rounded up to the number of brackets, so that each can always run one.
    """
    return max(max_concurrent_trials, bracket_count) if max_concurrent_trials else None


def shares(limit: int | None, trials: Sequence[int], divisor: Divisor) -> tuple[int, ...]:
    """Active trials each bracket has a claim to.

    Source: search.md section 2, rule 3.
    """
    if limit is None:
        return (max(trials[-1], int(divisor.fraction)),) * len(trials)
    return equal_parts(limit, len(trials))


def equal_parts(whole: int, count: int) -> tuple[int, ...]:
    """`whole` in `count` parts that differ by 1 at most, the greater ones first."""
    each, rest = divmod(whole, count)
    return tuple(each + (index < rest) for index in range(count))


def adaptive_geometry(
    rungs: Sequence[int],
    max_trials: int,
    max_length: int,
    max_concurrent_trials: int,
    divisor: Divisor,
) -> tuple[Geometry, ...]:
    """All brackets of `adaptive_asha`, most rungs first.

    Args:
        rungs: rungs of each bracket, in any order, each >= 1.
        max_trials: N.
        max_length: L. Units.
        max_concurrent_trials: C; 0 = no limit.
        divisor: d.
    """
    ordered = sorted(rungs, reverse=True)
    trials = split_trials(ordered, max_trials, divisor)
    limit = concurrency_limit(max_concurrent_trials, len(ordered))
    return tuple(
        Geometry(
            rung_lengths(count, max_length, divisor), nominal_entries(count, n, divisor), share
        )
        for count, n, share in zip(ordered, trials, shares(limit, trials, divisor), strict=True)
    )


def halving_share(
    num_rungs: int, max_trials: int, max_concurrent_trials: int, divisor: Divisor
) -> int:
    """C, or without a limit the width of a full bracket, d^(k-1), at most N."""
    return max_concurrent_trials or min(max(1, int(divisor.power(num_rungs - 1))), max_trials)


def single_geometry(
    num_rungs: int,
    max_trials: int,
    max_length: int,
    max_concurrent_trials: int,
    divisor: Divisor,
) -> tuple[Geometry, ...]:
    """The one bracket of `async_halving`."""
    share = halving_share(num_rungs, max_trials, max_concurrent_trials, divisor)
    entries = nominal_entries(num_rungs, max_trials, divisor)
    return (Geometry(rung_lengths(num_rungs, max_length, divisor), entries, share),)


def flat_geometry(
    max_trials: int, max_length: int, max_concurrent_trials: int
) -> tuple[Geometry, ...]:
    """The one bracket of a method that compares nothing: every trial trains to the one rung L."""
    return (Geometry((max_length,), (max_trials,), max_concurrent_trials or max_trials),)


def nominal_entries(num_rungs: int, max_trials: int, divisor: Divisor) -> tuple[int, ...]:
    """m_0 = n_b, m_(i+1) = max(floor(m_i / d), 1): trials that nominally reach each rung.

    Source: search.md sections 8 (progress) and 10 (preview).
    """
    entries = [max_trials]
    while len(entries) < num_rungs:
        entries.append(max(divisor.share_of(entries[-1]), 1))
    return tuple(entries)

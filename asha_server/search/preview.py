"""What a search will cost: its brackets, how far how many trials train, units in all."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from asha_server.search.bracket import Geometry
    from asha_server.search.spec import ExperimentSpec


class Preview(NamedTuple):
    """The plan of a search that has not begun.

    Attributes:
        brackets: most rungs first.
        trials_by_length: (length, trials that nominally end there), ascending, none left out but
            those where no trial ends.
        trial_count: N, of all brackets.
        units: trained nominally; each trial resumes where it paused.
        units_worst: trained at worst: where later trials keep winning every trial to the end; as
            planned where the plan is fixed.
        units_full: training every trial to the full length.
        concurrency_limit: C'; None: no limit.
    """

    brackets: tuple[Geometry, ...]
    trials_by_length: tuple[tuple[int, int], ...]
    trial_count: int
    units: int
    units_worst: int
    units_full: int
    concurrency_limit: int | None


def preview(spec: ExperimentSpec) -> Preview:
    """The nominal plan: of n trials that enter a rung max(floor(n / d), 1) go on.

    Args:
        spec: a valid one.

    Source: search.md section 2 and section 10.
    """
    brackets = spec.geometry()
    ending: Counter[int] = Counter()
    for bracket in brackets:
        for length, (here, further) in zip(
            bracket.rung_lengths, pairwise((*bracket.entries, 0)), strict=True
        ):
            ending[length] += here - further + (bracket.copies if further else 0)
    by_length = tuple(sorted((length, count) for length, count in ending.items() if count))
    total = sum(ending.values())
    units = sum(bracket.units for bracket in brackets)
    units_full = total * spec.chosen.full_length(spec)
    return Preview(
        brackets=brackets,
        trials_by_length=by_length,
        trial_count=total,
        units=units,
        units_worst=units if spec.chosen.has_fixed_plan else units_full,
        units_full=units_full,
        concurrency_limit=spec.chosen.concurrency_limit(spec, len(brackets)),
    )

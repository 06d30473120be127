"""What a search method is, and which there are.

A method decides three things and holds no state of its own: what to hand out next, what a report
at a decision means, and what follows by itself. Leases, retries, ends, duplicates and rows are
the same for every method and live elsewhere.

To add one: a file with the three functions, one arm in `spec.Method`, one line in `METHODS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from asha_server.search.asha import AsynchronousHalving
from asha_server.search.spec import (
    AdaptiveAsha,
    AsyncHalving,
    GridSearch,
    RandomSearch,
    SingleTrial,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asha_server.search.asha import Choice, Judgement
    from asha_server.search.event import RungClosed
    from asha_server.search.spec import ExperimentSpec
    from asha_server.search.state import State
    from asha_server.search.trial import Trial


class SearchMethod(Protocol):
    """The three decisions of a search."""

    def suggest(self, state: State) -> Choice | None:
        """What to hand out next apart from retries; None while there is nothing."""

    def judge(self, state: State, trial: Trial, step: int, value: float) -> Judgement:
        """A value of the search metric, in order, of a trial that a worker holds."""

    def settle(self, state: State) -> Iterator[RungClosed]:
        """What follows by itself after something happened."""


_HALVING = AsynchronousHalving()

METHODS: dict[type[msgspec.Struct], SearchMethod] = {
    AdaptiveAsha: _HALVING,
    AsyncHalving: _HALVING,
    # One bracket whose only rung is the full length: nothing is ever compared.
    SingleTrial: _HALVING,
    RandomSearch: _HALVING,
    GridSearch: _HALVING,
}


def method_of(spec: ExperimentSpec) -> SearchMethod:
    """The method that a spec names."""
    assert spec.method is not None
    return METHODS[type(spec.method)]

"""What a search method is, and which there are.

A method decides three things and holds no state of its own: what to hand out next, what a report
at a decision means, and what follows by itself. Leases, retries, ends, duplicates and rows are
the same for every method and live elsewhere.

To add one: its fields and its plan (a struct as in `method_spec.py`), its decisions (a class as in
`asha.py`), one arm in `spec.Method`, one line in `METHODS`. docs/howto/add-a-method.md does it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from asha_server.search.asha import AsynchronousHalving
from asha_server.search.pbt import PopulationBasedTraining
from asha_server.search.spec import (
    Adaptive,
    AdaptiveAsha,
    AdaptiveSimple,
    AsyncHalving,
    GridSearch,
    Hyperband,
    Pbt,
    RandomSearch,
    SingleTrial,
    SyncHalving,
)
from asha_server.search.sync_halving import SynchronousHalving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asha_server.search.event import RungClosed
    from asha_server.search.halving import Choice, Judgement
    from asha_server.search.spec import ExperimentSpec
    from asha_server.search.state import Bracket, State
    from asha_server.search.terms import WaitReason
    from asha_server.search.trial import Trial


class SearchMethod(Protocol):
    """The three decisions of a search."""

    def suggest(self, state: State) -> Choice | None:
        """What to hand out next apart from retries; None while there is nothing."""

    def wait_reason(self, state: State) -> WaitReason:
        """Why a worker waits while there is nothing."""

    def judge(self, state: State, trial: Trial, step: int, value: float) -> Judgement:
        """A value of the search metric, in order, of a trial that a worker holds."""

    def places(self, state: State, bracket: Bracket, index: int) -> int:
        """How many of the best entries of a rung below the top go on by their rank now."""

    def settle(self, state: State) -> Iterator[RungClosed]:
        """What follows by itself after something happened."""


_HALVING = AsynchronousHalving()
_SYNCHRONOUS = SynchronousHalving()

METHODS: dict[type[msgspec.Struct], SearchMethod] = {
    AdaptiveAsha: _HALVING,
    AsyncHalving: _HALVING,
    # One bracket whose only rung is the full length: nothing is ever compared.
    SingleTrial: _HALVING,
    RandomSearch: _HALVING,
    GridSearch: _HALVING,
    SyncHalving: _SYNCHRONOUS,
    Adaptive: _SYNCHRONOUS,
    AdaptiveSimple: _SYNCHRONOUS,
    Hyperband: _SYNCHRONOUS,
    Pbt: PopulationBasedTraining(),
}


def method_of(spec: ExperimentSpec) -> SearchMethod:
    """The method that a spec names."""
    assert spec.method is not None
    return METHODS[type(spec.method)]

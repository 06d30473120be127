"""What the server knows of one trial, and the arithmetic of the rungs it met."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from asha_server.pb.experiment_pb2 import Bracket, Experiment, HalvingVariant
from asha_server.pb.experiment_service_pb2 import RungEntry
from asha_server.pb.trial_pb2 import Attempt, DecisionRecord, Trial
from asha_server.search.bracket import Divisor


@dataclass(frozen=True, slots=True)
class Story:
    """What the server knows of a trial.

    Attributes:
        experiment: whose it is.
        trial: it.
        attempts: first to latest.
        decisions: all of it, in order.
        entries: of the rungs of its bracket, by rung, best first.
    """

    experiment: Experiment
    trial: Trial
    attempts: Sequence[Attempt]
    decisions: Sequence[DecisionRecord]
    entries: Sequence[RungEntry]

    @property
    def bracket(self) -> Bracket | None:
        """The trial's bracket; None while it has none."""
        index = self.trial.bracket
        return self.experiment.brackets[index] if index >= 0 else None

    @property
    def own(self) -> list[RungEntry]:
        """The trial's own entries, lowest rung first."""
        return [e for e in self.entries if e.trial_number == self.trial.trial_number]

    @property
    def is_stopping(self) -> bool:
        """Whether a rung stops those outside its best, instead of pausing them."""
        spec = self.experiment.spec
        chosen = spec.adaptive_asha if spec.HasField("adaptive_asha") else spec.async_halving
        return chosen.variant == HalvingVariant.HALVING_VARIANT_STOPPING

    @property
    def divisor(self) -> float:
        """d: a rung keeps the best 1/d."""
        spec = self.experiment.spec
        chosen = spec.adaptive_asha if spec.HasField("adaptive_asha") else spec.async_halving
        return chosen.divisor if chosen.HasField("divisor") else 4.0

    def places(self, competitors: int) -> int:
        """How many of so many entries go on: floor(n / d), exact, at least one when stopping."""
        share = Divisor(self.divisor).share_of(competitors)
        return max(share, 1) if self.is_stopping else share

    def places_text(self, competitors: int) -> str:
        """The arithmetic of `places`: `the best floor(12 / 4) = 3`."""
        share = f"floor({competitors:,} / {self.divisor:g})"
        share = f"max({share}, 1)" if self.is_stopping else share
        return f"the best {share} = {self.places(competitors):,}"

    def needed(self, rank: int) -> int:
        """The fewest entries of a rung of which this rank is among the best that go on."""
        return math.ceil((rank + 1) * Divisor(self.divisor).fraction)

"""What the server knows of one trial, and the arithmetic of the rungs it met."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from asha_server.pb.experiment_pb2 import (
    AdaptiveAsha,
    AsyncHalving,
    Bracket,
    Experiment,
    HalvingVariant,
    RungRule,
)
from asha_server.pb.experiment_service_pb2 import RungEntry
from asha_server.pb.trial_pb2 import Attempt, DecisionRecord, Trial
from asha_server.search import terms
from asha_server.search.bracket import Divisor
from asha_server.search.pbt_spec import Pbt
from asha_server.search.rung_rule import place_count

PLANNED = ("sync_halving", "adaptive", "adaptive_simple", "hyperband", "pbt")
"""Methods in which a fixed number goes on from each rung."""


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
    def _chosen(self) -> AdaptiveAsha | AsyncHalving:
        spec = self.experiment.spec
        return spec.adaptive_asha if spec.HasField("adaptive_asha") else spec.async_halving

    @property
    def is_planned(self) -> bool:
        """Whether a fixed number goes on from each rung, once its set is full."""
        return self.experiment.spec.WhichOneof("method") in PLANNED

    def planned_text(self, rung: int) -> str:
        """Who goes on from a rung with a plan: `the best 9 of the 27 that enter it`."""
        assert self.bracket is not None
        entering, spec = self.bracket.planned_trials[rung], self.experiment.spec
        if spec.HasField("pbt"):
            method = Pbt(
                population_size=spec.pbt.population_size,
                truncate_fraction=spec.pbt.truncate_fraction,
            )
            going_on = entering - method.truncated_count
        else:
            going_on = self.bracket.planned_trials[rung + 1]
        return f"the best {going_on:,} of the {entering:,} that enter it"

    @property
    def is_stopping(self) -> bool:
        """Whether a rung stops those outside its best, instead of pausing them."""
        return self._chosen.variant == HalvingVariant.HALVING_VARIANT_STOPPING

    @property
    def divisor(self) -> float:
        """d: a rung keeps the best 1/d."""
        return self._chosen.divisor if self._chosen.HasField("divisor") else 4.0

    def places(self, competitors: int) -> int:
        """How many of so many entries go on; by PERCENTILE it is no such number, but never 0."""
        if not self.is_stopping:
            return Divisor(self.divisor).share_of(competitors)
        is_fraction = self._chosen.rung_rule == RungRule.RUNG_RULE_RANK_FRACTION
        rule = terms.RungRule.RANK_FRACTION if is_fraction else terms.RungRule.TOP_K
        return place_count(rule, competitors, Divisor(self.divisor))

    def places_text(self, competitors: int) -> str:
        """Who goes on, with its arithmetic: `the best floor(12 / 4) = 3`."""
        share = f"floor({competitors:,} / {self.divisor:g})"
        if self._chosen.rung_rule == RungRule.RUNG_RULE_PERCENTILE:
            return f"those no worse than the (1 - 1/{self.divisor:g}) percentile of the others"
        if self._chosen.rung_rule == RungRule.RUNG_RULE_RANK_FRACTION:
            share = f"{share} + 1"
        elif self.is_stopping:
            share = f"max({share}, 1)"
        return f"the best {share} = {self.places(competitors):,}"

    def needed(self, rank: int) -> int:
        """The fewest entries of a rung of which this rank is among the best that go on."""
        return math.ceil((rank + 1) * Divisor(self.divisor).fraction)

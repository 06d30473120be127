"""Population-based training: what it is asked for, and the plan that follows.

One bracket whose rungs are the ends of the rounds. All of a population enter each of them.

Source: Jaderberg et al. 2017, arXiv:1711.09846 (truncation selection); Determined AI's `pbt`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from asha_server.search.bracket import Geometry
from asha_server.search.method_spec import INT64_MAX, MethodSpec

if TYPE_CHECKING:
    from asha_server.search.method_spec import Violations
    from asha_server.search.spec import ExperimentSpec

POPULATION_MAX = 10_000
"""Most trials of a round."""
ROUNDS_MAX = 1_000
"""Most rounds."""


class Pbt(MethodSpec, frozen=True, forbid_unknown_fields=True, tag="pbt"):
    """After each round the worst make way for copies of the best, with other parameters."""

    population_size: int | None = None
    num_rounds: int | None = None
    length_per_round: int | None = None
    truncate_fraction: float = 0.2
    resample_probability: float = 0.2
    perturb_factor: float = 0.2

    @property
    def takes_max_trials(self) -> bool:
        """No: population and rounds make them."""
        return False

    @property
    def takes_max_length(self) -> bool:
        """No: it is the length of all rounds."""
        return False

    @property
    def pauses(self) -> bool:
        """Yes: at the end of each round."""
        return True

    @property
    def has_fixed_plan(self) -> bool:
        """Yes."""
        return True

    @property
    def keeps_round(self) -> bool:
        """Yes, after the first one."""
        return True

    @property
    def truncated_count(self) -> int:
        """How many make way after a round: the fraction of the population, rounded down."""
        assert self.population_size is not None
        return int(self.population_size * Fraction(repr(self.truncate_fraction)))

    def trial_total(self, spec: ExperimentSpec) -> int:
        """The first population, and the copies after each round but the last."""
        assert self.population_size is not None
        assert self.num_rounds is not None
        return self.population_size + self.truncated_count * (self.num_rounds - 1)

    def full_length(self, spec: ExperimentSpec) -> int:
        """Of all rounds."""
        assert self.num_rounds is not None
        assert self.length_per_round is not None
        return self.num_rounds * self.length_per_round

    def geometry(self, spec: ExperimentSpec) -> tuple[Geometry, ...]:
        """The one bracket."""
        assert self.population_size is not None
        assert self.num_rounds is not None
        assert self.length_per_round is not None
        size = self.population_size
        lengths = tuple(self.length_per_round * n for n in range(1, self.num_rounds + 1))
        share = spec.max_concurrent_trials or size
        return (Geometry(lengths, (size,) * len(lengths), share, self.truncated_count),)

    def entries(
        self, spec: ExperimentSpec, bracket: int, num_rungs: int, max_trials: int
    ) -> tuple[int, ...]:
        """The population, each time."""
        return (max_trials,) * num_rungs

    def violations(self, spec: ExperimentSpec) -> Violations:
        """Of all its fields."""
        for name, number, most in (
            ("population_size", self.population_size, POPULATION_MAX),
            ("num_rounds", self.num_rounds, ROUNDS_MAX),
            ("length_per_round", self.length_per_round, INT64_MAX),
        ):
            if number is None or not 1 <= number <= most:
                yield f"{self.arm}.{name}", f"is required and must be from 1 to {most}"
        for name, share, greatest in (
            ("truncate_fraction", self.truncate_fraction, 0.5),
            ("resample_probability", self.resample_probability, 1.0),
            ("perturb_factor", self.perturb_factor, 1.0),
        ):
            if not 0 <= share <= greatest:
                yield f"{self.arm}.{name}", f"must be from 0 to {greatest:g}"
        if not (self.num_rounds and self.length_per_round):
            return
        if self.full_length(spec) > INT64_MAX:
            yield f"{self.arm}.length_per_round", "makes rounds that no int64 counts; lower it"
        elif spec.max_length is not None and spec.max_length != self.full_length(spec):
            yield "max_length", "follows from the rounds; leave it out"

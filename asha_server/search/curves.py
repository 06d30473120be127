"""Learning curves for simulations: made up, or recorded."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from asha_server.search.sampler import uniform
from asha_server.search.terms import Goal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asha_server.search.parameter import Configuration


class SyntheticCurves:
    """Power laws: each trial falls from 1 towards a final loss of its own, fast or slowly, noisily.

    A trial's final loss is uniform in [0, 1), its exponent in [0.3, 1); so early ranks tell much of
    the last ones, and not all.

    Args:
        goal: MAXIMIZE gives 1 - loss.
        seed: of the trials' curves and the noise.
        noise: largest deviation of one value, >= 0.
    """

    def __init__(self, goal: Goal, seed: int = 0, noise: float = 0.02) -> None:
        self._goal = goal
        self._seed = seed
        self._noise = noise

    def value(self, trial_number: int, configuration: Configuration, step: int) -> float:
        """The search metric of a trial after so many units."""
        del configuration
        final = uniform(self._seed, trial_number, "final")
        exponent = 0.3 + 0.7 * uniform(self._seed, trial_number, "exponent")
        noise = (2 * uniform(self._seed, trial_number, f"noise/{step}") - 1) * self._noise
        loss = final + (1 - final) * math.pow(step, -exponent) + noise
        return loss if self._goal is Goal.MINIMIZE else 1 - loss


class RecordedCurves:
    """Curves that were measured; trials beyond their number begin with the first again.

    Args:
        curves: list[list[float]], at least one, each with a value for every unit from 1 on, not
            empty; past its end a curve keeps its last value.
        order_seed: None: trial t has curve t; else the curves are dealt out in an order of the
            seed's own.
    """

    def __init__(self, curves: Sequence[Sequence[float]], order_seed: int | None = None) -> None:
        assert curves
        assert all(curves)
        self._curves = list(curves)
        if order_seed is not None:
            order = [uniform(order_seed, index, "order") for index in range(len(curves))]
            self._curves = [curves[i] for i in sorted(range(len(curves)), key=order.__getitem__)]

    def value(self, trial_number: int, configuration: Configuration, step: int) -> float:
        """The search metric of a trial after so many units."""
        del configuration
        curve = self._curves[trial_number % len(self._curves)]
        return curve[min(step, len(curve)) - 1]

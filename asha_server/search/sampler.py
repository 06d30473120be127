"""Where new configurations come from: at random, or from the grid.

A sampler never touches rungs. The configuration of a trial is a pure function of the experiment's
seed, the trial's number and each parameter's own path: independent of the order in which trials are
asked for, of restarts, and of the other parameters (but for conditions).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Protocol

from asha_server.search.perturbation import perturbed
from asha_server.search.space import Configuration, SearchSpace, Value

# Names of what is drawn; at most 16 bytes. They keep the draws of one seed and trial apart.
UNIFORM_DOMAIN = b"asha/uniform/v1"
TRIAL_SEED_DOMAIN = b"asha/seed/v1"
RESAMPLE_DOMAIN = b"asha/resample/v1"
PERTURB_DOMAIN = b"asha/perturb/v1"


class Sampler(Protocol):
    """Proposes the configuration of a trial."""

    def propose(self, trial_number: int, given: Mapping[str, Value] = {}) -> Configuration:
        """The configuration of this trial.

        Args:
            trial_number: 0-based.
            given: values that win over the sampler's, by dotted path; inside the space.
        """
        ...


def uniform(seed: int, trial_number: int, path: str) -> float:
    """The unit number of one parameter of one trial: uniform, and never to change.

    Its 53 bits are the first of BLAKE2b-64, keyed with the seed (8 bytes, big-endian) and
    personalised with `UNIFORM_DOMAIN`, of the trial number (8 bytes, big-endian) and the path
    (UTF-8). Lengths are fixed but for the last, so no two triples are encoded alike.

    Args:
        seed: the experiment's, int64.
        trial_number: 0-based, int64.
        path: dotted path of the parameter.

    Returns:
        A multiple of 2^-53, in [0, 1).

    Raises:
        OverflowError: the seed or the trial number is no int64.

    Source: RFC 7693 (BLAKE2), section 2.5 for key and personalisation.
    """
    return math.ldexp(_draw(UNIFORM_DOMAIN, seed, trial_number, path.encode()) >> 11, -53)


def trial_seed(seed: int, trial_number: int) -> int:
    """The seed handed to whoever trains this trial: uniform, and never to change.

    As `uniform`, with `TRIAL_SEED_DOMAIN` and no path; its first 31 bits.

    Args:
        seed: the experiment's, int64.
        trial_number: 0-based, int64.

    Returns:
        0 to 2^31 - 1, which fits the seed of every common library.

    Raises:
        OverflowError: the seed or the trial number is no int64.
    """
    return _draw(TRIAL_SEED_DOMAIN, seed, trial_number, b"") >> 33


def _draw(domain: bytes, seed: int, trial_number: int, rest: bytes) -> int:
    """64 uniform bits."""
    digest = hashlib.blake2b(
        trial_number.to_bytes(8, "big", signed=True) + rest,
        digest_size=8,
        key=seed.to_bytes(8, "big", signed=True),
        person=domain,
    )
    return int.from_bytes(digest.digest(), "big")


class RandomSampler:
    """Each parameter by itself at random, as its range says.

    Args:
        space: where to sample.
        seed: the experiment's, int64.
    """

    def __init__(self, space: SearchSpace, seed: int) -> None:
        self._space = space
        self._seed = seed

    def propose(self, trial_number: int, given: Mapping[str, Value] = {}) -> Configuration:
        """The configuration of this trial: each parameter at its own `uniform` number."""
        return self._space.configuration(
            lambda path: uniform(self._seed, trial_number, path), given
        )

    def explore(
        self,
        trial_number: int,
        parent: Configuration,
        resample_probability: float,
        perturb_factor: float,
    ) -> Configuration:
        """The configuration of a trial that goes on from another one's weights.

        Each parameter by itself is sampled anew with a probability, or else perturbed, up or down
        with equal chance. A pure function of the seed, the trial's number, the path and the
        parent's value.

        Args:
            trial_number: 0-based.
            parent: what the other trial trains with.
            resample_probability: 0 to 1.
            perturb_factor: 0 to 1.
        """

        def chance(domain: bytes, path: str) -> float:
            return math.ldexp(_draw(domain, self._seed, trial_number, path.encode()) >> 11, -53)

        return self._space.explored(
            parent,
            lambda path: uniform(self._seed, trial_number, path),
            lambda path: chance(RESAMPLE_DOMAIN, path) < resample_probability,
            lambda path, kind, value: perturbed(
                kind, value, perturb_factor, is_raised=chance(PERTURB_DOMAIN, path) >= 0.5
            ),
        )


class GridSampler:
    """The points of the grid in order: trial t has point t.

    Args:
        space: of which each numeric parameter has a `count`.
    """

    def __init__(self, space: SearchSpace) -> None:
        self._space = space

    def __len__(self) -> int:
        """How many points there are, and so how many trials."""
        return self._space.grid_size()

    def propose(self, trial_number: int, given: Mapping[str, Value] = {}) -> Configuration:
        """The grid's point number `trial_number`.

        Raises:
            IndexError: the grid has fewer points.
        """
        return self._space.grid_point(trial_number, given)

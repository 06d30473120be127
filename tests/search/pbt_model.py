"""Population-based training as the model has it: what differs from the other methods.

As naive as `model.py`: who is to be copied, who goes on and which round it is are found anew each
time by looking at every trial. The rules are those of ADR 0012.
"""

from __future__ import annotations

import math
from fractions import Fraction

from .model import TERMINAL, Answer, Config, Entry, Model, Trial, exact


class PbtModel(Model):
    """One population."""

    def __init__(self, config: Config) -> None:
        self.parents: dict[int, int] = {}  # copy -> its parent
        self.born: dict[int, int] = {}  # copy -> the rung that it first trained towards
        self.replaced: set[int] = set()  # infeasible in the first round
        self.is_judging = False
        super().__init__(config)
        self.size = self.brackets[0].max_trials
        share = exact(config.get("truncate_fraction", Fraction(1, 5)))
        self.truncated = math.floor(share * self.size)
        rounds = len(self.brackets[0].lengths)
        if "max_infeasible" not in config:
            self.max_infeasible = self.size + self.truncated * (rounds - 1)

    def _to_copy(self) -> tuple[Trial, int] | None:
        found = self._next()
        return found if isinstance(found, tuple) else None

    def _copy(self, parent: Trial, rung: int) -> Trial:
        t = Trial(len(self.trials), bracket=0)
        step, uri = self._last_checkpoint(parent)
        if uri:
            t.checkpoints.append((0, step, uri))
        self.parents[t.number] = parent.number
        self.born[t.number] = rung
        self.trials.append(t)
        return t

    def _next(self) -> tuple[Trial, int] | list[Entry] | int | None:
        """What is next: a copy of a trial for a rung; entries that go on; a round that is over."""
        if len(self._members(0)) < self.size:
            return None
        living = [t for t in self.trials if t.bracket == 0 and t.state not in TERMINAL]
        top = len(self.brackets[0].lengths) - 1
        places = [self._heading(t) - (1 if t.state == "PAUSED" else 0) for t in living]
        c = min([*places, top])
        ahead = [t for t in living if self._heading(t) > c and t.state != "PAUSED"]
        moved = [e for e in self.rungs[0][c] if e.promoted]
        if c > 0 and not ahead and not moved and (c == top or not self.rungs[0][c + 1]):
            parent = self._parent(c - 1, self._short(c, 0))
            if parent is not None:
                return parent, c
        if c == top or any(t.state != "PAUSED" and self._heading(t) == c for t in living):
            return None
        order = self._ordered(0, c)
        survivors = [e for e in order[: self.size - self.truncated] if self._waits(e)]
        parent = self._parent(c, self._short(c + 1, len(survivors)))
        if parent is not None:
            return parent, c + 1
        return survivors or c

    def _short(self, i: int, to_come: int) -> int:
        """How many a round is short of a whole population."""
        underway = [
            t
            for t in self.trials
            if t.bracket == 0 and t.state in ("RUNNING", "QUEUED") and self._heading(t) == i
        ]
        return self.size - len(self.rungs[0][i]) - len(underway) - to_come

    def _parent(self, i: int, short: int) -> Trial | None:
        best = self._ordered(0, i)[: max(self.truncated, 1)]
        finite = [
            self.trials[e.trial] for e in best if e.value is not None and math.isfinite(e.value)
        ]
        length = self.brackets[0].lengths[i + 1]
        parents = [
            t for t in finite if t.state not in TERMINAL and self._last_checkpoint(t)[0] < length
        ]
        if short <= 0 or not parents:
            return None
        return parents[len(self.parents) % len(parents)]

    def _decide(self, t: Trial, step: int, value: float) -> Answer:
        """Nobody goes on before the round has ended."""
        self.is_judging = True
        answer = super()._decide(t, step, value)
        self.is_judging = False
        return answer

    def _places(self, b: int, i: int) -> int:
        top = i == len(self.rungs[b]) - 1
        return (
            0
            if top or self.size - self.truncated > len(self.rungs[b][i])
            else (self.size - self.truncated)
        )

    def _promotable(self, b: int, i: int) -> list[Entry]:
        found = None if self.is_judging else self._next()
        return [e for e in found if e in self.rungs[b][i]] if isinstance(found, list) else []

    def _is_final(self, b: int, i: int) -> bool:
        return b == 0 and self._next() == i

    def _heading(self, t: Trial) -> int:
        return self.born.get(t.number, 0) + super()._heading(t)

    def _members(self, b: int) -> list[Trial]:
        return [
            t
            for t in self.trials
            if t.bracket == b and t.number not in self.parents and t.number not in self.replaced
        ]

    def _make_infeasible(self, t: Trial) -> None:
        if t.number not in self.parents and self._heading(t) == 0:
            self.replaced.add(t.number)
        super()._make_infeasible(t)

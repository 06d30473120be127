"""Random histories: whatever workers, people and clocks may do to an experiment, in any order.

`walk(random, steps)` is a function of the random numbers alone. hypothesis hands in a source that
it can shrink; `seeds.txt` names seeds of `random.Random`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import Any

from .model import SYNCHRONOUS, Attempt, Trial
from .twin import Twin

VALUES = (0.1, 0.2, 0.2, 0.3, 0.4, 0.5, 0.6)
NON_FINITE = (math.nan, math.inf, -math.inf)
KINDS = ("RETRYABLE", "PERMANENT", "INFEASIBLE", "CHECKPOINT_UNREADABLE")


def walk(
    random: Random,
    steps: int,
    configure: Callable[[Random], dict[str, Any]] | None = None,
) -> None:
    """One experiment from its creation on, compared with the model at every step."""
    twin = Twin((configure or configuration)(random))
    walker = Walker(random, twin)
    for step in range(steps):
        walker.step()
        if step % 7 == 6:
            twin.compare_copies()
    twin.compare_copies()


def configuration(random: Random) -> dict[str, Any]:
    """Any small experiment, as a config of the traces."""
    method = random.choice(["adaptive_asha", "async_halving"] * 4 + ["single", "random", "grid"])
    config = {"method": method, **shared(random)}
    if method != "single":
        config["max_trials"] = random.randint(1, random.choice((3, 9, 9, 16)))
    if method in ("adaptive_asha", "async_halving"):
        config["divisor"] = random.choice((2, 2, 3, 4, 2.5))
        config["variant"] = random.choice(("PROMOTION", "PROMOTION", "STOPPING"))
        config["guarantee_full_length"] = random.random() < 0.7
    if method == "async_halving":
        config["num_rungs"] = random.randint(1, 4)
    if method == "adaptive_asha":
        config["mode"] = random.choice(("aggressive", "standard", "conservative"))
        if random.random() < 0.3:
            config["bracket_rungs"] = [random.randint(1, 3) for _ in range(random.randint(1, 3))]
    return config | limits(random, config["goal"])


def shared(random: Random) -> dict[str, Any]:
    """What every method has."""
    return {
        "goal": random.choice(("MINIMIZE", "MAXIMIZE")),
        "max_length": random.choice((1, 2, 4, 9, 16, 27)),
        "max_concurrent_trials": random.choice((0, 1, 2, 3, 3, 16)),
        "max_restarts": random.choice((0, 1, 2, 5)),
    }


def limits(random: Random, goal: str) -> dict[str, Any]:
    """What may end it early."""
    config: dict[str, Any] = {}
    if random.random() < 0.3:
        config["max_infeasible"] = random.randint(0, 2)
    if random.random() < 0.15:
        config["target"] = 0.15 if goal == "MINIMIZE" else 0.55
    if random.random() < 0.15:
        config["max_total_length"] = random.randint(1, 60)
    if random.random() < 0.4:
        config["worker_failure_limit"] = random.randint(1, 3)
    return config


def synchronous_configuration(random: Random) -> dict[str, Any]:
    """Any small experiment of a synchronous method."""
    method = random.choice(SYNCHRONOUS)
    config: dict[str, Any] = {
        "method": method,
        "divisor": random.choice((2, 2, 3, 4, 2.5)),
        **shared(random),
    }
    length = config["max_length"]
    match method:
        case "hyperband":
            if random.random() < 0.4:
                config["total_length"] = length * random.randint(20, 40)
        case "sync_halving":
            config["num_rungs"] = random.randint(1, 4)
            config["total_length"] = random.randint(1, 12 * length)
        case _:
            config["mode"] = random.choice(("aggressive", "standard", "conservative"))
            config["max_rungs"] = random.randint(1, 4)
    if method == "adaptive":
        config["total_length"] = random.randint(1, 12 * length)
        if random.random() < 0.3:
            config["bracket_rungs"] = [random.randint(1, 3) for _ in range(random.randint(1, 3))]
    if method == "adaptive_simple":
        config["max_trials"] = random.randint(1, random.choice((3, 9, 9, 16)))
    return config | limits(random, config["goal"])


def rule_configuration(random: Random) -> dict[str, Any]:
    """Any small experiment of the stopping variant by one of the rules of other tools."""
    config = {
        "method": "async_halving",
        "variant": "STOPPING",
        "rung_rule": random.choice(("PERCENTILE", "RANK_FRACTION")),
        "num_rungs": random.randint(2, 4),
        "max_trials": random.randint(1, random.choice((9, 9, 16))),
        "divisor": random.choice((2, 3, 4, 2.5)),
        **shared(random),
    }
    return config | limits(random, config["goal"])


def pbt_configuration(random: Random) -> dict[str, Any]:
    """Any small experiment of population-based training."""
    config = {"method": "pbt", **shared(random)}
    del config["max_length"]
    config |= {
        "population_size": random.choice((1, 2, 3, 5, 5, 8)),
        "num_rounds": random.randint(1, 4),
        "length_per_round": random.choice((1, 2, 5)),
        "truncate_fraction": random.choice((0.0, 0.2, 0.34, 0.5, 0.5)),
    }
    return config | limits(random, config["goal"])


class Walker:
    """What happens next, given what is so.

    Attributes:
        wildness: how much goes wrong, 0 to 1. A calm search comes far: rungs fill, brackets close
            out one after the other; a wild one meets every rule of section 6.
        workers: their names.
    """

    def __init__(self, random: Random, twin: Twin) -> None:
        self.random = random
        self.twin = twin
        self.wildness = random.choice((0.05, 0.3, 1.0, 1.0))
        self.workers = [f"w{number}" for number in range(random.choice((2, 4, 8)))]
        rare = {
            self.expire: 6,
            self.release: 3,
            self.fail: 6,
            self.complete: 3,
            self.checkpoint: 4,
            self.heartbeat: 4,
            self.should_stop: 4,
            self.cancel: 2,
            self.create: 3,
            self.pause_or_resume: 2,
            self.update: 6,
            self.advance: 4,
        }
        self.actions: dict[Callable[[], None], float] = {self.ask: 26, self.report: 40}
        self.actions |= {action: weight * self.wildness for action, weight in rare.items()}

    def step(self) -> None:
        """One command."""
        if self._rarely(0.005):
            self.twin.stop_experiment()
        elif self.twin.model.state == "PAUSED" and self.random.random() < 0.4:
            self.twin.resume_experiment()
        else:
            [action] = self.random.choices(list(self.actions), list(self.actions.values()))
            action()

    def ask(self) -> None:
        model = self.twin.model
        holding = {a.worker for t in model.trials for a in t.attempts if a.status == "live"}
        idle = [worker for worker in self.workers if worker not in holding]
        if not idle or self._rarely(0.3):
            idle = self.workers
        incarnation = "again" if self._rarely(0.15) else ""
        worker = self.random.choice(idle)
        self.twin.get_suggestion(worker, incarnation, release_held=self._rarely(0.15))

    def report(self) -> None:
        chosen = self._attempt()
        if chosen is None:
            return
        trial, attempt = chosen
        said = self.random.choice(attempt.reports) if attempt.reports else None
        others: dict[str, float] = {}
        value: float | None = self._value()
        if said is not None and self.random.random() < 0.15:  # a repeat, or a conflict
            step = said.step
            if self.random.random() < 0.7:
                value, others = said.value, dict(said.others)
            if self.random.random() < 0.5:  # a further part
                others.setdefault("accuracy", self._value())
        else:
            step = self._reported_step(trial, attempt)
        if self._rarely(0.1):
            value = None
        if self.random.random() < 0.1:
            others["accuracy"] = self._value()
        checkpoint = self._uri(trial) if self.random.random() < 0.3 else ""
        self.twin.report(trial.number, attempt.number, step, value, checkpoint, others)

    def expire(self) -> None:
        trials = self.twin.model.trials
        running = [trial for trial in trials if trial.state == "RUNNING"]
        if trials:
            chosen = running if running and not self._rarely(0.2) else trials
            self.twin.expire(self.random.choice(chosen).number)

    def release(self) -> None:
        chosen = self._attempt()
        if chosen is not None:
            self.twin.release(chosen[0].number, chosen[1].number)

    def fail(self) -> None:
        chosen = self._attempt()
        if chosen is not None:
            self.twin.fail(chosen[0].number, chosen[1].number, self.random.choice(KINDS))

    def complete(self) -> None:
        chosen = self._attempt()
        if chosen is not None:
            self.twin.complete(chosen[0].number, chosen[1].number)

    def checkpoint(self) -> None:
        chosen = self._attempt()
        if chosen is not None:
            trial, attempt = chosen
            step = self._reported_step(trial, attempt)
            self.twin.checkpoint(trial.number, attempt.number, step, self._uri(trial))

    def heartbeat(self) -> None:
        chosen = self._attempt()
        if chosen is not None:
            self.twin.heartbeat(chosen[0].number, chosen[1].number)

    def should_stop(self) -> None:
        chosen = self._attempt()
        if chosen is not None and self.random.random() < 0.8:
            self.twin.should_stop(chosen[0].number, chosen[1].number)
        elif self.twin.model.trials:
            self.twin.should_stop(self.random.choice(self.twin.model.trials).number, None)

    def cancel(self) -> None:
        self.twin.cancel(self.random.randint(0, len(self.twin.model.trials)))

    def create(self) -> None:
        seen = [
            (self.random.randint(0, 10), self._value()) for _ in range(self.random.randint(0, 3))
        ]
        joins = bool(seen) and self.random.random() < 0.6
        if self.random.random() < 0.5:
            seen, joins = [], False
        self.twin.create_trial(tuple(seen), joins)

    def pause_or_resume(self) -> None:
        if self.random.random() < 0.5:
            self.twin.pause_experiment()
        else:
            self.twin.resume_experiment()

    def update(self) -> None:
        model = self.twin.model
        name = self.random.choice(
            (
                "max_trials",
                "max_trials",
                "max_concurrent_trials",
                "max_concurrent_trials",
                "max_restarts",
                "max_infeasible",
                "worker_failure_limit",
                "max_total_length",
                "target",
            )
        )
        new: int | float = self.random.randint(0, 4)
        if name == "max_trials":
            new = max(model.max_trials + new - 1, 1)
        elif name == "max_total_length":
            new = model.total_length() + 5 * new
        elif name == "target":
            new = self.random.choice(VALUES)
        self.twin.update(**{name: new})

    def advance(self) -> None:
        self.twin.advance(self.random.choice((10, 61, 3700)))

    # --- Choosing ---------------------------------------------------------------------------------

    def _rarely(self, probability: float) -> bool:
        """Whether something unusual happens; in a calm search less often."""
        return self.random.random() < probability * self.wildness

    def _attempt(self) -> tuple[Trial, Attempt] | None:
        """Mostly one that a worker holds, sometimes one that is over."""
        attempts = self.twin.attempts()
        if not attempts:
            return None
        live = [held for held in attempts if held[1].status == "live"]
        overdue = [held for held in attempts if held[1].status == "overdue"]
        if overdue and self.random.random() < 0.2:
            return self.random.choice(overdue)
        if live and not self._rarely(0.25):
            return self.random.choice(live)
        return self.random.choice(attempts)

    def _reported_step(self, trial: Trial, attempt: Attempt) -> int:
        lengths = self.twin.model.brackets[trial.bracket].lengths
        heading = self.twin.model._heading(trial)
        goal = lengths[min(heading, len(lengths) - 1)]
        furthest = max((r.step for r in attempt.reports), default=attempt.start_step)
        step = self.random.choice(
            (
                goal,
                goal,
                goal,
                goal,
                furthest + 1,
                furthest + 1,
                goal + 1,
                lengths[-1],
                furthest - 1,
            )
        )
        return max(step, 0)

    def _value(self) -> float:
        if self._rarely(0.08):
            return self.random.choice(NON_FINITE)
        return self.random.choice(VALUES)

    def _uri(self, trial: Trial) -> str:
        """Two files taken in turns, as trainers do."""
        return f"trial{trial.number}-{self.random.randint(0, 1)}"

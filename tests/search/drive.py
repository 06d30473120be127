"""Drives the core in the words of the vectors and of the model.

A config, a step and an answer are dictionaries as `tests/vectors/traces_*.json` has them; here
they become a spec, a command and again a dictionary.
"""

from __future__ import annotations

import math
from typing import Any

from asha_server.errors import AshaError
from asha_server.search import command as c
from asha_server.search.experiment import Experiment
from asha_server.search.space import IntRange, ParameterSpec
from asha_server.search.spec import (
    Adaptive,
    AdaptiveAsha,
    AdaptiveSimple,
    AsyncHalving,
    ExperimentSpec,
    GridSearch,
    Hyperband,
    Method,
    Metric,
    Pbt,
    RandomSearch,
    SingleTrial,
    SyncHalving,
)
from asha_server.search.terms import (
    BracketMode,
    FailureKind,
    Goal,
    HalvingVariant,
    RungRule,
)

SHARED_FIELDS = (
    "max_length",
    "max_trials",
    "max_concurrent_trials",
    "max_restarts",
    "max_infeasible",
    "max_total_length",
    "worker_failure_limit",
    "target",
)


def spec_of(config: dict[str, Any]) -> ExperimentSpec:
    """The spec that a trace's config means."""
    halving: dict[str, Any] = {
        key: config[key]
        for key in ("divisor", "num_rungs", "max_rungs", "guarantee_full_length", "total_length")
        if key in config
    }
    if "divisor" in halving:
        halving["divisor"] = float(halving["divisor"])
    variant = HalvingVariant(config.get("variant", "PROMOTION"))
    rule = RungRule(config.get("rung_rule", "TOP_K"))
    mode = BracketMode(config.get("mode", "standard").upper())
    rungs = tuple(config.get("bracket_rungs", ()))
    method: Method
    match config["method"]:
        case "async_halving":
            method = AsyncHalving(variant=variant, rung_rule=rule, **halving)
        case "adaptive_asha":
            method = AdaptiveAsha(
                mode=mode, bracket_rungs=rungs, variant=variant, rung_rule=rule, **halving
            )
        case "sync_halving":
            method = SyncHalving(**halving)
        case "adaptive":
            method = Adaptive(mode=mode, bracket_rungs=rungs, **halving)
        case "adaptive_simple":
            method = AdaptiveSimple(mode=mode, **halving)
        case "hyperband":
            method = Hyperband(**halving)
        case "pbt":
            method = Pbt(**{key: config[key] for key in Pbt.__struct_fields__ if key in config})
        case "single":
            method = SingleTrial()
        case "grid":
            method = GridSearch()
        case _:
            method = RandomSearch()
    shared = {key: config[key] for key in SHARED_FIELDS if key in config}
    parameters: tuple[ParameterSpec, ...] = ()
    if isinstance(method, GridSearch):
        points = shared.pop("max_trials")
        parameters = (ParameterSpec("x", IntRange(1, points, count=points)),)
    return ExperimentSpec(
        metric=Metric("loss", Goal(config.get("goal", "MINIMIZE"))),
        method=method,
        parameters=parameters,
        **{"worker_failure_limit": 0, **shared},
    )


def number(value: Any) -> float | None:
    """A value of the vectors, in which NaN and infinities are strings."""
    return None if value is None else float(value)


def shown(value: float | None) -> Any:
    """A value as the vectors write it."""
    if value is None or math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")


def command_of(step: dict[str, Any]) -> c.Command:  # noqa: PLR0911 - a table
    """The command that a step of a trace means."""
    held = (step.get("trial", -1), step.get("attempt", 0))
    match step["op"]:
        case "get_suggestion":
            return c.GetSuggestion(step["worker"], release_held=step.get("release_held", False))
        case "report":
            value = number(step["value"])
            metrics = () if value is None else (("loss", value),)
            return c.ReportMetric(*held, step["step"], metrics, step.get("checkpoint", ""))
        case "complete":
            return c.CompleteTrial(*held)
        case "fail":
            return c.FailTrial(*held, FailureKind(step["kind"]))
        case "release":
            return c.ReleaseTrial(*held)
        case "cancel":
            return c.CancelTrial(step["trial"])
        case "stop_experiment":
            return c.StopExperiment()
    raise AssertionError(step["op"])


def answer_of(experiment: Experiment, reply: c.Reply) -> dict[str, Any]:
    """A reply in the words of the vectors."""
    state = experiment.state
    match reply:
        case c.Assignment():
            return {
                "result": "assignment",
                "kind": reply.kind,
                "trial": reply.trial_number,
                "attempt": reply.attempt,
                "bracket": reply.bracket,
                "rung": reply.rung,
                "start_step": reply.start_step,
                "checkpoint": reply.checkpoint_uri,
                "next_decision_step": reply.next_decision_step,
            }
        case c.Wait():
            return {"result": "wait"}
        case c.Finished():
            return {"result": "finished", "state": reply.state}
        case c.Answer():
            decision = reply.decision
            answer = {
                "trial_state": reply.trial_state,
                "verdict": decision.verdict,
                "reason": decision.reason,
                "bracket": decision.bracket,
                "rung": decision.rung,
                "next_decision_step": decision.next_decision_step,
            }
            if decision.rank is not None:
                answer |= {"rank": decision.rank, "competitors": decision.competitors}
            if decision.cutoff is not None:
                answer["cutoff"] = decision.cutoff
            return answer
        case c.TrialRef():
            return {"trial_state": state.state_of(state.trials[reply.trial_number])}
    return {"state": state.state}


def final_of(experiment: Experiment) -> dict[str, Any]:
    """Every trial and rung in the words of the vectors."""
    state = experiment.state
    return {
        "experiment_state": state.state,
        "trials": [
            {
                "trial": trial.number,
                "bracket": trial.bracket,
                "state": state.state_of(trial),
                "attempt": trial.attempt_number,
            }
            for trial in state.trials
        ],
        "rungs": [
            [
                [
                    [key[3], shown(entry.value), entry.is_promoted]
                    for key in rung.entries
                    for entry in [state.trials[key[3]].entry(index)]
                ]
                for index, rung in enumerate(bracket.rungs)
            ]
            for bracket in state.brackets
        ],
    }


def closed_out(experiment: Experiment) -> set[int]:
    """Trials that a close-out has ended."""
    state = experiment.state
    return {t.number for t in state.trials if state.end_reason_of(t) == "NOT_PROMOTED"}


def run_step(experiment: Experiment, step: dict[str, Any], now_us: int) -> dict[str, Any]:
    """Carries out one step and answers in the words of the vectors."""
    state = experiment.state
    before = state.state
    closed_before = closed_out(experiment)
    command: c.Command
    if step["op"] == "expire":
        attempt = state.trials[step["trial"]].attempt_number
        command = c.ExpireLease(step["trial"], attempt)
    else:
        command = command_of(step)
    try:
        reply = experiment.decide(command, now_us).reply
    except AshaError as error:
        return {"error": error.reason}
    answer = answer_of(experiment, reply)
    if state.state is not before:
        answer["experiment"] = state.state
    closed = closed_out(experiment) - closed_before
    if closed:
        answer["closed"] = sorted(closed)
    return answer

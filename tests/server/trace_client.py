"""Drives a running server in the words of the vectors: a step of a trace is one gRPC call."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, cast

import grpc
from google.rpc import error_details_pb2, status_pb2

from asha_server.engine import Engine
from asha_server.pb import experiment_pb2 as x
from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import experiment_service_pb2_grpc as e_rpc
from asha_server.pb import suggestion_service_pb2 as s
from asha_server.pb import suggestion_service_pb2_grpc as s_rpc
from asha_server.pb import trial_pb2 as t
from asha_server.search.command import ExpireLease

_SHARED = (
    "max_length",
    "max_trials",
    "max_concurrent_trials",
    "max_restarts",
    "max_infeasible",
    "max_total_length",
    "worker_failure_limit",
    "target",
)


def spec_of(config: dict[str, Any]) -> x.ExperimentSpec:
    """The spec that a trace's config means."""
    goal = config.get("goal", "MINIMIZE")
    spec = x.ExperimentSpec(
        metric=x.Metric(name="loss", goal=f"GOAL_{goal}"),
        **{"worker_failure_limit": 0, **{key: config[key] for key in _SHARED if key in config}},
    )
    keys = ("divisor", "num_rungs", "max_rungs", "guarantee_full_length", "bracket_rungs")
    halving: dict[str, Any] = {key: config[key] for key in keys if key in config}
    variant = config.get("variant", "PROMOTION")
    halving["variant"] = x.HalvingVariant.Value(f"HALVING_VARIANT_{variant}")
    match config["method"]:
        case "async_halving":
            spec.async_halving.CopyFrom(x.AsyncHalving(**halving))
        case "adaptive_asha":
            if "mode" in config:
                mode = config["mode"].upper()
                halving["mode"] = x.BracketMode.Value(f"BRACKET_MODE_{mode}")
            spec.adaptive_asha.CopyFrom(x.AdaptiveAsha(**halving))
        case "single":
            spec.single.SetInParent()
        case "random":
            spec.random_search.SetInParent()
        case other:
            raise AssertionError(other)
    return spec


class TraceClient:
    """One trace as one experiment of a server.

    Args:
        channel: to the server.
        engine: the server's own, to let a lease run out without waiting for a clock.
        experiment_id: the experiment's name.
    """

    def __init__(self, channel: grpc.aio.Channel, engine: Engine, experiment_id: str) -> None:
        self._suggestions = s_rpc.SuggestionServiceStub(channel)
        self._experiments = e_rpc.ExperimentServiceStub(channel)
        self._engine = engine
        self._id = experiment_id
        self._tokens: dict[tuple[int, int], str] = {}

    async def create(self, config: dict[str, Any]) -> None:
        """Creates the experiment."""
        await self._experiments.CreateExperiment(
            e.CreateExperimentRequest(experiment_id=self._id, spec=spec_of(config))
        )

    async def run_step(self, step: dict[str, Any]) -> dict[str, Any]:
        """Carries out one step and answers in the words of the vectors."""
        wants_closed = "closed" in step["expect"]
        before = await self._closed_out() if wants_closed else set()
        try:
            answer = await self._call(step)
        except grpc.aio.AioRpcError as error:
            return {"error": reason_of(error)}
        if "experiment" in step["expect"]:
            answer["experiment"] = (await self._experiment())["state"]
        if wants_closed:
            answer["closed"] = sorted(await self._closed_out() - before)
        return answer

    async def _call(  # noqa: PLR0911 - a table
        self, step: dict[str, Any]
    ) -> dict[str, Any]:
        held = {"experiment_id": self._id, "trial_number": step.get("trial", 0)}
        if "attempt" in step:
            held["lease_token"] = self._tokens[step["trial"], step["attempt"]]
        match step["op"]:
            case "get_suggestion":
                return await self._suggestion(step)
            case "report":
                request = s.ReportMetricRequest(
                    step=step["step"], checkpoint_uri=step.get("checkpoint", ""), **held
                )
                if step["value"] is not None:
                    request.metrics.add(name="loss", value=float(step["value"]))
                else:  # without the search metric, but a report has one at least
                    request.metrics.add(name="seconds", value=1.0)
                return _decided(await self._suggestions.ReportMetric(request))
            case "complete":
                return _ended(await self._suggestions.CompleteTrial(s.CompleteTrialRequest(**held)))
            case "fail":
                kind = f"FAILURE_KIND_{step['kind']}"
                return _ended(
                    await self._suggestions.FailTrial(s.FailTrialRequest(kind=kind, **held))
                )
            case "release":
                return _ended(await self._suggestions.ReleaseTrial(s.ReleaseTrialRequest(**held)))
            case "cancel":
                response = await self._experiments.CancelTrial(e.CancelTrialRequest(**held))
                return {"trial_state": _trial_state(response.trial.state)}
            case "stop_experiment":
                await self._experiments.StopExperiment(
                    e.StopExperimentRequest(experiment_id=self._id)
                )
                return {"state": (await self._experiment())["state"]}
            case "expire":
                attempt = max(a for trial, a in self._tokens if trial == step["trial"])
                await self._engine.submit(self._id, ExpireLease(step["trial"], attempt))
                found = await self._experiments.GetTrial(e.GetTrialRequest(**held))
                return {"trial_state": _trial_state(found.trial.state)}
        raise AssertionError(step["op"])

    async def _suggestion(self, step: dict[str, Any]) -> dict[str, Any]:
        response = await self._suggestions.GetSuggestion(
            s.GetSuggestionRequest(
                experiment_id=self._id,
                worker_id=step["worker"],
                release_held=step.get("release_held", False),
            )
        )
        if response.WhichOneof("result") == "finished":
            state = x.ExperimentState.Name(response.finished.state)
            return {"result": "finished", "state": state.removeprefix("EXPERIMENT_STATE_")}
        if response.WhichOneof("result") == "wait":
            return {"result": "wait"}
        given = response.assignment
        self._tokens[given.trial_number, given.lease.attempt] = given.lease.token
        return {
            "result": "assignment",
            "kind": t.AssignmentKind.Name(given.kind).removeprefix("ASSIGNMENT_KIND_"),
            "trial": given.trial_number,
            "attempt": given.lease.attempt,
            "bracket": given.bracket,
            "rung": given.rung,
            "start_step": given.start_step,
            "checkpoint": given.checkpoint_uri,
            "next_decision_step": given.next_decision_step,
        }

    async def _closed_out(self) -> set[int]:
        return {
            trial.trial_number
            for trial in await self._trials()
            if trial.end_reason == t.TRIAL_END_REASON_NOT_PROMOTED
        }

    async def _experiment(self) -> dict[str, Any]:
        response = await self._experiments.GetExperiment(
            e.GetExperimentRequest(experiment_id=self._id)
        )
        name = x.ExperimentState.Name(response.experiment.state)
        return {
            "state": name.removeprefix("EXPERIMENT_STATE_"),
            "rung_counts": [bracket.num_rungs for bracket in response.experiment.brackets],
        }

    async def _trials(self) -> list[t.Trial]:
        found: list[t.Trial] = []
        token = ""
        while True:
            page = await self._experiments.ListTrials(
                e.ListTrialsRequest(experiment_id=self._id, page_size=1000, page_token=token)
            )
            found += page.trials
            token = page.next_page_token
            if not token:
                return found

    async def final(self) -> dict[str, Any]:
        """Every trial and rung in the words of the vectors."""
        experiment = await self._experiment()
        rungs: list[list[list[Any]]] = [
            [[] for _ in range(count)] for count in experiment["rung_counts"]
        ]
        token = ""
        while True:
            page = await self._experiments.ListRungs(
                e.ListRungsRequest(experiment_id=self._id, page_size=100, page_token=token)
            )
            for entry in page.entries:
                value = _shown(entry.value) if entry.HasField("value") else None
                rungs[entry.bracket][entry.rung].append([entry.trial_number, value, entry.promoted])
            token = page.next_page_token
            if not token:
                break
        return {
            "experiment_state": experiment["state"],
            "trials": [
                {
                    "trial": trial.trial_number,
                    "bracket": trial.bracket,
                    "state": _trial_state(trial.state),
                    "attempt": trial.attempt,
                }
                for trial in await self._trials()
            ],
            "rungs": rungs,
        }


def reason_of(error: grpc.aio.AioRpcError) -> str:
    """`ErrorInfo.reason` of a refused call."""
    trailers = dict(cast("Iterable[tuple[str, bytes]]", error.trailing_metadata() or ()))
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    return str(info.reason)


def _decided(response: s.ReportMetricResponse) -> dict[str, Any]:
    decision = response.decision
    answer: dict[str, Any] = {
        "verdict": t.Verdict.Name(decision.verdict).removeprefix("VERDICT_"),
        "reason": t.DecisionReason.Name(decision.reason).removeprefix("DECISION_REASON_"),
        "bracket": decision.bracket,
        "rung": decision.rung,
        "next_decision_step": decision.next_decision_step,
    }
    if decision.HasField("rank"):
        answer |= {"rank": decision.rank, "competitors": decision.competitors}
    if decision.HasField("cutoff"):
        answer["cutoff"] = decision.cutoff
    return answer


def _ended(
    response: s.CompleteTrialResponse | s.FailTrialResponse | s.ReleaseTrialResponse,
) -> dict[str, Any]:
    decision = response.decision
    return {
        "trial_state": _trial_state(response.trial_state),
        "verdict": t.Verdict.Name(decision.verdict).removeprefix("VERDICT_"),
        "reason": t.DecisionReason.Name(decision.reason).removeprefix("DECISION_REASON_"),
        "bracket": decision.bracket,
        "rung": decision.rung,
        "next_decision_step": decision.next_decision_step,
    }


def _trial_state(number: t.TrialState) -> str:
    return t.TrialState.Name(number).removeprefix("TRIAL_STATE_")


def _shown(value: float) -> Any:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")

"""A client of a former release: its own stubs and plain gRPC, nothing else of ours.

Run as a process of its own, `python old_worker.py STUBS ADDRESS`: stubs of two releases do not fit
into one. Prints what it was answered as one JSON object.
"""

from __future__ import annotations

import importlib
import itertools
import json
import queue
import sys
from pathlib import Path
from typing import Any

import grpc


class Old:
    """The stubs of a release, and what is asked through them.

    Args:
        stubs: their folder.
        address: of the server.
    """

    def __init__(self, stubs: Path, address: str) -> None:
        sys.path.insert(0, str(stubs.parent))
        self._package = stubs.name
        channel = grpc.insecure_channel(address)
        self.x, self.t = self._module("experiment_pb2"), self._module("trial_pb2")
        self.e, self.s = (
            self._module("experiment_service_pb2"),
            self._module("suggestion_service_pb2"),
        )
        self.a = self._module("admin_service_pb2")
        self.experiments = self._module("experiment_service_pb2_grpc").ExperimentServiceStub(
            channel
        )
        self.suggestions = self._module("suggestion_service_pb2_grpc").SuggestionServiceStub(
            channel
        )
        self.admin = self._module("admin_service_pb2_grpc").AdminServiceStub(channel)

    def _module(self, name: str) -> Any:
        return importlib.import_module(f"{self._package}.{name}")

    def create(self, experiment_id: str) -> str:
        """An experiment of nine trials; its state."""
        spec = self.x.ExperimentSpec(
            metric=self.x.Metric(name="loss", goal=self.x.GOAL_MINIMIZE),
            max_length=9,
            max_trials=9,
            async_halving=self.x.AsyncHalving(num_rungs=3, divisor=3),
            seed=7,
        )
        spec.parameters.add(name="lr").double_range.CopyFrom(self.x.DoubleRange(min=0, max=1))
        request = self.e.CreateExperimentRequest(experiment_id=experiment_id, spec=spec)
        made = self.experiments.CreateExperiment(request).experiment
        return str(self.x.ExperimentState.Name(made.state))

    def report(self, given: Any, step: int) -> Any:
        """The report of a step: the better, the later the trial."""
        return self.s.ReportMetricRequest(
            experiment_id=given.experiment_id,
            trial_number=given.trial_number,
            lease_token=given.lease.token,
            step=step,
            metrics=[self.t.MetricValue(name="loss", value=1 / (1 + given.trial_number) / step)],
            checkpoint_uri=f"ckpt-{given.trial_number}-{step}",
        )

    def work(self, experiment_id: str) -> dict[str, int]:
        """The worker loop by single calls, until the search is finished; verdicts by name."""
        verdicts: dict[str, int] = {}
        while True:
            asked = self.s.GetSuggestionRequest(experiment_id=experiment_id, worker_id="old")
            answer = self.suggestions.GetSuggestion(asked)
            if answer.HasField("finished"):
                return verdicts
            given = answer.assignment
            step, verdict = given.start_step, self.t.VERDICT_CONTINUE
            while verdict == self.t.VERDICT_CONTINUE:
                step += 1
                verdict = self.suggestions.ReportMetric(self.report(given, step)).decision.verdict
            name = self.t.Verdict.Name(verdict)
            verdicts[name] = verdicts.get(name, 0) + 1

    def work_in_session(self, experiment_id: str) -> dict[str, int]:
        """The same on one stream."""
        verdicts: dict[str, int] = {}
        asked: queue.SimpleQueue[Any] = queue.SimpleQueue()
        answers = self.suggestions.TrainingSession(iter(asked.get, None))
        numbers = itertools.count(1)

        def one(**request: Any) -> Any:
            number = next(numbers)
            asked.put(self.s.TrainingSessionRequest(request_number=number, **request))
            return next(answer for answer in answers if answer.request_number == number)

        while True:
            ask = self.s.GetSuggestionRequest(experiment_id=experiment_id, worker_id="old")
            answer = one(get_suggestion=ask).get_suggestion
            if answer.HasField("finished"):
                asked.put(None)
                return verdicts
            given = answer.assignment
            step, verdict = given.start_step, self.t.VERDICT_CONTINUE
            while verdict == self.t.VERDICT_CONTINUE:
                step += 1
                batch = self.s.ReportMetricsRequest(reports=[self.report(given, step)])
                (result,) = one(report_metrics=batch).report_metrics.results
                verdict = result.response.decision.verdict
            name = self.t.Verdict.Name(verdict)
            verdicts[name] = verdicts.get(name, 0) + 1

    def read(self, experiment_id: str) -> dict[str, Any]:
        """What every way of reading shows."""
        of = {"experiment_id": experiment_id}
        e = self.experiments
        trials = e.ListTrials(self.e.ListTrialsRequest(**of)).trials
        decisions = e.ListDecisions(self.e.ListDecisionsRequest(**of, page_size=2))
        watched = e.WatchExperiment(self.e.WatchExperimentRequest(**of, after_sequence=0))
        try:
            e.GetExperiment(self.e.GetExperimentRequest(experiment_id="nobody"))
            missing = "found"
        except grpc.RpcError as error:
            missing = error.code().name
        return {
            "state": self.x.ExperimentState.Name(
                e.GetExperiment(self.e.GetExperimentRequest(**of)).experiment.state
            ),
            "trials": len(trials),
            "has_learning_rates": all(trial.parameters[0].name == "lr" for trial in trials),
            "best": e.GetBestTrials(self.e.GetBestTrialsRequest(**of)).trials[0].trial_number,
            "decisions": len(decisions.decisions),
            "has_more_decisions": bool(decisions.next_page_token),
            "rungs": len(e.ListRungs(self.e.ListRungsRequest(**of)).entries) > 0,
            "events": [event.event.sequence for event in watched],
            "experiments": len(e.ListExperiments(self.e.ListExperimentsRequest()).experiments),
            "exported": len(list(e.ExportExperiment(self.e.ExportExperimentRequest(**of)))) > 0,
            "limit": self.admin.GetServerInfo(
                self.a.GetServerInfoRequest()
            ).limits.max_metrics_per_report,
            "missing": missing,
        }


def main() -> None:
    """Does all of it."""
    old = Old(Path(sys.argv[1]), sys.argv[2])
    said = {
        "created": [old.create("calls"), old.create("session")],
        "calls": old.work("calls"),
        "session": old.work_in_session("session"),
        "read": old.read("session"),
    }
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    main()

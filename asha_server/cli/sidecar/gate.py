"""What may pass through the socket, and what is noticed on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from asha_server.errors import Aborted, AshaError, ErrorReason, PermissionDenied, Unavailable
from asha_server.guard import RULES, Scope
from asha_server.identity import Role
from asha_server.pb import experiment_service_pb2, suggestion_service_pb2, trial_pb2
from asha_server.pb import suggestion_service_pb2 as pb

SUGGESTIONS = suggestion_service_pb2.DESCRIPTOR.services_by_name["SuggestionService"]
EXPERIMENTS = experiment_service_pb2.DESCRIPTOR.services_by_name["ExperimentService"]

READS = tuple(
    method
    for method in EXPERIMENTS.methods
    if RULES[method.name].role is Role.READ and RULES[method.name].scope is Scope.EXPERIMENT
)
"""Calls of ExperimentService that read one experiment: what a worker's token could do, no more."""

WORDS = frozenset({
    "GetSuggestion", "ReportMetric", "ReportCheckpoint",
    "CompleteTrial", "FailTrial", "ReleaseTrial",
})  # fmt: skip
"""Calls that say that the training goes on; the two others a client's thread makes by itself."""

_LEASED = frozenset({
    "ReportMetric", "Heartbeat", "ReportCheckpoint", "CompleteTrial", "FailTrial", "ReleaseTrial",
})  # fmt: skip
_NAMES: Mapping[str, str] = {
    "get_suggestion": "GetSuggestion",
    "heartbeat": "Heartbeat",
    "report_checkpoint": "ReportCheckpoint",
    "complete_trial": "CompleteTrial",
    "fail_trial": "FailTrial",
    "release_trial": "ReleaseTrial",
    "should_stop": "ShouldStop",
}
"""Field of a session's message -> the call that it stands for."""


@dataclass(frozen=True, slots=True)
class Held:
    """A trial that the trainer holds.

    Attributes:
        trial_number: 0-based.
        token: of its lease.
    """

    trial_number: int
    token: str


class Gate:
    """Lets requests about one experiment pass, under one worker's name, and knows what is held.

    Args:
        experiment_id: the one; requests that name none are about it.
        worker_id: the name that every ask is made under.

    Attributes:
        held: trial number -> what the trainer holds.
        word_count: calls so far that say that the training goes on.
        end_state: of the experiment, once the trainer was told that it has ended; 0 before.
        is_leaving: whether the sidecar hands out no more trials.
    """

    def __init__(self, experiment_id: str, worker_id: str) -> None:
        self._experiment_id = experiment_id
        self._worker_id = worker_id
        self.held: dict[int, Held] = {}
        self.word_count = 0
        self.end_state = 0
        self.is_leaving = False
        self._given_up: set[str] = set()

    def admit(self, name: str, request: Any) -> None:
        """Makes a request this worker's.

        Args:
            name: of the call.
            request: its message, changed in place.

        Raises:
            PermissionDenied: SCOPE_MISSING, it is about another experiment.
            Aborted: LEASE_LOST, it would keep a trial alive that nobody trains.
            Unavailable: SHUTTING_DOWN, no more trials are handed out.
        """
        if not request.experiment_id:
            request.experiment_id = self._experiment_id
        if request.experiment_id != self._experiment_id:
            raise PermissionDenied(
                ErrorReason.SCOPE_MISSING,
                f"this sidecar serves the experiment {self._experiment_id!r}, not "
                f"{request.experiment_id!r}; leave the name empty, or start a sidecar for that one",
                experiment_id=request.experiment_id,
            )
        if name == "GetSuggestion":
            if self.is_leaving:
                raise Unavailable(ErrorReason.SHUTTING_DOWN, "this sidecar is about to end")
            request.worker_id = self._worker_id
        if name == "Heartbeat" and request.lease_token in self._given_up:
            raise Aborted(
                ErrorReason.LEASE_LOST,
                f"trial {request.trial_number} was given back: its trainer was silent for too "
                "long (--hung-after of asha sidecar); ask for a new suggestion",
                trial_number=request.trial_number,
            )
        if name in WORDS:
            self.word_count += 1
        if name in _LEASED and request.trial_number not in self.held:
            # Of a trainer that goes on with a trial that it took before this sidecar was started.
            self.held[request.trial_number] = Held(request.trial_number, request.lease_token)

    def observe(self, name: str, request: Any, response: Any) -> None:
        """Notices what an answer means for what is held."""
        if name == "GetSuggestion":
            self._observe_suggestion(response)
        elif name in _LEASED:
            is_over = name in ("CompleteTrial", "FailTrial", "ReleaseTrial")
            if is_over or response.decision.verdict != trial_pb2.VERDICT_CONTINUE:
                self.held.pop(request.trial_number, None)

    def _observe_suggestion(self, response: Any) -> None:
        if response.HasField("assignment"):
            given = response.assignment
            # One trial at a time: whatever was held before is not this worker's any more.
            self.held = {given.trial_number: Held(given.trial_number, given.lease.token)}
        elif response.HasField("finished"):
            self.end_state = response.finished.state

    def give_up(self) -> list[Held]:
        """What was held, and is no more kept alive."""
        held = list(self.held.values())
        self.held = {}
        self._given_up |= {one.token for one in held}
        return held

    def refuse(self, name: str, request: Any, code: str) -> None:
        """Notices that the server refused a call for a reason that ends what is held."""
        if name in _LEASED and code in ("ABORTED", "FAILED_PRECONDITION", "NOT_FOUND"):
            self.held.pop(request.trial_number, None)


class SessionGate:
    """The gate for the requests of one session.

    Args:
        gate: of the sidecar.
    """

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._asked: dict[int, tuple[str, Any]] = {}

    def admit(self, request: pb.TrainingSessionRequest) -> AshaError | None:
        """Makes a request of a session this worker's; what it is refused with."""
        arm = request.WhichOneof("request")
        try:
            if arm == "report_metrics":
                for report in request.report_metrics.reports:
                    self._gate.admit("ReportMetric", report)
            elif arm is not None:
                self._gate.admit(_NAMES[arm], getattr(request, arm))
        except AshaError as error:
            return error
        if arm is not None:
            self._asked[request.request_number] = (arm, getattr(request, arm))
        return None

    def observe(self, response: pb.TrainingSessionResponse) -> None:
        """Notices what an answer of a session means for what is held."""
        if response.HasField("pushed"):
            self._gate.held.pop(response.pushed.trial_number, None)
            return
        arm, request = self._asked.pop(response.request_number, ("", None))
        if not arm or response.HasField("error"):
            return
        if arm == "report_metrics":
            results = response.report_metrics.results
            for report, result in zip(request.reports, results, strict=False):
                if result.HasField("response"):
                    self._gate.observe("ReportMetric", report, result.response)
        elif response.WhichOneof("response") == arm:
            self._gate.observe(_NAMES[arm], request, getattr(response, arm))

"""Flows: what the client does, as generators that ask for effects and never do I/O themselves.

A flow yields an effect, is sent its result (or thrown its error) and returns its value. Two small
drivers perform the effects: blocking (connection.py) and asyncio (aio.py). So the rules of api.md
(what is retried, what a lost lease means, when a checkpoint is saved) are written once.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Generic, TypeVar

from google.protobuf.message import Message

from asha_client.pb import experiment_service_pb2 as experiments
from asha_client.pb import suggestion_service_pb2 as suggestions

RequestT = TypeVar("RequestT", bound=Message)
ResponseT = TypeVar("ResponseT", bound=Message)
ResultT = TypeVar("ResultT")

CALL_DEADLINE_S = 10.0
"""Deadline of one attempt at a call that does not wait, by default, in seconds."""


@dataclass(frozen=True, slots=True)
class Method(Generic[RequestT, ResponseT]):
    """One unary method of the wire.

    Attributes:
        path: `/package.service/method`.
        request: class of its request.
        response: class of its response.
    """

    path: str
    request: type[RequestT]
    response: type[ResponseT]

    @property
    def name(self) -> str:
        """Its name, for people."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Call:
    """Effect: send a request, again and again where api.md allows it. Result: the response.

    Attributes:
        method: what is called.
        request: the same message for every retry, so that a retry counts as the same call.
        wait_s: how long the server may hold the call, beside its deadline, in seconds.
        deadline_s: of each attempt, in seconds; None = as the connection is configured.
        retry_for_s: how long to retry, in seconds; None = as the connection is configured.
    """

    method: Method[Message, Message]
    request: Message
    wait_s: float = 0.0
    deadline_s: float | None = None
    retry_for_s: float | None = None


@dataclass(frozen=True, slots=True)
class Sleep:
    """Effect: do nothing for so many seconds. Result: None."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Invoke:
    """Effect: run a function of the training code, awaiting it if need be. Result: its value."""

    function: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Share:
    """Effect: hand the object from rank 0 to every rank. Result: rank 0's object."""

    value: object


Effect = Call | Sleep | Invoke | Share
Flow = Generator[Effect, object, ResultT]


def call(
    method: Method[RequestT, ResponseT],
    request: RequestT,
    *,
    wait_s: float = 0.0,
    deadline_s: float | None = None,
    retry_for_s: float | None = None,
) -> Flow[ResponseT]:
    """The response to one request."""
    effect = Call(method, request, wait_s, deadline_s, retry_for_s)  # type: ignore[arg-type]  # erased on purpose: drivers treat every method alike
    response = yield effect
    assert isinstance(response, method.response)
    return response


_SUGGESTIONS = "/asha.v1.SuggestionService/"
_EXPERIMENTS = "/asha.v1.ExperimentService/"

GET_SUGGESTION = Method(
    _SUGGESTIONS + "GetSuggestion",
    suggestions.GetSuggestionRequest,
    suggestions.GetSuggestionResponse,
)
REPORT_METRIC = Method(
    _SUGGESTIONS + "ReportMetric",
    suggestions.ReportMetricRequest,
    suggestions.ReportMetricResponse,
)
SHOULD_STOP = Method(
    _SUGGESTIONS + "ShouldStop", suggestions.ShouldStopRequest, suggestions.ShouldStopResponse
)
HEARTBEAT = Method(
    _SUGGESTIONS + "Heartbeat", suggestions.HeartbeatRequest, suggestions.HeartbeatResponse
)
REPORT_CHECKPOINT = Method(
    _SUGGESTIONS + "ReportCheckpoint",
    suggestions.ReportCheckpointRequest,
    suggestions.ReportCheckpointResponse,
)
COMPLETE_TRIAL = Method(
    _SUGGESTIONS + "CompleteTrial",
    suggestions.CompleteTrialRequest,
    suggestions.CompleteTrialResponse,
)
FAIL_TRIAL = Method(
    _SUGGESTIONS + "FailTrial", suggestions.FailTrialRequest, suggestions.FailTrialResponse
)
RELEASE_TRIAL = Method(
    _SUGGESTIONS + "ReleaseTrial",
    suggestions.ReleaseTrialRequest,
    suggestions.ReleaseTrialResponse,
)
CREATE_EXPERIMENT = Method(
    _EXPERIMENTS + "CreateExperiment",
    experiments.CreateExperimentRequest,
    experiments.CreateExperimentResponse,
)
GET_EXPERIMENT = Method(
    _EXPERIMENTS + "GetExperiment",
    experiments.GetExperimentRequest,
    experiments.GetExperimentResponse,
)
STOP_EXPERIMENT = Method(
    _EXPERIMENTS + "StopExperiment",
    experiments.StopExperimentRequest,
    experiments.StopExperimentResponse,
)
GET_BEST_TRIALS = Method(
    _EXPERIMENTS + "GetBestTrials",
    experiments.GetBestTrialsRequest,
    experiments.GetBestTrialsResponse,
)

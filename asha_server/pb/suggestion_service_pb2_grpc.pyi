from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Iterable, Iterator
from typing import Any, Protocol, TypeVar, overload

import grpc
import grpc.aio

from . import suggestion_service_pb2

_T = TypeVar("_T", covariant=True)
_Request = TypeVar("_Request")
_Response = TypeVar("_Response")

class _Requests(AsyncIterator[_T], Iterator[_T], Protocol): ...

class _StreamStreamMultiCallable(Protocol[_Request, _Response]):
    def __call__(
        self,
        request_iterator: AsyncIterable[_Request] | Iterable[_Request] | None = None,
        timeout: float | None = None,
        metadata: Any = None,
        credentials: grpc.CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: grpc.Compression | None = None,
    ) -> grpc.aio.StreamStreamCall[_Request, _Response]: ...

class SuggestionServiceStub:
    @overload
    def __new__(cls, channel: grpc.Channel) -> SuggestionServiceStub: ...
    @overload
    def __new__(cls, channel: grpc.aio.Channel) -> SuggestionServiceAsyncStub: ...
    GetSuggestion: grpc.UnaryUnaryMultiCallable[suggestion_service_pb2.GetSuggestionRequest, suggestion_service_pb2.GetSuggestionResponse]
    ReportMetric: grpc.UnaryUnaryMultiCallable[suggestion_service_pb2.ReportMetricRequest, suggestion_service_pb2.ReportMetricResponse]
    ShouldStop: grpc.UnaryUnaryMultiCallable[suggestion_service_pb2.ShouldStopRequest, suggestion_service_pb2.ShouldStopResponse]
    Heartbeat: grpc.UnaryUnaryMultiCallable[suggestion_service_pb2.HeartbeatRequest, suggestion_service_pb2.HeartbeatResponse]
    ReportCheckpoint: grpc.UnaryUnaryMultiCallable[suggestion_service_pb2.ReportCheckpointRequest, suggestion_service_pb2.ReportCheckpointResponse]
    CompleteTrial: grpc.UnaryUnaryMultiCallable[suggestion_service_pb2.CompleteTrialRequest, suggestion_service_pb2.CompleteTrialResponse]
    FailTrial: grpc.UnaryUnaryMultiCallable[suggestion_service_pb2.FailTrialRequest, suggestion_service_pb2.FailTrialResponse]
    ReleaseTrial: grpc.UnaryUnaryMultiCallable[suggestion_service_pb2.ReleaseTrialRequest, suggestion_service_pb2.ReleaseTrialResponse]
    TrainingSession: grpc.StreamStreamMultiCallable[suggestion_service_pb2.TrainingSessionRequest, suggestion_service_pb2.TrainingSessionResponse]

class SuggestionServiceAsyncStub(SuggestionServiceStub):
    GetSuggestion: grpc.aio.UnaryUnaryMultiCallable[suggestion_service_pb2.GetSuggestionRequest, suggestion_service_pb2.GetSuggestionResponse]  # type: ignore[assignment]
    ReportMetric: grpc.aio.UnaryUnaryMultiCallable[suggestion_service_pb2.ReportMetricRequest, suggestion_service_pb2.ReportMetricResponse]  # type: ignore[assignment]
    ShouldStop: grpc.aio.UnaryUnaryMultiCallable[suggestion_service_pb2.ShouldStopRequest, suggestion_service_pb2.ShouldStopResponse]  # type: ignore[assignment]
    Heartbeat: grpc.aio.UnaryUnaryMultiCallable[suggestion_service_pb2.HeartbeatRequest, suggestion_service_pb2.HeartbeatResponse]  # type: ignore[assignment]
    ReportCheckpoint: grpc.aio.UnaryUnaryMultiCallable[suggestion_service_pb2.ReportCheckpointRequest, suggestion_service_pb2.ReportCheckpointResponse]  # type: ignore[assignment]
    CompleteTrial: grpc.aio.UnaryUnaryMultiCallable[suggestion_service_pb2.CompleteTrialRequest, suggestion_service_pb2.CompleteTrialResponse]  # type: ignore[assignment]
    FailTrial: grpc.aio.UnaryUnaryMultiCallable[suggestion_service_pb2.FailTrialRequest, suggestion_service_pb2.FailTrialResponse]  # type: ignore[assignment]
    ReleaseTrial: grpc.aio.UnaryUnaryMultiCallable[suggestion_service_pb2.ReleaseTrialRequest, suggestion_service_pb2.ReleaseTrialResponse]  # type: ignore[assignment]
    TrainingSession: _StreamStreamMultiCallable[suggestion_service_pb2.TrainingSessionRequest, suggestion_service_pb2.TrainingSessionResponse]  # type: ignore[assignment]

class SuggestionServiceServicer:
    def GetSuggestion(self, request: suggestion_service_pb2.GetSuggestionRequest, context: Any) -> suggestion_service_pb2.GetSuggestionResponse | Awaitable[suggestion_service_pb2.GetSuggestionResponse]: ...
    def ReportMetric(self, request: suggestion_service_pb2.ReportMetricRequest, context: Any) -> suggestion_service_pb2.ReportMetricResponse | Awaitable[suggestion_service_pb2.ReportMetricResponse]: ...
    def ShouldStop(self, request: suggestion_service_pb2.ShouldStopRequest, context: Any) -> suggestion_service_pb2.ShouldStopResponse | Awaitable[suggestion_service_pb2.ShouldStopResponse]: ...
    def Heartbeat(self, request: suggestion_service_pb2.HeartbeatRequest, context: Any) -> suggestion_service_pb2.HeartbeatResponse | Awaitable[suggestion_service_pb2.HeartbeatResponse]: ...
    def ReportCheckpoint(self, request: suggestion_service_pb2.ReportCheckpointRequest, context: Any) -> suggestion_service_pb2.ReportCheckpointResponse | Awaitable[suggestion_service_pb2.ReportCheckpointResponse]: ...
    def CompleteTrial(self, request: suggestion_service_pb2.CompleteTrialRequest, context: Any) -> suggestion_service_pb2.CompleteTrialResponse | Awaitable[suggestion_service_pb2.CompleteTrialResponse]: ...
    def FailTrial(self, request: suggestion_service_pb2.FailTrialRequest, context: Any) -> suggestion_service_pb2.FailTrialResponse | Awaitable[suggestion_service_pb2.FailTrialResponse]: ...
    def ReleaseTrial(self, request: suggestion_service_pb2.ReleaseTrialRequest, context: Any) -> suggestion_service_pb2.ReleaseTrialResponse | Awaitable[suggestion_service_pb2.ReleaseTrialResponse]: ...
    def TrainingSession(self, request_iterator: _Requests[suggestion_service_pb2.TrainingSessionRequest], context: Any) -> Iterator[suggestion_service_pb2.TrainingSessionResponse] | AsyncIterator[suggestion_service_pb2.TrainingSessionResponse]: ...

def add_SuggestionServiceServicer_to_server(
    servicer: SuggestionServiceServicer, server: grpc.Server | grpc.aio.Server
) -> None: ...

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Iterable, Iterator
from typing import Any, Protocol, TypeVar, overload

import grpc
import grpc.aio

from . import experiment_service_pb2

_T = TypeVar("_T", covariant=True)
_Request = TypeVar("_Request")
_Response = TypeVar("_Response")

class _Requests(AsyncIterator[_T], Iterator[_T], Protocol): ...

class _StreamUnaryMultiCallable(Protocol[_Request, _Response]):
    def __call__(
        self,
        request_iterator: AsyncIterable[_Request] | Iterable[_Request] | None = None,
        timeout: float | None = None,
        metadata: Any = None,
        credentials: grpc.CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: grpc.Compression | None = None,
    ) -> grpc.aio.StreamUnaryCall[_Request, _Response]: ...

class ExperimentServiceStub:
    @overload
    def __new__(cls, channel: grpc.Channel) -> ExperimentServiceStub: ...
    @overload
    def __new__(cls, channel: grpc.aio.Channel) -> ExperimentServiceAsyncStub: ...
    CreateExperiment: grpc.UnaryUnaryMultiCallable[experiment_service_pb2.CreateExperimentRequest, experiment_service_pb2.CreateExperimentResponse]
    GetExperiment: grpc.UnaryUnaryMultiCallable[experiment_service_pb2.GetExperimentRequest, experiment_service_pb2.GetExperimentResponse]
    ListExperiments: grpc.UnaryUnaryMultiCallable[experiment_service_pb2.ListExperimentsRequest, experiment_service_pb2.ListExperimentsResponse]
    UpdateExperiment: grpc.UnaryUnaryMultiCallable[experiment_service_pb2.UpdateExperimentRequest, experiment_service_pb2.UpdateExperimentResponse]
    DeleteExperiment: grpc.UnaryUnaryMultiCallable[experiment_service_pb2.DeleteExperimentRequest, experiment_service_pb2.DeleteExperimentResponse]
    PauseExperiment: grpc.UnaryUnaryMultiCallable[experiment_service_pb2.PauseExperimentRequest, experiment_service_pb2.PauseExperimentResponse]
    ResumeExperiment: grpc.UnaryUnaryMultiCallable[experiment_service_pb2.ResumeExperimentRequest, experiment_service_pb2.ResumeExperimentResponse]
    StopExperiment: grpc.UnaryUnaryMultiCallable[experiment_service_pb2.StopExperimentRequest, experiment_service_pb2.StopExperimentResponse]
    PreviewExperiment: grpc.UnaryUnaryMultiCallable[experiment_service_pb2.PreviewExperimentRequest, experiment_service_pb2.PreviewExperimentResponse]
    GetTrial: grpc.UnaryUnaryMultiCallable[experiment_service_pb2.GetTrialRequest, experiment_service_pb2.GetTrialResponse]
    ListTrials: grpc.UnaryUnaryMultiCallable[experiment_service_pb2.ListTrialsRequest, experiment_service_pb2.ListTrialsResponse]
    CancelTrial: grpc.UnaryUnaryMultiCallable[experiment_service_pb2.CancelTrialRequest, experiment_service_pb2.CancelTrialResponse]
    CreateTrial: grpc.UnaryUnaryMultiCallable[experiment_service_pb2.CreateTrialRequest, experiment_service_pb2.CreateTrialResponse]
    ListObservations: grpc.UnaryUnaryMultiCallable[experiment_service_pb2.ListObservationsRequest, experiment_service_pb2.ListObservationsResponse]
    ListRungs: grpc.UnaryUnaryMultiCallable[experiment_service_pb2.ListRungsRequest, experiment_service_pb2.ListRungsResponse]
    ListDecisions: grpc.UnaryUnaryMultiCallable[experiment_service_pb2.ListDecisionsRequest, experiment_service_pb2.ListDecisionsResponse]
    GetBestTrials: grpc.UnaryUnaryMultiCallable[experiment_service_pb2.GetBestTrialsRequest, experiment_service_pb2.GetBestTrialsResponse]
    ListCheckpoints: grpc.UnaryUnaryMultiCallable[experiment_service_pb2.ListCheckpointsRequest, experiment_service_pb2.ListCheckpointsResponse]
    WatchExperiment: grpc.UnaryStreamMultiCallable[experiment_service_pb2.WatchExperimentRequest, experiment_service_pb2.WatchExperimentResponse]
    ExportExperiment: grpc.UnaryStreamMultiCallable[experiment_service_pb2.ExportExperimentRequest, experiment_service_pb2.ExportExperimentResponse]
    ImportExperiment: grpc.StreamUnaryMultiCallable[experiment_service_pb2.ImportExperimentRequest, experiment_service_pb2.ImportExperimentResponse]

class ExperimentServiceAsyncStub(ExperimentServiceStub):
    CreateExperiment: grpc.aio.UnaryUnaryMultiCallable[experiment_service_pb2.CreateExperimentRequest, experiment_service_pb2.CreateExperimentResponse]  # type: ignore[assignment]
    GetExperiment: grpc.aio.UnaryUnaryMultiCallable[experiment_service_pb2.GetExperimentRequest, experiment_service_pb2.GetExperimentResponse]  # type: ignore[assignment]
    ListExperiments: grpc.aio.UnaryUnaryMultiCallable[experiment_service_pb2.ListExperimentsRequest, experiment_service_pb2.ListExperimentsResponse]  # type: ignore[assignment]
    UpdateExperiment: grpc.aio.UnaryUnaryMultiCallable[experiment_service_pb2.UpdateExperimentRequest, experiment_service_pb2.UpdateExperimentResponse]  # type: ignore[assignment]
    DeleteExperiment: grpc.aio.UnaryUnaryMultiCallable[experiment_service_pb2.DeleteExperimentRequest, experiment_service_pb2.DeleteExperimentResponse]  # type: ignore[assignment]
    PauseExperiment: grpc.aio.UnaryUnaryMultiCallable[experiment_service_pb2.PauseExperimentRequest, experiment_service_pb2.PauseExperimentResponse]  # type: ignore[assignment]
    ResumeExperiment: grpc.aio.UnaryUnaryMultiCallable[experiment_service_pb2.ResumeExperimentRequest, experiment_service_pb2.ResumeExperimentResponse]  # type: ignore[assignment]
    StopExperiment: grpc.aio.UnaryUnaryMultiCallable[experiment_service_pb2.StopExperimentRequest, experiment_service_pb2.StopExperimentResponse]  # type: ignore[assignment]
    PreviewExperiment: grpc.aio.UnaryUnaryMultiCallable[experiment_service_pb2.PreviewExperimentRequest, experiment_service_pb2.PreviewExperimentResponse]  # type: ignore[assignment]
    GetTrial: grpc.aio.UnaryUnaryMultiCallable[experiment_service_pb2.GetTrialRequest, experiment_service_pb2.GetTrialResponse]  # type: ignore[assignment]
    ListTrials: grpc.aio.UnaryUnaryMultiCallable[experiment_service_pb2.ListTrialsRequest, experiment_service_pb2.ListTrialsResponse]  # type: ignore[assignment]
    CancelTrial: grpc.aio.UnaryUnaryMultiCallable[experiment_service_pb2.CancelTrialRequest, experiment_service_pb2.CancelTrialResponse]  # type: ignore[assignment]
    CreateTrial: grpc.aio.UnaryUnaryMultiCallable[experiment_service_pb2.CreateTrialRequest, experiment_service_pb2.CreateTrialResponse]  # type: ignore[assignment]
    ListObservations: grpc.aio.UnaryUnaryMultiCallable[experiment_service_pb2.ListObservationsRequest, experiment_service_pb2.ListObservationsResponse]  # type: ignore[assignment]
    ListRungs: grpc.aio.UnaryUnaryMultiCallable[experiment_service_pb2.ListRungsRequest, experiment_service_pb2.ListRungsResponse]  # type: ignore[assignment]
    ListDecisions: grpc.aio.UnaryUnaryMultiCallable[experiment_service_pb2.ListDecisionsRequest, experiment_service_pb2.ListDecisionsResponse]  # type: ignore[assignment]
    GetBestTrials: grpc.aio.UnaryUnaryMultiCallable[experiment_service_pb2.GetBestTrialsRequest, experiment_service_pb2.GetBestTrialsResponse]  # type: ignore[assignment]
    ListCheckpoints: grpc.aio.UnaryUnaryMultiCallable[experiment_service_pb2.ListCheckpointsRequest, experiment_service_pb2.ListCheckpointsResponse]  # type: ignore[assignment]
    WatchExperiment: grpc.aio.UnaryStreamMultiCallable[experiment_service_pb2.WatchExperimentRequest, experiment_service_pb2.WatchExperimentResponse]  # type: ignore[assignment]
    ExportExperiment: grpc.aio.UnaryStreamMultiCallable[experiment_service_pb2.ExportExperimentRequest, experiment_service_pb2.ExportExperimentResponse]  # type: ignore[assignment]
    ImportExperiment: _StreamUnaryMultiCallable[experiment_service_pb2.ImportExperimentRequest, experiment_service_pb2.ImportExperimentResponse]  # type: ignore[assignment]

class ExperimentServiceServicer:
    def CreateExperiment(self, request: experiment_service_pb2.CreateExperimentRequest, context: Any) -> experiment_service_pb2.CreateExperimentResponse | Awaitable[experiment_service_pb2.CreateExperimentResponse]: ...
    def GetExperiment(self, request: experiment_service_pb2.GetExperimentRequest, context: Any) -> experiment_service_pb2.GetExperimentResponse | Awaitable[experiment_service_pb2.GetExperimentResponse]: ...
    def ListExperiments(self, request: experiment_service_pb2.ListExperimentsRequest, context: Any) -> experiment_service_pb2.ListExperimentsResponse | Awaitable[experiment_service_pb2.ListExperimentsResponse]: ...
    def UpdateExperiment(self, request: experiment_service_pb2.UpdateExperimentRequest, context: Any) -> experiment_service_pb2.UpdateExperimentResponse | Awaitable[experiment_service_pb2.UpdateExperimentResponse]: ...
    def DeleteExperiment(self, request: experiment_service_pb2.DeleteExperimentRequest, context: Any) -> experiment_service_pb2.DeleteExperimentResponse | Awaitable[experiment_service_pb2.DeleteExperimentResponse]: ...
    def PauseExperiment(self, request: experiment_service_pb2.PauseExperimentRequest, context: Any) -> experiment_service_pb2.PauseExperimentResponse | Awaitable[experiment_service_pb2.PauseExperimentResponse]: ...
    def ResumeExperiment(self, request: experiment_service_pb2.ResumeExperimentRequest, context: Any) -> experiment_service_pb2.ResumeExperimentResponse | Awaitable[experiment_service_pb2.ResumeExperimentResponse]: ...
    def StopExperiment(self, request: experiment_service_pb2.StopExperimentRequest, context: Any) -> experiment_service_pb2.StopExperimentResponse | Awaitable[experiment_service_pb2.StopExperimentResponse]: ...
    def PreviewExperiment(self, request: experiment_service_pb2.PreviewExperimentRequest, context: Any) -> experiment_service_pb2.PreviewExperimentResponse | Awaitable[experiment_service_pb2.PreviewExperimentResponse]: ...
    def GetTrial(self, request: experiment_service_pb2.GetTrialRequest, context: Any) -> experiment_service_pb2.GetTrialResponse | Awaitable[experiment_service_pb2.GetTrialResponse]: ...
    def ListTrials(self, request: experiment_service_pb2.ListTrialsRequest, context: Any) -> experiment_service_pb2.ListTrialsResponse | Awaitable[experiment_service_pb2.ListTrialsResponse]: ...
    def CancelTrial(self, request: experiment_service_pb2.CancelTrialRequest, context: Any) -> experiment_service_pb2.CancelTrialResponse | Awaitable[experiment_service_pb2.CancelTrialResponse]: ...
    def CreateTrial(self, request: experiment_service_pb2.CreateTrialRequest, context: Any) -> experiment_service_pb2.CreateTrialResponse | Awaitable[experiment_service_pb2.CreateTrialResponse]: ...
    def ListObservations(self, request: experiment_service_pb2.ListObservationsRequest, context: Any) -> experiment_service_pb2.ListObservationsResponse | Awaitable[experiment_service_pb2.ListObservationsResponse]: ...
    def ListRungs(self, request: experiment_service_pb2.ListRungsRequest, context: Any) -> experiment_service_pb2.ListRungsResponse | Awaitable[experiment_service_pb2.ListRungsResponse]: ...
    def ListDecisions(self, request: experiment_service_pb2.ListDecisionsRequest, context: Any) -> experiment_service_pb2.ListDecisionsResponse | Awaitable[experiment_service_pb2.ListDecisionsResponse]: ...
    def GetBestTrials(self, request: experiment_service_pb2.GetBestTrialsRequest, context: Any) -> experiment_service_pb2.GetBestTrialsResponse | Awaitable[experiment_service_pb2.GetBestTrialsResponse]: ...
    def ListCheckpoints(self, request: experiment_service_pb2.ListCheckpointsRequest, context: Any) -> experiment_service_pb2.ListCheckpointsResponse | Awaitable[experiment_service_pb2.ListCheckpointsResponse]: ...
    def WatchExperiment(self, request: experiment_service_pb2.WatchExperimentRequest, context: Any) -> Iterator[experiment_service_pb2.WatchExperimentResponse] | AsyncIterator[experiment_service_pb2.WatchExperimentResponse]: ...
    def ExportExperiment(self, request: experiment_service_pb2.ExportExperimentRequest, context: Any) -> Iterator[experiment_service_pb2.ExportExperimentResponse] | AsyncIterator[experiment_service_pb2.ExportExperimentResponse]: ...
    def ImportExperiment(self, request_iterator: _Requests[experiment_service_pb2.ImportExperimentRequest], context: Any) -> experiment_service_pb2.ImportExperimentResponse | Awaitable[experiment_service_pb2.ImportExperimentResponse]: ...

def add_ExperimentServiceServicer_to_server(
    servicer: ExperimentServiceServicer, server: grpc.Server | grpc.aio.Server
) -> None: ...

"""A real gRPC server on a free port whose every answer is written down beforehand.

    with ScriptedServer() as server:
        server.script("ReportMetric", Refusal("UNAVAILABLE"), Refusal("UNAVAILABLE"))
        ...
        reports = server.requests("ReportMetric")

A scripted answer is used once; then the method's standing answer holds. By default there is one
trial of three steps, which goes on until its last report, and then no more work.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from concurrent import futures
from types import TracebackType
from typing import Any, Self

import grpc
from google.protobuf import message_factory
from google.protobuf.message import Message

import asha_client
from asha_client.pb import (
    admin_service_pb2,
    experiment_service_pb2,
    trial_pb2,
)
from asha_client.pb import suggestion_service_pb2 as pb

from .scripted_answers import Answer, Carried, Late, Received, Refusal, Silence, duration, refuse
from .scripted_session import Sessions

PATIENCE_S = 15.0
"""How long a test waits for a call that must come; only a failing test waits so long."""

CONTINUE, STOP, PAUSE = (
    trial_pb2.VERDICT_CONTINUE,
    trial_pb2.VERDICT_STOP,
    trial_pb2.VERDICT_PAUSE,
)


Standing = Callable[[Any], Answer]


class ScriptedServer:
    """See the module.

    Attributes:
        sessions: what came over sessions; None = they are unknown to the server.
        calls: what came, in order of arrival; "TrainingSession" is a stream that was opened.
    """

    def __init__(
        self,
        address: str = "127.0.0.1:0",
        credentials: grpc.ServerCredentials | None = None,
        *,
        sessions: bool = False,
    ) -> None:
        self.sessions = Sessions(self._take) if sessions else None
        self.calls: list[Received] = []
        self._scripts: dict[str, deque[Answer]] = defaultdict(deque)
        self._scripts["GetSuggestion"].append(assigned())
        self._standing: dict[str, Standing] = {
            "GetSuggestion": lambda r: finished(),
            "ReportMetric": lambda r: report_answer(STOP if r.step >= 3 else CONTINUE),
            "Heartbeat": lambda r: heartbeat_answer(),
            "ShouldStop": lambda r: pb.ShouldStopResponse(decision=decision(CONTINUE)),
            "ReportCheckpoint": lambda r: pb.ReportCheckpointResponse(decision=decision(CONTINUE)),
            "CompleteTrial": lambda r: pb.CompleteTrialResponse(),
            "FailTrial": lambda r: pb.FailTrialResponse(),
            "ReleaseTrial": lambda r: pb.ReleaseTrialResponse(),
            "TrainingSession": lambda r: Carried(),
        }
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._server = grpc.server(futures.ThreadPoolExecutor(max_workers=16))
        self._server.add_generic_rpc_handlers((_Handlers(self._answer, self.sessions),))
        if credentials is None:
            self.port = self._server.add_insecure_port(address)
        else:
            self.port = self._server.add_secure_port(address, credentials)
        self.address = address if address.startswith("unix:") else f"127.0.0.1:{self.port}"
        self._server.start()

    def script(self, method: str, *answers: Answer) -> None:
        """Answers the next calls of a method with these, one each, and no others before them."""
        self._scripts[method] = deque(answers)

    def always(self, method: str, answer: Standing) -> None:
        """Answers every call of a method with a function of the request."""
        self._scripts[method].clear()
        self._standing[method] = answer

    def requests(self, *methods: str) -> list[Any]:
        """The requests of these methods so far, in order of arrival."""
        with self._changed:
            return [call.request for call in self.calls if call.method in methods]

    def methods(self) -> list[str]:
        """The names of all calls so far but heartbeats, in order of arrival."""
        with self._changed:
            return [call.method for call in self.calls if call.method != "Heartbeat"]

    def wait_for(self, method: str, count: int = 1) -> Any:
        """The request of the given call of a method, once it has come; 1 = the first."""
        with self._changed:
            assert self._changed.wait_for(
                lambda: sum(call.method == method for call in self.calls) >= count, PATIENCE_S
            ), f"{method} did not come {count} times; came: {[c.method for c in self.calls]}"
            return [call for call in self.calls if call.method == method][count - 1].request

    def stop(self) -> None:
        """Breaks every connection and frees the port."""
        self._stopping.set()
        self._server.stop(None).wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _take(self, call: Received) -> Answer:
        """Writes a call down; what it is to be answered."""
        with self._changed:
            self.calls.append(call)
            script = self._scripts[call.method]
            answer = script.popleft() if script else self._standing[call.method](call.request)
            self._changed.notify_all()
        return answer

    def _answer(self, method: str, request: Message, context: grpc.ServicerContext) -> Answer:
        """Writes a call down and answers it."""
        metadata = dict(context.invocation_metadata())
        answer = self._take(Received(method, request, context.time_remaining(), metadata))
        if isinstance(answer, Silence):
            answer.on_arrival()
            ended = threading.Event()
            if context.add_callback(ended.set):
                ended.wait(PATIENCE_S)
            context.abort(grpc.StatusCode.CANCELLED, "the client gave it up")
        if isinstance(answer, Late):
            self._stopping.wait(answer.after_s)
            answer = answer.answer
        if isinstance(answer, Refusal):
            refuse(context, answer)
        return answer


class _Handlers(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in the stubs only
    """Handlers of every unary method and server stream of all services."""

    def __init__(
        self,
        answer: Callable[[str, Message, grpc.ServicerContext], Answer],
        sessions: Sessions | None,
    ) -> None:
        self._handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}
        if sessions is not None:
            self._handlers["/asha.v1.SuggestionService/TrainingSession"] = (
                grpc.stream_stream_rpc_method_handler(
                    sessions.run,
                    request_deserializer=pb.TrainingSessionRequest.FromString,
                    response_serializer=pb.TrainingSessionResponse.SerializeToString,
                )
            )
        services = [
            pb.DESCRIPTOR.services_by_name["SuggestionService"],
            experiment_service_pb2.DESCRIPTOR.services_by_name["ExperimentService"],
            admin_service_pb2.DESCRIPTOR.services_by_name["AdminService"],
        ]
        for service in services:
            for method in service.methods:
                if not method.client_streaming:
                    path = f"/{service.full_name}/{method.name}"
                    self._handlers[path] = self._handler(method, answer)

    @staticmethod
    def _handler(
        method: Any, answer: Callable[[str, Message, grpc.ServicerContext], Answer]
    ) -> grpc.RpcMethodHandler[Any, Any]:
        make = (
            grpc.unary_stream_rpc_method_handler
            if method.server_streaming
            else grpc.unary_unary_rpc_method_handler
        )
        return make(
            lambda request, context: answer(method.name, request, context),
            request_deserializer=message_factory.GetMessageClass(method.input_type).FromString,
            response_serializer=lambda m: m if isinstance(m, bytes) else m.SerializeToString(),
        )

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        return self._handlers.get(details.method)


# Answers, with what most tests do not care about filled in.


def decision(
    verdict: trial_pb2.Verdict, reason: trial_pb2.DecisionReason | None = None, next_step: int = 0
) -> trial_pb2.Decision:
    """A decision."""
    return trial_pb2.Decision(
        verdict=verdict,
        reason=trial_pb2.DECISION_REASON_BETWEEN_RUNGS if reason is None else reason,
        rung=-1,
        next_decision_step=next_step,
    )


def report_answer(
    verdict: trial_pb2.Verdict, reason: trial_pb2.DecisionReason | None = None, next_step: int = 0
) -> pb.ReportMetricResponse:
    """The answer to a report."""
    return pb.ReportMetricResponse(decision=decision(verdict, reason, next_step))


def heartbeat_answer(
    verdict: trial_pb2.Verdict = CONTINUE,
    reason: trial_pb2.DecisionReason | None = None,
    ttl_s: float = 60.0,
) -> pb.HeartbeatResponse:
    """The answer to a heartbeat; a lease goes with CONTINUE."""
    response = pb.HeartbeatResponse(decision=decision(verdict, reason))
    if verdict == CONTINUE:
        response.lease.ttl.CopyFrom(duration(ttl_s))
    return response


def assigned(
    trial_number: int = 0,
    *,
    kind: trial_pb2.AssignmentKind = trial_pb2.ASSIGNMENT_KIND_NEW,
    attempt: int = 1,
    start_step: int = 0,
    checkpoint_uri: str = "",
    next_decision_step: int = 3,
    max_length: int = 3,
    ttl_s: float = 60.0,
) -> pb.GetSuggestionResponse:
    """An assignment of a trial with one parameter, `lr`."""
    return pb.GetSuggestionResponse(
        assignment=pb.Assignment(
            experiment_id="digits",
            trial_number=trial_number,
            kind=kind,
            lease=trial_pb2.Lease(
                token=f"lease-{trial_number}-{attempt}", attempt=attempt, ttl=duration(ttl_s)
            ),
            parameters=[
                trial_pb2.Parameter(name="lr", value=trial_pb2.ParameterValue(double_value=0.1))
            ],
            trial_seed=7,
            start_step=start_step,
            checkpoint_uri=checkpoint_uri,
            next_decision_step=next_decision_step,
            max_length=max_length,
            unit="epochs",
            metric="val_loss",
        )
    )


def waiting(
    retry_after_s: float = 0.01,
    reason: pb.WaitReason = pb.WAIT_REASON_AWAITING_RESULTS,
) -> pb.GetSuggestionResponse:
    """Nothing to hand out now."""
    return pb.GetSuggestionResponse(
        wait=pb.Wait(retry_after=duration(retry_after_s), reason=reason)
    )


def finished() -> pb.GetSuggestionResponse:
    """No more work, ever."""
    return pb.GetSuggestionResponse(finished=pb.Finished(end_message="all trials ended"))


def connect(server: ScriptedServer, **settings: Any) -> asha_client.Client:
    """A client of the server that retries at once."""
    return asha_client.connect(server.address, max_backoff=0.01, **settings)


def wait_until(holds: Callable[[], bool]) -> None:
    """Waits for what another thread must bring about."""
    deadline = time.monotonic() + PATIENCE_S
    pause = threading.Event()
    while not holds():
        assert time.monotonic() < deadline, "it did not come to hold"
        pause.wait(0.005)

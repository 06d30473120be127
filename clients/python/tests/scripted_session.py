"""TrainingSession of the scripted server: one stream, by the same scripts as the unary calls.

Each request takes the next answer of its method; of several reports in one message each takes one.
A `Silence` leaves the whole message without an answer, a `Late` delays it and nothing after it. The
streams themselves are answered by the script of `TrainingSession`: `Carried` (the standing answer),
a `Refusal` before anything is read, or `Silence` to whatever comes.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

import grpc
from google.protobuf.message import Message

from asha_client.pb import error_pb2
from asha_client.pb import suggestion_service_pb2 as pb

from .scripted_answers import Answer, Late, Received, Refusal, Silence, duration, refuse

Outgoing = queue.SimpleQueue[pb.TrainingSessionResponse | None]
"""What a stream is to send; None ends it."""


_KILLED = Refusal("UNAVAILABLE")


class Sessions:
    """Every session of a server.

    Attributes:
        opened: streams so far.
        finished: of these, those that their clients have ended, as they should.
        messages: requests so far, on all streams.
    """

    def __init__(self, take: Callable[[Received], Answer]) -> None:
        self.opened = 0
        self.finished = 0
        self.messages: list[pb.TrainingSessionRequest] = []
        self._take = take
        self._streams: list[Outgoing] = []
        self._refusal = _KILLED

    def push(self, pushed: pb.PushedDecision) -> None:
        """Sends a decision that nobody asked for on every open stream; there must be one."""
        assert self._streams, "no session is open"
        for outgoing in list(self._streams):
            outgoing.put(pb.TrainingSessionResponse(pushed=pushed))

    def break_all(self, refusal: Refusal = _KILLED) -> None:
        """Ends every open stream, as a server that is killed or goes does."""
        self._refusal = refusal
        for outgoing in list(self._streams):
            outgoing.put(None)

    def run(
        self, requests: Iterator[pb.TrainingSessionRequest], context: grpc.ServicerContext
    ) -> Iterator[pb.TrainingSessionResponse]:
        """Serves one stream."""
        self.opened += 1
        metadata = dict(context.invocation_metadata())
        opening = pb.TrainingSessionRequest()
        answer = self._take(Received("TrainingSession", opening, None, metadata))
        if isinstance(answer, Refusal):
            refuse(context, answer)
        outgoing: Outgoing = queue.SimpleQueue()
        self._streams.append(outgoing)
        context.add_callback(lambda: outgoing.put(None))
        stream = _Stream(self._take, metadata, outgoing, is_silent=isinstance(answer, Silence))
        threading.Thread(target=self._read, args=(requests, stream), daemon=True).start()
        while (response := outgoing.get()) is not None:
            yield response
        self._streams.remove(outgoing)
        if stream.is_done:
            self.finished += 1
            return
        refuse(context, self._refusal)

    def _read(self, requests: Iterator[pb.TrainingSessionRequest], stream: _Stream) -> None:
        with contextlib.suppress(grpc.RpcError):
            for request in requests:
                self.messages.append(request)
                stream.serve(request)
            stream.finish()


class _Stream:
    """One stream's requests, and their answers.

    Attributes:
        is_done: whether its client has ended it, as it should.
    """

    def __init__(
        self,
        take: Callable[[Received], Answer],
        metadata: dict[str, str | bytes],
        outgoing: Outgoing,
        *,
        is_silent: bool,
    ) -> None:
        self._take = take
        self._metadata = metadata
        self._outgoing = outgoing
        self._is_silent = is_silent
        self.is_done = False

    def finish(self) -> None:
        """The client has no more to ask: ends the stream."""
        self.is_done = True
        self._outgoing.put(None)

    def serve(self, request: pb.TrainingSessionRequest) -> None:
        """Answers a request, now or later or never."""
        if self._is_silent:
            return
        field = str(request.WhichOneof("request"))
        content = getattr(request, field)
        contents = content.reports if field == "report_metrics" else [content]
        method = "ReportMetric" if field == "report_metrics" else field.title().replace("_", "")
        answers: list[Message | Refusal | bytes] = []
        after_s = 0.0
        for one in contents:
            answer = self._take(Received(method, one, None, self._metadata, in_session=True))
            if isinstance(answer, Late):
                after_s = max(after_s, answer.after_s)
                answer = answer.answer
            if isinstance(answer, Silence):
                answer.on_arrival()
                return
            assert isinstance(answer, (Message, Refusal, bytes)), f"{answer} is for unary calls"
            answers.append(answer)
        response = _response(field, answers)
        response.request_number = request.request_number
        if after_s == 0:
            self._outgoing.put(response)
        else:
            timer = threading.Timer(after_s, self._outgoing.put, [response])
            timer.daemon = True
            timer.start()


def _response(field: str, answers: list[Message | Refusal | bytes]) -> pb.TrainingSessionResponse:
    response = pb.TrainingSessionResponse()
    if field == "report_metrics":
        for answer in answers:
            _put(response.report_metrics.results.add(), "response", answer)
    else:
        _put(response, field, answers[0])
    return response


def _put(holder: Any, field: str, answer: Message | Refusal | bytes) -> None:
    """Sets the field, or the error of a message that has one or the other."""
    if isinstance(answer, Refusal):
        holder.error.CopyFrom(session_error(answer))
    else:
        content = getattr(holder, field)
        content.SetInParent()
        content.MergeFromString(answer if isinstance(answer, bytes) else answer.SerializeToString())


def session_error(refusal: Refusal) -> error_pb2.SessionError:
    """The refusal as a session tells it."""
    return error_pb2.SessionError(
        code=grpc.StatusCode[refusal.code].value[0],
        reason=f"ERROR_REASON_{refusal.reason or 'UNSPECIFIED'}",
        message="refused as scripted",
        metadata=refusal.metadata,
        field_violations=[
            error_pb2.FieldViolation(field=f, description=d) for f, d in refusal.violations
        ],
        retry_delay=None if refusal.retry_after_s is None else duration(refusal.retry_after_s),
    )

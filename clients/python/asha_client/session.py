"""One stream for the calls of a connection: less work a call, and decisions nobody asked for.

A session carries the same messages as the unary calls, so whatever is not answered when its stream
breaks is sent again, on the next one or as a unary call. A server or a proxy that does not carry
streams is noticed by the first one, and spoken to with unary calls for a while.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import grpc
from google.protobuf.message import Message

from asha_client import errors
from asha_client.decision import Decision, decode_decision
from asha_client.flow import (
    COMPLETE_TRIAL,
    FAIL_TRIAL,
    GET_SUGGESTION,
    HEARTBEAT,
    RELEASE_TRIAL,
    REPORT_CHECKPOINT,
    REPORT_METRIC,
    SHOULD_STOP,
)
from asha_client.pb import suggestion_service_pb2 as pb
from asha_client.tracing import trace_headers

log = logging.getLogger("asha_client")

PATH = "/asha.v1.SuggestionService/TrainingSession"
TRY_AGAIN_AFTER_S = 600.0
"""When a session is tried again with a server that refused one. Seconds."""
FAREWELL_S = 1.0
"""How long a closing client waits for the server to end its stream. Seconds."""
FRUITLESS_MAX = 3
"""After so many streams in a row that broke before any answer, a unary call is tried between."""

_FIELDS = {
    GET_SUGGESTION.path: "get_suggestion",
    HEARTBEAT.path: "heartbeat",
    SHOULD_STOP.path: "should_stop",
    REPORT_CHECKPOINT.path: "report_checkpoint",
    COMPLETE_TRIAL.path: "complete_trial",
    FAIL_TRIAL.path: "fail_trial",
    RELEASE_TRIAL.path: "release_trial",
}
"""Path of a unary method -> the field of a session's request and of its answer."""


class NoSession(Exception):
    """The server, or what is between, has no sessions: use unary calls."""


class Follower(Protocol):
    """An attempt that wants to hear what is decided about it."""

    @property
    def experiment_id(self) -> str:
        """Its experiment."""

    @property
    def number(self) -> int:
        """Its trial."""

    @property
    def attempt(self) -> int:
        """Its number, from 1."""

    def note_decision(self, decision: Decision) -> None:
        """The server said what is to become of the attempt."""


class Session:
    """The session of a connection: opened by the first call, and again after it broke.

    Threads may share it.

    Args:
        open_channel: the connection's channel.
        metadata: headers of every call.
    """

    def __init__(
        self, open_channel: Callable[[], grpc.Channel], metadata: Sequence[tuple[str, str]]
    ) -> None:
        self._open_channel = open_channel
        self._metadata = tuple(metadata)
        self._lock = threading.Lock()
        self._stream: _Stream | None = None
        self._refused_until_s = 0.0
        self._fruitless = 0
        self._followers: weakref.WeakValueDictionary[tuple[str, int, int], Follower] = (
            weakref.WeakValueDictionary()
        )

    def follow(self, follower: Follower) -> None:
        """Tells an attempt, for as long as it lives, what is decided about it unasked."""
        key = (follower.experiment_id, follower.number, follower.attempt)
        self._followers[key] = follower

    def call(self, path: str, request: Message, deadline_s: float) -> Message:
        """The answer to what would be a unary call.

        Raises:
            NoSession: use the unary call.
            AshaError: what the server refused, or Unavailable: it is to be sent again.
        """
        if path == REPORT_METRIC.path:
            assert isinstance(request, pb.ReportMetricRequest)
            (answer,) = self.report([request], deadline_s)
            if isinstance(answer, errors.AshaError):
                raise answer
            return answer
        field = _FIELDS.get(path)
        if field is None:
            raise NoSession
        answered: Message = getattr(self._ask(field, request, deadline_s), field)
        return answered

    def report(
        self, reports: Sequence[pb.ReportMetricRequest], deadline_s: float
    ) -> list[pb.ReportMetricResponse | errors.AshaError]:
        """The answers to several reports, in their order, each by itself.

        Raises:
            NoSession: use unary calls.
            AshaError: nothing is known of any of them; Unavailable: they are to be sent again.
        """
        request = pb.ReportMetricsRequest(reports=reports)
        response = self._ask("report_metrics", request, deadline_s)
        return [
            errors.decode_session_error(result.error)
            if result.HasField("error")
            else result.response
            for result in response.report_metrics.results
        ]

    def _ask(self, field: str, request: Message, deadline_s: float) -> pb.TrainingSessionResponse:
        stream = self._opened()
        try:
            answer = stream.ask(field, request, deadline_s)
        except _Broken as broken:
            if not stream.has_answered and not stream.is_counted:
                stream.is_counted = True  # by whichever of the requests that it broke under
                self._fruitless += 1
            if self._fruitless >= FRUITLESS_MAX:
                self._fruitless = 0
                raise NoSession from broken
            # What refuses a stream before it ever answered does not carry streams, or has a word
            # to say that a unary call hears better.
            if not stream.has_answered and broken.error.code != "UNAVAILABLE":
                self._refuse(stream, broken.error)
                raise NoSession from broken
            raise errors.Unavailable(
                f"the session broke before it was answered: {broken.error}",
                code="UNAVAILABLE",
                reason=broken.error.reason,
                metadata=broken.error.metadata,
                retry_after_s=broken.error.retry_after_s,  # when a server that goes is back
            ) from broken
        self._fruitless = 0
        return answer

    def _opened(self) -> _Stream:
        with self._lock:
            if time.monotonic() < self._refused_until_s:
                raise NoSession
            if self._stream is None or self._stream.is_over:
                self._stream = _Stream(self._open_channel(), self._metadata, self._push)
            return self._stream

    def _refuse(self, stream: _Stream, error: errors.AshaError) -> None:
        with self._lock:
            if self._stream is stream:
                self._stream = None
                self._refused_until_s = time.monotonic() + TRY_AGAIN_AFTER_S
                log.debug("no sessions with this server, unary calls instead: %s", error)
        stream.cancel()

    def _push(self, pushed: pb.PushedDecision) -> None:
        key = (pushed.experiment_id, pushed.trial_number, pushed.attempt)
        follower = self._followers.get(key)
        if follower is not None:
            follower.note_decision(decode_decision(pushed.decision))

    def close(self) -> None:
        """Ends the stream once the server has heard all of it; the next call opens another one."""
        with self._lock:
            stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()

    def abandon(self) -> object:
        """Gives the inherited stream away in a forked child, where it must not be touched."""
        stream, self._stream = self._stream, None
        self._lock = threading.Lock()
        return stream


class _Broken(Exception):
    """The stream ended before the answer came."""

    def __init__(self, error: errors.AshaError) -> None:
        super().__init__(str(error))
        self.error = error


class _Pending:
    """A request that waits for its answer."""

    __slots__ = ("answer", "answered", "error")

    def __init__(self) -> None:
        self.answered = threading.Event()
        self.answer: pb.TrainingSessionResponse | None = None
        self.error: Exception = errors.Unavailable("no answer")

    def take_error(self) -> Exception:
        """Why there is no answer; not kept, so that its traceback keeps no loop of a user alive."""
        error = self.error
        del self.error
        return error


class _Stream:
    """One stream, from its opening to its end.

    Attributes:
        has_answered: whether anything ever came.
        is_counted: whether it was counted as fruitless.
    """

    def __init__(
        self,
        channel: grpc.Channel,
        metadata: tuple[tuple[str, str], ...],
        push: Callable[[pb.PushedDecision], None],
    ) -> None:
        self.has_answered = False
        self.is_counted = False
        self._push = push
        self._lock = threading.Lock()
        self._outgoing: queue.SimpleQueue[pb.TrainingSessionRequest | None] = queue.SimpleQueue()
        self._pending: dict[int, _Pending] = {}
        self._number = 0
        self._end: errors.AshaError | None = None
        self._call: Any = channel.stream_stream(
            PATH,
            request_serializer=pb.TrainingSessionRequest.SerializeToString,
            response_deserializer=pb.TrainingSessionResponse.FromString,
        )(iter(self._outgoing.get, None), metadata=metadata)
        self._reader = threading.Thread(target=self._read, name="asha-session", daemon=True)
        self._reader.start()

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self._end is not None

    def ask(self, field: str, request: Message, deadline_s: float) -> pb.TrainingSessionResponse:
        """The answer to a request.

        Raises:
            _Broken: the stream ended first.
            AshaError: it was refused, or Unavailable: no answer within the deadline.
        """
        pending = _Pending()
        with self._lock:
            if self._end is not None:
                raise _Broken(self._end)
            self._number += 1
            number = self._number
            self._pending[number] = pending
            message = pb.TrainingSessionRequest(
                request_number=number, traceparent=trace_headers().get("traceparent", "")
            )
            getattr(message, field).CopyFrom(request)
            self._outgoing.put(message)
        if not pending.answered.wait(deadline_s):
            with self._lock:
                self._pending.pop(number, None)
            error = errors.Unavailable(
                f"no answer on the session for {deadline_s:.0f} s", code="DEADLINE_EXCEEDED"
            )
            if not self.has_answered:  # a proxy that keeps everything back until the stream ends
                raise _Broken(error)
            raise error
        if pending.answer is None:
            raise pending.take_error()
        return pending.answer

    def _read(self) -> None:
        try:
            for response in self._call:
                self.has_answered = True
                if response.HasField("pushed"):
                    self._push(response.pushed)
                else:
                    self._settle(response)
            end: errors.AshaError = errors.Unavailable("the server ended it", code="UNAVAILABLE")
        except grpc.RpcError as error:
            end = errors.decode_error(error)
        with self._lock:
            self._end = end
            lost, self._pending = self._pending, {}
        self._outgoing.put(None)
        for pending in lost.values():
            pending.error = _Broken(end)
            pending.answered.set()

    def _settle(self, response: pb.TrainingSessionResponse) -> None:
        with self._lock:
            pending = self._pending.pop(response.request_number, None)
        if pending is None:
            return  # its deadline has passed
        if response.HasField("error"):
            pending.error = errors.decode_session_error(response.error)
        else:
            pending.answer = response
        pending.answered.set()

    def close(self) -> None:
        """Asks no more, lets the server end it, and cancels it if that takes long."""
        self._outgoing.put(None)
        self._reader.join(FAREWELL_S)
        self.cancel()

    def cancel(self) -> None:
        """Ends it at once; what waits is told that it broke."""
        self._call.cancel()

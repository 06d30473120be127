"""The blocking connection: one channel, deadlines on every call, retries as api.md says.

Retried are UNAVAILABLE, DEADLINE_EXCEEDED and RESOURCE_EXHAUSTED that carries RetryInfo, nothing
else; the very same message is sent again, so the server counts it once.
"""

from __future__ import annotations

import logging
import os
import random
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import grpc
from google.protobuf.message import Message

from asha_client import errors
from asha_client.flow import (
    CALL_DEADLINE_S,
    REPORT_METRIC,
    Call,
    Effect,
    Flow,
    Invoke,
    Method,
    RequestT,
    ResponseT,
    Share,
    Sleep,
)
from asha_client.pb import suggestion_service_pb2 as pb
from asha_client.session import Follower, NoSession, Session
from asha_client.tracing import trace_headers

log = logging.getLogger("asha_client")

ResultT = TypeVar("ResultT")

Metadata = tuple[tuple[str, str], ...]
"""Headers of a call, as gRPC takes them."""

FIRST_BACKOFF_S = 0.2
FIRST_WARNING_S = 1.0

CHANNEL_OPTIONS: tuple[tuple[str, int | str], ...] = (
    # gRPC's own reconnect back-off grows to 2 minutes and fails calls meanwhile; ours is enough.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    # Turns TCP_USER_TIMEOUT on: bytes unacknowledged for 20 s break the connection instead of
    # leaving it half open. Pings stay rarer than the 5 minutes that servers tolerate by default.
    ("grpc.keepalive_time_ms", 360_000),
    ("grpc.keepalive_timeout_ms", 20_000),
)


@dataclass(frozen=True, slots=True)
class Target:
    """Where the server is and how it is called.

    Attributes:
        address: `host:port` or `unix:path`.
        credentials: TLS; None = plaintext.
        token: sent as `authorization: Bearer …`; None = none.
        retry_for_s: how long a call is retried, in seconds; None = for ever.
        max_backoff_s: longest pause between two attempts, in seconds.
        options: of the gRPC channel, after ours.
        sessions: whether calls go over one stream where the server has it.
        deadline_s: of one attempt at a call that does not wait, in seconds.
    """

    address: str
    credentials: grpc.ChannelCredentials | None = None
    token: str | None = field(default=None, repr=False)
    retry_for_s: float | None = None
    max_backoff_s: float = 20.0
    options: tuple[tuple[str, int | str], ...] = ()
    sessions: bool = True
    deadline_s: float = CALL_DEADLINE_S

    @property
    def metadata(self) -> Metadata:
        """What goes with every call: the token, and the trace that the caller is in."""
        return (*self.access, *trace_headers().items())

    @property
    def access(self) -> Metadata:
        """What lets a call in."""
        return (("authorization", f"Bearer {self.token}"),) if self.token else ()

    def attempt_s(self, deadline_s: float | None, wait_s: float = 0.0) -> float:
        """How long one attempt may take, in seconds: the given deadline or ours, and the wait."""
        return (self.deadline_s if deadline_s is None else deadline_s) + wait_s

    @property
    def channel_options(self) -> list[tuple[str, int | str]]:
        """Options of the channel, the user's last, so that they win."""
        return [*CHANNEL_OPTIONS, *self.options]


class Backoff:
    """When to send one call again: exponential with full jitter, a warning per growing interval.

    Args:
        target: the server, for its retry limits and the warning's text.
        name: the method's, for the warning's text.
        retry_for_s: at most so long, in seconds; None = as long as the target allows.
    """

    def __init__(self, target: Target, name: str, retry_for_s: float | None = None) -> None:
        self._target = target
        self._name = name
        limits = [s for s in (target.retry_for_s, retry_for_s) if s is not None]
        self._retry_for_s = min(limits, default=None)
        self._began = time.monotonic()
        self._attempts = 0
        self._warn_after_s = FIRST_WARNING_S

    def pause_after(self, error: errors.AshaError) -> float:
        """Seconds to wait before the next attempt.

        Raises:
            AshaError: the given error, if it may not be retried or not for longer.
        """
        elapsed_s = time.monotonic() - self._began
        if not error.is_retryable:
            raise error
        self._attempts += 1
        ceiling_s = min(self._target.max_backoff_s, FIRST_BACKOFF_S * 2 ** min(self._attempts, 16))
        pause_s = (error.retry_after_s or 0.0) + random.uniform(0, ceiling_s)
        if self._retry_for_s is not None and elapsed_s + pause_s > self._retry_for_s:
            raise error
        if elapsed_s >= self._warn_after_s:
            self._warn_after_s = 2 * elapsed_s
            log.warning(
                "%s has failed for %.0f s (%d attempts), still trying: %s; the server is %s",
                self._name,
                elapsed_s,
                self._attempts,
                error,
                self._target.address,
            )
        return pause_s


class Connection:
    """A channel that is opened by the first call and belongs to the process that opened it.

    Threads may share it.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self._lock = threading.Lock()
        self._channel: grpc.Channel | None = None
        self._pid = os.getpid()
        self._session = Session(self.open, target.access) if target.sessions else None
        register(self)

    def call(
        self,
        method: Method[RequestT, ResponseT],
        request: RequestT,
        *,
        wait_s: float = 0.0,
        deadline_s: float | None = None,
        retry_for_s: float | None = None,
        in_session: bool = True,
    ) -> ResponseT:
        """Sends a request until it is answered.

        Args:
            method: what is called.
            request: the same message for every attempt.
            wait_s: how long the server may hold the call, beside its deadline, in seconds.
            deadline_s: of each attempt, in seconds; None = as configured.
            retry_for_s: how long to retry, in seconds; None = as configured, 0 = not at all.
            in_session: whether it may go over the session's stream, which other threads share.

        Raises:
            AshaError: what the server refused, or Unavailable when retry_for_s is over.
            ForkedProcess: this process is a fork of the one that made the connection.
        """
        timeout_s = self.target.attempt_s(deadline_s, wait_s)

        def send(metadata: Metadata) -> ResponseT:
            if self._session is not None and in_session:
                try:
                    answer = self._session.call(method.path, request, timeout_s)
                except NoSession:
                    pass
                else:
                    assert isinstance(answer, method.response)
                    return answer
            callable_ = self.open().unary_unary(
                method.path,
                request_serializer=_serialize,
                response_deserializer=method.response.FromString,
            )
            response: ResponseT = callable_(request, timeout=timeout_s, metadata=metadata)
            return response

        return self.retry(send, method.name, retry_for_s)

    def retry(
        self, send: Callable[[Metadata], ResultT], name: str, retry_for_s: float | None = None
    ) -> ResultT:
        """Does something until it is answered.

        Args:
            send: one attempt, given the metadata that goes with every call.
            name: the method's, for the warnings' text.
            retry_for_s: how long to retry, in seconds; None = as configured, 0 = not at all.

        Raises:
            AshaError: what the server refused, or Unavailable when retry_for_s is over.
        """
        backoff = Backoff(self.target, name, retry_for_s)
        while True:
            try:
                return send(self.target.metadata)
            except grpc.RpcError as error:
                refusal = errors.decode_error(error)
            except errors.AshaError as error:  # of a session
                refusal = error.with_traceback(None)  # which would keep a user's loop alive
            time.sleep(backoff.pause_after(refusal))

    def report(
        self, reports: Sequence[pb.ReportMetricRequest], *, deadline_s: float
    ) -> list[pb.ReportMetricResponse | errors.AshaError]:
        """Sends several reports until all are answered, and answers each.

        Raises:
            AshaError: Unavailable, when it was tried for as long as is configured.
        """
        answers: list[pb.ReportMetricResponse | errors.AshaError] = []

        def send(_: Metadata) -> None:
            for answer in self._report_once(reports[len(answers) :], deadline_s):
                if isinstance(answer, errors.AshaError) and answer.is_retryable:
                    raise answer  # it and all after it again: what was recorded counts once
                answers.append(answer)

        self.retry(send, "ReportMetric")
        return answers

    def _report_once(
        self, reports: Sequence[pb.ReportMetricRequest], deadline_s: float
    ) -> Iterable[pb.ReportMetricResponse | errors.AshaError]:
        """In one message, or one after the other where there are no sessions."""
        if self._session is not None:
            try:
                return self._session.report(reports, deadline_s)
            except NoSession:
                pass
        return (self._report_alone(report, deadline_s) for report in reports)

    def _report_alone(
        self, report: pb.ReportMetricRequest, deadline_s: float
    ) -> pb.ReportMetricResponse | errors.AshaError:
        try:
            return self.call(
                REPORT_METRIC, report, deadline_s=deadline_s, retry_for_s=0, in_session=False
            )
        except errors.AshaError as error:
            return error

    def follow(self, follower: Follower) -> None:
        """Tells an attempt what is decided about it unasked, where the server pushes it."""
        if self._session is not None:
            self._session.follow(follower)

    def open(self) -> grpc.Channel:
        """The channel, opened if need be.

        Raises:
            ForkedProcess: this process is a fork of the one that made the connection.
        """
        check_process(self._pid)
        channel = self._channel
        if channel is None:
            with self._lock:
                channel = self._channel = self._channel or self._new_channel()
        return channel

    def _new_channel(self) -> grpc.Channel:
        """A channel to the target; connects with the first call."""
        target = self.target
        if target.credentials is None:
            return grpc.insecure_channel(target.address, options=target.channel_options)
        return grpc.secure_channel(
            target.address, target.credentials, options=target.channel_options
        )

    def close(self) -> None:
        """Closes the channel; the next call opens another one. Does nothing in a forked child."""
        if os.getpid() != self._pid:
            return
        if self._session is not None:
            self._session.close()
        with self._lock:
            channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()

    def abandon(self) -> object:
        """Gives the inherited channel away in a forked child, where it must not be touched."""
        channel, self._channel = self._channel, None
        self._lock = threading.Lock()
        return channel, self._session.abandon() if self._session is not None else None


class Abandonable(Protocol):
    """What holds a channel that a forked child must leave alone."""

    def abandon(self) -> object:
        """Gives the channel away without a call into gRPC."""


_connections: weakref.WeakSet[Abandonable] = weakref.WeakSet()
_inherited: list[object] = []
"""Channels of the parent, kept for ever: destroying one in the child would call into gRPC."""


def register(connection: Abandonable) -> None:
    """Has the connection give its channel away in every forked child."""
    _connections.add(connection)


def _abandon_after_fork() -> None:
    _inherited.extend(connection.abandon() for connection in list(_connections))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_abandon_after_fork)


def check_process(pid: int) -> None:
    """Refuses work in a fork of the process that made the client.

    Raises:
        ForkedProcess: the calling process is not the given one.
    """
    if os.getpid() != pid:
        raise errors.ForkedProcess(
            "this process is a fork of the one that connected; gRPC does not survive a fork. "
            "Report from the parent, or start workers with multiprocessing's 'spawn' and let each "
            "call asha_client.connect()",
            metadata={"parent_pid": str(pid)},
        )


def perform(
    effect: Effect,
    connection: Connection,
    broadcast: Callable[[object], object] | None = None,
    *,
    in_session: bool = True,
) -> object:
    """Performs one effect, blocking."""
    match effect:
        case Call():
            return connection.call(
                effect.method,
                effect.request,
                wait_s=effect.wait_s,
                deadline_s=effect.deadline_s,
                retry_for_s=effect.retry_for_s,
                in_session=in_session,
            )
        case Sleep():
            time.sleep(effect.seconds)
            return None
        case Invoke():
            return effect.function()
        case Share():
            assert broadcast is not None
            return broadcast(effect.value)


def drive(flow: Flow[ResultT], performer: Callable[[Effect], object]) -> ResultT:
    """Runs a flow to its end with blocking effects, and returns its value."""
    try:
        effect = next(flow)
        while True:
            try:
                result = performer(effect)
            except BaseException as error:
                effect = flow.throw(error)
            else:
                effect = flow.send(result)
    except StopIteration as done:
        value: ResultT = done.value
        return value


def _serialize(message: Message) -> bytes:
    return message.SerializeToString()

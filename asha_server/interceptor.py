"""The one interceptor: lets in who may call; bad bytes, refusals and bugs become statuses."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf.message import DecodeError

from asha_server.errors import AshaError, InvalidRequest
from asha_server.guard import admit, charge
from asha_server.identity import caller
from asha_server.status import WireStatus, internal_status, status_of

if TYPE_CHECKING:
    from asha_server.accounts import Account
    from asha_server.call_stats import CallStats
    from asha_server.config import Limits
    from asha_server.guard import Guard

log = logging.getLogger(__name__)

WAITING = frozenset({"GetSuggestion", "ShouldStop"})
"""Calls that may wait as long as their client wishes: how long says nothing of the server."""
_PREFIX = "/asha.v1."
_DETAILS = "grpc-status-details-bin"

Handler = Any
Context = Any
Messages = Any


class Unreadable:
    """What stands for a request whose bytes are no message, or too many.

    Attributes:
        error: the refusal.
    """

    __slots__ = ("error",)

    def __init__(self, error: InvalidRequest) -> None:
        self.error = error


class ErrorInterceptor(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]  # generic in stubs only
    """Lets in who may call, and maps every error of our services to its status.

    Args:
        limits: what the server bears.
        guard: knows who calls.
        calls: counts them.
    """

    def __init__(self, limits: Limits, guard: Guard, calls: CallStats) -> None:
        self._request_bytes_max = limits.request_bytes_max
        self._guard = guard
        self._calls = calls
        self._wrapped: dict[str, Handler] = {}

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Handler]], handler_call_details: Any
    ) -> Handler:
        """The handler of a call, wrapped once per method."""
        method = handler_call_details.method
        if not method.startswith(_PREFIX):
            return await continuation(handler_call_details)
        handler = self._wrapped.get(method)
        if handler is None:
            found = await continuation(handler_call_details)
            if found is None:
                return None
            handler = self._wrapped[method] = self._wrap(method.rpartition("/")[2], found)
        return handler

    def _wrap(self, name: str, handler: Handler) -> Handler:
        read = self._reading(handler.request_deserializer)
        written = handler.response_serializer
        if handler.request_streaming and handler.response_streaming:
            behavior = _conversing(name, handler.stream_stream, self._guard, self._calls)
            return grpc.stream_stream_rpc_method_handler(behavior, read, written)
        if handler.request_streaming:
            behavior = _answering(name, handler.stream_unary, self._guard, self._calls)
            return grpc.stream_unary_rpc_method_handler(behavior, read, written)
        if handler.response_streaming:
            behavior = _streaming(name, handler.unary_stream, self._guard, self._calls)
            return grpc.unary_stream_rpc_method_handler(behavior, read, written)
        behavior = _answering(name, handler.unary_unary, self._guard, self._calls)
        return grpc.unary_unary_rpc_method_handler(behavior, read, written)

    def _reading(self, deserialize: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
        """The message of some bytes, or what stands for them; never raises."""
        bytes_max = self._request_bytes_max

        def read(raw: bytes) -> Any:
            if len(raw) > bytes_max:
                size = f"has {len(raw)} bytes; at most {bytes_max} are allowed"
                return Unreadable(InvalidRequest.of("request", size))
            try:
                return deserialize(raw)
            except DecodeError:
                why = "is not a message of this type, or holds a text that is not UTF-8"
                return Unreadable(InvalidRequest.of("request", why))

        return read


def _answering(
    name: str, inner: Callable[[Any, Context], Awaitable[Any]], guard: Guard, calls: CallStats
) -> Handler:
    is_timed = name not in WAITING

    async def behavior(request: Any, context: Context) -> Any:
        started = time.perf_counter_ns()
        charged: Account | None = None
        calls.open_count += 1
        try:
            identity = guard.identify(context)
            charged = charge(name, request)
            if isinstance(request, Unreadable):
                raise request.error
            admit(name, request)
            response = await inner(request, context)
            if name != "RevokeToken":  # which may have been of the caller's own
                identity.check_holds()  # a long poll may outlive its token
        except Exception as error:
            await _refuse(name, request, context, error, started, calls)
            raise AssertionError("abort raises") from error
        finally:
            calls.open_count -= 1
            if charged is not None:
                charged.end_call()
        calls.note(name, "OK", "", (time.perf_counter_ns() - started) / 1e9 if is_timed else None)
        if log.isEnabledFor(logging.INFO):
            _log(name, "OK", request, context, started)
        return response

    return behavior


def _streaming(
    name: str,
    inner: Callable[[Any, Context], AsyncGenerator[Any, None]],
    guard: Guard,
    calls: CallStats,
) -> Handler:
    async def behavior(request: Any, context: Context) -> AsyncIterator[Any]:
        started = time.perf_counter_ns()
        charged: Account | None = None
        calls.open_count += 1
        try:
            identity = guard.identify(context)
            charged = charge(name, request)
            if isinstance(request, Unreadable):
                raise request.error
            admit(name, request)
            # At once: some libraries open a stream by waiting for the headers of its answers.
            await context.send_initial_metadata(())
            async with aclosing(inner(request, context)) as responses:
                async for response in responses:
                    identity.check_holds()
                    yield response
        except Exception as error:
            await _refuse(name, request, context, error, started, calls)
        finally:
            calls.open_count -= 1
            if charged is not None:
                charged.end_call()
        calls.note(name, "OK", "", None)
        if log.isEnabledFor(logging.INFO):
            _log(name, "OK", request, context, started)

    return behavior


def _conversing(
    name: str,
    inner: Callable[[Any, Context], Awaitable[None]],
    guard: Guard,
    calls: CallStats,
) -> Handler:
    async def behavior(requests: Any, context: Context) -> None:
        started = time.perf_counter_ns()
        calls.open_count += 1
        try:
            guard.identify(context)
            charge(name, requests)
            admit(name, requests)
            await context.send_initial_metadata(())  # as above
            await inner(requests, context)
        except Exception as error:
            await _refuse(name, requests, context, error, started, calls)
        finally:
            calls.open_count -= 1
        calls.note(name, "OK", "", None)
        if log.isEnabledFor(logging.INFO):
            _log(name, "OK", requests, context, started)

    return behavior


async def _refuse(
    name: str, request: Any, context: Context, error: Exception, started: int, calls: CallStats
) -> None:
    """Ends the call with the status of an error."""
    status = refusal_of(name, error)
    reason = str(error.reason) if isinstance(error, AshaError) else "INTERNAL"
    calls.note(name, status.code.name, reason, None)
    _log(name, f"{status.code.name}/{reason}", request, context, started)
    await context.abort(status.code, status.message, ((_DETAILS, status.details),))


def refusal_of(name: str, error: Exception) -> WireStatus:
    """What a call ends with that an error came out of; a bug is logged as an incident."""
    return status_of(error) if isinstance(error, AshaError) else _incident(name, error)


def _incident(name: str, error: Exception) -> WireStatus:
    incident = secrets.token_hex(6)
    log.error("internal_error", extra={"method": name, "incident": incident}, exc_info=error)
    return internal_status(incident)


def _log(name: str, code: str, request: Any, context: Context, started: int) -> None:
    log.info(
        "rpc",
        extra={
            "method": name,
            "code": code,
            "experiment_id": getattr(request, "experiment_id", ""),
            "trial_number": getattr(request, "trial_number", None),
            "duration_us": (time.perf_counter_ns() - started) // 1000,
            "peer": context.peer(),
            "identity": caller.get().name,
        },
    )

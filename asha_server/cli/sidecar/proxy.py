"""The calls that pass through the socket, one handler a kind of call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from asha_server.cli.sidecar.gate import EXPERIMENTS, READS, SUGGESTIONS, Gate, SessionGate
from asha_server.config import Limits
from asha_server.errors import AshaError, InvalidRequest
from asha_server.pb import suggestion_service_pb2 as pb
from asha_server.service.session_error import session_error
from asha_server.status import WireStatus, status_of

_DETAILS = "grpc-status-details-bin"
_HEALTH = "grpc.health.v1.Health"
MESSAGE_BYTES_MAX = 4 * Limits().request_bytes_max
"""Of a request or answer that passes; the server's own limit is below and explains itself."""

Metadata = tuple[tuple[str, str], ...]


class Proxy:
    """Passes calls on to the server, with the sidecar's token in place of the caller's.

    Args:
        channel: to the server.
        metadata: the sidecar's token.
        gate: lets requests pass, and notices what is held.

    Attributes:
        open_calls: calls of ours that are not answered yet, streams among them; health is none.
    """

    def __init__(self, channel: grpc.aio.Channel, metadata: Metadata, gate: Gate) -> None:
        self._channel: Any = channel  # the stubs want serializers; here bytes pass as they are
        self._metadata = metadata
        self._gate = gate
        self.open_calls = 0

    def serve(self, server: grpc.aio.Server) -> None:
        """Adds the handlers."""
        for service, methods in ((SUGGESTIONS, SUGGESTIONS.methods), (EXPERIMENTS, READS)):
            handlers = {method.name: self._handler(method) for method in methods}
            server.add_generic_rpc_handlers(
                (grpc.method_handlers_generic_handler(service.full_name, handlers),)
            )
        health = {
            "Check": grpc.unary_unary_rpc_method_handler(self._pass_on(f"/{_HEALTH}/Check")),
            "Watch": grpc.unary_stream_rpc_method_handler(self._stream_on(f"/{_HEALTH}/Watch")),
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_HEALTH, health),))

    def _handler(self, method: MethodDescriptor) -> Any:
        path = f"/{method.containing_service.full_name}/{method.name}"
        if method.client_streaming:
            return grpc.stream_stream_rpc_method_handler(self._session(path))
        if method.server_streaming:
            return grpc.unary_stream_rpc_method_handler(self._stream_on(path, method))
        return grpc.unary_unary_rpc_method_handler(self._pass_on(path, method))

    def _pass_on(self, path: str, method: MethodDescriptor | None = None) -> Any:
        """The handler of a unary call; without a method it passes as it is."""
        send = self._channel.unary_unary(path)

        async def behavior(raw: bytes, context: Any) -> bytes:
            self.open_calls += method is not None
            request: Any = None
            name = method.name if method is not None else ""
            try:
                if method is not None:
                    request = _parse(method, raw)
                    self._gate.admit(name, request)
                    raw = request.SerializeToString()
                answer: bytes = await send(
                    raw, timeout=context.time_remaining(), metadata=self._metadata
                )
                if method is not None:
                    response = GetMessageClass(method.output_type).FromString(answer)
                    self._gate.observe(name, request, response)
            except AshaError as error:
                await _abort(context, status_of(error))
            except grpc.aio.AioRpcError as error:
                if request is not None:
                    self._gate.refuse(name, request, error.code().name)
                await _abort_as(context, error)
            finally:
                self.open_calls -= method is not None
            return answer

        return behavior

    def _stream_on(self, path: str, method: MethodDescriptor | None = None) -> Any:
        """The handler of a call with a stream of answers."""
        send = self._channel.unary_stream(path)

        async def behavior(raw: bytes, context: Any) -> AsyncIterator[bytes]:
            self.open_calls += method is not None
            call: Any = None
            try:
                if method is not None:
                    request = _parse(method, raw)
                    self._gate.admit(method.name, request)
                    raw = request.SerializeToString()
                call = send(raw, timeout=context.time_remaining(), metadata=self._metadata)
                async for answer in call:
                    yield answer
            except AshaError as error:
                await _abort(context, status_of(error))
            except grpc.aio.AioRpcError as error:
                await _abort_as(context, error)
            finally:
                self.open_calls -= method is not None
                if call is not None:
                    call.cancel()

        return behavior

    def _session(self, path: str) -> Any:
        """The handler of TrainingSession."""
        send = self._channel.stream_stream(path)

        async def behavior(requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
            self.open_calls += 1
            call = send(metadata=self._metadata)
            session = SessionGate(self._gate)
            answers: asyncio.Queue[bytes | None] = asyncio.Queue()
            tasks = [
                asyncio.create_task(_ask(session, requests, call, answers)),
                asyncio.create_task(_hear(session, call, answers)),
            ]
            try:
                while (answer := await answers.get()) is not None:
                    yield answer
                await tasks[1]  # which tells why the stream ended
            except AshaError as error:
                await _abort(context, status_of(error))
            except grpc.aio.AioRpcError as error:
                await _abort_as(context, error)
            finally:
                self.open_calls -= 1
                for task in tasks:
                    task.cancel()
                call.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

        return behavior


async def _ask(
    session: SessionGate,
    requests: AsyncIterator[bytes],
    call: Any,
    answers: asyncio.Queue[bytes | None],
) -> None:
    """Passes the requests of a session on; those that may not pass are answered here."""
    async for raw in requests:
        try:
            request = pb.TrainingSessionRequest.FromString(raw)
        except DecodeError:
            await call.write(raw)  # the server says what is wrong with it, and ends the stream
            continue
        refusal = session.admit(request)
        if refusal is None:
            await call.write(request.SerializeToString())
            continue
        response = pb.TrainingSessionResponse(
            request_number=request.request_number, error=session_error(status_of(refusal))
        )
        answers.put_nowait(response.SerializeToString())
    await call.done_writing()


async def _hear(session: SessionGate, call: Any, answers: asyncio.Queue[bytes | None]) -> None:
    """Passes the answers of a session on, until its end."""
    try:
        async for raw in call:
            session.observe(pb.TrainingSessionResponse.FromString(raw))
            answers.put_nowait(raw)
    finally:
        answers.put_nowait(None)


def _parse(method: MethodDescriptor, raw: bytes) -> Message:
    """The request of some bytes.

    Raises:
        InvalidRequest: they are none.
    """
    try:
        return GetMessageClass(method.input_type).FromString(raw)
    except DecodeError:
        why = "is not a message of this type, or holds a text that is not UTF-8"
        raise InvalidRequest.of("request", why) from None


async def _abort(context: Any, status: WireStatus) -> None:
    """Ends a call with a refusal of the sidecar's."""
    await context.abort(status.code, status.message, ((_DETAILS, status.details),))


async def _abort_as(context: Any, error: grpc.aio.AioRpcError) -> None:
    """Ends a call as the server ended it."""
    trailer: Any = error.trailing_metadata() or ()
    details = tuple((key, value) for key, value in trailer if key == _DETAILS)
    await context.abort(error.code(), error.details() or "", details)

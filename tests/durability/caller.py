"""Calls that go on until they are answered, each written into the journal."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import grpc
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2, status_pb2

from asha_server.pb import admin_service_pb2, experiment_service_pb2, suggestion_service_pb2

from .journal import Exchange, Journal

DEADLINE_S = 20.0
IMPATIENT_S = 0.03
"""A deadline that often passes while the batch commits."""
UNANSWERED = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
)
"""Nobody knows whether the request was carried out: the very same is sent again."""
CHANNEL_OPTIONS = [("grpc.initial_reconnect_backoff_ms", 20), ("grpc.max_reconnect_backoff_ms", 60)]

METHODS = {
    method.name: (f"/{service.full_name}/{method.name}", GetMessageClass(method.output_type))
    for module in (suggestion_service_pb2, experiment_service_pb2, admin_service_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}


Outcome = tuple[Any, str]
"""(response, ""), or (None, "CODE/REASON") of a refusal."""


class Caller:
    """One connection of several workers and people.

    Args:
        channel: to the server.
        journal: takes note of every exchange.
        random: decides how impatient and how forgetful callers are.

    Attributes:
        sending: set whenever a request has just been sent.
        answering: set whenever an answer has just come.
        held: long polls that are unanswered now.
    """

    def __init__(self, channel: grpc.aio.Channel, journal: Journal, random: random.Random) -> None:
        self.journal = journal
        self.sending = asyncio.Event()
        self.answering = asyncio.Event()
        self.held = 0
        self._channel = channel
        self._random = random

    async def call(self, method: str, request: Any, *, is_repeat: bool = False) -> Exchange:
        """Sends a request until it is answered or refused, however often the server dies.

        Now and then it is given up early, or sent twice at one time: the outcome is the same.
        """
        exchange = self.journal.send(method, request, is_repeat=is_repeat)
        may_hold = method == "GetSuggestion" and request.HasField("max_wait")
        self.held += may_hold
        try:
            while not exchange.answered:
                is_twin = self._random.random() < 0.02
                tries = [self._try(exchange) for _ in range(2 if is_twin else 1)]
                await asyncio.gather(*tries)
        finally:
            self.held -= may_hold
        return exchange

    async def _try(self, exchange: Exchange) -> None:
        patience_s = IMPATIENT_S if self._random.random() < 0.03 else DEADLINE_S
        exchange.tries += 1
        outcome = await self._send(exchange.method, exchange.request, patience_s)
        if outcome is None:
            return
        response, refusal = outcome
        if not exchange.answered:
            self.journal.answer(exchange, response, refusal)
            self.answering.set()
        elif (exchange.refusal, _lasting(exchange.response)) != (refusal, _lasting(response)):
            # The second of two at one time: an exchange of its own, to be judged by itself.
            twin = self.journal.send(exchange.method, exchange.request, is_repeat=True)
            self.journal.answer(twin, response, refusal)

    async def _send(self, method: str, request: Any, patience_s: float) -> Outcome | None:
        """How it was answered or refused; None: nobody knows whether it was carried out."""
        path, response_class = METHODS[method]
        send = self._channel.unary_unary(
            path,
            request_serializer=_serialize,
            response_deserializer=response_class.FromString,
        )
        calling = send(request, timeout=patience_s, wait_for_ready=True)
        self.sending.set()
        try:
            return await calling, ""
        except grpc.aio.AioRpcError as error:
            if error.code() in UNANSWERED:
                return None
            return None, f"{error.code().name}/{reason_of(error)}"

    async def watch(self, experiment_id: str) -> AsyncIterator[Any]:
        """Every event of an experiment, from the first on, until it ends or is deleted."""
        path, response_class = METHODS["WatchExperiment"]
        send = self._channel.unary_stream(
            path,
            request_serializer=_serialize,
            response_deserializer=response_class.FromString,
        )
        after = 0
        while True:
            request = experiment_service_pb2.WatchExperimentRequest(
                experiment_id=experiment_id, after_sequence=after
            )
            try:
                async for response in send(request, wait_for_ready=True):
                    after = response.event.sequence
                    yield response.event
                return
            except grpc.aio.AioRpcError as error:
                if error.code() not in UNANSWERED:
                    return


def reason_of(error: grpc.aio.AioRpcError) -> str:
    """The reason of a refusal; "" if it carries none, as gRPC's own do not."""
    trailers: dict[str, Any] = dict(error.trailing_metadata() or ())  # type: ignore[arg-type]  # pairs
    raw = trailers.get("grpc-status-details-bin", b"")
    info = error_details_pb2.ErrorInfo()
    for detail in status_pb2.Status.FromString(raw).details:
        if detail.Unpack(info):
            return str(info.reason)
    return ""


def _lasting(response: Any) -> Any:
    """What of an answer is the same at every repeat: a lease's end and advice move on."""
    if response is None:
        return None
    lasting = type(response)()
    lasting.CopyFrom(response)
    if lasting.DESCRIPTOR.name == "GetSuggestionResponse" and lasting.HasField("assignment"):
        lasting.assignment.lease.ClearField("expire_time")
        lasting.assignment.lease.ClearField("ttl")
    return lasting


def _serialize(message: Message) -> bytes:
    return message.SerializeToString()

"""Calls over one training session of several workers, which breaks whenever the server dies."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import grpc

from asha_server.pb import error_pb2
from asha_server.pb import suggestion_service_pb2 as s
from asha_server.pb import suggestion_service_pb2_grpc as s_rpc

from .caller import Caller, Outcome
from .journal import Journal

FIELDS = {
    "GetSuggestion": "get_suggestion",
    "ReportMetric": "report_metrics",
    "Heartbeat": "heartbeat",
    "ReportCheckpoint": "report_checkpoint",
    "CompleteTrial": "complete_trial",
    "FailTrial": "fail_trial",
    "ReleaseTrial": "release_trial",
    "ShouldStop": "should_stop",
}
"""Calls that a session carries, and their fields in its messages."""
RECONNECT_S = 0.02


class SessionCaller(Caller):
    """Sends over a session what a session carries, and the rest as unary calls.

    Requests that were not answered when the stream broke are sent again on the next one, as by
    every caller. Several reports of one moment go in one message.
    """

    def __init__(self, channel: grpc.aio.Channel, journal: Journal, random: random.Random) -> None:
        super().__init__(channel, journal, random)
        self._open = s_rpc.SuggestionServiceStub(channel).TrainingSession
        self._stream: Any = None
        self._number = 0
        self._asked: dict[int, list[asyncio.Future[Outcome | None]]] = {}
        self._reports: list[tuple[s.ReportMetricRequest, asyncio.Future[Outcome | None]]] = []

    async def _send(self, method: str, request: Any, patience_s: float) -> Outcome | None:
        if method not in FIELDS:
            return await super()._send(method, request, patience_s)
        future: asyncio.Future[Outcome | None] = asyncio.get_running_loop().create_future()
        if method == "ReportMetric":
            self._reports.append((request, future))
            await asyncio.sleep(0)  # for others of the same moment
            await self._flush_reports()
        else:
            await self._write(FIELDS[method], request, [future])
        self.sending.set()
        try:
            return await asyncio.wait_for(future, patience_s)
        except TimeoutError:
            return None

    async def _flush_reports(self) -> None:
        waiting, self._reports = self._reports, []
        if waiting:
            message = s.ReportMetricsRequest(reports=[request for request, _ in waiting])
            await self._write("report_metrics", message, [future for _, future in waiting])

    async def _write(
        self, field: str, request: Any, futures: list[asyncio.Future[Outcome | None]]
    ) -> None:
        if self._stream is None:
            self._stream = self._open(wait_for_ready=True)
            self._reading = asyncio.create_task(self._read(self._stream))
        self._number += 1
        self._asked[self._number] = futures
        stream = self._stream
        message = s.TrainingSessionRequest(request_number=self._number)
        getattr(message, field).CopyFrom(request)
        try:
            await stream.write(message)
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            self._break(stream)

    async def _read(self, stream: Any) -> None:
        """Hands every answer to whoever asked, until the stream breaks."""
        try:
            while (answer := await stream.read()) is not grpc.aio.EOF:  # type: ignore[attr-defined]  # not in the stubs
                if self._stream is not stream:
                    return  # what it answers now was given up, and is sent again elsewhere
                if answer.request_number:
                    futures = self._asked.pop(answer.request_number)
                    for future, outcome in zip(futures, _outcomes(answer), strict=True):
                        if not future.done():
                            future.set_result(outcome)
        except grpc.aio.AioRpcError:
            await asyncio.sleep(RECONNECT_S)
        finally:
            self._break(stream)

    def _break(self, stream: Any) -> None:
        """Nobody knows what became of what was not answered."""
        if self._stream is not stream:
            return
        self._stream = None
        lost, self._asked = self._asked, {}
        for futures in lost.values():
            for future in futures:
                if not future.done():
                    future.set_result(None)


def _outcomes(answer: s.TrainingSessionResponse) -> list[Outcome | None]:
    """What a message answers to each report of a request, or to the request."""
    kind = answer.WhichOneof("response")
    if kind == "report_metrics":
        return [
            (None, _refusal(result.error)) if result.HasField("error") else (result.response, "")
            for result in answer.report_metrics.results
        ]
    if kind == "error":
        return [(None, _refusal(answer.error))]
    return [(getattr(answer, str(kind)), "")]


def _refusal(error: error_pb2.SessionError) -> str:
    code = next(code.name for code in grpc.StatusCode if code.value[0] == error.code)
    return f"{code}/{error_pb2.ErrorReason.Name(error.reason).removeprefix('ERROR_REASON_')}"

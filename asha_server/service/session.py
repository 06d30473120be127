"""TrainingSession: the calls of training processes on one stream, and decisions nobody asked for.

Each request is carried out as the call of its name would be, beside the others. Commands reach the
engine in the order in which they came and are answered by its batches, so the answers of one trial
keep their order; a long poll is answered when it is ready.

A trial that was handed out or spoken of on a session is followed: a verdict that comes from
elsewhere (a person's stop, a budget, a pause, a lease that went to another worker) is pushed,
unless a request about the trial was answered with it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

from asha_server.errors import AshaError, ErrorReason, InvalidRequest, ResourceExhausted
from asha_server.guard import admit
from asha_server.interceptor import Unreadable, refusal_of
from asha_server.pb import suggestion_service_pb2 as pb
from asha_server.pb import trial_pb2
from asha_server.search.command import ShouldStop
from asha_server.search.terms import Verdict
from asha_server.service.session_error import session_error
from asha_server.wire.suggestion import format_decision

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

    from asha_server.config import Limits
    from asha_server.engine import Engine
    from asha_server.pb import error_pb2
    from asha_server.service.suggestion import SuggestionService

UNANSWERED_MAX = 1_000
"""Requests of a session whose answers are not sent yet; more are read when one was sent."""
TOLD_MAX = 10_000
"""Attempts that a session remembers to be over; what is older is not spoken of any more."""
FOLLOW_US = 60_000_000
"""How long one look at a followed trial is held; then it is looked at anew."""
FOLLOW_AGAIN_S = 5.0
"""When a trial is looked at again that could not be followed: too many calls are held."""


class Lease(NamedTuple):
    """What a session follows: one attempt of a trial."""

    experiment_id: str
    trial_number: int
    attempt: int


class Sessions:
    """All open sessions.

    Args:
        service: carries out the calls.
        engine: decides.
        limits: what the server bears.
    """

    def __init__(self, service: SuggestionService, engine: Engine, limits: Limits) -> None:
        self._service = service
        self._engine = engine
        self._limits = limits
        self._open: set[Session] = set()

    @property
    def open_count(self) -> int:
        """Sessions open now."""
        return len(self._open)

    def end(self, error: AshaError) -> None:
        """Ends every session with an error, after what is answered already."""
        for session in self._open:
            session.end(error)

    async def run(
        self, requests: AsyncIterator[Any]
    ) -> AsyncGenerator[pb.TrainingSessionResponse, None]:
        """One session, until its client has no more to ask and everything is answered.

        Raises:
            ResourceExhausted: LIMIT_EXCEEDED, too many sessions are open.
            InvalidRequest: bytes that are no request; the stream ends.
        """
        if self.open_count >= self._limits.sessions_max:
            raise ResourceExhausted(
                ErrorReason.LIMIT_EXCEEDED,
                f"{self.open_count} sessions are open, the most; use one for several trials",
                sessions_max=self._limits.sessions_max,
            )
        session = Session(self._service, self._engine, self._limits)
        self._open.add(session)
        try:
            async for response in session.run(requests):
                yield response
        finally:
            self._open.remove(session)


class Session:
    """One session.

    Args:
        service: carries out the calls.
        engine: decides.
        limits: what the server bears.
    """

    def __init__(self, service: SuggestionService, engine: Engine, limits: Limits) -> None:
        self._service = service
        self._engine = engine
        self._limits = limits
        # None ends the session as its client wants it, an error otherwise.
        self._answers: asyncio.Queue[pb.TrainingSessionResponse | AshaError | None] = (
            asyncio.Queue()
        )
        self._unanswered: dict[int, asyncio.Task[None]] = {}
        self._has_room = asyncio.Event()
        # Trial -> the requests about it that are not answered yet.
        self._about: dict[tuple[str, int], set[asyncio.Task[None]]] = {}
        self._followed: dict[Lease, asyncio.Task[None]] = {}
        # Attempts whose worker knows that it is over, the latest last.
        self._told: dict[Lease, None] = {}
        self._calls: dict[str, Callable[[Any], Awaitable[Any]]] = {
            "get_suggestion": self._get_suggestion,
            "report_metrics": self._report_metrics,
            "heartbeat": self._speak(service.Heartbeat),
            "report_checkpoint": self._speak(service.ReportCheckpoint),
            "complete_trial": self._speak(service.CompleteTrial),
            "fail_trial": self._speak(service.FailTrial),
            "release_trial": self._speak(service.ReleaseTrial),
            "should_stop": lambda request: service.ShouldStop(request, None),
        }

    async def run(
        self, requests: AsyncIterator[Any]
    ) -> AsyncGenerator[pb.TrainingSessionResponse, None]:
        """Answers and pushed decisions, as they come."""
        reading = asyncio.create_task(self._read(requests))
        try:
            while (response := await self._answers.get()) is not None:
                if isinstance(response, AshaError):
                    raise response
                yield response
                self._has_room.set()
            await reading
        finally:
            for task in (reading, *self._unanswered.values(), *self._followed.values()):
                task.cancel()

    def end(self, error: AshaError) -> None:
        """Ends it with an error, after what is answered already."""
        self._answers.put_nowait(error)

    async def _read(self, requests: AsyncIterator[Any]) -> None:
        """Begins each request as it comes; at the end, what is unanswered is waited for."""
        try:
            async for request in requests:
                if isinstance(request, Unreadable):
                    raise request.error
                self._begin(request)
                while len(self._unanswered) + self._answers.qsize() >= UNANSWERED_MAX:
                    self._has_room.clear()
                    await self._has_room.wait()
            while self._unanswered:
                await asyncio.wait([*self._unanswered.values()])
        finally:
            self._answers.put_nowait(None)

    def _begin(self, request: pb.TrainingSessionRequest) -> None:
        number = request.request_number
        if not number or number in self._unanswered:
            why = "must be 1 or more" if not number else "is that of a request still unanswered"
            self._refuse(number, InvalidRequest.of("request_number", why))
            return
        trials = _trials_of(request)
        task = asyncio.create_task(self._answer(request, trials))
        self._unanswered[number] = task
        for trial in trials:
            self._about.setdefault(trial, set()).add(task)

    async def _answer(
        self, request: pb.TrainingSessionRequest, trials: set[tuple[str, int]]
    ) -> None:
        """Carries out one request and puts its answer in line."""
        number = request.request_number
        task = self._unanswered[number]
        name = "TrainingSession"
        response = pb.TrainingSessionResponse(request_number=number)
        try:
            arm = request.WhichOneof("request")
            if arm is None:
                raise InvalidRequest.of("request", "is required, one that this server knows")
            asked = getattr(request, arm)
            if arm != "report_metrics":  # whose reports are let in and counted one by one
                name = asked.DESCRIPTOR.name.removesuffix("Request")
                admit(name, asked)
            answer = await self._calls[arm](asked)
            getattr(response, arm).CopyFrom(answer)
            if arm != "report_metrics":
                self._engine.calls.note(name, "OK", "", None)
        except Exception as error:
            response = pb.TrainingSessionResponse(
                request_number=number, error=self._error_of(name, error)
            )
        del self._unanswered[number]
        for trial in trials:
            about = self._about[trial]
            about.discard(task)
            if not about:
                del self._about[trial]
        self._answers.put_nowait(response)

    def _refuse(self, number: int, error: AshaError) -> None:
        refused = self._error_of("TrainingSession", error)
        self._answers.put_nowait(pb.TrainingSessionResponse(request_number=number, error=refused))

    def _error_of(self, name: str, error: Exception) -> error_pb2.SessionError:
        """A refusal or a bug as an answer of the session."""
        status = refusal_of(name, error)
        reason = str(error.reason) if isinstance(error, AshaError) else "INTERNAL"
        self._engine.calls.note(name, status.code.name, reason, None)
        return session_error(status)

    # -- what is asked ----------------------------------------------------------------------------

    async def _get_suggestion(self, request: pb.GetSuggestionRequest) -> pb.GetSuggestionResponse:
        response = await self._service.GetSuggestion(request, None)
        if response.HasField("assignment"):
            given = response.assignment
            self._follow(Lease(given.experiment_id, given.trial_number, given.lease.attempt))
        return response

    async def _report_metrics(self, request: pb.ReportMetricsRequest) -> pb.ReportMetricsResponse:
        """Reports of any trials, in order, independent of each other."""
        count, most = len(request.reports), self._limits.reports_max
        if not 1 <= count <= most:
            raise InvalidRequest.of("reports", f"has {count} entries; 1 to {most} are allowed")
        results = await asyncio.gather(*(self._report(report) for report in request.reports))
        return pb.ReportMetricsResponse(results=results)

    async def _report(self, request: pb.ReportMetricRequest) -> pb.ReportResult:
        try:
            admit("ReportMetric", request)
            response = await self._service.ReportMetric(request, None)
        except Exception as error:
            return pb.ReportResult(error=self._error_of("ReportMetric", error))
        self._engine.calls.note("ReportMetric", "OK", "", None)
        self._note(request, response.decision)
        return pb.ReportResult(response=response)

    def _speak(self, call: Callable[[Any, Any], Awaitable[Any]]) -> Callable[[Any], Awaitable[Any]]:
        """A call of a worker about a trial that it holds."""

        async def carry_out(request: Any) -> Any:
            response = await call(request, None)
            self._note(request, response.decision)
            return response

        return carry_out

    def _note(self, request: Any, decision: trial_pb2.Decision) -> None:
        """What a worker was told of its attempt: it goes on and is followed, or that was it."""
        attempt = self._service.attempt_of(
            request.experiment_id, request.trial_number, request.lease_token
        )
        lease = Lease(request.experiment_id, request.trial_number, attempt)
        if decision.verdict == trial_pb2.VERDICT_CONTINUE:
            self._follow(lease)
            return
        self._tell(lease)
        following = self._followed.pop(lease, None)
        if following is not None:
            following.cancel()

    def _tell(self, lease: Lease) -> None:
        self._told[lease] = None
        if len(self._told) > TOLD_MAX:
            del self._told[next(iter(self._told))]

    # -- what nobody asked for --------------------------------------------------------------------

    def _follow(self, lease: Lease) -> None:
        if lease not in self._followed and lease not in self._told:
            self._followed[lease] = asyncio.create_task(self._push_verdict(lease))

    async def _push_verdict(self, lease: Lease) -> None:
        """Waits for a verdict on an attempt and pushes it, unless an answer tells it."""
        decision = None
        while decision is None or decision.verdict is Verdict.CONTINUE:
            command = ShouldStop(lease.trial_number, lease.attempt)
            try:
                answer = await self._engine.wait_for(lease.experiment_id, command, FOLLOW_US)
            except ResourceExhausted:
                await asyncio.sleep(FOLLOW_AGAIN_S)
                continue
            except AshaError:
                self._followed.pop(lease, None)
                return  # the experiment is gone, or the server goes: the next call tells
            decision = answer.decision
        trial = (lease.experiment_id, lease.trial_number)
        while trial in self._about:
            await asyncio.wait([*self._about[trial]])
        if lease in self._told:
            return
        self._tell(lease)
        self._followed.pop(lease, None)
        pushed = pb.PushedDecision(
            experiment_id=lease.experiment_id,
            trial_number=lease.trial_number,
            attempt=lease.attempt,
            decision=format_decision(decision),
        )
        self._answers.put_nowait(pb.TrainingSessionResponse(pushed=pushed))


def _trials_of(request: pb.TrainingSessionRequest) -> set[tuple[str, int]]:
    """The trials that a request is about, but for a question that is held."""
    arm = request.WhichOneof("request")
    if arm is None or arm in ("get_suggestion", "should_stop"):
        return set()
    asked = getattr(request, arm)
    spoken = asked.reports if arm == "report_metrics" else [asked]
    return {(one.experiment_id, one.trial_number) for one in spoken}

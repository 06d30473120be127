"""TrainingSession: the calls of training processes on one stream, and decisions nobody asked for.

Each request is carried out as the call of its name would be, beside the others. Commands reach the
engine in the order in which they came and are answered by its batches, so the answers of one trial
keep their order; a long poll is answered when it is ready. Reports, the most of what is said, need
no task of their own: see `report_group`. They stand in line as they were decided and become a
message when it is their turn.

A trial that was handed out or spoken of on a session is followed: a verdict that comes from
elsewhere (a person's stop, a budget, a pause, a lease that went to another worker) is pushed,
unless a request about the trial was answered with it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

import grpc

from asha_server.accounts import payer
from asha_server.errors import AshaError, ErrorReason, InvalidRequest, ResourceExhausted
from asha_server.guard import admit, charge
from asha_server.identity import caller
from asha_server.interceptor import Unreadable, refusal_of
from asha_server.pb import suggestion_service_pb2 as pb
from asha_server.search.command import ShouldStop
from asha_server.search.terms import Verdict
from asha_server.service.report_group import ReportGroup
from asha_server.service.session_error import session_error
from asha_server.wire import enums
from asha_server.wire.suggestion import fill_report, format_decision

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from asha_server.accounts import Account
    from asha_server.config import Limits
    from asha_server.engine import Engine
    from asha_server.hosted import Traces
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


Trial = tuple[str, int]
"""An experiment's name and a trial's number."""
Lease = tuple[str, int, int]
"""An experiment's name, a trial's number and an attempt's: what a session follows."""


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
        # Why no session begins any more; None while they do.
        self._refusal: AshaError | None = None

    @property
    def open_count(self) -> int:
        """Sessions open now."""
        return len(self._open)

    def end(self, error: AshaError) -> None:
        """Ends every session with an error, after what is answered already; no other begins."""
        self._refusal = error
        for session in self._open:
            session.end(error)

    async def run(self, context: Any) -> None:
        """One session, until its client has no more to ask and everything is answered.

        Raises:
            ResourceExhausted: LIMIT_EXCEEDED, QUOTA_EXCEEDED: too many sessions are open.
            InvalidRequest: bytes that are no request; the stream ends.
            Unavailable: SHUTTING_DOWN.
        """
        if self._refusal is not None:
            raise self._refusal
        if self.open_count >= self._limits.sessions_max:
            raise ResourceExhausted(
                ErrorReason.LIMIT_EXCEEDED,
                f"{self.open_count} sessions are open, the most; use one for several trials",
                sessions_max=self._limits.sessions_max,
            )
        account = payer.get()
        account.begin_session()
        session = Session(self._service, self._engine, self._limits)
        self._open.add(session)
        try:
            await session.run(context)
        finally:
            self._open.remove(session)
            account.end_session()


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
        # What is to be sent, in order; an error ends the session.
        self._answers: deque[pb.TrainingSessionResponse | ReportGroup | AshaError] = deque()
        # Of the writer while it has nothing to send. An Event costs twice as much.
        self._waiter: asyncio.Future[None] | None = None
        self._is_read = False
        # Requests that are not answered yet.
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._groups: dict[int, ReportGroup] = {}
        self._has_room = asyncio.Event()
        # Trial -> how many answers about it are not made yet, and who waits for the last.
        self._about: dict[Trial, int] = {}
        self._quiet: dict[Trial, asyncio.Event] = {}
        self._followed: dict[Lease, asyncio.Task[None]] = {}
        # Attempts whose worker knows that it is over, the latest last.
        self._told: dict[Lease, None] = {}
        self._calls: dict[str, Callable[[Any], Awaitable[Any]]] = {
            "get_suggestion": self._get_suggestion,
            "heartbeat": self._speak(service.Heartbeat),
            "report_checkpoint": self._speak(service.ReportCheckpoint),
            "complete_trial": self._speak(service.CompleteTrial),
            "fail_trial": self._speak(service.FailTrial),
            "release_trial": self._speak(service.ReleaseTrial),
            "should_stop": lambda request: service.ShouldStop(request, None),
        }

    async def run(self, context: Any) -> None:
        """Reads and answers until the client has no more to ask and everything is answered."""
        reading = asyncio.create_task(self._read(context))
        try:
            await self._write(context)
            await reading
        finally:
            for task in (reading, *self._tasks.values(), *self._followed.values()):
                task.cancel()
            for group in self._groups.values():
                group.give_up()

    def end(self, error: AshaError) -> None:
        """Ends it with an error, after what is answered already."""
        self._send(error)

    def _send(self, answer: pb.TrainingSessionResponse | ReportGroup | AshaError) -> None:
        self._answers.append(answer)
        self._wake_writer()

    def _wake_writer(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _write(self, context: Any) -> None:
        """Sends answers and pushed decisions as they come."""
        identity, loop = caller.get(), asyncio.get_running_loop()
        while self._answers or not self._is_over:
            if not self._answers:
                self._waiter = loop.create_future()
                await self._waiter
                continue
            answer = self._answers.popleft()
            if isinstance(answer, AshaError):
                raise answer
            if isinstance(answer, ReportGroup):
                answer = self._response_of(answer)
            identity.check_holds()  # the token may have been revoked meanwhile
            await context.write(answer)
            self._has_room.set()

    @property
    def _is_over(self) -> bool:
        """Whether no answer will come any more."""
        return self._is_read and not (self._tasks or self._groups)

    async def _read(self, context: Any) -> None:
        """Begins each request as it comes."""
        try:
            while (request := await context.read()) is not grpc.aio.EOF:  # type: ignore[attr-defined]  # set at run time
                if isinstance(request, Unreadable):
                    raise request.error
                self._begin(request)
                while self._unanswered_count >= UNANSWERED_MAX:
                    self._has_room.clear()
                    await self._has_room.wait()
        except AshaError as error:
            self._send(error)
        finally:
            self._is_read = True
            self._wake_writer()

    @property
    def _unanswered_count(self) -> int:
        return len(self._tasks) + len(self._groups) + len(self._answers)

    def _begin(self, request: pb.TrainingSessionRequest) -> None:
        number = request.request_number
        if not number or number in self._tasks or number in self._groups:
            why = "must be 1 or more" if not number else "is that of a request still unanswered"
            self._refuse(number, InvalidRequest.of("request_number", why))
            return
        arm = request.WhichOneof("request")
        if arm == "report_metrics":
            self._begin_reports(number, request)
            return
        trial = _trial_of(request, arm)
        if trial is not None:
            self._await_answer(trial)
        self._tasks[number] = asyncio.create_task(self._answer(request, arm, trial))

    def _await_answer(self, trial: Trial) -> None:
        """One answer more is to come that speaks of a trial."""
        self._about[trial] = self._about.get(trial, 0) + 1

    def _note_answer(self, trial: Trial) -> None:
        """One of them is there, before which nothing is pushed."""
        left = self._about[trial] - 1
        if left:
            self._about[trial] = left
            return
        del self._about[trial]
        quiet = self._quiet.pop(trial, None)
        if quiet is not None:
            quiet.set()

    async def _answer(
        self, request: pb.TrainingSessionRequest, arm: str | None, trial: Trial | None
    ) -> None:
        """Carries out one request and puts its answer in line."""
        number = request.request_number
        name = "TrainingSession"
        response = pb.TrainingSessionResponse(request_number=number)
        charged: Account | None = None
        try:
            if arm is None:
                raise InvalidRequest.of("request", "is required, one that this server knows")
            asked = getattr(request, arm)
            name = asked.DESCRIPTOR.name.removesuffix("Request")
            charged = charge(name, asked)
            admit(name, asked)
            if self._engine.traces is None:
                answer = await self._calls[arm](asked)
            else:
                answer = await self._traced(self._engine.traces, request, arm, name)
            getattr(response, arm).CopyFrom(answer)
            self._engine.calls.note(name, "OK", "", None)
        except Exception as error:
            response = pb.TrainingSessionResponse(
                request_number=number, error=self._error_of(name, error)
            )
        finally:
            if charged is not None:
                charged.end_call()
        del self._tasks[number]
        if trial is not None:
            self._note_answer(trial)
        self._send(response)

    async def _traced(
        self, traces: Traces, request: pb.TrainingSessionRequest, arm: str, method: str
    ) -> Any:
        """The answer to a request, whose span is told."""
        span = traces.request(method, request.traceparent)
        try:
            with traces.within(span):
                return await self._calls[arm](getattr(request, arm))
        finally:
            span.end()

    def _refuse(self, number: int, error: AshaError) -> None:
        refused = self._error_of("TrainingSession", error)
        self._send(pb.TrainingSessionResponse(request_number=number, error=refused))

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
            self._follow((given.experiment_id, given.trial_number, given.lease.attempt))
        return response

    def _begin_reports(self, number: int, asked: pb.TrainingSessionRequest) -> None:
        """Reports of any trials, in order, independent of each other."""
        request = asked.report_metrics
        reports = request.reports
        count, most = len(reports), self._limits.reports_max
        if not 1 <= count <= most:
            why = InvalidRequest.of("reports", f"has {count} entries; 1 to {most} are allowed")
            self._refuse(number, why)
            return
        try:
            charged = charge("ReportMetrics", request)
        except AshaError as error:
            self._refuse(number, error)
            return
        group = ReportGroup(number, count, self._line_up)
        group.charged = charged
        self._groups[number] = group
        traces = self._engine.traces
        if traces is None:
            self._begin_each(group, reports)
            return
        group.span = traces.request("ReportMetrics", asked.traceparent)
        with traces.within(group.span):
            self._begin_each(group, reports)

    def _begin_each(self, group: ReportGroup, reports: Iterable[pb.ReportMetricRequest]) -> None:
        for slot, report in zip(group.slots, reports, strict=True):
            slot.trial = trial = (report.experiment_id, report.trial_number)
            self._await_answer(trial)
            try:
                admit("ReportMetric", report)
                slot.attempt = self._service.begin_report(report, slot)
            except Exception as error:
                slot.set_exception(error)

    def _line_up(self, group: ReportGroup) -> None:
        """All reports of a message are answered, by a batch that may have answered others before.

        What is carried out by a task comes in line in a turn of the event loop.
        """
        if self._tasks:
            asyncio.get_running_loop().call_soon(self._put_in_line, group)
        else:
            self._put_in_line(group)

    def _put_in_line(self, group: ReportGroup) -> None:
        group.end()
        del self._groups[group.number]
        self._send(group)

    def _response_of(self, group: ReportGroup) -> pb.TrainingSessionResponse:
        """The answers to the reports of a message; what is pushed may come after them."""
        response = pb.TrainingSessionResponse(request_number=group.number)
        results = response.report_metrics.results
        good = 0
        for slot in group.slots:
            result, answer = results.add(), slot.answer
            if isinstance(answer, Exception):
                result.error.CopyFrom(self._error_of("ReportMetric", answer))
            else:
                assert answer is not None
                good += 1
                fill_report(result.response, answer)
                self._note((*slot.trial, slot.attempt), answer.decision.verdict)
            self._note_answer(slot.trial)
        self._engine.calls.note("ReportMetric", "OK", "", None, good)
        return response

    def _speak(self, call: Callable[[Any, Any], Awaitable[Any]]) -> Callable[[Any], Awaitable[Any]]:
        """A call of a worker about a trial that it holds."""

        async def carry_out(request: Any) -> Any:
            response = await call(request, None)
            attempt = self._service.attempt_of(
                request.experiment_id, request.trial_number, request.lease_token
            )
            lease = (request.experiment_id, request.trial_number, attempt)
            self._note(lease, enums.VERDICT.member[response.decision.verdict])
            return response

        return carry_out

    def _note(self, lease: Lease, verdict: Verdict) -> None:
        """What a worker was told of its attempt: it goes on and is followed, or that was it."""
        if verdict is Verdict.CONTINUE:
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
        experiment_id, trial_number, attempt = lease
        decision = None
        while decision is None or decision.verdict is Verdict.CONTINUE:
            command = ShouldStop(trial_number, attempt)
            try:
                answer = await self._engine.wait_for(experiment_id, command, FOLLOW_US)
            except ResourceExhausted:
                await asyncio.sleep(FOLLOW_AGAIN_S)
                continue
            except AshaError:
                self._followed.pop(lease, None)
                return  # the experiment is gone, or the server goes: the next call tells
            decision = answer.decision
        trial = (experiment_id, trial_number)
        while trial in self._about:
            await self._quiet.setdefault(trial, asyncio.Event()).wait()
        if lease in self._told:
            return
        self._tell(lease)
        self._followed.pop(lease, None)
        pushed = pb.PushedDecision(
            experiment_id=experiment_id,
            trial_number=trial_number,
            attempt=attempt,
            decision=format_decision(decision),
        )
        self._send(pb.TrainingSessionResponse(pushed=pushed))


def _trial_of(request: pb.TrainingSessionRequest, arm: str | None) -> Trial | None:
    """The trial that a request is about, but for a question that is held."""
    if arm is None or arm in ("get_suggestion", "should_stop"):
        return None
    asked = getattr(request, arm)
    return asked.experiment_id, asked.trial_number

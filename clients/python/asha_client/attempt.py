"""An attempt: one trial in this worker's hands, and every rule about it, without I/O.

`Trial` (blocking) and `aio.Trial` are this class with a driver for its flows.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from asha_client import errors, failure
from asha_client.assignment import Assignment
from asha_client.checkpoint import CheckpointFunction, CheckpointPolicy, Checkpoints, saving
from asha_client.connection import Connection, check_process, drive, perform
from asha_client.decision import Decision, Verdict, decode_decision
from asha_client.deferred import DeferredReports
from asha_client.flow import (
    COMPLETE_TRIAL,
    FAIL_TRIAL,
    HEARTBEAT,
    RELEASE_TRIAL,
    REPORT_CHECKPOINT,
    REPORT_METRIC,
    SHOULD_STOP,
    Effect,
    Flow,
    Invoke,
    Method,
    RequestT,
    ResponseT,
    call,
)
from asha_client.keepalive import KeepAlive
from asha_client.pb import suggestion_service_pb2 as pb
from asha_client.ranks import Ranks, share
from asha_client.report import Answer, floats, report_request

log = logging.getLogger("asha_client")

ResultT = TypeVar("ResultT")

EMERGENCY_RETRY_S = 5.0
"""How long a dying process tries to give a trial back, in seconds; then the lease expires."""


class Attempt(Assignment):
    """One trial in this worker's hands: what was handed out, and what has become of it since."""

    def __init__(
        self,
        assignment: pb.Assignment,
        connection: Connection,
        ranks: Ranks,
        policy: CheckpointPolicy,
        is_dying: Callable[[], bool],
    ) -> None:
        super().__init__(assignment)
        self.ttl_s = assignment.lease.ttl.ToNanoseconds() / 1e9 or 60.0
        self.renewed_at = time.monotonic()
        self.has_reported = False
        self.failure_kind: errors.FailureKind | None = None
        self.raised_at: str | None = None
        """Where an exception left `steps()`, while nothing better is known about it."""
        self._token = assignment.lease.token
        self._connection = connection
        self._ranks = ranks
        self._is_dying = is_dying
        self._pid = os.getpid()
        self._decision: Decision | None = None
        self._is_ended = False
        self._next_decision_step = assignment.next_decision_step
        self._last_step = assignment.start_step
        self._checkpoints = Checkpoints(policy, assignment.start_step)
        self._is_verdict_shared = False
        self._lock = threading.Lock()
        self._keepalive: KeepAlive | None = None
        self._deferred: DeferredReports | None = None
        if ranks.is_speaker:
            connection.follow(self)
            connection.open()  # imports, for which the thread of a signal must not have to wait
            name = f"{self.experiment_id}-{self.number}"
            self._keepalive = KeepAlive(self, connection, name)
            self._keepalive.start()

    def __repr__(self) -> str:
        return (
            f"<trial {self.number} of {self.experiment_id}, attempt {self.attempt} ({self.kind}), "
            f"step {self._last_step} of {self.max_length}>"
        )

    # What is known.

    @property
    def next_decision_step(self) -> int:
        """Train at least this far, then report, in units; 0 after STOP and PAUSE.

        The same on every rank.
        """
        return 0 if self._is_over() else self._next_decision_step

    @property
    def last_step(self) -> int:
        """The last step reported in this attempt, start_step before the first."""
        return self._last_step

    @property
    def decision(self) -> Decision | None:
        """The last decision heard; None before the first."""
        return self._decision

    @property
    def has_verdict(self) -> bool:
        """Whether the server said STOP or PAUSE (or took the lease away)."""
        return self._decision is not None and self._decision.should_stop

    @property
    def is_ended(self) -> bool:
        """Whether this worker completed, failed or released the trial."""
        return self._is_ended

    @property
    def is_held(self) -> bool:
        """Whether there is still a lease to keep, and to give back."""
        return not self._is_ended and not self.has_verdict

    # What the keep-alive tells.

    def heartbeat_request(self) -> pb.HeartbeatRequest:
        """The request that renews the lease."""
        return pb.HeartbeatRequest(
            experiment_id=self.experiment_id, trial_number=self.number, lease_token=self._token
        )

    def note_renewal(self, ttl_s: float) -> None:
        """The lease was renewed just now, for so many seconds."""
        self.ttl_s = ttl_s or self.ttl_s
        self.renewed_at = time.monotonic()

    def note_decision(self, decision: Decision) -> None:
        """Takes a decision in; STOP and PAUSE never change once said."""
        with self._lock:
            if self.has_verdict:
                return
            self._decision = decision

    # Reports.

    def reporting(
        self,
        step: int,
        metrics: Mapping[str, float],
        checkpoint: str | CheckpointFunction | None,
        *,
        wait: bool = True,
    ) -> Flow[Decision]:
        """Reports metrics, with a checkpoint where one is needed; answers the decision.

        Without `wait` a report that nothing is decided by is left to a thread, and the newest
        decision known is answered.

        The checkpoint is saved before the report and goes with it in one message: once PAUSE is
        said another worker may resume at once. Only a PAUSE that nobody could foresee (a person
        paused the experiment) is answered by a checkpoint afterwards.
        """
        check_process(self._pid)
        values = floats(metrics)
        uri = checkpoint if isinstance(checkpoint, str) else ""
        saver = checkpoint if callable(checkpoint) else None
        if not wait and not uri and self._may_defer(step, values):
            return self._defer(step, values)
        if saver is not None and self._needs_checkpoint(step, values):
            uri = yield from saving(saver, is_named=self._ranks.is_speaker)
        answer = yield from share(self._ranks, lambda: self._sending(step, values, uri))
        self._take(step, answer)
        decision = answer.decision
        is_lost = decision.reason in {"LEASE_LOST", "TRIAL_ENDED"}
        if saver is not None and not answer.is_saved:
            if decision.verdict is Verdict.PAUSE and not is_lost:
                uri = yield from saving(saver, is_named=self._ranks.is_speaker)
                yield from self.storing(step, uri)
        elif answer.is_last:
            yield from self.releasing("SIGTERM", EMERGENCY_RETRY_S)
        return decision

    def _needs_checkpoint(self, step: int, values: Mapping[str, float]) -> bool:
        """Whether a checkpoint must lie ready when this report is decided.

        With several ranks every one must come to the same answer, so only what was shared counts:
        not the clock, nor the metrics, which only rank 0 need have.
        """
        if self._checkpoints.is_due_at(step):
            return True
        is_alone = self._ranks.is_alone
        if step >= self._next_decision_step and (self.metric in values or not is_alone):
            return True
        return is_alone and self._is_save_due()

    def _may_defer(self, step: int, values: Mapping[str, float]) -> bool:
        """Whether nobody needs to wait for this report: nothing is decided or saved by it."""
        if not self._ranks.is_alone or self._is_dying():
            return False
        return step < self._next_decision_step and not self._needs_checkpoint(step, values)

    def _defer(self, step: int, values: Mapping[str, float]) -> Decision:
        """Leaves a report to the thread; the newest decision known.

        Raises:
            AshaError: what the server refused an earlier one for.
        """
        if self._decision is not None and self._decision.should_stop:
            return self._decision
        if self._deferred is None:
            name = f"asha-reports-{self.experiment_id}-{self.number}"
            self._deferred = DeferredReports(self._connection, self._note_answer, name)
        self._deferred.put(self._report_request(step, values, ""))
        self._last_step = max(self._last_step, step)
        if self._decision is not None:
            return self._decision
        next_step = self._next_decision_step
        return Decision(Verdict.CONTINUE, "BETWEEN_RUNGS", next_decision_step=next_step)

    def _note_answer(
        self, request: pb.ReportMetricRequest, answer: pb.ReportMetricResponse | errors.AshaError
    ) -> None:
        """Takes in what a report was answered that nobody waited for.

        Raises:
            AshaError: it was refused for good.
        """
        match answer:
            case pb.ReportMetricResponse():
                deletable = tuple(answer.deletable_checkpoint_uris)
                self.has_reported = True
                self.note_renewal(self.ttl_s)
                self.note_decision(decode_decision(answer.decision, deletable))
            case errors.MetricConflict():
                self._warn_of_conflict(request.step, answer)
            case errors.LeaseLost() | errors.TrialEnded():
                log.warning("trial %d ends on this worker: %s", self.number, answer)
                self.note_decision(Decision(Verdict.STOP, answer.reason))
            case errors.AshaError():
                raise answer

    def _flushing(self, within_s: float | None = None) -> Flow[None]:
        """Waits until every report that nobody waited for was answered.

        Args:
            within_s: at most so long, in seconds; None = as long as it takes.

        Raises:
            AshaError: what the server refused one for.
        """
        deferred = self._deferred
        if deferred is not None:
            yield Invoke(lambda: deferred.flush(within_s))

    def _is_save_due(self) -> bool:
        """Whether this process knows that a checkpoint is wanted, by the clock or by what comes."""
        is_pausing = self._decision is not None and self._decision.verdict is Verdict.PAUSE
        return self._is_dying() or is_pausing or self._checkpoints.is_due_now()

    def _sending(self, step: int, values: Mapping[str, float], uri: str) -> Flow[Answer]:
        """Sends the report; what every rank must hear of its answer."""
        yield from self._flushing()
        try:
            response = yield from call(REPORT_METRIC, self._report_request(step, values, uri))
            deletable = tuple(response.deletable_checkpoint_uris)
            decision = decode_decision(response.decision, deletable)
        except errors.MetricConflict as error:
            self._warn_of_conflict(step, error)
            decision = yield from self._recorded(error, step, uri)
        except (errors.LeaseLost, errors.TrialEnded) as error:
            log.warning("trial %d ends on this worker: %s", self.number, error)
            decision = Decision(Verdict.STOP, error.reason)
        else:
            self.note_renewal(self.ttl_s)
        goes_on = decision.verdict is Verdict.CONTINUE
        return Answer(
            decision,
            is_saved=bool(uri),
            is_save_due=goes_on and not self._ranks.is_alone and not uri and self._is_save_due(),
            is_last=goes_on and self._is_dying(),
        )

    def _report_request(
        self, step: int, values: Mapping[str, float], uri: str
    ) -> pb.ReportMetricRequest:
        return report_request(self.experiment_id, self.number, self._token, step, values, uri)

    def _warn_of_conflict(self, step: int, error: errors.MetricConflict) -> None:
        log.warning(
            "step %d of trial %d was reported before with another value; the first one stands "
            "and the training goes on: %s",
            step,
            self.number,
            error,
        )

    def _recorded(self, error: errors.MetricConflict, step: int, uri: str | None) -> Flow[Decision]:
        """The decision that stands for a step with another value, its checkpoint stored."""
        try:
            if uri:
                yield from self._storing(step, uri)
            response = yield from call(HEARTBEAT, self.heartbeat_request())
        except (errors.LeaseLost, errors.TrialEnded) as lost:
            return Decision(Verdict.STOP, lost.reason)
        if response.HasField("decision"):
            return decode_decision(response.decision)
        try:
            verdict = Verdict(error.metadata.get("verdict", "CONTINUE").removeprefix("VERDICT_"))
        except ValueError:
            verdict = Verdict.STOP
        return Decision(verdict, error.metadata.get("decision_reason", ""))

    def _take(self, step: int, answer: Answer) -> None:
        """Takes a report's answer in, the same on every rank."""
        decision = answer.decision
        self.has_reported = self.has_reported or decision.reason != "LEASE_LOST"
        self._last_step = max(self._last_step, step)
        self._next_decision_step = max(self._next_decision_step, decision.next_decision_step)
        self._is_verdict_shared = self._is_verdict_shared or decision.should_stop
        self.note_decision(decision)
        self._checkpoints.is_requested = answer.is_save_due
        if answer.is_saved:
            self._checkpoints.note_saved(step)

    def storing(self, step: int, uri: str) -> Flow[None]:
        """Tells the server of a checkpoint that was saved between reports. Rank 0 sends it."""
        check_process(self._pid)
        self._checkpoints.note_saved(step)
        if self._ranks.is_speaker:
            yield from self._storing(step, uri)

    def _storing(self, step: int, uri: str) -> Flow[None]:
        """Tells the server of a checkpoint; one that comes too late is only logged."""
        yield from self._flushing()
        request = pb.ReportCheckpointRequest(
            experiment_id=self.experiment_id,
            trial_number=self.number,
            lease_token=self._token,
            step=step,
            checkpoint_uri=uri,
        )
        try:
            response = yield from call(REPORT_CHECKPOINT, request)
        except (errors.LeaseLost, errors.TrialEnded) as error:
            log.warning("checkpoint %s of trial %d came too late: %s", uri, self.number, error)
            self.note_decision(Decision(Verdict.STOP, error.reason))
            return
        self.note_renewal(self.ttl_s)
        self.note_decision(decode_decision(response.decision))

    def polling(self) -> Flow[bool]:
        """Whether the server wants the training to stop; asks it, on every rank together."""
        check_process(self._pid)
        decision = yield from share(self._ranks, self._asking)
        self._is_verdict_shared = self._is_verdict_shared or decision.should_stop
        self.note_decision(decision)
        return decision.should_stop

    def _asking(self) -> Flow[Decision]:
        if self._decision is not None and self._decision.should_stop:
            return self._decision
        request = pb.ShouldStopRequest(
            experiment_id=self.experiment_id, trial_number=self.number, lease_token=self._token
        )
        response = yield from call(SHOULD_STOP, request)
        return decode_decision(response.decision)

    # Ends. After STOP or PAUSE they change nothing on the server and are not sent.

    def completing(self) -> Flow[None]:
        """The training ended by itself and is over."""
        request = pb.CompleteTrialRequest(
            experiment_id=self.experiment_id, trial_number=self.number, lease_token=self._token
        )
        yield from self._ending(COMPLETE_TRIAL, request)

    def failing(
        self, message: str, kind: errors.FailureKind, retry_for_s: float | None = None
    ) -> Flow[None]:
        """The training failed."""
        request = pb.FailTrialRequest(
            experiment_id=self.experiment_id,
            trial_number=self.number,
            lease_token=self._token,
            kind=f"FAILURE_KIND_{kind}",
            message=failure.clipped(message),
        )
        if self.is_held:
            self.failure_kind = kind
        yield from self._ending(FAIL_TRIAL, request, retry_for_s)

    def releasing(self, reason: str, retry_for_s: float | None = None) -> Flow[None]:
        """This worker lets the trial go; another one goes on from the last checkpoint."""
        request = pb.ReleaseTrialRequest(
            experiment_id=self.experiment_id,
            trial_number=self.number,
            lease_token=self._token,
            reason=failure.clipped(reason),
        )
        yield from self._ending(RELEASE_TRIAL, request, retry_for_s)

    def ending_for(self, error: BaseException, retry_for_s: float | None = None) -> Flow[None]:
        """Ends the attempt as an exception of the training code, or of something else, demands."""
        kind = failure.kind_of(error)
        if kind is None:
            yield from self.releasing(f"{type(error).__name__}: {error}", retry_for_s)
        else:
            yield from self.failing(failure.describe(error), kind, retry_for_s)

    def _ending(
        self,
        method: Method[RequestT, ResponseT],
        request: RequestT,
        retry_for_s: float | None = None,
    ) -> Flow[None]:
        """Ends the attempt with one call, once."""
        check_process(self._pid)
        with self._lock:
            is_held, self._is_ended = self.is_held, True
        if self._keepalive is not None:
            self._keepalive.stop()
        if not is_held or not self._ranks.is_speaker:
            return
        deadline_s = None if retry_for_s is None else max(min(retry_for_s, 10.0), 0.5)
        try:
            yield from self._flushing(retry_for_s)
            yield from call(method, request, deadline_s=deadline_s, retry_for_s=retry_for_s)
        except (errors.LeaseLost, errors.TrialEnded, errors.NotFound) as error:
            log.warning("trial %d had left this worker already: %s", self.number, error)

    def leaving(self) -> Flow[None]:
        """Ends the attempt when the loop goes on to the next trial without a verdict.

        Nothing was said about it, so the training ended by itself; unless an exception left
        `steps()` and was swallowed by the loop's body.
        """
        if self.is_held and self.raised_at is not None:
            message = f"the training code raised at {self.raised_at}; its loop caught it"
            yield from self.failing(message, errors.FailureKind.RETRYABLE)
        elif self.is_held:
            log.info(
                "trial %d was left at step %d of %d without a verdict: its training is over",
                self.number,
                self._last_step,
                self.max_length,
            )
            yield from self.completing()
        elif self._keepalive is not None:
            self._keepalive.stop()

    def end_now(self, flow: Flow[ResultT]) -> ResultT | None:
        """Runs an ending at once, blocking, in any thread; never raises: the lease is the net."""
        try:
            return drive(flow, self._perform_emergency)
        except Exception as error:  # a dying process has nobody to tell
            log.warning(
                "trial %d could not be given back; it is handed on when its lease expires "
                "(in %.0f s at most): %s",
                self.number,
                self.ttl_s,
                error,
            )
            return None

    def _perform_emergency(self, effect: Effect) -> object:
        # Not over the session: its other threads may be what this one has interrupted.
        return perform(effect, self._connection, in_session=False)

    # Steps.

    def first_step(self) -> int:
        """Where `steps()` begins: after the last step reported.

        A trial that starts at max_length (it was saved, and its report was lost) still has one
        report to make.
        """
        return min(self._last_step + 1, self.max_length)

    def may_step(self, step: int) -> bool:
        """Whether the training goes on with this step, the same on every rank."""
        return step <= self.max_length and not self._is_ended and not self._is_over()

    def _is_over(self) -> bool:
        """Whether a verdict was heard; with several ranks, heard by all of them."""
        return self.has_verdict if self._ranks.is_alone else self._is_verdict_shared

"""An attempt: one trial in this worker's hands, and every rule about it, without I/O.

`Trial` (blocking) and `aio.Trial` are this class with a driver for its flows.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from asha_client import errors, failure
from asha_client.connection import Connection, check_process, drive, perform
from asha_client.decision import Decision, Verdict, decode_decision
from asha_client.flow import (
    CALL_DEADLINE_S,
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
from asha_client.parameter import Value, decode_parameters, nest
from asha_client.pb import suggestion_service_pb2 as pb
from asha_client.pb import trial_pb2
from asha_client.ranks import Ranks, share

log = logging.getLogger("asha_client")

ResultT = TypeVar("ResultT")
CheckpointFunction = Callable[..., object]


@dataclass(frozen=True, slots=True)
class CheckpointPolicy:
    """When a checkpoint function is called beside decisions.

    Attributes:
        every_steps: at the latest after so many steps; None = no such rule.
        every_s: at the latest after so many seconds, at a report; None = no such rule.
    """

    every_steps: int | None = None
    every_s: float | None = None


class Attempt:
    """One trial as it was handed to this worker.

    Attributes:
        experiment_id: the experiment.
        number: the trial's number, 0-based.
        attempt: number of this attempt, from 1.
        kind: NEW, PROMOTED, RETRIED, RESUMED or ENQUEUED; any other text of a newer server.
        parameters: the configuration, by full name (`optimizer.momentum`), in declared order.
        nested: the same with dotted names as nested dictionaries.
        seed: for the training's randomness, 0 to 2^31 - 1.
        start_step: resume at this step, in units; 0 = from scratch.
        checkpoint: what to load before training; None = from scratch.
        max_length: units that a surviving trial trains in all.
        unit: the unit's name, for people; may be empty.
        metric: name of the search metric; reports without it decide nothing.
        bracket: index of the trial's bracket.
        rung: index of the rung it trains towards.
    """

    def __init__(
        self,
        assignment: pb.Assignment,
        connection: Connection,
        ranks: Ranks,
        policy: CheckpointPolicy,
        is_dying: Callable[[], bool],
    ) -> None:
        self.experiment_id = assignment.experiment_id
        self.number = assignment.trial_number
        self.attempt = assignment.lease.attempt
        self.kind = _kind_name(assignment.kind)
        self.parameters: dict[str, Value] = decode_parameters(assignment.parameters)
        self.nested = nest(self.parameters)
        self.seed = assignment.trial_seed
        self.start_step = assignment.start_step
        self.checkpoint: str | None = assignment.checkpoint_uri or None
        self.max_length = assignment.max_length
        self.unit = assignment.unit
        self.metric = assignment.metric
        self.bracket = assignment.bracket
        self.rung = assignment.rung
        self.ttl_s = assignment.lease.ttl.ToNanoseconds() / 1e9 or 60.0
        self.renewed_at = time.monotonic()
        self.has_reported = False
        self.has_failed = False
        self.raised_at: str | None = None
        """Where an exception left `steps()`, while nothing better is known about it."""
        self._token = assignment.lease.token
        self._connection = connection
        self._ranks = ranks
        self._policy = policy
        self._is_dying = is_dying
        self._pid = os.getpid()
        self._decision: Decision | None = None
        self._is_ended = False
        self._next_decision_step = assignment.next_decision_step
        self._last_step = assignment.start_step
        self._saved_step = assignment.start_step
        self._saved_at = time.monotonic()
        self._is_save_due = False
        self._is_verdict_shared = False
        self._lock = threading.Lock()
        self._keepalive: KeepAlive | None = None
        if ranks.is_speaker:
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
        """Train at least this far, then report, in units; 0 after STOP and PAUSE."""
        return 0 if self.has_verdict else self._next_decision_step

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
        self, step: int, metrics: Mapping[str, float], checkpoint: str | CheckpointFunction | None
    ) -> Flow[Decision]:
        """Reports metrics, with a checkpoint where one is needed; answers the decision.

        The checkpoint is saved before the report and goes with it in one message: once PAUSE is
        said another worker may resume at once. Only a PAUSE that nobody could foresee (a person
        paused the experiment) is answered by a checkpoint afterwards.
        """
        check_process(self._pid)
        values = _floats(metrics)
        uri: str | None = checkpoint if isinstance(checkpoint, str) else None
        saver = checkpoint if callable(checkpoint) else None
        if saver is not None and self._needs_checkpoint(step, values):
            uri = yield from self._saving(saver)
        decision, is_save_due = yield from share(
            self._ranks, lambda: self._sending(step, values, uri)
        )
        self._take(step, decision, uri, is_save_due)
        is_lost = decision.reason in {"LEASE_LOST", "TRIAL_ENDED"}
        if decision.verdict is Verdict.PAUSE and saver is not None and not uri and not is_lost:
            uri = yield from self._saving(saver)
            if self._ranks.is_speaker:
                yield from self._storing(step, uri)
        return decision

    def _needs_checkpoint(self, step: int, values: Mapping[str, float]) -> bool:
        """Whether a checkpoint must lie ready when this report is decided.

        With several ranks every one must come to the same answer, so only what was shared counts.
        """
        if self._is_save_due or (self.metric in values and step >= self._next_decision_step):
            return True
        every = self._policy.every_steps
        if every is not None and step - self._saved_step >= every:
            return True
        return self._ranks.is_alone and self._find_save_due()

    def _find_save_due(self) -> bool:
        """Whether the next report should carry a checkpoint, by the clock or by what comes."""
        if self._is_dying() or (self._decision and self._decision.verdict is Verdict.PAUSE):
            return True
        every_s = self._policy.every_s
        return every_s is not None and time.monotonic() - self._saved_at >= every_s

    def _saving(self, saver: CheckpointFunction) -> Flow[str]:
        """The name of a checkpoint that the training code saves now."""
        uri = yield Invoke(saver)
        if isinstance(uri, os.PathLike):
            uri = os.fspath(uri)
        if not isinstance(uri, str) or not uri:
            raise errors.CheckpointMissing(
                f"the checkpoint function {getattr(saver, '__qualname__', saver)!r} returned "
                f"{uri!r}; it must return the path or URI that it saved to, as a string"
            )
        return uri

    def _sending(
        self, step: int, values: Mapping[str, float], uri: str | None
    ) -> Flow[tuple[Decision, bool]]:
        """Sends the report; the decision, and whether the next report should save."""
        request = pb.ReportMetricRequest(
            experiment_id=self.experiment_id,
            trial_number=self.number,
            lease_token=self._token,
            step=step,
            metrics=[trial_pb2.MetricValue(name=n, value=v) for n, v in values.items()],
            checkpoint_uri=uri or "",
        )
        try:
            response = yield from call(REPORT_METRIC, request)
            deletable = tuple(response.deletable_checkpoint_uris)
            decision = decode_decision(response.decision, deletable)
        except errors.MetricConflict as error:
            log.warning(
                "step %d of trial %d was reported before with another value; the first one stands "
                "and the training goes on: %s",
                step,
                self.number,
                error,
            )
            decision = yield from self._recorded(error, step, uri)
        except (errors.LeaseLost, errors.TrialEnded) as error:
            log.warning("trial %d ends on this worker: %s", self.number, error)
            decision = Decision(Verdict.STOP, error.reason)
        else:
            self.note_renewal(self.ttl_s)
        due = (
            decision.verdict is Verdict.CONTINUE
            and not self._ranks.is_alone
            and not uri
            and self._find_save_due()
        )
        return decision, due

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

    def _take(self, step: int, decision: Decision, uri: str | None, is_save_due: bool) -> None:
        """Takes a report's answer in, the same on every rank."""
        self.has_reported = self.has_reported or decision.reason != "LEASE_LOST"
        self._last_step = max(self._last_step, step)
        self._is_save_due = is_save_due
        self._next_decision_step = max(self._next_decision_step, decision.next_decision_step)
        self._is_verdict_shared = self._is_verdict_shared or decision.should_stop
        self.note_decision(decision)
        if uri:
            self._saved_step, self._saved_at = step, time.monotonic()

    def _storing(self, step: int, uri: str) -> Flow[None]:
        """Tells the server of a checkpoint; one that comes too late is only logged."""
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
        self._saved_step, self._saved_at = step, time.monotonic()
        self.note_renewal(self.ttl_s)
        if self._ranks.is_alone:
            self.note_decision(decode_decision(response.decision))

    def storing(self, step: int, uri: str) -> Flow[None]:
        """Tells the server of a checkpoint that was saved between reports. Rank 0 sends it."""
        check_process(self._pid)
        if self._ranks.is_speaker:
            yield from self._storing(step, uri)
        self._saved_step, self._saved_at = step, time.monotonic()

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
        self.has_failed = self.has_failed or self.is_held
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
        deadline_s = CALL_DEADLINE_S if retry_for_s is None else max(min(retry_for_s, 10.0), 0.5)
        try:
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
        return perform(effect, self._connection)

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


def _kind_name(kind: trial_pb2.AssignmentKind) -> str:
    """The kind without its prefix; a newer server's unknown kind as its number."""
    try:
        return trial_pb2.AssignmentKind.Name(kind).removeprefix("ASSIGNMENT_KIND_")
    except ValueError:
        return str(int(kind))


def _floats(metrics: Mapping[str, float]) -> dict[str, float]:
    """Metrics as plain numbers; NumPy and torch scalars too."""
    try:
        return {str(name): float(value) for name, value in metrics.items()}
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"metrics must map names to numbers, as in {{'val_loss': 0.3}}; got {metrics!r}"
        ) from error

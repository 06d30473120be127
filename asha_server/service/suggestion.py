"""SuggestionService: what training processes call."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec

from asha_server.identity import caller
from asha_server.pb import suggestion_service_pb2 as pb
from asha_server.pb import suggestion_service_pb2_grpc as rpc
from asha_server.search.command import Assignment, Wait
from asha_server.search.terms import WaitReason
from asha_server.service.session import Sessions
from asha_server.wire import enums
from asha_server.wire import suggestion as wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from asha_server.config import Limits
    from asha_server.engine import Engine
    from asha_server.hosted import Answered, Hosted
    from asha_server.leases import TokenMint
    from asha_server.search import command as core
    from asha_server.search.spec import ExperimentSpec

RETRY_AFTER_US = 2_000_000
"""A good time to ask again for work that others' results bring; a long poll does better."""
RETRY_AFTER_PAUSED_US = 10_000_000

NO_ATTEMPT = -1
"""The attempt of a token that is not of this trial: the search refuses it as a lost lease."""

if TYPE_CHECKING:
    Spoken = (
        core.ReportMetric
        | core.Heartbeat
        | core.ReportCheckpoint
        | core.CompleteTrial
        | core.FailTrial
        | core.ReleaseTrial
    )


class SuggestionService(rpc.SuggestionServiceServicer):
    """The hot path.

    Args:
        engine: decides.
        mint: makes and reads lease tokens.
        limits: what the server bears.

    Attributes:
        sessions: those that are open.
    """

    def __init__(self, engine: Engine, mint: TokenMint, limits: Limits) -> None:
        self._engine = engine
        self._mint = mint
        self._limits = limits
        self.sessions = Sessions(self, engine, limits)

    async def GetSuggestion(
        self, request: pb.GetSuggestionRequest, context: Any
    ) -> pb.GetSuggestionResponse:
        """Hands out a trial to train."""
        experiment_id, command, max_wait_us = wire.parse_get_suggestion(request, self._limits)
        identity = caller.get().name
        if identity:
            await self._engine.claim_worker(experiment_id, command.worker_id, identity)
        reply = await self._engine.wait_for(experiment_id, command, max_wait_us)
        if isinstance(reply, Assignment):
            hosted = self._engine.find(experiment_id)
            spec = hosted.experiment.state.spec
            lease = self._lease(hosted, reply.trial_number, reply.attempt)
            return wire.format_assignment(experiment_id, spec, reply, lease)
        is_paused = isinstance(reply, Wait) and reply.reason is WaitReason.EXPERIMENT_PAUSED
        return wire.format_no_assignment(
            reply, RETRY_AFTER_PAUSED_US if is_paused else RETRY_AFTER_US
        )

    async def ReportMetric(
        self, request: pb.ReportMetricRequest, context: Any
    ) -> pb.ReportMetricResponse:
        """Records a report and says what to do next."""
        held, command = wire.parse_report_metric(request, self._limits)
        answer = await self._submit(held, command)
        response = pb.ReportMetricResponse()
        wire.fill_report(response, answer)
        return response

    def begin_report(self, request: pb.ReportMetricRequest, answered: Answered) -> int:
        """Records a report; what to do next is told by other means than a future.

        Returns:
            The attempt that it is about.
        """
        held, command = wire.parse_report_metric(request, self._limits)
        attempt = self._attempt(held)
        spoken = msgspec.structs.replace(command, attempt=attempt)
        self._engine.begin(held.experiment_id, spoken, answered)
        return attempt

    async def ShouldStop(
        self, request: pb.ShouldStopRequest, context: Any
    ) -> pb.ShouldStopResponse:
        """Says whether to stop; reads only."""
        held, command, max_wait_us = wire.parse_should_stop(request, self._limits)
        if held.token:
            command = msgspec.structs.replace(command, attempt=self._attempt(held))
        answer = await self._engine.wait_for(held.experiment_id, command, max_wait_us)
        return wire.format_should_stop(answer)

    async def Heartbeat(self, request: pb.HeartbeatRequest, context: Any) -> pb.HeartbeatResponse:
        """Keeps a lease alive."""
        held, command = wire.parse_heartbeat(request)
        hosted = self._engine.hosted.get(held.experiment_id)
        attempt = self._attempt(held)
        answer = await self._submit(held, command)
        lease = None
        if answer.is_live and hosted is not None:
            lease = self._lease(hosted, held.trial_number, attempt)
        return pb.HeartbeatResponse(lease=lease, decision=wire.format_decision(answer.decision))

    async def ReportCheckpoint(
        self, request: pb.ReportCheckpointRequest, context: Any
    ) -> pb.ReportCheckpointResponse:
        """Records a complete checkpoint."""
        held, command = wire.parse_report_checkpoint(request, self._limits)
        answer = await self._submit(held, command)
        return pb.ReportCheckpointResponse(decision=wire.format_decision(answer.decision))

    async def CompleteTrial(
        self, request: pb.CompleteTrialRequest, context: Any
    ) -> pb.CompleteTrialResponse:
        """Ends a trial whose training ended by itself."""
        return pb.CompleteTrialResponse(**await self._end(wire.parse_complete_trial(request)))

    async def FailTrial(self, request: pb.FailTrialRequest, context: Any) -> pb.FailTrialResponse:
        """Records a failure."""
        parsed = wire.parse_fail_trial(request, self._limits)
        return pb.FailTrialResponse(**await self._end(parsed))

    async def ReleaseTrial(
        self, request: pb.ReleaseTrialRequest, context: Any
    ) -> pb.ReleaseTrialResponse:
        """Gives a trial back for somebody else to go on."""
        parsed = wire.parse_release_trial(request, self._limits)
        return pb.ReleaseTrialResponse(**await self._end(parsed))

    async def TrainingSession(  # type: ignore[override]  # the stubs know generators only
        self, request_iterator: AsyncIterator[pb.TrainingSessionRequest], context: Any
    ) -> None:
        """All of these on one stream, which is read and written by its context: that is faster."""
        await self.sessions.run(context)

    async def _end(self, parsed: tuple[wire.Held, Spoken]) -> dict[str, Any]:
        answer = await self._submit(*parsed)
        return {
            "trial_state": enums.TRIAL_STATE.of(answer.trial_state),
            "decision": wire.format_decision(answer.decision),
        }

    async def _submit(self, held: wire.Held, command: Spoken) -> core.Answer:
        """Carries out what a worker says under its lease."""
        spoken = msgspec.structs.replace(command, attempt=self._attempt(held))
        answer: core.Answer = await self._engine.submit(held.experiment_id, spoken)
        return answer

    def attempt_of(self, experiment_id: str, trial_number: int, token: str) -> int:
        """The attempt that a token proves; `NO_ATTEMPT` if it is none of this trial."""
        return self._attempt(wire.Held(experiment_id, trial_number, token))

    def _attempt(self, held: wire.Held) -> int:
        """The attempt that a token proves."""
        hosted = self._engine.hosted.get(held.experiment_id)
        if hosted is None:
            return NO_ATTEMPT  # the engine says that there is no such experiment
        attempt = self._mint.attempt(hosted.token_scope, held.trial_number, held.token)
        return NO_ATTEMPT if attempt is None else attempt

    def _lease(self, hosted: Hosted, trial_number: int, attempt: int) -> Any:
        spec: ExperimentSpec = hosted.experiment.state.spec
        token = self._mint.token(hosted.token_scope, trial_number, attempt)
        return wire.format_lease(token, attempt, spec.lease_ttl_us, time.time_ns() // 1000)

"""AdminService: the server itself."""

from __future__ import annotations

import dataclasses
import functools
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from asha_server import __version__
from asha_server.accounts import payer
from asha_server.clock import monotonic_us
from asha_server.identity import caller
from asha_server.pb import admin_service_pb2 as pb
from asha_server.pb import admin_service_pb2_grpc as rpc
from asha_server.search import spec as search_spec
from asha_server.search.violation import MAX_PARAMETERS
from asha_server.wire import access, control
from asha_server.wire.page import page_token
from asha_server.wire.times import duration, timestamp

if TYPE_CHECKING:
    from asha_server.config import Limits
    from asha_server.engine import Engine
    from asha_server.hosted import Hosted
    from asha_server.service.session import Sessions
    from asha_server.service.watching import Watching
    from asha_server.store import StoreInfo
    from asha_server.tokens import Tokens

NAME_BYTES_MAX = 128


class _Lease(NamedTuple):
    """A live lease, by its place among all."""

    experiment_key: int
    trial_number: int
    record: pb.LeaseRecord


class AdminService(rpc.AdminServiceServicer):
    """The server itself.

    Args:
        engine: whose leases and counters.
        watching: whose watches.
        sessions: whose sessions.
        tokens: who may do what.
        store: what the experiments are kept in.
        limits: what the server bears.
    """

    def __init__(
        self,
        engine: Engine,
        watching: Watching,
        sessions: Sessions,
        tokens: Tokens,
        store: StoreInfo,
        limits: Limits,
    ) -> None:
        self._engine = engine
        self._watching = watching
        self._sessions = sessions
        self._tokens = tokens
        self._store = store
        self._limits = limits
        self._started_us = time.time_ns() // 1000
        self._started_monotonic_us = monotonic_us()

    async def GetServerInfo(
        self, request: pb.GetServerInfoRequest, context: Any
    ) -> pb.GetServerInfoResponse:
        """What runs here, since when, and how much it holds."""
        experiments = await self._engine.experiments()
        return pb.GetServerInfoResponse(
            version=__version__,
            start_time=timestamp(self._started_us),
            uptime=duration(monotonic_us() - self._started_monotonic_us),
            database_path=self._store.path,
            schema_version=self._store.schema_version,
            sqlite_version=self._store.engine_version,
            experiment_count=len(experiments),
            live_lease_count=len(self._engine.leases),
            open_watch_count=self._watching.open_count,
            waiting_call_count=self._engine.waiting_calls,
            open_session_count=self._sessions.open_count,
            inbox_depth=self._engine.inbox_depth,
            limits=format_limits(self._limits),
            identity_limits=access.format_identity_limits(dataclasses.asdict(payer.get().limits)),
        )

    async def ListLeases(
        self, request: pb.ListLeasesRequest, context: Any
    ) -> pb.ListLeasesResponse:
        """Live leases, by experiment in order of creation, then by trial."""
        experiment_id, page = control.parse_list_leases(request)
        after = page.after or (0, -1)
        if experiment_id:
            hosted = [await self._engine.read(experiment_id, lambda hosted: hosted)]
        else:
            covers = caller.get().covers
            hosted = [
                h
                for h in await self._engine.experiments()
                if h.key >= after[0] and covers(h.experiment.state.experiment_id)
            ]
        found: list[_Lease] = []
        for one in hosted:
            listed = functools.partial(self._leases, after=after, most=page.size + 1 - len(found))
            found += await self._engine.read(one.experiment.state.experiment_id, listed)
            if len(found) > page.size:
                last = found[page.size - 1]
                token = page_token("leases", last.experiment_key, last.trial_number)
                records = [lease.record for lease in found[: page.size]]
                return pb.ListLeasesResponse(leases=records, next_page_token=token)
        return pb.ListLeasesResponse(leases=[lease.record for lease in found])

    def _leases(self, hosted: Hosted, after: tuple[int, ...], most: int) -> list[_Lease]:
        """Up to `most` live leases of an experiment after a place."""
        state = hosted.experiment.state
        now_us, wall_us = monotonic_us(), time.time_ns() // 1000
        found: list[_Lease] = []
        for number in sorted(state.active):
            if (hosted.key, number) <= tuple(after) or len(found) == most:
                continue
            attempt = state.trials[number].attempt
            assert attempt is not None
            remaining_us = self._engine.leases.remaining_us(hosted.key, number, now_us)
            record = pb.LeaseRecord(
                experiment_id=state.experiment_id,
                trial_number=number,
                attempt=attempt.number,
                worker_id=attempt.worker_id,
                incarnation_id=attempt.incarnation_id,
                expire_time=timestamp(wall_us + remaining_us),
                remaining=duration(remaining_us),
            )
            found.append(_Lease(hosted.key, number, record))
        return found

    async def CreateToken(
        self, request: pb.CreateTokenRequest, context: Any
    ) -> pb.CreateTokenResponse:
        """Makes an access token; the only answer that shows its secret."""
        row, secret = await self._tokens.create(access.parse_create_token(request))
        return pb.CreateTokenResponse(token=access.format_token(row), secret=secret)

    async def ListTokens(
        self, request: pb.ListTokensRequest, context: Any
    ) -> pb.ListTokensResponse:
        """Access tokens, by name."""
        page = access.parse_list_tokens(request)
        rows = self._tokens.after(page.after, page.size + 1)
        response = pb.ListTokensResponse(tokens=map(access.format_token, rows[: page.size]))
        if len(rows) > page.size:
            response.next_page_token = access.page_token_after(rows[page.size - 1].name)
        return response

    async def RevokeToken(
        self, request: pb.RevokeTokenRequest, context: Any
    ) -> pb.RevokeTokenResponse:
        """Makes an access token void from now on."""
        row = await self._tokens.revoke(access.parse_revoke_token(request))
        return pb.RevokeTokenResponse(token=access.format_token(row))


def format_limits(limits: Limits) -> pb.Limits:
    """What the server bears."""
    return pb.Limits(
        max_request_bytes=limits.request_bytes_max,
        max_metrics_per_report=limits.metrics_max,
        max_reports_per_message=limits.reports_max,
        max_parameters=MAX_PARAMETERS,
        max_labels=search_spec.LABELS_MAX,
        max_label_bytes=search_spec.LABEL_BYTES_MAX,
        max_name_bytes=NAME_BYTES_MAX,
        max_display_name_bytes=search_spec.TEXT_BYTES_MAX,
        max_uri_bytes=limits.uri_bytes_max,
        max_message_bytes=limits.message_bytes_max,
        max_observations_per_trial=limits.observations_max,
        max_experiments=limits.experiments_max,
        max_open_sessions=limits.sessions_max,
        max_open_watches=limits.watches_max,
        max_waiting_calls=limits.waiting_calls_max,
        max_inbox_depth=limits.inbox_max,
        max_page_size=limits.page_size_max,
        max_page_bytes=limits.page_bytes_max,
        max_chunk_bytes=limits.chunk_bytes_max,
        max_suggestion_wait=duration(limits.suggestion_wait_max_us),
        max_should_stop_wait=duration(limits.should_stop_wait_max_us),
        max_open_exports=limits.exports_max,
        max_waiting_reads=limits.reads_max,
    )

"""A real server in the test's own event loop, and stubs to call it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from asha_server.config import Config, Limits
from asha_server.pb import admin_service_pb2 as a
from asha_server.pb import admin_service_pb2_grpc as a_rpc
from asha_server.pb import experiment_pb2 as x
from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import experiment_service_pb2_grpc as e_rpc
from asha_server.pb import suggestion_service_pb2 as s
from asha_server.pb import suggestion_service_pb2_grpc as s_rpc
from asha_server.pb import trial_pb2 as t
from asha_server.server import Server


class Refused:
    """A refused call, decoded.

    Attributes:
        code: name of the status code.
        reason: of its ErrorInfo.
        metadata: of its ErrorInfo.
        fields: proto path -> description, of its BadRequest.
        retry_after_s: of its RetryInfo; None if it has none.
    """

    def __init__(self, error: grpc.aio.AioRpcError) -> None:
        self.code = error.code().name
        self.message = str(error.details())
        self.reason = ""
        self.metadata: dict[str, str] = {}
        self.fields: dict[str, str] = {}
        self.retry_after_s: float | None = None
        trailers: dict[str, Any] = dict(error.trailing_metadata() or ())  # type: ignore[arg-type]  # pairs
        for detail in status_pb2.Status.FromString(trailers["grpc-status-details-bin"]).details:
            info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
            retry = error_details_pb2.RetryInfo()
            if detail.Unpack(info):
                assert info.domain == "asha.v1"
                self.reason, self.metadata = info.reason, dict(info.metadata)
            elif detail.Unpack(bad):
                self.fields = {v.field: v.description for v in bad.field_violations}
            elif detail.Unpack(retry):
                self.retry_after_s = retry.retry_delay.ToNanoseconds() / 1e9

    def __repr__(self) -> str:
        return f"{self.code}/{self.reason}: {self.message} {self.fields}"


async def refused(call: Awaitable[Any]) -> Refused:
    """How a call is refused."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return Refused(caught.value)


async def rest(stream: Any) -> list[Any]:
    """What is left of a stream of responses."""
    found = []
    while (response := await stream.read()) is not grpc.aio.EOF:  # type: ignore[attr-defined]  # not in the stubs
        found.append(response)
    return found


def halving(**changes: Any) -> x.ExperimentSpec:
    """Rungs at 1, 3 and 9, the best third goes on, nine trials, one parameter."""
    spec = x.ExperimentSpec(
        metric=x.Metric(name="loss", goal=x.GOAL_MINIMIZE),
        max_length=9,
        max_trials=9,
        async_halving=x.AsyncHalving(num_rungs=3, divisor=3),
        seed=7,
    )
    spec.parameters.add(name="lr").double_range.CopyFrom(x.DoubleRange(min=0, max=1))
    spec.MergeFrom(x.ExperimentSpec(**changes))
    return spec


class Client:
    """All stubs of one server, and the calls that most tests make."""

    def __init__(self, server: Server, channel: grpc.aio.Channel) -> None:
        self.server = server
        self.channel: Any = channel
        self.experiments = e_rpc.ExperimentServiceStub(channel)
        self.suggestions = s_rpc.SuggestionServiceStub(channel)
        self.admin = a_rpc.AdminServiceStub(channel)

    def bearing(self, token: str) -> Client:
        """The same server, called with an access token."""
        return Client(self.server, Bearing(self.plain.channel, token))  # type: ignore[arg-type]  # acts as one

    @property
    def plain(self) -> Client:
        """The same server, called without a token."""
        return Client(self.server, getattr(self.channel, "plain", self.channel))

    async def create_token(self, name: str, role: a.Role, *patterns: str) -> str:
        """The secret of a new token."""
        request = a.CreateTokenRequest(name=name, role=role, experiment_patterns=patterns)
        return (await self.admin.CreateToken(request)).secret

    async def create(self, experiment_id: str = "e", **changes: Any) -> x.Experiment:
        request = e.CreateExperimentRequest(experiment_id=experiment_id, spec=halving(**changes))
        return (await self.experiments.CreateExperiment(request)).experiment

    async def get(self, experiment_id: str = "e") -> x.Experiment:
        request = e.GetExperimentRequest(experiment_id=experiment_id)
        return (await self.experiments.GetExperiment(request)).experiment

    async def update(self, *paths: str, etag: str = "", **values: Any) -> x.Experiment:
        """Experiment e with changed fields of its spec; an absent one gets its default."""
        request = e.UpdateExperimentRequest(
            experiment_id="e",
            spec=x.ExperimentSpec(**values),
            update_mask={"paths": paths},
            etag=etag,
        )
        return (await self.experiments.UpdateExperiment(request)).experiment

    async def ask(self, worker_id: str = "w", **more: Any) -> s.GetSuggestionResponse:
        more.setdefault("experiment_id", "e")
        return await self.suggestions.GetSuggestion(
            s.GetSuggestionRequest(worker_id=worker_id, **more)
        )

    async def take(self, worker_id: str = "w", **more: Any) -> s.Assignment:
        response = await self.ask(worker_id, **more)
        assert response.HasField("assignment"), response
        return response.assignment

    async def report(
        self, given: s.Assignment, step: int, value: float | None = None, **more: Any
    ) -> t.Decision:
        if value is not None:
            more["metrics"] = [t.MetricValue(name="loss", value=value)]
        response = await self.suggestions.ReportMetric(
            s.ReportMetricRequest(**held(given), step=step, **more)
        )
        return response.decision

    async def trial(self, number: int) -> t.Trial:
        """A trial as it is shown."""
        request = e.GetTrialRequest(experiment_id="e", trial_number=number)
        return (await self.experiments.GetTrial(request)).trial

    async def stop(self, reason: str = "") -> x.Experiment:
        """Experiment e, stopped."""
        request = e.StopExperimentRequest(experiment_id="e", reason=reason)
        return (await self.experiments.StopExperiment(request)).experiment

    async def until_waiting(self, count: int) -> None:
        """Returns once so many long polls are held."""
        while (await self.admin.GetServerInfo(a.GetServerInfoRequest())).waiting_call_count < count:
            pass  # each look is a call of its own

    async def arrive(self, *values: float) -> list[s.Assignment]:
        """New trials on workers w0, w1 …, each reported once at its first rung, in order."""
        given = [await self.take(f"w{n}") for n in range(len(values))]
        for n, (assignment, value) in enumerate(zip(given, values, strict=True)):
            await self.report(assignment, 1, value, checkpoint_uri=f"ckpt-{n}")
        return given


class Bearing:
    """A channel that sends an access token with every call.

    Not an interceptor: grpc.aio takes those only where it makes the channel.
    """

    def __init__(self, channel: Any, token: str) -> None:
        self.plain = channel
        self._metadata = (("authorization", f"Bearer {token}"),)

    def __getattr__(self, kind: str) -> Any:
        make = getattr(self.plain, kind)

        def made(*arguments: Any, **named: Any) -> Any:
            callable_ = make(*arguments, **named)
            return lambda *sent, **more: callable_(*sent, metadata=self._metadata, **more)

        return made


def held(given: s.Assignment) -> dict[str, Any]:
    """The fields by which a worker speaks of what it holds."""
    return {
        "experiment_id": given.experiment_id,
        "trial_number": given.trial_number,
        "lease_token": given.lease.token,
    }


Launch = Callable[..., Awaitable[Client]]


@pytest.fixture
async def launch(tmp_path: Path) -> AsyncIterator[Launch]:
    """Starts servers on one file after another; all are stopped in the end."""
    started: list[tuple[Server, grpc.aio.Channel]] = []

    async def start(
        database: str = "asha.db", limits: Limits | None = None, auth: str = "none"
    ) -> Client:
        config = Config(tmp_path / database, ("127.0.0.1:0",), auth=auth, limits=limits or Limits())
        server = Server(config)
        await server.start()
        channel = grpc.aio.insecure_channel(server.addresses[0])
        started.append((server, channel))
        return Client(server, channel)

    yield start
    for server, channel in started:
        await channel.close(None)
        await server.stop()


@pytest.fixture
async def locked(launch: Launch, tmp_path: Path) -> Client:
    """The first administrator of a server that wants tokens."""
    client = await launch(auth="tokens")
    return client.bearing((tmp_path / "asha.db.admin-token").read_text().strip())


@pytest.fixture
async def client(launch: Launch) -> Client:
    """A client of a server on a new file."""
    return await launch()

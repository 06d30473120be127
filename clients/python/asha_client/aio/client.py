"""The asyncio client of one server."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import grpc

from asha_client.access import FilePath, find_credentials
from asha_client.aio.connection import AsyncConnection
from asha_client.aio.experiment import Experiment
from asha_client.client import make_spec, make_target
from asha_client.connection import Target
from asha_client.flow import CALL_DEADLINE_S, CREATE_EXPERIMENT, call
from asha_client.pb import experiment_pb2
from asha_client.pb import experiment_service_pb2 as experiments


def connect(
    address: str | None = None,
    *,
    credentials: grpc.ChannelCredentials | None = None,
    token: str | None = None,
    root_certificates: FilePath | None = None,
    client_certificate: FilePath | None = None,
    client_key: FilePath | None = None,
    retry_for: float | None = None,
    max_backoff: float = 20.0,
    options: tuple[tuple[str, int | str], ...] = (),
    sessions: bool = True,
    deadline: float = CALL_DEADLINE_S,
) -> Client:
    """An asyncio client of one server; arguments as for `asha_client.connect`. Does no I/O."""
    credentials = credentials or find_credentials(root_certificates, client_certificate, client_key)
    return Client(
        make_target(
            address, credentials, token, retry_for, max_backoff, options, sessions, deadline
        )
    )


class Client:
    """An asyncio client of one server. See `asha_client.Client`."""

    def __init__(self, target: Target) -> None:
        self._connection = AsyncConnection(target)

    def experiment(self, experiment_id: str) -> Experiment:
        """An experiment by its id. Does no I/O."""
        return Experiment(experiment_id, self._connection)

    async def create_experiment(
        self,
        spec: experiment_pb2.ExperimentSpec | Mapping[str, object],
        experiment_id: str = "",
        request_id: str = "",
    ) -> Experiment:
        """Creates an experiment; arguments as for the blocking client."""
        request = experiments.CreateExperimentRequest(
            experiment_id=experiment_id,
            spec=make_spec(spec),
            request_id=request_id or secrets.token_hex(16),
        )
        response = await self._connection.run(call(CREATE_EXPERIMENT, request))
        return self.experiment(response.experiment.experiment_id)

    async def close(self) -> None:
        """Closes the connection; a later call opens another one."""
        await self._connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

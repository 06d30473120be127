"""The client of one server, blocking calls."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Self

import grpc
from google.protobuf import json_format
from google.protobuf.message import Message

from asha_client import errors
from asha_client.access import FilePath, find_credentials, find_token
from asha_client.connection import Connection, Target
from asha_client.experiment import Experiment
from asha_client.flow import CALL_DEADLINE_S, CREATE_EXPERIMENT, RequestT, ResponseT
from asha_client.pb import experiment_pb2
from asha_client.pb import experiment_service_pb2 as experiments
from asha_client.pb.admin_service_pb2_grpc import AdminServiceStub
from asha_client.pb.experiment_service_pb2_grpc import ExperimentServiceStub
from asha_client.pb.suggestion_service_pb2_grpc import SuggestionServiceStub

DEFAULT_ADDRESS = "localhost:50051"


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
    """A client of one server. Does no I/O: the first call connects.

    Args:
        address: `host:port` or `unix:path`; default: the environment's ASHA_SERVER, then
            `localhost:50051`.
        credentials: for TLS (`grpc.ssl_channel_credentials(…)`); default: by the files below.
        token: an access token; default: the environment's ASHA_TOKEN, then what the file
            ASHA_TOKEN_FILE holds, then none.
        root_certificates: PEM file of who signs the server's certificate, which turns TLS on;
            default: the environment's ASHA_ROOT_CERTIFICATES, then plaintext.
        client_certificate: PEM file, for mutual TLS; default: ASHA_CLIENT_CERTIFICATE.
        client_key: PEM file of its key; default: ASHA_CLIENT_KEY.
        retry_for: how long a call is retried while network or server fail, in seconds; default:
            for ever, with a warning per growing interval.
        max_backoff: longest pause between two attempts, in seconds.
        options: further options of the gRPC channel.
        sessions: whether the calls of workers go over one stream, where the server has it; False
            where a proxy carries streams badly.
        deadline: of each attempt at a call that does not wait, in seconds.

    Raises:
        AccessDenied: a file of a token, certificate or key cannot be read.
    """
    credentials = credentials or find_credentials(root_certificates, client_certificate, client_key)
    return Client(
        make_target(
            address, credentials, token, retry_for, max_backoff, options, sessions, deadline
        )
    )


def make_target(
    address: str | None,
    credentials: grpc.ChannelCredentials | None,
    token: str | None,
    retry_for: float | None,
    max_backoff: float,
    options: tuple[tuple[str, int | str], ...],
    sessions: bool,
    deadline: float,
) -> Target:
    """The target as `connect` describes it."""
    return Target(
        address or os.environ.get("ASHA_SERVER") or DEFAULT_ADDRESS,
        credentials,
        find_token(token),
        retry_for,
        max_backoff,
        options,
        sessions,
        deadline,
    )


def make_spec(
    spec: experiment_pb2.ExperimentSpec | Mapping[str, object],
) -> experiment_pb2.ExperimentSpec:
    """The spec as a message, from protobuf's JSON form if it is a mapping.

    Raises:
        InvalidRequest: the mapping does not have that form.
    """
    if isinstance(spec, experiment_pb2.ExperimentSpec):
        return spec
    try:
        return json_format.ParseDict(dict(spec), experiment_pb2.ExperimentSpec())
    except json_format.ParseError as error:
        raise errors.InvalidRequest(
            f"the spec is not an ExperimentSpec in protobuf's JSON form: {error}",
            reason="INVALID_REQUEST",
        ) from error


class Client:
    """A client of one server; threads may share it. See `connect`."""

    def __init__(self, target: Target) -> None:
        self._connection = Connection(target)

    def __repr__(self) -> str:
        return f"<asha client of {self._connection.target.address}>"

    def experiment(self, experiment_id: str) -> Experiment:
        """An experiment by its id. Does no I/O."""
        return Experiment(experiment_id, self._connection)

    def create_experiment(
        self,
        spec: experiment_pb2.ExperimentSpec | Mapping[str, object],
        experiment_id: str = "",
        request_id: str = "",
    ) -> Experiment:
        """Creates an experiment.

        Args:
            spec: a message, or a mapping in protobuf's JSON form.
            experiment_id: its id; default: the server generates one.
            request_id: the same id again gives the same experiment; default: a random one.

        Raises:
            InvalidRequest: the spec is wrong; `violations` lists everything at once.
            AlreadyExists: another experiment has that id.
        """
        request = experiments.CreateExperimentRequest(
            experiment_id=experiment_id,
            spec=make_spec(spec),
            request_id=request_id or secrets.token_hex(16),
        )
        response = self._connection.call(CREATE_EXPERIMENT, request)
        return self.experiment(response.experiment.experiment_id)

    # The whole API, for programs that administer: `client.call(client.experiments.ListTrials, …)`.

    @property
    def experiments(self) -> ExperimentServiceStub:
        """The methods of ExperimentService, for `call` and `stream`. Connects with the first."""
        return ExperimentServiceStub(self._connection.open())

    @property
    def suggestions(self) -> SuggestionServiceStub:
        """The methods of SuggestionService, for `call`."""
        return SuggestionServiceStub(self._connection.open())

    @property
    def admin(self) -> AdminServiceStub:
        """The methods of AdminService, for `call`."""
        return AdminServiceStub(self._connection.open())

    def call(
        self,
        method: grpc.UnaryUnaryMultiCallable[RequestT, ResponseT],
        request: RequestT,
        *,
        timeout: float | None = None,
        retry_for: float | None = None,
    ) -> ResponseT:
        """The answer to one request, with deadline, token, retries and typed errors.

        Args:
            method: of `experiments`, `suggestions` or `admin`.
            request: the same message for every attempt, so that a retry counts once.
            timeout: of each attempt, in seconds; default: as the client was told.
            retry_for: at most so long, in seconds; default: as the client was told, 0 = not at all.

        Raises:
            AshaError: the refusal, with reason, metadata and violations.
        """
        timeout_s = self._connection.target.attempt_s(timeout)
        return self._connection.retry(
            lambda metadata: method(request, timeout=timeout_s, metadata=metadata),
            _method_name(request),
            retry_for,
        )

    def stream(
        self,
        method: grpc.UnaryStreamMultiCallable[RequestT, ResponseT],
        request: RequestT,
        *,
        timeout: float | None = None,
    ) -> Iterator[ResponseT]:
        """The messages of one stream, until it ends. Not retried: where to go on is the caller's.

        Args:
            method: WatchExperiment or ExportExperiment of `experiments`.
            request: where to begin.
            timeout: of the whole stream, in seconds; default: none, a watch has no end of its own.

        Raises:
            AshaError: why it broke; `is_retryable` says whether to begin again.
        """
        messages = method(request, timeout=timeout, metadata=self._connection.target.metadata)
        try:
            yield from messages
        except grpc.RpcError as error:
            raise errors.decode_error(error) from error
        finally:
            messages.cancel()  # type: ignore[no-untyped-call]  # grpc-stubs has no types for it

    def close(self) -> None:
        """Closes the connection; a later call opens another one."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _method_name(request: Message) -> str:
    """The method that a request belongs to: `GetTrial` of a GetTrialRequest."""
    return request.DESCRIPTOR.name.removesuffix("Request")

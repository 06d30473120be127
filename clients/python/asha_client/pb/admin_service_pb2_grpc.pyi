from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Iterable, Iterator
from typing import Any, Protocol, TypeVar, overload

import grpc
import grpc.aio

from . import admin_service_pb2

_T = TypeVar("_T", covariant=True)
_Request = TypeVar("_Request")
_Response = TypeVar("_Response")

class _Requests(AsyncIterator[_T], Iterator[_T], Protocol): ...

class AdminServiceStub:
    @overload
    def __new__(cls, channel: grpc.Channel) -> AdminServiceStub: ...
    @overload
    def __new__(cls, channel: grpc.aio.Channel) -> AdminServiceAsyncStub: ...
    GetServerInfo: grpc.UnaryUnaryMultiCallable[admin_service_pb2.GetServerInfoRequest, admin_service_pb2.GetServerInfoResponse]
    ListLeases: grpc.UnaryUnaryMultiCallable[admin_service_pb2.ListLeasesRequest, admin_service_pb2.ListLeasesResponse]
    CreateToken: grpc.UnaryUnaryMultiCallable[admin_service_pb2.CreateTokenRequest, admin_service_pb2.CreateTokenResponse]
    ListTokens: grpc.UnaryUnaryMultiCallable[admin_service_pb2.ListTokensRequest, admin_service_pb2.ListTokensResponse]
    RevokeToken: grpc.UnaryUnaryMultiCallable[admin_service_pb2.RevokeTokenRequest, admin_service_pb2.RevokeTokenResponse]

class AdminServiceAsyncStub(AdminServiceStub):
    GetServerInfo: grpc.aio.UnaryUnaryMultiCallable[admin_service_pb2.GetServerInfoRequest, admin_service_pb2.GetServerInfoResponse]  # type: ignore[assignment]
    ListLeases: grpc.aio.UnaryUnaryMultiCallable[admin_service_pb2.ListLeasesRequest, admin_service_pb2.ListLeasesResponse]  # type: ignore[assignment]
    CreateToken: grpc.aio.UnaryUnaryMultiCallable[admin_service_pb2.CreateTokenRequest, admin_service_pb2.CreateTokenResponse]  # type: ignore[assignment]
    ListTokens: grpc.aio.UnaryUnaryMultiCallable[admin_service_pb2.ListTokensRequest, admin_service_pb2.ListTokensResponse]  # type: ignore[assignment]
    RevokeToken: grpc.aio.UnaryUnaryMultiCallable[admin_service_pb2.RevokeTokenRequest, admin_service_pb2.RevokeTokenResponse]  # type: ignore[assignment]

class AdminServiceServicer:
    def GetServerInfo(self, request: admin_service_pb2.GetServerInfoRequest, context: Any) -> admin_service_pb2.GetServerInfoResponse | Awaitable[admin_service_pb2.GetServerInfoResponse]: ...
    def ListLeases(self, request: admin_service_pb2.ListLeasesRequest, context: Any) -> admin_service_pb2.ListLeasesResponse | Awaitable[admin_service_pb2.ListLeasesResponse]: ...
    def CreateToken(self, request: admin_service_pb2.CreateTokenRequest, context: Any) -> admin_service_pb2.CreateTokenResponse | Awaitable[admin_service_pb2.CreateTokenResponse]: ...
    def ListTokens(self, request: admin_service_pb2.ListTokensRequest, context: Any) -> admin_service_pb2.ListTokensResponse | Awaitable[admin_service_pb2.ListTokensResponse]: ...
    def RevokeToken(self, request: admin_service_pb2.RevokeTokenRequest, context: Any) -> admin_service_pb2.RevokeTokenResponse | Awaitable[admin_service_pb2.RevokeTokenResponse]: ...

def add_AdminServiceServicer_to_server(
    servicer: AdminServiceServicer, server: grpc.Server | grpc.aio.Server
) -> None: ...

"""Every call of the contract by its name, and the refusals that a client can meet."""

from __future__ import annotations

from typing import Any

import grpc

from asha_server.pb import admin_service_pb2 as a
from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import suggestion_service_pb2 as s

SERVICES = {
    "suggestions": s.DESCRIPTOR.services_by_name["SuggestionService"],
    "experiments": e.DESCRIPTOR.services_by_name["ExperimentService"],
    "admin": a.DESCRIPTOR.services_by_name["AdminService"],
}
UNARY = [
    (stub, method.name)
    for stub, service in SERVICES.items()
    for method in service.methods
    if not (method.client_streaming or method.server_streaming)
]

CODES = {
    "INVALID_REQUEST": "INVALID_ARGUMENT",
    "EXPERIMENT_NOT_FOUND": "NOT_FOUND",
    "TRIAL_NOT_FOUND": "NOT_FOUND",
    "EXPERIMENT_EXISTS": "ALREADY_EXISTS",
    "METRIC_CONFLICT": "ALREADY_EXISTS",
    "TRIAL_ENDED": "FAILED_PRECONDITION",
    "EXPERIMENT_ENDED": "FAILED_PRECONDITION",
    "EXPERIMENT_RUNNING": "FAILED_PRECONDITION",
    "REQUEST_ID_REUSED": "FAILED_PRECONDITION",
    "IMMUTABLE_FIELD": "FAILED_PRECONDITION",
    "TOKEN_EXISTS": "ALREADY_EXISTS",
    "TOKEN_NOT_FOUND": "NOT_FOUND",
    "LEASE_LOST": "ABORTED",
    "ETAG_MISMATCH": "ABORTED",
    "LIMIT_EXCEEDED": "RESOURCE_EXHAUSTED",
    "NOT_IMPLEMENTED": "UNIMPLEMENTED",
}
"""Every refusal that one client alone can meet, and its code."""


def path_of(stub: str, method: str) -> str:
    return f"/{SERVICES[stub].full_name}/{method}"


def raw_call(channel: grpc.aio.Channel, path: str) -> Any:
    """A call that sends and returns bytes."""
    return channel.unary_unary(path, lambda raw: raw, lambda raw: raw)

"""All cases, and the tables that the suite's own test checks its coverage by."""

from __future__ import annotations

from .case import Case, in_modes, written_cases
from .generated import error_case, refused_report_case, wire_cases

REASONS = {
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
    "LEASE_LOST": "ABORTED",
    "ETAG_MISMATCH": "ABORTED",
    "WATCH_LAGGED": "OUT_OF_RANGE",
    "LIMIT_EXCEEDED": "RESOURCE_EXHAUSTED",
    "OVERLOADED": "RESOURCE_EXHAUSTED",
    "NOT_IMPLEMENTED": "UNIMPLEMENTED",
    "SHUTTING_DOWN": "UNAVAILABLE",
    "STORE_FAILED": "UNAVAILABLE",
    "TOKEN_MISSING": "UNAUTHENTICATED",
    "TOKEN_INVALID": "UNAUTHENTICATED",
    "SCOPE_MISSING": "PERMISSION_DENIED",
    "INTERNAL": "INTERNAL",
    "TOKEN_NOT_FOUND": "NOT_FOUND",
    "TOKEN_EXISTS": "ALREADY_EXISTS",
    "QUOTA_EXCEEDED": "RESOURCE_EXHAUSTED",
}
"""Status code by reason (api.md, "Errors")."""

SCRIPTED_ONLY = {
    "WATCH_LAGGED": "only a stream ends with it, and clients have unary calls only",
    "OVERLOADED": "twenty thousand commands would have to wait",
    "SHUTTING_DOWN": "the moment between SIGTERM and the end is too short to be met every time",
    "STORE_FAILED": "the disk would have to fail",
    "INTERNAL": "the server would have to have a bug",
    "NOT_IMPLEMENTED": "only what is not built yet is answered so",
    "QUOTA_EXCEEDED": "the suite's server limits no identity",
}
"""Reasons that no case has from the real server, and why."""

ALL_CASES: list[Case] = [
    played
    for case in [*written_cases(), *wire_cases(), error_case(REASONS), refused_report_case(REASONS)]
    for played in in_modes(case)
]
"""Every case as it is played."""


def cases_for(*, sessions: bool) -> list[Case]:
    """The cases that the driver of a client plays which has sessions, or has none."""
    return [case for case in ALL_CASES if sessions or not case.sessions]

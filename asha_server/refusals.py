"""What the engine refuses calls with, whatever they ask."""

from __future__ import annotations

from asha_server.clock import SECOND_US
from asha_server.errors import ErrorReason, PermissionDenied, ResourceExhausted, Unavailable


def shutting_down() -> Unavailable:
    """The server was told to stop."""
    return Unavailable(
        ErrorReason.SHUTTING_DOWN, "the server is shutting down; the same call again soon"
    )


def store_failed() -> Unavailable:
    """A commit failed."""
    return Unavailable(
        ErrorReason.STORE_FAILED,
        "the server's store failed and the server stops; the same call again soon",
    )


def overloaded(count: int, inbox_max: int) -> ResourceExhausted:
    """The inbox is full."""
    return ResourceExhausted(
        ErrorReason.OVERLOADED,
        f"{count} commands wait already; the same call again in a moment",
        retry_after_us=SECOND_US // 2,
        inbox_max=inbox_max,
    )


def too_many_wait(count: int, waiting_calls_max: int) -> ResourceExhausted:
    """All places of long polls are taken."""
    return ResourceExhausted(
        ErrorReason.LIMIT_EXCEEDED,
        f"{count} calls wait already; ask with max_wait = 0",
        waiting_calls_max=waiting_calls_max,
    )


def worker_taken(worker_id: str) -> PermissionDenied:
    """Another identity used the worker's name first."""
    return PermissionDenied(
        ErrorReason.SCOPE_MISSING,
        f"the worker name {worker_id!r} belongs to another token; choose another worker_id",
        worker_id=worker_id,
    )

"""How an exception of the training code is told to the server."""

from __future__ import annotations

import traceback

import grpc

from asha_client import errors
from asha_client.errors import FailureKind

MAX_MESSAGE_BYTES = 2000
MAX_FRAMES = 6


def kind_of(error: BaseException) -> FailureKind | None:
    """The kind of failure, or None if it is none of the training's: the trial is released.

    None are the network, the server and this client, also at the root of another exception;
    KeyboardInterrupt, SystemExit, cancellation and whatever else is not an Exception.
    """
    if isinstance(error, errors.TrialFailure):
        return error.kind
    if not isinstance(error, Exception):
        return None
    link: BaseException | None = error
    for _ in range(16):
        if isinstance(link, errors.CheckpointMissing):
            break  # ours, but about the training code
        if isinstance(link, (errors.AshaError, grpc.RpcError)):
            return None
        if link is None:
            break
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return FailureKind.RETRYABLE


def describe(error: BaseException) -> str:
    """Type, message and the last frames of the traceback, short enough to be sent."""
    head = "".join(traceback.format_exception_only(error)).strip()
    frames = traceback.format_list(traceback.extract_tb(error.__traceback__)[-MAX_FRAMES:])
    return clipped(f"{head}\n{''.join(frames)}".strip())


def clipped(text: str) -> str:
    """The text in at most 2000 bytes of UTF-8, its beginning kept."""
    data = text.encode(errors="replace")
    if len(data) <= MAX_MESSAGE_BYTES:
        return text
    return data[: MAX_MESSAGE_BYTES - 4].decode(errors="ignore") + " …"

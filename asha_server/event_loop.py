"""The server's event loop: uvloop's, woken by gRPC once where it would be woken two hundred times.

gRPC's poller writes a byte into a socket for each of its events. Its reader takes one byte out and
then handles every event there is, so under load two hundred bytes are left over, and for each the
loop goes round once more and finds nothing to do.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, TypeVarTuple, Unpack

import uvloop

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

Arguments = TypeVarTuple("Arguments")

_POLLER = "PollerCompletionQueue"
"""gRPC's class that reads the bytes."""
_BYTES_MAX = 4096
"""More than a socket holds of bytes that were written one by one."""


class EventLoop(uvloop.Loop):
    """An event loop for a gRPC server."""

    def add_reader(
        self, fd: Any, callback: Callable[[Unpack[Arguments]], Any], *args: *Arguments
    ) -> None:
        """Calls back whenever something can be read; gRPC's reader finds no more than one byte."""
        if is_grpc_reader(callback):
            super().add_reader(fd, leaving_one_byte(fd, callback), *args)
        else:
            super().add_reader(fd, callback, *args)


def run_serving(serving: Coroutine[Any, Any, None]) -> None:
    """Runs a coroutine on an event loop of its own until it is done."""
    uvloop.run(serving, loop_factory=EventLoop)


def is_grpc_reader(callback: Callable[..., Any]) -> bool:
    """Whether it is what reads the bytes that gRPC's poller writes."""
    function = getattr(callback, "func", callback)
    return type(getattr(function, "__self__", None)).__name__ == _POLLER


def leaving_one_byte(wakened: socket.socket, read: Callable[..., Any]) -> Callable[..., Any]:
    """A reader's callback, before which all bytes but one are thrown away.

    Args:
        wakened: what is read; its bytes only say that there is something to do.
        read: the callback.
    """
    waste = bytearray(_BYTES_MAX)

    def read_once(*args: Any) -> Any:
        count = wakened.recv_into(waste, _BYTES_MAX, socket.MSG_PEEK)
        if count > 1:
            wakened.recv_into(waste, count - 1)
        return read(*args)

    return read_once

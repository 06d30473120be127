"""What was said to a server and what it answered, in order."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from google.protobuf.message import Message


@dataclass(slots=True, eq=False)
class Exchange:
    """One request, however often it was sent, and its answer.

    Attributes:
        method: the RPC's name.
        request: the message; the same at every attempt.
        sent: tick at which it was first sent.
        sent_us: the same by the wall clock, in microseconds.
        is_repeat: the very same request was sent before and is sent again on purpose.
        tries: how often it was sent.
        answered: tick at which its answer came; 0 while there is none.
        response: the answer, if it was one.
        refusal: `CODE/REASON`, if it was refused; else "".
    """

    method: str
    request: Any
    sent: int
    sent_us: int
    is_repeat: bool = False
    tries: int = 0
    answered: int = 0
    response: Any = None
    refusal: str = ""

    def __str__(self) -> str:
        said = self.refusal or _line(self.response)
        return f"{self.answered:6} {self.method} {_line(self.request)} -> {said}"


@dataclass(slots=True)
class Journal:
    """Every exchange of one file's life.

    Attributes:
        exchanges: in the order in which they were first sent.
        watched: experiment id -> the events that its watcher was sent, in order.
        starts_us: when servers were started on the file; wall clock, microseconds.
    """

    exchanges: list[Exchange] = field(default_factory=list)
    watched: dict[str, list[Any]] = field(default_factory=dict)
    starts_us: list[int] = field(default_factory=list)
    _ticks: Iterator[int] = field(default_factory=lambda: count(1))

    def send(self, method: str, request: Message, *, is_repeat: bool = False) -> Exchange:
        """Notes that a request is about to be sent for the first time."""
        now_us = time.time_ns() // 1000
        exchange = Exchange(method, request, next(self._ticks), now_us, is_repeat)
        self.exchanges.append(exchange)
        return exchange

    def answer(self, exchange: Exchange, response: Message | None, refusal: str = "") -> None:
        """Notes its answer."""
        exchange.answered = next(self._ticks)
        exchange.response, exchange.refusal = response, refusal

    def answered(self, method: str, experiment_id: str | None = None) -> list[Exchange]:
        """Those of a method that were answered, and not refused, in the order of sending."""
        return [
            exchange
            for exchange in self.exchanges
            if exchange.method == method
            and exchange.response is not None
            and experiment_id in (None, exchange.request.experiment_id)
        ]

    def latest(self, most: int) -> list[Exchange]:
        """The latest answers, oldest first."""
        answered = [exchange for exchange in self.exchanges if exchange.answered]
        return sorted(answered, key=lambda exchange: exchange.answered)[-most:]


def _line(message: Message) -> str:
    return "{" + " ".join(str(message).split()) + "}"

"""Whether a request was treated as promised, and counts of how."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import grpc

from asha_server.pb import error_pb2
from asha_server.pb import suggestion_service_pb2 as s
from tests.server.calls import CODES
from tests.server.conftest import Refused

_CODES = CODES | {"WATCH_LAGGED": "OUT_OF_RANGE", "OVERLOADED": "RESOURCE_EXHAUSTED"}
_CUT_OFF = "Internal error from Core"
"""What grpc.aio's client says where the server refuses a stream while it is being written."""


class Broken(AssertionError):
    """A request that was not treated as promised; the text says which."""


@dataclass
class Tally:
    """What a campaign saw.

    Attributes:
        requests: sent so far.
        outcomes: (call, code/reason) -> how often.
        memory_mib: resident memory of the server and its processes, in MiB, every few seconds.
    """

    requests: int = 0
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    memory_mib: list[float] = field(default_factory=list)

    def note(self, call: str, outcome: str, requests: int = 1) -> None:
        """One more answer."""
        self.requests += requests
        self.outcomes[call, outcome] += requests

    def lines(self) -> list[str]:
        """For people: how often each outcome came, over all calls."""
        found: Counter[str] = Counter()
        for (_, outcome), count in self.outcomes.items():
            found[outcome] += count
        calls = len({call for call, _ in self.outcomes})
        told = [f"{self.requests:,} requests at {calls} calls"]
        told += [f"  {count:>10,}  {outcome}" for outcome, count in found.most_common()]
        if self.memory_mib:
            early, late = self.settled_mib()
            told.append(f"memory: {early:.0f} MiB after a fifth, {late:.0f} MiB in the end")
        return told

    def settled_mib(self) -> tuple[float, float]:
        """Median memory after the first fifth and of the last fifth."""
        some = max(len(self.memory_mib) // 5, 1)
        early = sorted(self.memory_mib[some : 2 * some] or self.memory_mib)
        late = sorted(self.memory_mib[-some:])
        return early[len(early) // 2], late[len(late) // 2]


class Answer:
    """Judges how a call ends.

    Args:
        tally: counts.
        method: that was called.
        raw: what was sent.
        has_fault: it was mangled, perhaps into waiting for something.
    """

    def __init__(self, tally: Tally, method: str, raw: bytes, *, has_fault: bool) -> None:
        self._tally = tally
        self._method = method.rpartition("/")[2]
        self._is_session = self._method == "TrainingSession"
        self._raw = raw
        self._has_fault = has_fault

    async def __aenter__(self) -> Answer:
        return self

    async def __aexit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
        if error is None:
            if not self._is_session:
                self._tally.note(self._method, "OK")
            return False
        if not isinstance(error, grpc.aio.AioRpcError):
            return False
        code = error.code().name
        if self._has_fault and code == "DEADLINE_EXCEEDED":
            self._tally.note(self._method, "waited, as it was mangled to")
            return True
        if self._has_fault and error.details() == _CUT_OFF:
            self._tally.note(self._method, "cut off while it was still sent")
            return True
        trailers: dict[str, Any] = dict(error.trailing_metadata() or ())  # type: ignore[arg-type]  # pairs
        if "grpc-status-details-bin" not in trailers:
            raise Broken(f"{self._method} {self._raw!r}: {code} {error.details()}")
        self._judge(code, Refused(error).reason, str(error.details()))
        return True

    def judge_part(self, response: s.TrainingSessionResponse) -> None:
        """An answer on a session, which goes on."""
        if not response.HasField("error"):
            self._tally.note(self._method, "OK")
            return
        error = response.error
        code = next(code.name for code in grpc.StatusCode if code.value[0] == error.code)
        self._judge(code, error_pb2.ErrorReason.Name(error.reason), error.message)

    def _judge(self, code: str, reason: str, message: str) -> None:
        reason = reason.removeprefix("ERROR_REASON_")
        if code != _CODES.get(reason):
            raise Broken(f"{self._method} {self._raw!r}: {code} / {reason}: {message}")
        self._tally.note(self._method, f"{code} / {reason}")

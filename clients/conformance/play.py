"""Plays a case: tells the driver its steps, misbehaves where the case says, compares.

A step has one of these keys.

* `do`: a step of the driver (README.md); a `connect` gives what differs from the usual. `expect` is
  `{"ok": …}` or `{"error": …}`, by default an `ok` of any kind; `exact` allows no other field;
  `takes_s` is `[least, most]` seconds; `within_s` repeats the step until its answer is as expected;
  `meanwhile` holds steps that are played while the driver is at it.
* `suite`: `call`, with `method`, `request`, `expect` as above: a call of the suite's own, with the
  token for everything where the server wants one.
* `received`: the name of a method, of what reached the scripted server: `count` calls, all `same`
  or with a `distinct` field, with these `requests` (in order), `metadata`, `deadline_s` (of unary
  calls), `over` (`unary` or `session`); within `within_s` (default 5). `TrainingSession` counts the
  streams that were opened.
* `server`: `kill`, `start` or `restart` the real one; `cut` the line of the scripted one.
* `push`: a PushedDecision that the scripted server sends on every open session.
* `signal`: `SIGTERM` to the driver, which must end.
* `pause_s`: seconds.
* `session`: beside any of these: fields that are others over a session, null where there are none.

Texts hold variables: `${address}`, `${experiment}` (an id of this run's own), those of TLS, and
what a matcher `$save` saved.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import time
from typing import Any

import grpc
from asha_client import errors
from google.protobuf import json_format

from .case import IN_SESSION, Case
from .compare import Variables, differences, filled
from .driver_process import DriverProcess
from .servers import Misbehaving, RealServer
from .wire_methods import call, canonical, plain, request_of, response_of

USUAL_CONNECTION: dict[str, Any] = {
    "worker_id": "worker-1",
    "token": "",
    "root_certificates": "",
    "client_certificate": "",
    "client_key": "",
    "deadline_s": 5.0,
    "backoff_initial_s": 0.01,
    "backoff_max_s": 0.05,
    "give_up_after_s": 20.0,
}
WORKER_METHODS = {
    "GetSuggestion", "ReportMetric", "Heartbeat", "ShouldStop", "ReportCheckpoint",
    "CompleteTrial", "FailTrial", "ReleaseTrial",
}  # fmt: skip
"""What goes over a session where there is one."""
MAY_BE_UNARY = {"ReleaseTrial"}
"""What may be sent past the session: a process that dies gives its trial back as it can."""
_RUNNER_FIELDS = {"expect", "exact", "takes_s", "within_s", "meanwhile"}


class Mismatch(AssertionError):
    """What came is not what the case expects."""


class Play:
    """One case with one driver and one server."""

    def __init__(self, case: Case, driver: DriverProcess, server: RealServer | Misbehaving) -> None:
        self._case = case
        self._driver = driver
        self._server = server
        self.variables: Variables = {
            "address": server.address,
            "experiment": f"{case.name.removesuffix(IN_SESSION)}-{secrets.token_hex(3)}",
        }
        if isinstance(server, Misbehaving) and server.certificates is not None:
            for name in ("authority.pem", "stranger.pem", "client.pem", "client.key"):
                path = server.certificates.path(name)
                self.variables[name.replace(".", "_").removesuffix("_pem")] = path
        self._talk: list[str] = []

    def run(self) -> None:
        """Plays every step.

        Raises:
            Mismatch: with the differences and what was said until then.
        """
        self._driver.begin_case()
        steps = [{"do": "connect", **self._case.connect}, *self._case.steps]
        steps.append({"ways": self._case.sessions})
        for number, step in enumerate(steps):
            try:
                self._play(step)
            except Mismatch as mismatch:
                talk = "\n".join(self._talk[-12:])
                raise Mismatch(
                    f"{self._case.name}, step {number} of {len(steps) - 1}: {self._case.about}\n"
                    f"{mismatch}\n\nwhat was said:\n{talk}\n\n"
                    f"the driver's standard error:\n{self._driver.log_tail()}"
                ) from None
        with contextlib.suppress(OSError):
            if self._driver.is_running:
                self._driver.hear(self._driver.tell({"do": "close"}))

    def _play(self, raw: dict[str, Any]) -> None:
        step = filled(raw, self.variables)
        if "do" in step:
            self._tell_driver(step)
        elif "suite" in step:
            self._check(step, self._own_call(step))
        elif "received" in step:
            self._check_received(step)
        elif "server" in step:
            self._change_server(step["server"])
        elif "push" in step:
            assert isinstance(self._server, Misbehaving), "only the scripted server pushes"
            self._server.push(step["push"])
        elif "signal" in step:
            self._driver.terminate()
        elif "ways" in step:
            self._check_ways()
        else:
            time.sleep(step["pause_s"])

    def _tell_driver(self, step: dict[str, Any]) -> None:
        message = {key: value for key, value in step.items() if key not in _RUNNER_FIELDS}
        if step["do"] == "connect":
            usual = {"address": self.variables["address"], "sessions": self._case.sessions}
            message = USUAL_CONNECTION | usual | message
        if step["do"] == "call":
            request = request_of(step["method"], step.get("request", {}))
            message["request"] = canonical(request)
        deadline = time.monotonic() + step.get("within_s", 0.0)
        while True:
            began = time.monotonic()
            number = self._driver.tell(message)
            self._note("→", message)
            for other in step.get("meanwhile", ()):
                self._play(other)
            answer = self._driver.hear(number)
            elapsed_s = time.monotonic() - began
            self._note("←", answer)
            try:
                self._check(step, answer)
                break
            except Mismatch:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(0.05)
        least_s, most_s = step.get("takes_s", (0.0, float("inf")))
        if not least_s <= elapsed_s <= most_s:
            raise Mismatch(f"it took {elapsed_s:.2f} s, expected {least_s} to {most_s} s")

    def _check(self, step: dict[str, Any], answer: dict[str, Any]) -> None:
        expected = step.get("expect", {"ok": {}})
        kind = "ok" if "ok" in expected else "error"
        if kind not in answer:
            raise Mismatch(
                f"expected {kind} {json.dumps(expected[kind], ensure_ascii=False)[:2000]}, "
                f"got {json.dumps(answer, ensure_ascii=False)[:2000]}"
            )
        actual = answer[kind]
        if kind == "ok" and "method" in step:
            try:
                actual = plain(response_of(step["method"], actual))
            except (json_format.ParseError, TypeError, ValueError) as error:
                raise Mismatch(f"not protobuf's JSON form: {error}") from None
        found = differences(
            expected[kind], actual, self.variables, kind, exact=step.get("exact", False)
        )
        if found:
            raise Mismatch("\n".join(found))

    def _own_call(self, step: dict[str, Any]) -> dict[str, Any]:
        method = step["method"]
        with grpc.insecure_channel(self._server.address) as channel:
            try:
                request = request_of(method, step.get("request", {}))
                response = call(channel, method, request, 10.0, self._own_token())
            except grpc.RpcError as error:
                refusal = errors.decode_error(error)
                return {"error": {"code": refusal.code, "reason": refusal.reason}}
        return {"ok": plain(response)}

    def _own_token(self) -> str:
        return self._server.admin_token() if isinstance(self._server, RealServer) else ""

    def _check_received(self, step: dict[str, Any]) -> None:
        assert isinstance(self._server, Misbehaving), "only the scripted server records"
        deadline = time.monotonic() + step.get("within_s", 5.0)
        while True:
            try:
                self._compare_received(step)
                return
            except Mismatch:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(0.02)

    def _compare_received(self, step: dict[str, Any]) -> None:
        assert isinstance(self._server, Misbehaving)
        method = step["received"]
        calls = [one for one in list(self._server.server.calls) if one.method == method]
        requests = [plain(one.request) for one in calls]
        found = []
        if "count" in step:
            found += differences(step["count"], len(calls), self.variables, f"calls of {method}")
        if step.get("same") and any(one != requests[0] for one in requests[1:]):
            found.append(f"requests of {method} differ: {json.dumps(requests, ensure_ascii=False)}")
        if "distinct" in step:
            values = [one[step["distinct"]] for one in requests]
            if len(set(values)) != len(values):
                found.append(f"{step['distinct']} of {method} is used twice: {values}")
        if "requests" in step:
            expected = step["requests"]
            path = f"requests of {method}"
            exact = step.get("exact", False)
            found += differences(
                expected, requests[: len(expected)], self.variables, path, exact=exact
            )
        for one in calls:
            if "metadata" in step:
                path = f"metadata of {method}"
                found += differences(step["metadata"], dict(one.metadata), self.variables, path)
            if "over" in step:
                path = f"way of {method}"
                way = "session" if one.in_session else "unary"
                found += differences(step["over"], way, self.variables, path)
            if "deadline_s" in step:
                path = f"deadline of {method}"
                found += differences(step["deadline_s"], one.deadline_s, self.variables, path)
        if found:
            raise Mismatch("\n".join(found))

    def _check_ways(self) -> None:
        """Every call of a worker came over a session, or none: as the client was told."""
        if not isinstance(self._server, Misbehaving) or self._case.may_fall_back:
            return
        sessions = self._server.server.sessions
        assert sessions is not None
        if sessions.opened and not self._case.sessions:
            raise Mismatch("a session was opened though `connect` said none")
        calls = [one for one in list(self._server.server.calls) if one.method in WORKER_METHODS]
        wrong = {
            one.method
            for one in calls
            if one.in_session != self._case.sessions
            and not (self._case.sessions and one.method in MAY_BE_UNARY)
        }
        if wrong:
            way = "over a session" if self._case.sessions else "as unary calls"
            raise Mismatch(f"these should have come {way}, and did not: {sorted(wrong)}")

    def _change_server(self, change: str) -> None:
        if isinstance(self._server, Misbehaving):
            assert change == "cut"
            self._server.cut()
            return
        if change in {"kill", "restart"}:
            self._server.kill()
        if change in {"start", "restart"}:
            self._server.start()

    def _note(self, arrow: str, message: dict[str, Any]) -> None:
        self._talk.append(f"{arrow} {json.dumps(message, ensure_ascii=False)[:1500]}")

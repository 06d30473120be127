"""What each identity takes of the server, held against what it may take.

An identity is the bearer of a token; without tokens a client certificate's common name, else the
address that calls, IPv6 by its /64, which is what one machine gets. Whoever comes over a Unix
socket or the HTTP port without a token is `anonymous`, all together.
"""

from __future__ import annotations

import ipaddress
import time
from contextvars import ContextVar
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from asha_server.config import IdentityLimits
from asha_server.errors import ErrorReason, ResourceExhausted
from asha_server.identity import ANYONE

if TYPE_CHECKING:
    from collections.abc import Callable

    from asha_server.identity import Identity

ACCOUNTS_MAX = 10_000
"""Identities that are told apart at one time; beyond it addresses share one account."""
PEERS_MAX = 4_096
"""Connections whose account is remembered."""
SOON_US = 1_000_000
"""When a call is worth another try that found every place taken. Microseconds."""
_SECOND_NS = 10**9
TURN_MAX_NS = 30 * _SECOND_NS
"""How far ahead callers are told to come one after another, if some never wait. Nanoseconds."""
_UNITS = {"requests_per_s": "requests a second", "reports_per_s": "reports a second"}
_CERTIFICATE = "x509_common_name"


class Kind(StrEnum):
    """How an identity is known; the values are labels of a metric."""

    TOKEN = "token"
    CERTIFICATE = "certificate"
    ADDRESS = "address"
    ANONYMOUS = "anonymous"
    SERVER = "server"


class Rate:
    """So many a second, those of one second at once: a token bucket.

    It keeps one number, when all that was taken would have come at the steady rate (the virtual
    scheduling form of the generic cell rate algorithm). What is taken at once may be more than a
    second's: it is let through if one is there, and the rest is paid for by waiting afterwards.

    Args:
        per_s: how many a second; 0: any number.

    Source: ITU-T I.371, annex A (GCRA).
    """

    __slots__ = ("_interval_ns", "_paid_ns", "_slack_ns", "_told_ns")

    def __init__(self, per_s: int) -> None:
        self._interval_ns = max(_SECOND_NS // per_s, 1) if per_s else 0
        self._slack_ns = self._interval_ns * (per_s - 1)
        self._paid_ns = 0
        self._told_ns = 0

    def wait_ns(self, now_ns: int) -> int:
        """How long until there is one; 0: there is one now."""
        if not self._interval_ns:
            return 0
        return max(self._paid_ns - now_ns - self._slack_ns, 0)

    def turn_ns(self, now_ns: int, count: int) -> int:
        """How long somebody is to wait who wants some where there is none: each after the other.

        Were all told the moment at which there is one, all would come then, and all but one in
        vain: two hundred callers limited to 100 a second were refused 2,000 times a second.
        """
        first_ns = now_ns + self.wait_ns(now_ns)
        in_turn_ns = min(self._told_ns + count * self._interval_ns, now_ns + TURN_MAX_NS)
        self._told_ns = max(first_ns, in_turn_ns)
        return self._told_ns - now_ns

    def take(self, now_ns: int, count: int) -> None:
        """Takes some, which were found to be there."""
        self._paid_ns = max(self._paid_ns, now_ns) + count * self._interval_ns

    def is_full(self, now_ns: int) -> bool:
        """Whether nothing is taken."""
        return self._paid_ns <= now_ns


class Account:
    """What one identity takes.

    Args:
        kind: how it is known.
        name: of it among its kind.
        limits: what it may take.
        refusals: counts, by limit and kind.
        now_ns: tells the time, monotonic.

    Attributes:
        key: it among all, as `token:team-a`; "" the server itself.
        limits: as given.
        is_limited: whether there is any limit.
        calls: in flight, of a limited one.
        waiting: long polls that are held, of a limited one.
        sessions: that are open, of a limited one.
    """

    __slots__ = (
        "_kind", "_name", "_now_ns", "_refusals", "_reports", "_requests", "calls", "is_limited",
        "key", "limits", "sessions", "waiting",
    )  # fmt: skip

    def __init__(
        self,
        kind: Kind,
        name: str,
        limits: IdentityLimits,
        refusals: dict[tuple[str, str], int],
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._kind = kind
        self._name = name or str(kind)
        self.key = "" if kind is Kind.SERVER else f"{kind}:{name}" if name else str(kind)
        self.limits = limits
        self.is_limited = limits != IdentityLimits()
        self._refusals = refusals
        self._now_ns = now_ns
        self._requests = Rate(limits.requests_per_s)
        self._reports = Rate(limits.reports_per_s)
        self.calls = 0
        self.waiting = 0
        self.sessions = 0

    def charge(self, reports: int) -> None:
        """Takes one request and the reports that it brings.

        Raises:
            ResourceExhausted: QUOTA_EXCEEDED; nothing was taken.
        """
        now_ns = self._now_ns()
        for limit, rate, count in (
            ("requests_per_s", self._requests, 1),
            ("reports_per_s", self._reports, reports),
        ):
            if count and rate.wait_ns(now_ns):
                turn_us = -(-rate.turn_ns(now_ns, count) // 1_000)
                raise self.refusal(limit, _UNITS[limit], turn_us)
        self._requests.take(now_ns, 1)
        if reports:
            self._reports.take(now_ns, reports)

    def begin_call(self) -> None:
        """Takes a place of a call in flight; `end_call` gives it back.

        Raises:
            ResourceExhausted: QUOTA_EXCEEDED.
        """
        if 0 < self.limits.calls_max <= self.calls:
            raise self.refusal("calls_max", "calls in flight", SOON_US)
        self.calls += 1

    def end_call(self) -> None:
        """Gives a place of a call back."""
        self.calls -= 1

    def begin_waiting(self) -> None:
        """Takes a place of a long poll; `end_waiting` gives it back.

        Raises:
            ResourceExhausted: QUOTA_EXCEEDED.
        """
        if 0 < self.limits.waiting_calls_max <= self.waiting:
            raise self.refusal("waiting_calls_max", "long polls", SOON_US)
        self.waiting += 1

    def end_waiting(self) -> None:
        """Gives a place of a long poll back."""
        self.waiting -= 1

    def begin_session(self) -> None:
        """Takes a place of a session; `end_session` gives it back.

        Raises:
            ResourceExhausted: QUOTA_EXCEEDED.
        """
        if 0 < self.limits.sessions_max <= self.sessions:
            raise self.refusal("sessions_max", "open sessions", SOON_US)
        self.sessions += 1

    def end_session(self) -> None:
        """Gives a place of a session back."""
        self.sessions -= 1

    def check_holding(self, experiments: int, trials: int) -> None:
        """It may have created so much.

        Args:
            experiments: those that it has created, the new one included.
            trials: that these may come to, together.

        Raises:
            ResourceExhausted: QUOTA_EXCEEDED.
        """
        if 0 < self.limits.experiments_max < experiments:
            raise self.refusal("experiments_max", "experiments; delete some", 0)
        if 0 < self.limits.trials_max < trials:
            raise self.refusal(
                "trials_max", f"trials, and these would be {trials}; delete experiments", 0
            )

    def refusal(self, limit: str, what: str, retry_after_us: int) -> ResourceExhausted:
        """The refusal of what is over a limit, counted.

        Args:
            limit: its name, without the prefix of the setting.
            what: it bounds, for people.
            retry_after_us: when there is room again; 0: time alone makes none.
        """
        label = (limit, str(self._kind))
        self._refusals[label] = self._refusals.get(label, 0) + 1
        most = getattr(self.limits, limit)
        again = f"; again in {max(retry_after_us // 1_000, 1)} ms" if retry_after_us else ""
        return ResourceExhausted(
            ErrorReason.QUOTA_EXCEEDED,
            f"{self._kind} {self._name!r} may have {most} {what}{again}",
            retry_after_us=retry_after_us,
            limit=f"identity_{limit}",
            most=most,
            identity=self._name,
            kind=self._kind,
        )

    def is_idle(self) -> bool:
        """Whether nothing is lost if it is forgotten."""
        now_ns = self._now_ns()
        is_open = self.calls or self.waiting or self.sessions
        return not is_open and self._requests.is_full(now_ns) and self._reports.is_full(now_ns)


SERVER = Account(Kind.SERVER, "", IdentityLimits(), {})
"""Who does what the server does by itself."""
payer: ContextVar[Account] = ContextVar("payer", default=SERVER)
"""On whose account the call at work is; set with each call, inherited by a session's tasks."""


class Accounts:
    """The accounts of all who call.

    Args:
        limits: what an identity may take that has no limits of its own.
        has_certificates: clients show certificates.
        now_ns: tells the time, monotonic.

    Attributes:
        refusals: dict[(limit, kind of identity), count].
        now_ns: as given; accounts that are made from now on ask it.
    """

    def __init__(
        self,
        limits: IdentityLimits,
        has_certificates: bool = False,
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.refusals: dict[tuple[str, str], int] = {}
        self._limits = limits
        self._has_certificates = has_certificates
        self.now_ns = now_ns
        self._by_token: dict[str, Account] = {}
        self._by_name: dict[tuple[Kind, str], Account] = {}
        # What a connection calls itself -> the account of its address.
        self._by_peer: dict[str, Account] = {}
        self._others = self._made(Kind.ADDRESS, "others")

    def of(self, identity: Identity, context: Any) -> Account:
        """The account that a call is on. Half a microsecond, once it is known.

        Args:
            identity: who calls.
            context: of the call.
        """
        if identity is not ANYONE:
            account = self._by_token.get(identity.name)
            if account is None:
                limits = self._limits.with_changes(identity.limits)
                account = self._by_token[identity.name] = self._made(
                    Kind.TOKEN, identity.name, limits
                )
            return account
        if self._has_certificates:
            for name in context.auth_context().get(_CERTIFICATE, ()):
                return self._named(Kind.CERTIFICATE, name.decode(errors="replace"))
        peer = context.peer()
        account = self._by_peer.get(peer)
        if account is None:
            address = address_of(peer)
            account = self._named(Kind.ADDRESS if address else Kind.ANONYMOUS, address)
            if len(self._by_peer) >= PEERS_MAX:
                self._by_peer.clear()
            self._by_peer[peer] = account
        return account

    def _named(self, kind: Kind, name: str) -> Account:
        account = self._by_name.get((kind, name))
        if account is None:
            if len(self._by_name) >= ACCOUNTS_MAX:
                self._by_peer.clear()
                self._by_name = {k: a for k, a in self._by_name.items() if not a.is_idle()}
            if len(self._by_name) >= ACCOUNTS_MAX:
                return self._others
            account = self._by_name[kind, name] = self._made(kind, name)
        return account

    def _made(self, kind: Kind, name: str, limits: IdentityLimits | None = None) -> Account:
        return Account(kind, name, limits or self._limits, self.refusals, self.now_ns)


def address_of(peer: str) -> str:
    """The address in what gRPC calls a peer, IPv6 as its /64; "" where there is none."""
    family, _, rest = peer.partition(":")
    host = unquote(rest).rpartition(":")[0].strip("[]").partition("%")[0]
    if family not in ("ipv4", "ipv6"):
        return ""
    address = ipaddress.ip_address(host)
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            return str(ipaddress.ip_network((address, 64), strict=False))
        address = address.ipv4_mapped
    return str(address)

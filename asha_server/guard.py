"""Who may call what, and on whose account: asked for each call and each request of a session."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from asha_server.accounts import payer
from asha_server.errors import ErrorReason, PermissionDenied
from asha_server.identity import ANYONE, Identity, Role, caller
from asha_server.tokens import HEADER, token_missing

if TYPE_CHECKING:
    from asha_server.accounts import Account, Accounts
    from asha_server.tokens import Tokens


class Scope(StrEnum):
    """How a token that is bound to experiments limits a call; the values are for the manual."""

    EXPERIMENT = "the experiment that the request names"
    WITHIN = "each request of the stream, by the experiment that it names"
    SHOWN = "the answer leaves out what the token does not cover"
    NONE = "tells nothing of an experiment"
    SERVER = "wants a token that is bound to no experiments"


class Rule(NamedTuple):
    """What a call asks of its caller.

    Attributes:
        role: the least.
        scope: how experiments matter.
    """

    role: Role
    scope: Scope


_HELD = frozenset({"GetSuggestion", "ShouldStop", "TrainingSession"})
"""Calls that may be open for long and have limits of their own."""
_READ = Rule(Role.READ, Scope.EXPERIMENT)
_WORK = Rule(Role.WORKER, Scope.EXPERIMENT)
_ADMIN = Rule(Role.ADMIN, Scope.EXPERIMENT)
_SERVER = Rule(Role.ADMIN, Scope.SERVER)

RULES: dict[str, Rule] = {
    "GetSuggestion": _WORK,
    "ReportMetric": _WORK,
    "ShouldStop": _READ,
    "Heartbeat": _WORK,
    "ReportCheckpoint": _WORK,
    "CompleteTrial": _WORK,
    "FailTrial": _WORK,
    "ReleaseTrial": _WORK,
    "TrainingSession": Rule(Role.WORKER, Scope.WITHIN),
    "CreateExperiment": _ADMIN,
    "GetExperiment": _READ,
    "ListExperiments": Rule(Role.READ, Scope.SHOWN),
    "UpdateExperiment": _ADMIN,
    "DeleteExperiment": _ADMIN,
    "PauseExperiment": _ADMIN,
    "ResumeExperiment": _ADMIN,
    "StopExperiment": _ADMIN,
    "PreviewExperiment": Rule(Role.READ, Scope.NONE),
    "GetTrial": _READ,
    "ListTrials": _READ,
    "CancelTrial": _ADMIN,
    "CreateTrial": _ADMIN,
    "ListObservations": _READ,
    "ListRungs": _READ,
    "ListDecisions": _READ,
    "GetBestTrials": _READ,
    "ListCheckpoints": _READ,
    "WatchExperiment": _READ,
    "ExportExperiment": _READ,
    "ImportExperiment": Rule(Role.ADMIN, Scope.WITHIN),
    "GetServerInfo": Rule(Role.READ, Scope.NONE),
    "ListLeases": Rule(Role.ADMIN, Scope.SHOWN),
    "CreateToken": _SERVER,
    "ListTokens": _SERVER,
    "RevokeToken": _SERVER,
}
"""Call -> what it asks; a call that is not here is refused."""


def admit(method: str, request: Any) -> None:
    """The caller may make this call now.

    Args:
        method: its name.
        request: its message; of a stream of requests anything without an experiment_id.

    Raises:
        Unauthenticated: TOKEN_INVALID, the token holds no more.
        PermissionDenied: SCOPE_MISSING.
    """
    identity = caller.get()
    if identity is ANYONE:
        return
    identity.check_holds()
    rule = RULES[method]
    if not identity.role.includes(rule.role):
        raise PermissionDenied(
            ErrorReason.SCOPE_MISSING,
            f"{method} wants the role {rule.role}; the token {identity.name!r} has {identity.role}",
            token=identity.name,
            role=identity.role,
            wanted_role=rule.role,
        )
    if not identity.patterns:
        return
    if rule.scope is Scope.SERVER:
        raise PermissionDenied(
            ErrorReason.SCOPE_MISSING,
            f"{method} wants a token for the whole server; {identity.name!r} is for "
            f"{', '.join(identity.patterns)}",
            token=identity.name,
        )
    named = getattr(request, "experiment_id", None)
    if rule.scope is Scope.EXPERIMENT or (rule.scope is Scope.SHOWN and named):
        identity.check_covers(named or "")


def charge(method: str, request: Any) -> Account | None:
    """Takes what a call takes from its caller's account.

    Args:
        method: its name.
        request: its message, or what stands for one.

    Returns:
        Who is to be told, by `end_call`, that the call has ended; None: nobody.

    Raises:
        ResourceExhausted: QUOTA_EXCEEDED.
    """
    account = payer.get()
    if not account.is_limited:
        return None
    reports = 0
    if method == "ReportMetric":
        reports = 1
    elif method == "ReportMetrics":
        reports = len(request.reports)
    account.charge(reports)
    if method in _HELD and (method == "TrainingSession" or _may_wait(request)):
        return None
    account.begin_call()
    return account


def _may_wait(request: Any) -> bool:
    wait = getattr(request, "max_wait", None)
    return wait is not None and (wait.seconds > 0 or wait.nanos > 0)


class Guard:
    """Finds out who calls.

    Args:
        tokens: those of the server; None: anyone may do anything.
        accounts: what each takes.
    """

    __slots__ = ("_accounts", "_tokens")

    def __init__(self, tokens: Tokens | None, accounts: Accounts) -> None:
        self._tokens = tokens
        self._accounts = accounts

    def identify(self, context: Any) -> Identity:
        """Who makes a call, from now on `caller`: by its token, else by its certificate.

        It is on the account of that identity, from now on `payer`.

        Raises:
            Unauthenticated: TOKEN_MISSING or TOKEN_INVALID.
        """
        identity = ANYONE
        if self._tokens is not None:
            identity = self._known(self._tokens, context)
            caller.set(identity)
        payer.set(self._accounts.of(identity, context))
        return identity

    @staticmethod
    def _known(tokens: Tokens, context: Any) -> Identity:
        for key, value in context.invocation_metadata() or ():
            if key == HEADER:
                return tokens.bearer(value)
        for name in context.auth_context().get("x509_common_name", ()):
            return tokens.certified(name.decode(errors="replace"))
        raise token_missing()

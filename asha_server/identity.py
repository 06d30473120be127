"""Who calls: a role, the experiments it holds for, and whether it still holds."""

from __future__ import annotations

import time
from contextvars import ContextVar
from enum import StrEnum
from typing import TYPE_CHECKING

from asha_server.errors import ErrorReason, PermissionDenied, Unauthenticated

if TYPE_CHECKING:
    from collections.abc import Mapping


class Role(StrEnum):
    """What the bearer of a token may do; each includes those before it."""

    READ = "READ"
    WORKER = "WORKER"
    ADMIN = "ADMIN"

    def includes(self, other: Role) -> bool:
        """Whether it may do what the other may."""
        return _RANK[self] >= _RANK[other]


_RANK = {role: rank for rank, role in enumerate(Role)}


class Identity:
    """Who calls.

    Attributes:
        name: of the token; "" where the server asks for none.
        role: what it may do.
        patterns: experiment ids, `*` standing for any text; empty: everywhere.
        expires_us: when it expires, wall clock, microseconds; 0 never.
        limits: limit -> amount, what it may take where that differs from others.
        is_revoked: it holds no more.
    """

    __slots__ = ("expires_us", "is_revoked", "limits", "name", "patterns", "role")

    def __init__(
        self,
        name: str,
        role: Role,
        patterns: tuple[str, ...] = (),
        expires_us: int = 0,
        limits: Mapping[str, int] | None = None,
    ) -> None:
        self.name = name
        self.role = role
        self.patterns = patterns
        self.expires_us = expires_us
        self.limits = limits or {}
        self.is_revoked = False

    def check_holds(self) -> None:
        """It was not revoked and has not expired.

        Raises:
            Unauthenticated: TOKEN_INVALID.
        """
        if self.is_revoked or (self.expires_us and time.time_ns() // 1000 >= self.expires_us):
            raise token_invalid()

    def covers(self, experiment_id: str) -> bool:
        """Whether it holds for an experiment of that id."""
        return not self.patterns or any(matches(p, experiment_id) for p in self.patterns)

    def check_covers(self, experiment_id: str) -> None:
        """It holds for an experiment, which need not exist.

        Raises:
            PermissionDenied: SCOPE_MISSING.
        """
        if not self.covers(experiment_id):
            raise PermissionDenied(
                ErrorReason.SCOPE_MISSING,
                f"the token {self.name!r} is for {', '.join(self.patterns)}, not for experiment "
                f"{experiment_id!r}",
                token=self.name,
                experiment_id=experiment_id,
            )


def matches(pattern: str, text: str) -> bool:
    """Whether a text is what a pattern says, `*` standing for any text. O(pattern · text)."""
    first, *rest = pattern.split("*")
    if not rest:
        return text == pattern
    last = rest.pop()
    if len(text) < len(first) + len(last) or not (text.startswith(first) and text.endswith(last)):
        return False
    place, end = len(first), len(text) - len(last)
    for part in rest:
        found = text.find(part, place, end)
        if found < 0:
            return False
        place = found + len(part)
    return True


def token_invalid() -> Unauthenticated:
    """The refusal of a token that does not hold; it does not say why, nor which it is."""
    return Unauthenticated(
        ErrorReason.TOKEN_INVALID,
        "the access token is unknown, expired or revoked; ask the server's administrator for one",
    )


ANYONE = Identity("", Role.ADMIN)
"""Who calls a server that asks for no token."""
caller: ContextVar[Identity] = ContextVar("caller", default=ANYONE)
"""Who makes the call at work; set by the interceptor, inherited by the tasks of a session."""

"""Access tokens: made, looked up, revoked. Their secrets are kept nowhere, only a digest.

A secret has 256 random bits, so its plain SHA-256 gives nothing away, and nothing slower is
needed. Every token is in memory; a header that proved good is remembered as it came.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from asha_server.errors import AlreadyExists, ErrorReason, NotFound, Unauthenticated
from asha_server.identity import Identity, Role, token_invalid
from asha_server.store import TokenRow

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

SECRET_BYTES = 32
SECRET_PREFIX = "asha_"
"""What secrets begin with, so that scanners of code and logs find one that leaked."""
REMEMBERED_MAX = 4_096
"""Headers that are remembered; only good ones are, so nobody can fill the memory with bad ones."""
HEADER = "authorization"
_SCHEME = "bearer "


class NewToken(NamedTuple):
    """What CreateToken asks for.

    Attributes:
        name: unique.
        role: what its bearer may do.
        patterns: experiment ids, `*` standing for any text; empty: everywhere.
        expires_us: when it expires, wall clock, microseconds; 0 never.
        limits: limit of `IdentityLimits` -> amount, where it differs from the server's setting.
    """

    name: str
    role: Role
    patterns: tuple[str, ...] = ()
    expires_us: int = 0
    limits: Mapping[str, int] = MappingProxyType({})


class Tokens:
    """All access tokens of a server.

    Args:
        rows: what is kept of them.
        keep: makes a changed one durable.
    """

    def __init__(
        self, rows: Iterable[TokenRow], keep: Callable[[TokenRow], Awaitable[None]]
    ) -> None:
        self._keep = keep
        self._rows: dict[str, TokenRow] = {}
        self._by_name: dict[str, Identity] = {}
        self._by_digest: dict[bytes, Identity] = {}
        self._by_header: dict[str, Identity] = {}
        for row in rows:
            self._take_in(row)

    def _take_in(self, row: TokenRow) -> None:
        patterns = tuple(msgspec.json.decode(row.experiment_patterns, type=list[str]))
        limits = msgspec.json.decode(row.limits, type=dict[str, int])
        identity = Identity(row.name, Role(row.role), patterns, row.expires_us, limits)
        identity.is_revoked = row.revoked_us > 0
        self._rows[row.name] = row
        self._by_name[row.name] = self._by_digest[row.digest] = identity

    # -- who calls --------------------------------------------------------------------------------

    def bearer(self, header: str) -> Identity:
        """Who sent an `authorization` header; it may hold no more.

        Raises:
            Unauthenticated: TOKEN_INVALID; no such token, or no bearer token at all.
        """
        known = self._by_header.get(header)
        if known is not None:
            return known
        if header[: len(_SCHEME)].lower() != _SCHEME:
            raise token_invalid()
        digest = _digest(header[len(_SCHEME) :].strip())
        identity = self._by_digest.get(digest)
        # The look-up is by a digest that nobody can choose; the comparison takes constant time.
        if identity is None or not hmac.compare_digest(self._rows[identity.name].digest, digest):
            raise token_invalid()
        identity.check_holds()
        if len(self._by_header) >= REMEMBERED_MAX:
            self._by_header.clear()
        self._by_header[header] = identity
        return identity

    def certified(self, common_name: str) -> Identity:
        """Who a client certificate stands for: the token of its common name.

        Raises:
            Unauthenticated: TOKEN_MISSING; there is no token of that name.
        """
        identity = self._by_name.get(common_name)
        if identity is None:
            raise token_missing()
        return identity

    # -- what there is ----------------------------------------------------------------------------

    @property
    def has_administrator(self) -> bool:
        """Whether some token that holds may make others."""
        now_us = time.time_ns() // 1000
        return any(
            one.role is Role.ADMIN
            and not (one.patterns or one.is_revoked)
            and not 0 < one.expires_us <= now_us
            for one in self._by_name.values()
        )

    def after(self, name: str, most: int) -> list[TokenRow]:
        """Up to `most` tokens after a name, by name."""
        return [self._rows[found] for found in sorted(self._rows) if found > name][:most]

    def free_name(self, name: str) -> str:
        """A name that no token has: the given one, or with a number behind it."""
        names = (name, *(f"{name}-{n}" for n in range(2, len(self._rows) + 3)))
        return next(one for one in names if one not in self._rows)

    async def create(self, wanted: NewToken, secret: str = "") -> tuple[TokenRow, str]:
        """A new token, durable, and its secret.

        Args:
            wanted: what it may do.
            secret: of `new_secret`; "": a fresh one.

        Raises:
            AlreadyExists: TOKEN_EXISTS.
        """
        if wanted.name in self._rows:
            raise AlreadyExists(
                ErrorReason.TOKEN_EXISTS,
                f"there is a token {wanted.name!r} already, revoked or not; choose another name",
                token=wanted.name,
            )
        secret = secret or new_secret()
        row = TokenRow(
            wanted.name,
            _digest(secret),
            wanted.role,
            msgspec.json.encode(wanted.patterns).decode(),
            time.time_ns() // 1000,
            wanted.expires_us,
            0,
            msgspec.json.encode(dict(wanted.limits)).decode(),
        )
        self._rows[row.name] = row  # the name is taken; the token holds once it is durable
        try:
            await self._keep(row)
        except BaseException:
            del self._rows[row.name]
            raise
        self._take_in(row)
        return row, secret

    async def revoke(self, name: str) -> TokenRow:
        """The token of a name, void from now on and durably so; again is no error.

        Raises:
            NotFound: TOKEN_NOT_FOUND.
        """
        row, identity = self._rows.get(name), self._by_name.get(name)
        if row is None or identity is None:
            raise NotFound(
                ErrorReason.TOKEN_NOT_FOUND,
                f"there is no token {name!r}; `asha token list` shows them",
                token=name,
            )
        if not row.revoked_us:
            row = row._replace(revoked_us=time.time_ns() // 1000)
            identity.is_revoked = True  # at once: what it does meanwhile is refused
            self._by_header.clear()
            await self._keep(row)
            self._rows[name] = row
        return row


def new_secret() -> str:
    """A secret that nobody guesses."""
    return SECRET_PREFIX + secrets.token_urlsafe(SECRET_BYTES)


def token_missing() -> Unauthenticated:
    """The refusal of a call without a token."""
    return Unauthenticated(
        ErrorReason.TOKEN_MISSING,
        "this server wants an access token, as `authorization: Bearer TOKEN`: set ASHA_TOKEN, or "
        "ASHA_TOKEN_FILE to a file that holds it",
    )


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()

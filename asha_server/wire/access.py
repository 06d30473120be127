"""Access tokens on the wire."""

from __future__ import annotations

import re
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from asha_server.identity import Role
from asha_server.pb import admin_service_pb2 as pb
from asha_server.search.spec import INT64_MAX, NAME, NAME_RULE
from asha_server.tokens import NewToken
from asha_server.wire import enums
from asha_server.wire.fields import Fields
from asha_server.wire.page import PAGE_SIZE_DEFAULT, parse_size
from asha_server.wire.times import timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asha_server.store import TokenRow

PATTERNS_MAX = 20
"""Experiment patterns of one token: a list of 10,000 experiments is looked through in 0.1 s."""
_PATTERN = re.compile(r"[\x20-\x7e]{1,128}", re.ASCII)
LIMIT_MAX = 2**53 - 1
"""The greatest that a limit may be."""
_KIND = "tokens/"
_LIMITS = {
    "requests_per_second": "requests_per_s",
    "reports_per_second": "reports_per_s",
    "max_calls": "calls_max",
    "max_waiting_calls": "waiting_calls_max",
    "max_open_sessions": "sessions_max",
    "max_experiments": "experiments_max",
    "max_trials": "trials_max",
}
"""Field of `IdentityLimits` on the wire -> its name in the configuration."""


class TokenPage(NamedTuple):
    """Which part of the list of tokens is asked for.

    Attributes:
        size: most tokens, 1 to 1000.
        after: the last name of the page before; "" the first page.
    """

    size: int
    after: str


def parse_create_token(request: pb.CreateTokenRequest) -> NewToken:
    """The token that is to be made.

    Raises:
        InvalidRequest: with every violation.
    """
    fields = Fields()
    _name(fields, request.name)
    role = enums.ROLE.required(fields, "role", request.role)
    if len(request.experiment_patterns) > PATTERNS_MAX:
        count = len(request.experiment_patterns)
        fields.refuse("experiment_patterns", f"has {count}; at most {PATTERNS_MAX} are allowed")
    for index, pattern in enumerate(request.experiment_patterns):
        if not _PATTERN.fullmatch(pattern):
            path = f"experiment_patterns[{index}]"
            fields.refuse(path, "must be 1 to 128 printable ASCII characters")
    expires_us = 0
    if request.HasField("expire_time"):
        expires_us = request.expire_time.seconds * 1_000_000 + request.expire_time.nanos // 1000
        if not time.time_ns() // 1000 < expires_us <= INT64_MAX:
            fields.refuse("expire_time", "must be in the future")
    limits = {}
    for field, value in request.limits.ListFields():
        if not 0 <= value <= LIMIT_MAX:
            fields.refuse(f"limits.{field.name}", f"is {value}; 0 to {LIMIT_MAX} are allowed")
        limits[_LIMITS[field.name]] = value
    fields.check()
    assert role is not None
    return NewToken(request.name, role, tuple(request.experiment_patterns), expires_us, limits)


def parse_list_tokens(request: pb.ListTokensRequest) -> TokenPage:
    """Which page.

    Raises:
        InvalidRequest: with every violation.
    """
    fields = Fields()
    size = parse_size(fields, "page_size", request.page_size, PAGE_SIZE_DEFAULT)
    after = ""
    if request.page_token:
        after = _name_of(request.page_token)
        if not after:
            fields.refuse("page_token", "must be the next_page_token of the page before, or empty")
    fields.check()
    return TokenPage(size, after)


def parse_revoke_token(request: pb.RevokeTokenRequest) -> str:
    """The name of the token.

    Raises:
        InvalidRequest: it is none.
    """
    fields = Fields()
    _name(fields, request.name)
    fields.check()
    return request.name


def format_token(row: TokenRow) -> pb.Token:
    """A token, without its secret."""
    limits = msgspec.json.decode(row.limits, type=dict[str, int])
    return pb.Token(
        name=row.name,
        role=enums.ROLE.of(Role(row.role)),
        experiment_patterns=msgspec.json.decode(row.experiment_patterns, type=list[str]),
        create_time=timestamp(row.created_us),
        expire_time=timestamp(row.expires_us),
        revoke_time=timestamp(row.revoked_us),
        limits=format_identity_limits(limits) if limits else None,
    )


def format_identity_limits(limits: Mapping[str, int]) -> pb.IdentityLimits:
    """What an identity may take, as far as it is limited."""
    return pb.IdentityLimits(
        **{name: limits[known] for name, known in _LIMITS.items() if known in limits}
    )


def page_token_after(name: str) -> str:
    """The token of the page after a token of that name."""
    return urlsafe_b64encode(f"{_KIND}{name}".encode()).decode().rstrip("=")


def _name_of(page_token: str) -> str:
    """The name in a page token; "" where it is none."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,200}", page_token, re.ASCII):
        return ""
    try:
        text = urlsafe_b64decode(page_token + "=" * (-len(page_token) % 4)).decode("ascii")
    except ValueError:
        return ""
    name = text.removeprefix(_KIND)
    return name if name != text and NAME.fullmatch(name) else ""


def _name(fields: Fields, name: str) -> None:
    if not NAME.fullmatch(name):
        fields.refuse("name", f"must be {NAME_RULE}")

"""Pages of lists: how many items, and where the next page goes on.

A page ends at its size or at 1 MiB, whichever is first, and a scan that finds little ends early
too: only an empty `next_page_token` is the end.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from asha_server.wire.fields import Fields

PAGE_SIZE_DEFAULT = 100
PAGE_SIZE_MAX = 1_000
PAGE_BYTES_MAX = 2**20
_INT64_DIGITS = 18


class Page(NamedTuple):
    """Which part of a list is asked for.

    Attributes:
        size: most items, 1 to 1000.
        after: the place of the last item of the page before, as its list counts; () the first.
    """

    size: int
    after: tuple[int, ...]


def parse_page(fields: Fields, page_size: int, page_token: str, kind: str, width: int) -> Page:
    """The page that a request asks for.

    Args:
        fields: collects violations.
        page_size: 0 = default.
        page_token: "" = the first page.
        kind: which list; a token of another is refused.
        width: how many numbers a place has.
    """
    size = parse_size(fields, "page_size", page_size, PAGE_SIZE_DEFAULT)
    after: tuple[int, ...] = ()
    if page_token:
        place = _parse_token(page_token, kind, width)
        if place is None:
            fields.refuse("page_token", "must be the next_page_token of the page before, or empty")
        else:
            after = place
    return Page(size, after)


def parse_size(fields: Fields, path: str, size: int, default: int) -> int:
    """How many items are wanted; 0 = the default."""
    if not 0 <= size <= PAGE_SIZE_MAX:
        fields.refuse(path, f"must be from 0 (the default, {default}) to {PAGE_SIZE_MAX}")
        return default
    return size or default


def page_token(kind: str, *place: int) -> str:
    """The token of the page after an item."""
    text = "/".join((kind, *map(str, place)))
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _parse_token(token: str, kind: str, width: int) -> tuple[int, ...] | None:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,200}", token, re.ASCII):
        return None
    try:
        text = urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode("ascii")
    except ValueError:
        return None
    name, *place = text.split("/")
    is_right = name == kind and len(place) == width
    if not is_right or not all(p.isdigit() and len(p) <= _INT64_DIGITS for p in place):
        return None
    return tuple(map(int, place))

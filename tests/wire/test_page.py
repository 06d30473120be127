"""Tokens of pages: what was made is read again, anything else is refused."""

from __future__ import annotations

from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asha_server.wire.fields import Fields
from asha_server.wire.page import Page, page_token, parse_page

places = st.lists(st.integers(0, 10**18 - 1), min_size=1, max_size=3)


def read(token: str, kind: str = "trials", width: int = 1) -> tuple[Page, list[str]]:
    """The page of a token, and the fields that are wrong."""
    fields = Fields()
    page = parse_page(fields, 0, token, kind, width)
    return page, [violation.path for violation in fields.violations]


@given(place=places)
def test_a_token_says_where_to_go_on(place: list[int]) -> None:
    page, wrong = read(page_token("trials", *place), width=len(place))

    assert (page.after, wrong) == (tuple(place), [])


@given(place=places)
def test_a_token_is_of_one_list_only(place: list[int]) -> None:
    token = page_token("trials", *place)

    assert read(token, "rungs", len(place)) == (Page(100, ()), ["page_token"])
    assert read(token, "trials", len(place) + 1) == (Page(100, ()), ["page_token"])


@given(token=st.text(min_size=1))
def test_any_other_text_is_refused(token: str) -> None:
    assert read(token)[1] == ["page_token"]


@pytest.mark.parametrize(
    "text",
    ["trials", "trials/", "trials/-1", "trials/x", "trials/1/2", "trials/²", "trials/1.0", "/1",
     f"trials/{10**18}", "trials/1\n"],
)  # fmt: skip
def test_a_token_that_was_made_up_is_refused(text: str) -> None:
    token = urlsafe_b64encode(text.encode()).decode().rstrip("=")

    assert read(token)[1] == ["page_token"]


@pytest.mark.parametrize(
    ("size", "items"), [(0, 100), (1, 1), (1_000, 1_000), (-1, None), (1_001, None)]
)
def test_a_page_has_1_to_1000_items(size: int, items: int | None) -> None:
    fields = Fields()

    page = parse_page(fields, size, "", "trials", 1)

    if items is None:
        assert [violation.path for violation in fields.violations] == ["page_size"]
    else:
        assert (page, fields.violations) == (Page(items, ()), [])

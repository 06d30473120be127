"""Reports of one message, whose answers are told together."""

from __future__ import annotations

import asyncio

import pytest

from asha_server.service.report_group import ReportGroup


async def test_the_answers_are_told_once_all_are_there() -> None:
    told: list[str] = []
    group = ReportGroup(2, lambda: told.append("told"))

    group.slots[1].set_exception(ValueError("no"))
    await asyncio.sleep(0)
    assert told == []
    group.slots[0].set_exception(ValueError("nor this"))
    assert told == [], "in a turn of its own"
    await asyncio.sleep(0)
    assert told == ["told"]


@pytest.mark.parametrize("answered", [0, 2])
async def test_what_was_given_up_is_told_to_nobody(answered: int) -> None:
    """Also where the last answer came in the same turn of the event loop."""
    told: list[str] = []
    group = ReportGroup(2, lambda: told.append("told"))
    for slot in group.slots[:answered]:
        slot.set_exception(ValueError("no"))

    group.give_up()
    await asyncio.sleep(0)

    assert told == []
    assert all(slot.done() for slot in group.slots)

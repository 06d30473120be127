"""Reports of one message, whose answers are told together."""

from __future__ import annotations

import pytest

from asha_server.service.report_group import ReportGroup


def test_the_answers_are_told_once_all_are_there() -> None:
    told: list[ReportGroup] = []
    group = ReportGroup(7, 2, told.append)

    group.slots[1].set_exception(ValueError("no"))
    assert told == []
    group.slots[0].set_exception(ValueError("nor this"))
    assert told == [group]


@pytest.mark.parametrize("answered", [0, 1])
def test_what_was_given_up_is_told_to_nobody(answered: int) -> None:
    """Also where the engine asked for the last answer before and refuses it now."""
    told: list[ReportGroup] = []
    group = ReportGroup(7, 2, told.append)
    for slot in group.slots[:answered]:
        slot.set_exception(ValueError("no"))

    group.give_up()
    assert all(slot.done() for slot in group.slots)
    for slot in group.slots[answered:]:
        slot.set_exception(ValueError("no"))

    assert told == []

"""The judge finds what it is there to find: each promise is broken once, on purpose."""

from __future__ import annotations

import copy
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import suggestion_service_pb2 as s

from .caller import Caller
from .conftest import Network, report_of
from .file_history import copy_of, read_file
from .journal import Exchange, Journal
from .judge import violations
from .redecided import differences
from .trainer import held


class Story:
    """A search in three acts, and the file as it was after each.

    Attributes:
        journal: what was said and answered in all of them.
        files: the copies, first act first.
    """

    def __init__(self, journal: Journal, files: list[Path]) -> None:
        self.journal = journal
        self.files = files

    def exchange(self, method: str) -> Exchange:
        """The last one of a method."""
        return self.journal.answered(method)[-1]


@pytest.fixture
async def story(network: Network, tmp_path: Path) -> Story:
    journal = Journal(starts_us=[0])
    caller = Caller(network.past.channel, journal, random.Random(1))
    await network.create()
    files = []
    for act in range(3):
        request = s.GetSuggestionRequest(
            experiment_id="e", worker_id=f"w{act}", request_id=f"r{act}"
        )
        given = (await caller.call("GetSuggestion", request)).response.assignment
        await caller.call("ReportMetric", report_of(given, 1, 0.5 + act))
        gift = e.CreateTrialRequest(experiment_id="e", request_id=f"gift{act}")
        await caller.call("CreateTrial", gift)
        given = (
            await caller.call(
                "GetSuggestion",
                s.GetSuggestionRequest(
                    experiment_id="e", worker_id=f"x{act}", request_id=f"x{act}"
                ),
            )
        ).response.assignment
        await caller.call("ReleaseTrial", s.ReleaseTrialRequest(**held(given), reason="preempted"))
        files.append(copy_of(network.database, tmp_path / f"act-{act}"))
    return Story(journal, files)


async def test_a_file_that_holds_everything_is_acquitted(story: Story) -> None:
    assert violations(story.journal, story.files[-1]) == []


async def test_an_older_file_though_whole_is_found_out(story: Story) -> None:
    """All that the last act answered is lost."""
    found = violations(story.journal, story.files[1])

    checks = {violation.split(": ")[1] for violation in found}
    assert checks >= {"lost_reports", "changed_decisions", "lost_assignments", "lost_gifts"}
    assert "lost_words" in checks


async def test_a_value_that_was_changed_in_the_file_is_found_out(story: Story) -> None:
    shell = sqlite3.connect(story.files[-1])
    shell.execute("UPDATE report SET value = 0.25, metrics = '[[\"loss\",0.25]]' WHERE value = 1.5")
    shell.commit()
    shell.close()

    found = violations(story.journal, story.files[-1])

    assert any("invented: " in violation for violation in found)
    assert any("verify e: " in violation for violation in found)
    assert any("redecided: " in violation for violation in found)


def _rank(story: Story) -> None:
    story.exchange("ReportMetric").response.decision.rank += 1


def _token(story: Story) -> None:
    first = story.exchange("GetSuggestion")
    again = copy.copy(first)
    again.response = s.GetSuggestionResponse()
    again.response.CopyFrom(first.response)
    again.response.assignment.lease.token += "x"
    story.journal.exchanges.append(again)


def _attempt(story: Story) -> None:
    story.exchange("GetSuggestion").response.assignment.lease.attempt += 1


def _refusal(story: Story) -> None:
    exchange = story.exchange("ReportMetric")
    exchange.response, exchange.refusal = None, "INTERNAL/INTERNAL"


def _event(story: Story) -> None:
    story.journal.watched["e"] = [e.WatchExperimentResponse(event={"sequence": 2}).event]


def _order(story: Story) -> None:
    """The last report was sent, and answered, before the first."""
    story.exchange("ReportMetric").answered = -1


@pytest.mark.parametrize(
    ("lie", "check"),
    [
        (_rank, "changed_decisions"),
        (_token, "lost_assignments"),
        (_attempt, "request_ids"),
        (_refusal, "refused"),
        (_event, "watched"),
        (_order, "out_of_order"),
    ],
)
async def test_an_answer_that_is_not_what_the_file_says_is_found_out(
    story: Story, lie: Callable[[Story], None], check: str
) -> None:
    lie(story)

    found = violations(story.journal, story.files[-1])

    assert any(check in violation for violation in found), found


async def test_a_history_in_another_order_is_decided_otherwise(story: Story) -> None:
    records = read_file(story.files[-1])["e"].records
    assert differences(records) == []

    swapped = [*records[:3], *records[5:]]

    assert differences(swapped) != []

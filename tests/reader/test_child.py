"""One question is answered from one state of the file, whatever is written meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from asha_server.pb import experiment_service_pb2 as e
from asha_server.reader import child
from asha_server.reader.queries import QUERIES
from asha_server.reader.questions import Question
from asha_server.search.command import GetSuggestion
from asha_server.store.reading import ReadOnlyStore
from asha_server.store.sqlite import SqliteStore
from tests.store.scribe import Scribe


def test_an_experiment_that_is_deleted_while_a_question_is_answered_is_still_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by the fuzzer: its trials were gone when the experiment itself had been read."""
    store = SqliteStore(tmp_path / "asha.db")
    store.acquire()
    scribe = Scribe(store)
    scribe.do(GetSuggestion("w"))
    answer: Callable[..., Any] = QUERIES["get_trial"]

    def delete_first(*given: Any) -> Any:
        store.append([], deleted=[scribe.key])
        while store.forget(scribe.key, 100):
            pass
        return answer(*given)

    monkeypatch.setitem(QUERIES, "get_trial", delete_first)
    reader = ReadOnlyStore(tmp_path / "asha.db")
    question = Question("get_trial", scribe.key, numbers=[0])

    told = child._answer(reader, question)
    asked_again = child._answer(reader, question)

    assert told.failure == ""
    assert e.GetTrialResponse.FromString(told.messages[0]).trial.worker_id == "w"
    assert asked_again.is_gone
    reader.close()
    store.close()

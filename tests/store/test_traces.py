"""The vectors' conversations through a file, with a server that starts anew every few steps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from asha_server.search.experiment import Experiment
from asha_server.search.rows import all_rows
from asha_server.store.history import encode
from asha_server.store.sqlite import SqliteStore
from asha_server.verify import verify_file
from tests.search.drive import final_of, run_step, spec_of

from .scribe import Scribe

VECTORS = Path(__file__).parents[1] / "vectors"
STEPS_PER_SERVER = 7

TRACES: list[dict[str, Any]] = [
    {**trace, "name": f"{name}: {trace['name']}"}
    for name in ("promotion", "stopping")
    for trace in json.loads((VECTORS / f"traces_{name}.json").read_text())["traces"]
]


@pytest.mark.parametrize("trace", TRACES, ids=lambda trace: trace["name"])
def test_a_conversation_through_a_file_is_answered_as_written(
    trace: dict[str, Any], tmp_path: Path
) -> None:
    store = SqliteStore(tmp_path / "asha.db")
    store.acquire()
    scribe = Scribe(store, trace["name"], spec_of(trace["config"]))

    for place, step in enumerate(trace["steps"]):
        if place % STEPS_PER_SERVER == STEPS_PER_SERVER - 1:
            live = all_rows(scribe.state)
            store.close()
            store = SqliteStore(tmp_path / "asha.db")
            store.acquire()
            scribe.reload(store)
            assert all_rows(scribe.state) == live
            scribe.experiment.check()
        answer = run_step(scribe.experiment, step, now_us=place + 2)
        scribe.write()
        for field, expected in step["expect"].items():
            assert answer.get(field) == expected, f"step {place}: {step}\nanswered {answer}"

    assert final_of(scribe.experiment) == trace["final"]
    read = store.history(scribe.key, 0, scribe.state.sequence + 1)
    assert [*map(encode, read)] == [*map(encode, scribe.history)]  # NaN is not equal to itself
    assert all_rows(Experiment.replay(scribe.history).state) == all_rows(scribe.state)
    (found,) = verify_file(tmp_path / "asha.db").experiments
    assert found.problems == []
    assert found.event_count == scribe.state.sequence
    store.close()

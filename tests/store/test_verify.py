"""`verify_file`: a whole file is found whole, and whatever is changed in one is named."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from asha_server import verify
from asha_server.search.command import (
    FailTrial,
    GetSuggestion,
    ReleaseTrial,
    ReportMetric,
    StopExperiment,
    UpdateExperiment,
)
from asha_server.search.terms import FailureKind
from asha_server.store import StoreError
from asha_server.store.reading import ReadOnlyStore
from asha_server.store.sqlite import SqliteStore
from asha_server.verify import VerifiedExperiment, verify_file

from .scribe import Scribe, small_spec


def _search(store: SqliteStore, experiment_id: str = "digits") -> Scribe:
    """One trial paused, one promoted and training its second attempt, one worker distrusted."""
    scribe = Scribe(store, experiment_id)
    scribe.do(GetSuggestion("a"))
    scribe.do(ReportMetric(0, 1, 1, (("loss", 0.5),), "s3://0/1"))  # event 4: paused
    scribe.do(GetSuggestion("a"))
    scribe.do(ReportMetric(1, 1, 1, (("loss", 0.6),)))  # event 7: paused
    scribe.do(GetSuggestion("a"))
    scribe.do(ReportMetric(2, 1, 1, (("loss", 0.4),)))  # event 10: best of three, promoted
    scribe.do(ReportMetric(2, 1, 2, (("loss", 0.45),)))  # event 11
    scribe.do(ReleaseTrial(2, 1))
    scribe.do(GetSuggestion("b"))
    scribe.do(FailTrial(2, 2, FailureKind.RETRYABLE))
    scribe.do(GetSuggestion("a"))  # event 15: attempt 3 of trial 2
    return scribe


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A closed file with one experiment, and one that is deleted but not forgotten yet."""
    store = SqliteStore(tmp_path / "asha.db")
    store.acquire()
    doomed = Scribe(store, "doomed")
    _search(store)
    store.append([], [doomed.key])
    store.close()
    return tmp_path / "asha.db"


def _change(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as person, person:
        changed = person.execute(statement).rowcount
    person.close()
    assert changed == 1


def _problems(path: Path) -> list[str]:
    verification = verify_file(path)
    (found,) = verification.experiments
    assert not verification.ok
    return found.problems


def test_a_whole_file_is_found_whole(path: Path) -> None:
    verification = verify_file(path)

    assert verification.experiments == [VerifiedExperiment("digits", 15, 3, [])]
    assert verification.problems == []
    assert verification.ok


def test_history_is_read_by_pages(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "_PAGE", 4)

    assert verify_file(path).experiments == [VerifiedExperiment("digits", 15, 3, [])]


def test_ends_that_are_not_settled_yet_are_no_problem(tmp_path: Path) -> None:
    """Nine trials end at once; their rows follow two a batch."""
    store = SqliteStore(tmp_path / "asha.db")
    store.acquire()
    scribe = Scribe(store, spec=small_spec(max_trials=20))
    for number in range(9):
        scribe.do(GetSuggestion("a"))
        scribe.do(ReportMetric(number, 1, 1, (("loss", float("nan")),)))
    scribe.do(StopExperiment())
    assert scribe.state.unsettled

    assert verify_file(tmp_path / "asha.db").ok
    store.close()


def test_a_changed_spec_replays(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "asha.db")
    store.acquire()
    scribe = _search(store)
    scribe.do(UpdateExperiment({"max_trials": 20, "labels": {"team": "vision"}}))

    assert verify_file(tmp_path / "asha.db").ok
    store.close()


def test_a_file_is_verified_beside_its_server_as_one_snapshot(tmp_path: Path) -> None:
    """The server commits between the reads of the verification."""
    store = SqliteStore(tmp_path / "asha.db")
    store.acquire()
    scribe = _search(store)
    reading = ReadOnlyStore(tmp_path / "asha.db")

    with reading.snapshot():
        ((key, rows),) = reading.load()
        scribe.do(ReportMetric(2, 3, 3, (("loss", 0.3),)))
        found = verify._verify(reading, key, rows)

    assert found == VerifiedExperiment("digits", 15, 3, [])
    assert len(reading.history(key, 0, 100)) == 16
    reading.close()
    store.close()


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        (
            "UPDATE experiment SET progress = 0.75 WHERE id = 'digits'",
            r"experiment: progress is 0\.75, the history says 0\.\d+",
        ),
        (
            "UPDATE bracket SET max_trials = 8 WHERE experiment = 2",
            r"bracket \(bracket 0\): max_trials is 8, the history says 9",
        ),
        (
            "UPDATE trial SET checkpoint_uri = 's3://other' WHERE experiment = 2 AND number = 0",
            r"trial \(trial 0\): checkpoint_uri is 's3://other', the history says 's3://0/1'",
        ),
        (
            "UPDATE trial SET rung = 2 WHERE experiment = 2 AND number = 2",
            r"trial \(trial 2\): rung is 2, the history says 1",
        ),
        (
            "UPDATE trial SET configuration = '{}' WHERE experiment = 2 AND number = 1",
            r"trial \(trial 1\): configuration is '\{\}', the history says '\{\"lr\":",
        ),
        (
            "UPDATE attempt SET worker_id = 'z' WHERE trial = 2 AND attempt = 1",
            r"attempt \(trial 2, attempt 1\): worker_id is 'z', the history says 'a'",
        ),
        (
            "UPDATE attempt SET decision = replace(decision, 'PAUSE', 'STOP') WHERE trial = 0",
            r"attempt \(trial 0, attempt 1\): decision is .*STOP.*, the history says .*PAUSE",
        ),
        (
            "DELETE FROM attempt WHERE trial = 2 AND attempt = 2",
            r"attempt \(trial 2, attempt 2\) is missing",
        ),
        (
            "UPDATE rung_entry SET value = 0.55 WHERE trial = 1",
            r"rung_entry \(bracket 0, rung 0, trial 1\): value is 0\.55, the history says 0\.6",
        ),
        (
            "INSERT INTO rung_entry VALUES (2, 0, 1, 1, 0.5, 12, 0)",
            r"rung_entry \(bracket 0, rung 1, trial 1\) is there, but not in the history",
        ),
        (
            "DELETE FROM worker WHERE worker_id = 'b'",
            r"worker \(worker_id b\) is missing",
        ),
        (
            "UPDATE report SET previous = 9 WHERE sequence = 11 AND experiment = 2",
            r"report 11: previous is 9, the history says 10",
        ),
        (
            "UPDATE report SET value = 0.7 WHERE sequence = 4 AND experiment = 2",
            r"rung_entry \(bracket 0, rung 0, trial 0\): value is 0\.5, the history says 0\.7",
        ),
    ],
)
def test_a_changed_row_is_named_with_both_values(path: Path, statement: str, problem: str) -> None:
    _change(path, statement)

    problems = _problems(path)

    assert any(re.search(problem, told) for told in problems), problems


def test_a_missing_event_is_named(path: Path) -> None:
    _change(path, "DELETE FROM report WHERE sequence = 7 AND experiment = 2")

    assert _problems(path) == [
        "its history cannot be replayed beyond event 6: then comes event 8",
    ]


def test_a_missing_last_event_is_seen(path: Path) -> None:
    _change(path, "DELETE FROM event WHERE sequence = 15 AND experiment = 2")

    problems = _problems(path)

    assert "experiment: sequence is 15, the history says 14" in problems
    assert "attempt (trial 2, attempt 3) is there, but not in the history" in problems


def test_an_event_that_is_there_twice_is_named(path: Path) -> None:
    _change(
        path,
        "INSERT INTO event SELECT id, time_us, trial, 'TrialCreated', '{}' FROM report "
        "WHERE sequence = 7 AND experiment = 2",
    )

    (problem,) = _problems(path)

    assert problem.startswith("its history cannot be replayed beyond event 0: ")


def test_an_unreadable_event_is_a_problem_of_its_experiment_alone(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "asha.db")
    store.acquire()
    _search(store, "whole")
    _search(store, "broken")
    store.close()
    _change(
        tmp_path / "asha.db", "UPDATE event SET body = '{' WHERE sequence = 2 AND experiment = 2"
    )

    whole, broken = verify_file(tmp_path / "asha.db").experiments

    assert whole == VerifiedExperiment("whole", 15, 3, [])
    assert broken.experiment_id == "broken"
    assert len(broken.problems) == 1


def test_rows_that_a_server_cannot_start_from_are_told_apart_from_the_history(path: Path) -> None:
    _change(path, "UPDATE trial SET state = 'ASLEEP' WHERE experiment = 2 AND number = 1")

    problems = _problems(path)

    assert problems[0].startswith("a server cannot start from its rows: ")
    assert "ASLEEP" in problems[0]
    assert "trial (trial 1): state is 'ASLEEP', the history says 'PAUSED'" in problems


def test_rows_that_break_an_invariant_are_told(path: Path) -> None:
    """A paused trial whose lease somebody holds."""
    _change(path, "UPDATE attempt SET end = NULL WHERE experiment = 2 AND trial = 0")

    assert _problems(path) == [
        "a server cannot start from its rows: trial 0: lease",
        "attempt (trial 0, attempt 1): end is None, the history says 'PAUSED'",
    ]


def test_a_text_that_differs_in_form_alone_is_no_problem(path: Path) -> None:
    """A later server may write a field that an earlier one did not know."""
    _change(
        path,
        "UPDATE experiment SET spec = replace(spec, ',\"seed\"', ', \"seed\"') WHERE id = 'digits'",
    )

    assert verify_file(path).ok


def test_rows_of_no_experiment_are_a_problem_of_the_file(path: Path) -> None:
    _change(path, "DELETE FROM experiment WHERE id = 'doomed'")

    verification = verify_file(path)

    assert verification.problems == [
        "1 rows of bracket belong to no experiment",
        "1 rows of event belong to no experiment",
    ]
    assert not verification.ok


def test_a_damaged_page_is_a_problem_of_the_file(path: Path) -> None:
    """An index that lost an entry is SQLite's own to find."""
    with closing(sqlite3.connect(path)) as person, person:
        person.execute("PRAGMA writable_schema = ON")
        person.execute(
            "UPDATE sqlite_schema SET sql = replace(sql, 'IS NOT NULL', 'IS NULL') "
            "WHERE name = 'report_checkpoint'"
        )
    person.close()

    verification = verify_file(path)

    assert any("report_checkpoint" in problem for problem in verification.problems)


def test_a_file_too_damaged_to_be_read_is_refused_with_the_way_out(path: Path) -> None:
    with closing(sqlite3.connect(path)) as person, person:
        (page,) = person.execute(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'experiment'"
        ).fetchone()
        (size,) = person.execute("PRAGMA page_size").fetchone()
    person.close()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)

    with pytest.raises(StoreError, match=r"is damaged \(.*\): go back to a backup, or .*\.recover"):
        verify_file(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no database"):
        verify_file(tmp_path / "nowhere.db")


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a database at all\n" * 100)

    with pytest.raises(StoreError, match="not an ASHA database"):
        verify_file(tmp_path / "notes.txt")

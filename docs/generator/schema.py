"""docs/reference/schema.md: the tables of the database file, column by column."""

# ruff: noqa: E501 - a sentence or a row is one line, here as on the page
from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from sqlite_utils import Database

from asha_server.search.bracket import Geometry
from asha_server.search.event import Decision, MetricReported, Record
from asha_server.search.state import Bracket, WorkerRecord
from asha_server.search.trial import Attempt, Entry, Trial
from asha_server.store.migrations import migrations
from asha_server.store.versions import SCHEMA_VERSION
from docs.generator.docstring import attributes
from docs.generator.facts import FACTS, LOG_TABLES, NOT_SEARCHED
from docs.generator.markdown import heading, table

INTRODUCTION = f"""\
One SQLite file holds everything of a server; this is schema version {SCHEMA_VERSION}.
Queries that a person runs: [read the database](../howto/read-the-database.md).
What a commit survives: [durability](../explanation/durability.md).
Why rows and a log both: [determinism](../explanation/determinism.md).

All `*_us` are microseconds, of wall-clock time since 1970 or of duration; 0 is *not yet* or *none*.
A metric value that is not a number stands as the text `NaN`; the infinities are SQLite's own.
Names of states, kinds and reasons are those of the [contract](rpc.md) without their prefix.
`experiment` and `trial`, `sequence` or `number` of a row id are `id >> 40` and `id & 1099511627775`: \
select by `id` where speed matters ([ADR 0004](../adr/0004-row-ids.md))."""

SOURCES: dict[str, tuple[type, ...]] = {
    "bracket": (Geometry, Bracket),
    "trial": (Trial, Bracket),
    "attempt": (Attempt,),
    "rung_entry": (Entry,),
    "worker": (WorkerRecord,),
    "report": (MetricReported, Decision, Record),
    "event": (Record,),
}
"""Classes whose attributes are the columns that have no comment of their own, first match first."""

WORDS: dict[str, str] = {
    "experiment": "key of the experiment",
    "experiment.key": "its number in this file; never used twice",
    "experiment.id": "its name on the wire",
    "experiment.end_reason": "why it ended; NULL while it has not",
    "experiment.end_message": "words that came with the end",
    "experiment.sequence": "of its latest event, report or other",
    "experiment.created_us": "when it was created",
    "experiment.ended_us": "when it ended",
    "experiment.elapsed_us": "time spent running up to the last pause",
    "experiment.running_since_us": "when it last began to run",
    "experiment.infeasible_in_a_row": "infeasible trials since the last other end or rung entry",
    "experiment.request_id": "of the CreateExperiment call; empty none",
    "experiment.created_by": "who created it: `token:NAME`, `certificate:NAME`, `address:ADDRESS` or `anonymous`; empty unknown",
    "server.only": "always 1: the table has one row",
    "bracket.bracket": "0-based, most rungs first",
    "trial.id": "experiment << 40 | number",
    "trial.number": "0-based, in order of creation",
    "trial.state": "`QUEUED`, `RUNNING`, `PAUSED`, `COMPLETED`, `STOPPED`, `FAILED`, `INFEASIBLE` or `CANCELLED`",
    "trial.attempt": "its latest attempt; 0 before the first",
    "trial.end_reason": "why it ended; NULL while it has not",
    "trial.last_value": "the last value in order: a number, or the text NaN",
    "trial.created_us": "when it was created",
    "trial.parent": "the trial whose weights it started from; -1 none",
    "attempt.trial": "which trial",
    "attempt.attempt": "from 1; each assignment is the next",
    "attempt.started_us": "when it was handed out",
    "attempt.max_step": "highest step reported; -1 before the first report",
    "attempt.last_report": "sequence of its latest report; 0 none",
    "attempt.decision": "JSON, the latest; NULL before the first",
    "rung_entry.bracket": "which bracket",
    "rung_entry.rung": "which rung, 0-based",
    "rung_entry.trial": "whose entry",
    "worker.worker_id": "who",
    "worker_owner.worker_id": "the worker's name",
    "token.name": "its name, the identity of who bears it",
    "token.created_us": "when it was made",
    "token.limits": "JSON object, what its bearer may take where that differs from the server's setting",
    "report.id": "experiment << 40 | sequence",
    "report.trial": "which trial",
    "report.time_us": "when it was decided",
    "report.checkpoint_uri": "what would resume at this step; NULL none",
    "report.sequence": "its place in the experiment's history, which `event` shares",
    "event.id": "experiment << 40 | sequence",
    "event.trial": "which trial; NULL where it is none's",
    "event.sequence": "its place in the experiment's history, which `report` shares",
    "event.time_us": "when it happened",
    "event.type": "`ExperimentCreated`, `ExperimentUpdated`, `ExperimentStateChanged`, `TrialCreated`, `TrialAssigned`, "
    "`CheckpointReported`, `TrialStateChanged` or `RungClosed`",
}  # fmt: skip
"""Columns that neither the schema nor a class describes, by table.column or by column."""

PURPOSES: dict[str, str] = {
    "server": "The file itself: one row.",
    "experiment": "One row an experiment: what was asked for and where it stands.",
    "bracket": "One row a bracket: its rungs and which of them are closed out.",
    "trial": "One row a trial: its configuration and where it stands.",
    "attempt": "One row an assignment: who trained what, where, how long, and how it ended.",
    "rung_entry": "One row a trial and rung: the state of the brackets.",
    "worker": "Workers whose last assignments failed without a report; a report removes the row.",
    "worker_owner": "Whose each worker name is; only with tokens.",
    "token": "Access tokens, revoked ones included; of their secrets only a digest.",
    "report": "The log of reports, each with its decision and the decision's explanation.",
    "event": "The log of everything else; one sequence over both.",
}
_COLUMN = re.compile(r"^\s*(\w+) [^\n]*?--\s*(.*)$", re.MULTILINE)
_OWN = "_sqlite_migrations"


class Column(NamedTuple):
    """One column.

    Attributes:
        table: that it is in.
        name: its own.
        type: as declared; `generated` where nothing is stored.
        is_nullable: whether it may be NULL.
        key_place: its place in the primary key, from 1; 0 none.
        text: what it holds.
    """

    table: str
    name: str
    type: str
    is_nullable: bool
    key_place: int
    text: str


def page() -> str:
    """The page.

    Raises:
        AssertionError: a column is described nowhere, or a fact names one that there is not.
    """
    columns = [*_columns()]
    _check(columns)
    lines = heading(
        "The database", "`asha_server/store/migrations.py` and the classes that a row is made of"
    )
    lines += [INTRODUCTION, "", "## Where each fact stands", ""]
    lines += [
        "A server starts from these columns alone, whatever the number of reports: every fact that the "
        "rules of the search read has its own.",
        "",
        *table(["fact", "where it stands"], [[fact, _places(places)] for fact, places in FACTS]),
        "",
        "Kept for people and for exact answers to repeated calls, read by no rule:",
        _places(NOT_SEARCHED) + ".",
        "",
    ]  # fmt: skip
    for name, purpose in PURPOSES.items():
        rows = [[f"`{c.name}`", _type(c), c.text] for c in columns if c.table == name]
        lines += [f"## {name}", "", purpose, "", *table(["column", "type", "what"], rows), ""]
    lines += ["## Indexes", "", *_indexes(), ""]
    lines += [f"`{_OWN}` is the list of migrations that the file has had.", ""]
    return "\n".join(lines).rstrip() + "\n"


def _check(columns: list[Column]) -> None:
    known = {f"{column.table}.{column.name}" for column in columns}
    named = {place for _, places in FACTS for place in places} | set(NOT_SEARCHED)
    assert named <= known, f"there is no column {sorted(named - known)}"
    keys = {f"{c.table}.{c.name}" for c in columns if c.key_place or c.type == "generated"}
    unsaid = {p for p in known - keys if p.partition(".")[0] not in LOG_TABLES} - named
    assert not unsaid, f"facts.py says nothing of {sorted(unsaid)}"
    assert {place for place in WORDS if "." in place} <= known
    assert {c.table for c in columns} == set(PURPOSES)


def _database() -> sqlite3.Connection:
    database = Database(memory=True)
    migrations.apply(database)
    connection: sqlite3.Connection = database.conn
    return connection


def _columns() -> Iterator[Column]:
    connection = _database()
    tables = connection.execute(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name <> ?", (_OWN,)
    )
    for name, statement in tables.fetchall():
        comments = dict(_COLUMN.findall(statement))
        for _, column, kind, not_null, _, key, hidden in connection.execute(
            f"PRAGMA table_xinfo({name})"
        ):
            text = WORDS.get(f"{name}.{column}") or comments.get(column) or _described(name, column)
            shown = "generated" if hidden else kind
            is_nullable = not (not_null or key or hidden)
            yield Column(name, column, shown, is_nullable, key, text)


def _described(name: str, column: str) -> str:
    for kind in SOURCES.get(name, ()):
        found = attributes(kind).get(column)
        if found is not None:
            return found.replace("None", "NULL")
    return WORDS[column]


def _type(column: Column) -> str:
    key = f", key {column.key_place}" if column.key_place else ""
    return f"{column.type}{', may be NULL' * column.is_nullable}{key}"


def _places(places: tuple[str, ...]) -> str:
    return ", ".join(f"`{place}`" for place in places)


def _indexes() -> list[str]:
    found = _database().execute(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name <> ? ORDER BY name",
        (_OWN,),
    )
    return [f"- `{name}`: `{' '.join(sql.split())}`" for name, sql in found if sql]

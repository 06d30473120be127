"""The database's schema, as the migrations that make it. A released one never changes.

Row ids of `trial`, `report` and `event` are experiment << 40 | number; the generated columns
`experiment` and `number` or `sequence` read them back without storing anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlite_utils import Database, Migrations

from asha_server.store.versions import VERSION_SET

if TYPE_CHECKING:
    import sqlite3

migrations = Migrations(VERSION_SET)


def bring_up_to_date(connection: sqlite3.Connection) -> None:
    """Carries out what a file has yet to get, each in a transaction of its own."""
    migrations.apply(Database(connection))


@migrations()
def m001_initial(db: Database) -> None:
    """Everything of the first release."""
    for statement in _INITIAL:
        db.execute(statement)


@migrations()
def m002_parent(db: Database) -> None:
    """Trials that start from another one's weights."""
    db.execute(
        "ALTER TABLE trial ADD COLUMN parent INTEGER NOT NULL DEFAULT -1"
        " /* the trial it started from; -1 none */"
    )


@migrations()
def m003_access(db: Database) -> None:
    """Who may do what: access tokens, and whose each worker name is."""
    for statement in _ACCESS:
        db.execute(statement)


@migrations()
def m004_quotas(db: Database) -> None:
    """What each identity may take: limits of tokens, and who created each experiment."""
    db.execute(
        "ALTER TABLE token ADD COLUMN limits TEXT NOT NULL DEFAULT '{}'"
        " /* JSON object, where it differs from the server's setting */"
    )
    db.execute(
        "ALTER TABLE experiment ADD COLUMN created_by TEXT NOT NULL DEFAULT ''"
        " /* token:NAME, certificate:NAME, address:ADDRESS or anonymous; empty: unknown */"
    )


_ACCESS = (
    """CREATE TABLE token (
  name TEXT PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE,      -- SHA-256 of the secret, which is kept nowhere
  role TEXT NOT NULL,               -- READ, WORKER or ADMIN
  experiment_patterns TEXT NOT NULL,  -- JSON list; empty: everywhere
  created_us INTEGER NOT NULL,
  expires_us INTEGER NOT NULL,      -- when it expires; 0 never
  revoked_us INTEGER NOT NULL       -- when it was revoked; 0 not
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE worker_owner (
  experiment INTEGER NOT NULL,
  worker_id TEXT NOT NULL,
  identity TEXT NOT NULL,           -- the token that first used the worker's name
  PRIMARY KEY (experiment, worker_id)
) STRICT, WITHOUT ROWID""",
)

_INITIAL = (
    """CREATE TABLE server (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  epoch INTEGER NOT NULL DEFAULT 0,   -- raised by each server that takes the file
  last_key INTEGER NOT NULL DEFAULT 0 -- highest key that an experiment ever had
) STRICT""",
    """CREATE TABLE experiment (
  key INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  spec TEXT NOT NULL,               -- JSON, every default filled in
  state TEXT NOT NULL,              -- RUNNING, PAUSED, COMPLETED, FAILED, DELETED
  end_reason TEXT,
  end_message TEXT NOT NULL,
  sequence INTEGER NOT NULL,        -- of its latest event
  created_us INTEGER NOT NULL,      -- all *_us: microseconds since 1970 or of duration; 0 = not yet
  updated_us INTEGER NOT NULL,      -- when the spec or the state last changed
  ended_us INTEGER NOT NULL,
  elapsed_us INTEGER NOT NULL,      -- spent running up to the last pause
  running_since_us INTEGER NOT NULL,
  infeasible_in_a_row INTEGER NOT NULL,
  progress REAL NOT NULL,           -- high-water mark, 0 to 1
  request_id TEXT NOT NULL
) STRICT""",
    """CREATE TABLE bracket (
  experiment INTEGER NOT NULL,
  bracket INTEGER NOT NULL,
  rung_lengths TEXT NOT NULL,       -- JSON list, lowest rung first
  max_trials INTEGER NOT NULL,
  closings TEXT NOT NULL,           -- JSON list a rung: [event, time_us] of each close-out
  PRIMARY KEY (experiment, bracket)
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE trial (
  id INTEGER PRIMARY KEY,
  experiment INTEGER AS (id >> 40) VIRTUAL,
  number INTEGER AS (id & 1099511627775) VIRTUAL,
  bracket INTEGER NOT NULL DEFAULT -1,
  configuration TEXT NOT NULL,      -- JSON object, in declared order
  is_given INTEGER NOT NULL,        -- 1: not the random sampler's
  request_id TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT '',
  end_reason TEXT,
  end_message TEXT NOT NULL DEFAULT '',
  rung INTEGER NOT NULL DEFAULT 0,  -- trained towards: rungs entered so far
  attempt INTEGER NOT NULL DEFAULT 0,
  restarts INTEGER NOT NULL DEFAULT 0,
  last_step INTEGER NOT NULL DEFAULT 0,
  last_value ANY,                   -- a number, or the text NaN
  checkpoint_uri TEXT NOT NULL DEFAULT '',
  checkpoint_step INTEGER NOT NULL DEFAULT 0,
  checkpoint_attempt INTEGER NOT NULL DEFAULT 0,
  queued_sequence INTEGER NOT NULL DEFAULT 0,
  created_us INTEGER NOT NULL DEFAULT 0,
  started_us INTEGER NOT NULL DEFAULT 0,
  ended_us INTEGER NOT NULL DEFAULT 0,
  total_length INTEGER NOT NULL DEFAULT 0
) STRICT""",
    """CREATE TABLE attempt (
  experiment INTEGER NOT NULL,
  trial INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  kind TEXT NOT NULL,
  worker_id TEXT NOT NULL,
  incarnation_id TEXT NOT NULL,
  request_id TEXT NOT NULL,
  started_us INTEGER NOT NULL,
  start_step INTEGER NOT NULL,
  start_checkpoint_uri TEXT NOT NULL,
  max_step INTEGER NOT NULL,        -- -1 before the first report
  units_trained INTEGER NOT NULL,
  last_report INTEGER NOT NULL,     -- sequence; 0 none
  decision TEXT,                    -- JSON, the latest
  end TEXT,                         -- NULL while a worker holds it
  ended_us INTEGER NOT NULL,
  failure TEXT,
  ended_state TEXT,
  message TEXT NOT NULL,
  is_fenced INTEGER NOT NULL,
  PRIMARY KEY (experiment, trial, attempt)
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE rung_entry (
  experiment INTEGER NOT NULL,
  bracket INTEGER NOT NULL,
  rung INTEGER NOT NULL,
  trial INTEGER NOT NULL,
  value ANY,                        -- a number, the text NaN, or NULL: failed on its way here
  arrival INTEGER NOT NULL,         -- sequence of the event that brought it
  is_promoted INTEGER NOT NULL,
  PRIMARY KEY (experiment, bracket, rung, trial)
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE worker (
  experiment INTEGER NOT NULL,
  worker_id TEXT NOT NULL,
  failures INTEGER NOT NULL,        -- assignments in a row that failed without a report
  failed_us INTEGER NOT NULL,
  PRIMARY KEY (experiment, worker_id)
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE report (
  id INTEGER PRIMARY KEY,
  experiment INTEGER AS (id >> 40) VIRTUAL,
  sequence INTEGER AS (id & 1099511627775) VIRTUAL,
  time_us INTEGER NOT NULL,
  trial INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  step INTEGER NOT NULL,
  value ANY,                        -- the search metric, if it was in order
  metrics TEXT,                     -- JSON [[name, value], ...]; NULL: the search metric alone
  checkpoint_uri TEXT,
  verdict TEXT NOT NULL,
  reason TEXT NOT NULL,
  bracket INTEGER NOT NULL,
  rung INTEGER NOT NULL,
  rank INTEGER,
  competitors INTEGER NOT NULL,
  cutoff REAL,
  next_decision_step INTEGER NOT NULL,
  first_rung INTEGER NOT NULL,
  entered_count INTEGER NOT NULL,
  promoted_count INTEGER NOT NULL,
  trial_state TEXT NOT NULL,
  end_reason TEXT,
  previous INTEGER NOT NULL         -- sequence of the attempt's previous report; 0 none
) STRICT""",
    """CREATE INDEX report_checkpoint ON report (experiment, trial, id)
WHERE checkpoint_uri IS NOT NULL""",
    "CREATE INDEX report_given ON report (experiment, trial, id) WHERE attempt = 0",
    """CREATE TABLE event (
  id INTEGER PRIMARY KEY,
  experiment INTEGER AS (id >> 40) VIRTUAL,
  sequence INTEGER AS (id & 1099511627775) VIRTUAL,
  time_us INTEGER NOT NULL,
  trial INTEGER,
  type TEXT NOT NULL,
  body TEXT NOT NULL                -- JSON
) STRICT""",
    """CREATE INDEX event_checkpoint ON event (experiment, trial, id)
WHERE type = 'CheckpointReported'""",
)

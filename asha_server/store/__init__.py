"""Keeping what was decided: rows of every experiment and the log of how they came about.

A store loads experiments, appends batches (one transaction each), and reads pages of history. It
decides nothing and knows no gRPC. `sqlite.py` is the one there is; a second backend is one more
file that passes `tests/store/contract.py`. First to read: the protocol below, then `sqlite.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from asha_server.search.event import Record
    from asha_server.search.rows import Rows
    from asha_server.search.stored_attempts import AttemptRows


class StoreError(Exception):
    """The store cannot be opened or used; the message says what to do."""


class StoreFailed(StoreError):
    """A commit failed: what was in it is not durable, and the server must stop."""


class StoreInfo(NamedTuple):
    """What a store is, for people.

    Attributes:
        path: where it is.
        schema_version: migrations its file has.
        engine_version: of the database library.
    """

    path: str
    schema_version: int
    engine_version: str


class Write(NamedTuple):
    """What one batch changed in one experiment.

    Attributes:
        key: the experiment's key in the store.
        rows: its changed rows.
        records: list[Record], its new events, in order.
        is_hidden: it is not all here yet: to be kept like a deleted one, until a write says
            otherwise.
        created_by: who created it, as `token:NAME`; written with its first event.
    """

    key: int
    rows: Rows
    records: list[Record]
    is_hidden: bool = False
    created_by: str = ""


class TokenRow(NamedTuple):
    """An access token, as it is kept.

    Attributes:
        name: the identity of who bears it.
        digest: SHA-256 of its secret.
        role: READ, WORKER or ADMIN.
        experiment_patterns: JSON list; empty: everywhere.
        created_us: when it was made; wall clock, microseconds.
        expires_us: when it expires; 0 never.
        revoked_us: when it was revoked; 0 not.
        limits: JSON object, limit -> amount, where it differs from the server's setting.
    """

    name: str
    digest: bytes
    role: str
    experiment_patterns: str
    created_us: int
    expires_us: int
    revoked_us: int
    limits: str


class Store(Protocol):
    """Where experiments are kept, and who may do what with them."""

    def info(self) -> StoreInfo:
        """What it is, for people."""

    def load(
        self, only: int | None = None, *, is_streamed: bool = False
    ) -> Generator[tuple[int, Rows]]:
        """Every living experiment's key and rows, in order of creation.

        Args:
            only: the key of the one that is wanted; None: all.
            is_streamed: rows of trials and entries may be read only once, before the next
                experiment, and are never all in memory; those of attempts are left out.
        """

    def acquire(self) -> int:
        """Takes the store over from any former server; the epoch that `append` checks."""

    def next_key(self) -> int:
        """A key that no experiment has or had."""

    def leftovers(self) -> list[int]:
        """Keys of experiments of which some rows are left: deleted ones, and hidden ones."""

    def append(self, writes: list[Write], deleted: Iterable[int] = ()) -> None:
        """Writes a batch in one transaction; durable when it returns.

        Args:
            writes: what changed, at most one of each experiment.
            deleted: keys of experiments that are gone; `forget` removes their rows.

        Raises:
            StoreFailed: it is not durable, or another server took over.
        """

    def history(self, key: int, after_sequence: int, most: int) -> list[Record]:
        """Up to `most` events after a sequence, in order."""

    def attempts(self, key: int) -> AttemptRows:
        """An experiment's attempts and their reports, each read when it is asked for."""

    def forget(self, key: int, most: int) -> bool:
        """Deletes up to `most` rows of a deleted experiment; whether some are left."""

    def tokens(self) -> list[TokenRow]:
        """Every access token, revoked ones included."""

    def put_token(self, token: TokenRow) -> None:
        """Writes a token, over the one of its name; durable when it returns.

        Raises:
            StoreFailed: it is not durable, or another server took over.
        """

    def creators(self) -> list[tuple[int, str]]:
        """(key of the experiment, who created it) of every one of whom it is known."""

    def worker_owners(self) -> Iterator[tuple[int, str, str]]:
        """(key of the experiment, worker, identity) of every worker name that is somebody's."""

    def put_worker_owner(self, key: int, worker_id: str, identity: str) -> None:
        """Writes whose a worker name is; durable when it returns.

        Raises:
            StoreFailed: it is not durable, or another server took over.
        """

    def close(self) -> None:
        """Lets go of the store; idempotent."""

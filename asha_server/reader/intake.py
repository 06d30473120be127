"""The intake process: reads an export on stdin, proves that it can be kept, hands out its events.

It writes the history into a scratch database of its own, starts an experiment from those rows as a
server would, and only then answers with the events, a piece at a time: what it lets through cannot
harm the server. The scratch folder goes with the process, whatever becomes of the server.

python -m asha_server.reader.intake FOLDER [EXPERIMENT_ID]
"""

from __future__ import annotations

import shutil
import sys
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from asha_server.reader.manners import give_way
from asha_server.reader.questions import Word, frame
from asha_server.search.event import ExperimentCreated, ExperimentUpdated
from asha_server.search.experiment import Experiment
from asha_server.search.loading import load
from asha_server.search.replay import Replay
from asha_server.search.rows import rows_of
from asha_server.search.spec import validate
from asha_server.store import Write
from asha_server.store.history_file import HistoryFile, HistoryFileError
from asha_server.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asha_server.search.event import Record

PIECE = 100
"""Events of one piece, or fewer that are long: a few milliseconds of the engine's time."""
PIECE_BYTES = 2**18
TIME_MAX_US = 253_402_300_799 * 1_000_000
"""The end of the year 9999, where timestamps on the wire end."""
_WRITTEN_AT_ONCE = 1_000


def main(folder: Path, experiment_id: str) -> None:
    """Answers with the name, then with a refusal or with every event and the end."""
    give_way()
    try:
        file = HistoryFile(sys.stdin.buffer)
        _say(Word(experiment_id=experiment_id or file.header.experiment_id))
        folder.mkdir()
        store = SqliteStore(folder / "scratch.db")
        try:
            store.acquire()
            _write_down(file, store, experiment_id)
            for piece in _pieces(store):
                _say(Word(records=piece))
        finally:
            store.close()
        _say(Word(is_end=True))
    except HistoryFileError as error:
        _say(Word(refusal=str(error)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _say(word: Word) -> None:
    sys.stdout.buffer.write(frame(word))
    sys.stdout.buffer.flush()


def _write_down(file: HistoryFile, store: SqliteStore, experiment_id: str) -> None:
    """Replays the file into the scratch store, and starts from what is written.

    Raises:
        HistoryFileError: a line is wrong, or what they say together cannot be.
    """
    replay = Replay()
    key = store.next_key()
    records = _renamed(file, experiment_id)
    while written := list(islice(_replayed(replay, file, records), _WRITTEN_AT_ONCE)):
        state = replay.experiment.state
        try:
            store.append([Write(key, rows_of(state, state.take_changes()), written)])
        except Exception as error:  # a number beyond 64 bits, mostly
            first = file.line - len(written) + 1
            raise HistoryFileError(
                first, f"it or one of the next {len(written) - 1} cannot be kept: {_said(error)}"
            ) from error
    try:
        replay.experiment.check()
        ((_, rows),) = store.load()
        Experiment(load(rows)).check()
    except Exception as error:
        raise HistoryFileError(
            file.line, f"up to here the events make what cannot be: {_said(error)}"
        ) from error


def _renamed(file: HistoryFile, experiment_id: str) -> Iterator[Record]:
    """The events, the first under the new name.

    A copy under another name is not what the request of the first one created.
    """
    for record in file.records():
        event = record.event
        if isinstance(event, ExperimentCreated):
            if event.experiment_id != file.header.experiment_id:
                raise HistoryFileError(file.line, "line 1 has another experiment_id")
            if experiment_id not in ("", event.experiment_id):
                event = msgspec.structs.replace(event, experiment_id=experiment_id, request_id="")
                yield msgspec.structs.replace(record, event=event)
                continue
        yield record


def _replayed(replay: Replay, file: HistoryFile, records: Iterator[Record]) -> Iterator[Record]:
    """Events that the replay took.

    Raises:
        HistoryFileError: one cannot follow.
    """
    for record in records:
        try:
            _refuse_unfit(record)
            replay.take(record)
        except Exception as error:
            raise HistoryFileError(
                file.line, f"event {record.sequence} cannot follow: {_said(error)}"
            ) from error
        yield record


def _refuse_unfit(record: Record) -> None:
    """What evolves, but could not be shown or searched.

    Raises:
        ValueError: it is such an event.
    """
    if not 0 <= record.time_us <= TIME_MAX_US:
        raise ValueError(f"time_us {record.time_us} is outside the years 1970 to 9999")
    if isinstance(record.event, ExperimentCreated | ExperimentUpdated):
        violations = validate(record.event.spec)
        if violations:
            raise ValueError("; ".join(f"{v.path}: {v.message}" for v in violations[:5]))


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__


def _pieces(store: SqliteStore) -> Iterator[list[Record]]:
    """Every event as it was written, in pieces of bounded size."""
    ((key, rows),) = store.load()
    piece: list[Record] = []
    size = after = 0
    while after < rows.experiment.sequence:
        for record in store.history(key, after, _WRITTEN_AT_ONCE):
            piece.append(record)
            size += len(msgspec.msgpack.encode(record))
            if len(piece) == PIECE or size > PIECE_BYTES:
                yield piece
                piece, size = [], 0
            after = record.sequence
    if piece:
        yield piece


if __name__ == "__main__":
    main(Path(sys.argv[1]), "".join(sys.argv[2:]))

"""The reader process: questions on stdin, answers on stdout, until stdin ends.

python -m asha_server.reader.child DATABASE
"""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

from asha_server.reader.manners import give_way
from asha_server.reader.queries import QUERIES
from asha_server.reader.questions import Question, Reply, frame, read_question
from asha_server.store.reading import ReadOnlyStore


def main(path: Path) -> None:
    """Answers questions about one file."""
    give_way()
    store = ReadOnlyStore(path)
    try:
        _answer_all(store)
    except BrokenPipeError:  # the server is gone, and nobody waits for the answer
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nor for the rest of it
    finally:
        store.close()


def _answer_all(store: ReadOnlyStore) -> None:
    while (question := read_question(sys.stdin.buffer)) is not None:
        sys.stdout.buffer.write(frame(_answer(store, question)))
        sys.stdout.buffer.flush()


def _answer(store: ReadOnlyStore, question: Question) -> Reply:
    try:
        with store.snapshot():  # it may be deleted meanwhile, row by row
            experiment = store.experiment(question.key)
            if experiment is None:
                return Reply(is_gone=True)
            messages = QUERIES[question.name](store, question, experiment)
            return Reply([message.SerializeToString() for message in messages])
    except Exception:
        return Reply(failure=traceback.format_exc())


if __name__ == "__main__":
    main(Path(sys.argv[1]))

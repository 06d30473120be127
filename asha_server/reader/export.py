"""The export process: one experiment's history as JSON lines on stdout.

The lines are described in `store/history_file.py`. Nothing is ever rewritten in a history, so
pages read one after another are one whole. They are small, and after each it rests: a processor
that is busy for milliseconds lets everybody wait who wakes up on it, however nice its process is.

python -m asha_server.reader.export DATABASE KEY
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from asha_server.reader.manners import give_way
from asha_server.store.history import encode
from asha_server.store.history_file import header_line
from asha_server.store.reading import ReadOnlyStore

PAGE = 20
"""Events read, written and rested after at a time: half a millisecond of work."""
GONE = 3
"""Exit status: the experiment is deleted."""


def main(path: Path, key: int) -> int:
    """Writes the history; the exit status."""
    give_way()
    store = ReadOnlyStore(path)
    experiment = store.experiment(key)
    if experiment is None:
        return GONE
    last = experiment.row.sequence
    out = sys.stdout.buffer
    out.write(header_line(experiment.row.id, last))
    after = 0
    while after < last:
        began = time.process_time()
        records = store.history(key, after, min(PAGE, last - after))
        if store.experiment(key) is None:
            return GONE
        for record in records:
            out.write(encode(record) + b"\n")
        after = records[-1].sequence
        out.flush()
        time.sleep(time.process_time() - began)  # half of its time is for others
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))

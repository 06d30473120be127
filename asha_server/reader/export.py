"""The export process: one experiment's history as JSON lines on stdout.

The first line says what follows: `{"asha_export": 1, "experiment_id": …, "last_sequence": n}`.
Then one line an event, from sequence 1 to n without gaps, as `store/history.py` writes them.
Nothing is ever rewritten in a history, so pages read one after another are one whole.

python -m asha_server.reader.export DATABASE KEY
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from asha_server.store.history import encode
from asha_server.store.reading import ReadOnlyStore

FORMAT = 1
PAGE = 1_000
GONE = 3
"""Exit status: the experiment is deleted."""


def main(path: Path, key: int) -> int:
    """Writes the history; the exit status."""
    store = ReadOnlyStore(path)
    experiment = store.experiment(key)
    if experiment is None:
        return GONE
    last = experiment.row.sequence
    out = sys.stdout.buffer
    header = {"asha_export": FORMAT, "experiment_id": experiment.row.id, "last_sequence": last}
    out.write(msgspec.json.encode(header) + b"\n")
    after = 0
    while after < last:
        records = store.history(key, after, min(PAGE, last - after))
        if store.experiment(key) is None:
            return GONE
        for record in records:
            out.write(encode(record) + b"\n")
        after = records[-1].sequence
    out.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))

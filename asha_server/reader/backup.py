"""The backup process: the next copy of a served file in its directory, which keeps the latest few.

Copies are numbered and not dated: a clock that jumps back would make the latest look the oldest.

python -m asha_server.reader.backup DATABASE DIRECTORY KEEP
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from asha_server.reader.manners import give_way
from asha_server.store import StoreError
from asha_server.store.backup import back_up


def copies(path: Path, directory: Path) -> list[Path]:
    """The copies of a database in a directory, oldest first."""
    name = re.compile(rf"{re.escape(path.stem)}-(\d+){re.escape(path.suffix)}")
    found = [(int(m[1]), file) for file in directory.iterdir() if (m := name.fullmatch(file.name))]
    return [file for _, file in sorted(found)]


def main(path: Path, directory: Path, keep: int) -> int:
    """Writes a copy and says its name; the exit status."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        before = copies(path, directory)
        number = int(before[-1].stem.rpartition("-")[2]) + 1 if before else 1
        copy = directory / f"{path.stem}-{number:06}{path.suffix}"
        back_up(path, copy)
        for old in copies(path, directory)[:-keep]:
            old.unlink()
    except (StoreError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{copy}\n")
    return 0


if __name__ == "__main__":
    give_way()
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))

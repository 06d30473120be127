"""A file that a program appends its metrics to."""

from __future__ import annotations

from pathlib import Path

from asha_server.cli.run.line_stream import LineStream

MARK_BYTES = 256


class MetricsFile:
    """Reads what is appended to a file after this object was made, or all of it.

    The file may come into being later, and may be written anew: what stood at its end is
    remembered, and where it does not stand any more, the file is read from its beginning.

    Args:
        path: the file.
        from_start: whether what it holds already is read too.

    Attributes:
        rewrites: how often it was found written anew.
    """

    def __init__(self, path: Path, *, from_start: bool = False) -> None:
        self._path = path
        self._lines = LineStream()
        self._offset = 0
        self._mark = b""
        self.rewrites = 0
        if not from_start:
            self._read()

    def read_lines(self) -> list[str]:
        """The lines completed since the last call."""
        return self._lines.feed(self._read())

    def finish(self) -> list[str]:
        """The rest: complete lines, and a last one without a newline."""
        return [*self.read_lines(), *self._lines.finish()]

    def _read(self) -> bytes:
        """The bytes appended since the last call; none if there is no such file."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset - len(self._mark))
                if file.read(len(self._mark)) != self._mark:
                    file.seek(0)
                    self._mark = b""
                    self._lines = LineStream()
                    self.rewrites += 1
                data = file.read()
                self._offset = file.tell()
        except OSError:
            return b""
        self._mark = (self._mark + data)[-MARK_BYTES:]
        return data

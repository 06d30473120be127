"""Bytes into lines, as they come."""

from __future__ import annotations

LINE_BYTES_MAX = 1 << 20
"""A longer line is cut here: no newline may make us hold a program's whole output."""


class LineStream:
    """Cuts a stream of bytes into lines of text.

    Of a line that was overwritten with carriage returns (progress bars) the last state is kept.
    """

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        """The lines that these bytes complete, without their ends."""
        *lines, rest = (self._rest + data).split(b"\n")
        if len(rest) > LINE_BYTES_MAX:
            lines.append(rest)
            rest = b""
        self._rest = rest
        return [_decode(line) for line in lines]

    def finish(self) -> list[str]:
        """The last line, if the stream ended without a newline."""
        rest, self._rest = self._rest, b""
        return [_decode(rest)] if rest else []


def _decode(line: bytes) -> str:
    """The line as it stood on a terminal at its end."""
    return line.rstrip(b"\r").rpartition(b"\r")[2].decode(errors="replace")

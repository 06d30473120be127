"""The file of an export: one experiment's whole history as JSON lines.

The first line says what follows: `{"asha_export": 1, "experiment_id": …, "last_sequence": n}`.
Then one line an event, from sequence 1 to n without gaps, as `history.py` writes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from asha_server.store.history import decode_record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from asha_server.search.event import Record

FORMAT = 1
LINE_BYTES_MAX = 32 * 2**20
"""A spec of the largest request, every character of it escaped, is one line of some 24 MiB."""


class Header(msgspec.Struct, frozen=True, rename={"format": "asha_export"}):
    """The first line.

    Attributes:
        format: of the file.
        experiment_id: the experiment's name.
        last_sequence: events that follow.
    """

    format: int
    experiment_id: str
    last_sequence: int


_header = msgspec.json.Decoder(Header)


class HistoryFileError(Exception):
    """A file is no export, or not a whole one; the message names the line.

    Attributes:
        line: from 1.
    """

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"line {line}: {message}")
        self.line = line


class HistoryFile:
    """An export that is read line by line.

    Args:
        stream: at its beginning.

    Attributes:
        header: its first line.
        line: the line read last, from 1.

    Raises:
        HistoryFileError: it does not begin like an export.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.line = 0
        text = self._next_line()
        try:
            self.header = _header.decode(text)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise HistoryFileError(
                1, 'no export of an experiment begins so: {"asha_export": 1, …} is expected'
            ) from None
        if self.header.format != FORMAT:
            raise HistoryFileError(
                1,
                f"the export has format {self.header.format}, this program reads {FORMAT}: "
                "use the version that wrote it",
            )
        if self.header.last_sequence < 1:
            raise HistoryFileError(1, "last_sequence is below 1: there is no event in the file")

    def records(self) -> Iterator[Record]:
        """Every event, in order.

        Raises:
            HistoryFileError: a line is no event, one is missing, or there are more than announced.
        """
        last = self.header.last_sequence
        for sequence in range(1, last + 1):
            text = self._next_line()
            if not text.endswith(b"\n"):
                raise HistoryFileError(
                    self.line, f"the file ends before event {sequence} of {last} is complete"
                )
            try:
                record = decode_record(text)
            except Exception as error:
                raise HistoryFileError(self.line, f"this is no event: {error}") from None
            if record.sequence != sequence:
                raise HistoryFileError(
                    self.line, f"event {record.sequence} stands where {sequence} is expected"
                )
            yield record
        if self._next_line():
            raise HistoryFileError(self.line, f"event {last} is the last one, but there is more")

    def _next_line(self) -> bytes:
        self.line += 1
        text = self._stream.readline(LINE_BYTES_MAX + 1)
        if len(text) > LINE_BYTES_MAX:
            raise HistoryFileError(
                self.line, f"it is longer than {LINE_BYTES_MAX // 2**20} MiB, the most of a line"
            )
        return text


def header_line(experiment_id: str, last_sequence: int) -> bytes:
    """The first line of an export."""
    return msgspec.json.encode(Header(FORMAT, experiment_id, last_sequence)) + b"\n"

"""What the reader and the intake say, and how it travels: length-prefixed msgpack frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from asha_server.search.event import Record
from asha_server.wire.page import PAGE_BYTES_MAX

if TYPE_CHECKING:
    from typing import BinaryIO

LENGTH_BYTES = 4


class Question(msgspec.Struct, frozen=True):
    """One thing asked.

    Attributes:
        name: the name of the answering function in `queries.py`.
        key: the experiment's key in the store.
        request: the RPC's request, checked; b"" where there is none.
        numbers: trial numbers, or the sequence after which to go on.
        incumbent: the experiment's incumbent; -1 none.
        page_bytes_max: size at which a page ends.
    """

    name: str
    key: int
    request: bytes = b""
    numbers: list[int] = []
    incumbent: int = -1
    page_bytes_max: int = PAGE_BYTES_MAX


class Reply(msgspec.Struct, frozen=True):
    """The answer: messages as they go onto the wire, or a traceback.

    Attributes:
        messages: the RPC's response, or the responses of a stream.
        failure: the traceback of a bug; "" none.
        is_gone: the experiment is deleted.
    """

    messages: list[bytes] = []
    failure: str = ""
    is_gone: bool = False


class Word(msgspec.Struct, frozen=True):
    """What the intake process says of the export that it reads; one field is set.

    Attributes:
        experiment_id: the name that the experiment is to have; said first.
        refusal: what is wrong with the file, by line; nothing follows.
        records: list[Record], its next events.
        is_end: that was all.
    """

    experiment_id: str = ""
    refusal: str = ""
    records: list[Record] = []
    is_end: bool = False


_questions = msgspec.msgpack.Decoder(Question)


def frame(value: Question | Reply | Word) -> bytes:
    """A value with its length before it."""
    body = msgspec.msgpack.encode(value)
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def read_question(stream: BinaryIO) -> Question | None:
    """The next question; None at the end of the stream."""
    head = stream.read(LENGTH_BYTES)
    if len(head) < LENGTH_BYTES:
        return None
    return _questions.decode(stream.read(int.from_bytes(head, "big")))

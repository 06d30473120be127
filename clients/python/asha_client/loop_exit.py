"""How a `for` loop was left, seen from its iterator's finaliser.

When a loop ends early the interpreter drops the iterator, and its `__del__` runs while the loop's
frame still stands at the instruction that did it: the pop of the iterator after `break` and
`return`, the raising instruction after an exception. The exception itself cannot be seen from
there (it is set aside while finalisers run), but where it was raised, and whether any caller has
a handler for it, can.

A finaliser that runs elsewhere (the iterator had another name, another interpreter collects it
later) tells nothing: the exit is unknown.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType, FrameType

POPS = frozenset({"POP_TOP", "POP_ITER", "END_FOR", "SWAP", "END_ASYNC_FOR"})
"""What stands at the end of a loop that was left by break or return."""


@dataclass(frozen=True, slots=True)
class Raised:
    """The loop was left by an exception.

    Attributes:
        place: `file:line` of the loop's code that raised or called what raised.
        may_be_caught: whether the frame or a caller has a handler around it (`with` and `finally`
            count). If not, the exception ends the thread.
    """

    place: str
    may_be_caught: bool


def find_exit(code: CodeType | None) -> Raised | None:
    """How the loop of the given code was left; to be called directly by `__del__`.

    Args:
        code: code of the frame that ran the loop; None if it is not known.

    Returns:
        None if it was left by break or return, or if that cannot be known.
    """
    frame: FrameType | None = sys._getframe(2)
    if frame is None or code is None or frame.f_code is not code:
        return None
    name = next((i.opname for i in dis.get_instructions(code) if i.offset == frame.f_lasti), "")
    if not name or name in POPS:
        return None
    place = f"{code.co_filename}:{frame.f_lineno}"
    may_be_caught = False
    while frame is not None:
        if _has_handler(frame.f_code, frame.f_lasti):
            may_be_caught = True
            break
        frame = frame.f_back
    return Raised(place, may_be_caught)


def _has_handler(code: CodeType, offset: int) -> bool:
    """Whether an entry of the code's exception table covers the instruction at this offset."""
    return any(start <= offset < end for start, end in _protected_ranges(code.co_exceptiontable))


def _protected_ranges(table: bytes) -> Iterator[tuple[int, int]]:
    """Ranges of byte offsets with a handler, start included and end not.

    Source: CPython, Objects/exception_handling_notes.txt.
    """
    numbers = _varints(iter(table))
    for start in numbers:
        length, _target, _depth = next(numbers), next(numbers), next(numbers)
        yield start * 2, (start + length) * 2


def _varints(data: Iterator[int]) -> Iterator[int]:
    """Numbers of six bits a byte, most significant first, bit 6 set on all but the last."""
    for byte in data:
        value, current = byte & 63, byte
        while current & 64:
            current = next(data)
            value = (value << 6) | (current & 63)
        yield value

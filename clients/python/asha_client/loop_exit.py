"""How a `for` loop was left, seen from its iterator's finaliser.

When a loop ends early the interpreter drops the iterator, and its `__del__` runs while the loop's
frame still stands at the instruction that did it: the pop of the iterator after `break` and
`return`, the raising instruction after an exception. The exception itself cannot be seen from
there (it is set aside while finalisers run), but where it was raised, and whether any caller has
a handler for it, can.

A finaliser that runs elsewhere (the iterator had another name, a generator around it was closed,
another interpreter collects it later) tells nothing: the exit is unknown.
"""

from __future__ import annotations

import dis
import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from types import CodeType, FrameType

POPS = frozenset({"POP_TOP", "POP_ITER", "END_FOR", "SWAP", "END_ASYNC_FOR"})
"""What stands at the end of a loop that was left by break or return."""
STEPS = frozenset({"FOR_ITER", "GET_ANEXT"})
"""What asks an iterator for its next item in a loop; `next()` is a call."""
SUSPENSIONS = frozenset({"YIELD_VALUE", "RESUME"})
"""Where a generator stands when it is closed from outside."""


class ExitKind(StrEnum):
    """How a loop was left."""

    LEFT = "LEFT"
    RAISED = "RAISED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class LoopExit:
    """How a loop was left.

    Attributes:
        kind: by break or return, by an exception, or unknown.
        place: `file:line` of the loop's code that raised or called what raised; else empty.
        may_be_caught: whether the frame or a caller has a handler around it (`with` and `finally`
            count). If not, the exception ends the thread.
    """

    kind: ExitKind
    place: str = ""
    may_be_caught: bool = True


def looping_code() -> CodeType | None:
    """The code whose loop asks for the next item; to be called directly by `__next__`.

    Returns:
        None if no loop does but a call of `next()`: then the caller's hand ends what it took.
    """
    frame = sys._getframe(2)
    return frame.f_code if _instruction_at(frame) in STEPS else None


def find_exit(code: CodeType) -> LoopExit:
    """How the loop of the given code was left; to be called directly by `__del__`."""
    finaliser = sys._getframe().f_back
    frame = finaliser.f_back if finaliser is not None else None
    if frame is None or frame.f_code is not code:
        return LoopExit(ExitKind.UNKNOWN)
    instruction = _instruction_at(frame)
    if instruction in POPS:
        return LoopExit(ExitKind.LEFT)
    if instruction in SUSPENSIONS and code.co_flags & inspect.CO_GENERATOR:
        return LoopExit(ExitKind.UNKNOWN)
    place = f"{code.co_filename}:{frame.f_lineno}"
    return LoopExit(ExitKind.RAISED, place, any(map(_has_handler, _callers(frame))))


def _instruction_at(frame: FrameType) -> str:
    """Name of the instruction that the frame stands at, or in whose inline cache (after calls)."""
    instructions, offset = frame.f_code.co_code, frame.f_lasti
    while offset > 0 and instructions[offset] == dis.opmap["CACHE"]:
        offset -= 2
    return dis.opname[instructions[offset]] if offset >= 0 else ""


def _callers(frame: FrameType | None) -> Iterator[FrameType]:
    """The frame, who called it, and so on."""
    while frame is not None:
        yield frame
        frame = frame.f_back


def _has_handler(frame: FrameType) -> bool:
    """Whether an entry of the code's exception table covers the frame's instruction."""
    ranges = _protected_ranges(frame.f_code.co_exceptiontable)
    return any(start <= frame.f_lasti < end for start, end in ranges)


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

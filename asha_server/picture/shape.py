"""What drawings are made of: shapes whose properties stand still or move with time.

Times are seconds of the scene, lengths its pixels, y grows downward. A property is a plain value or
a track of it; `number_at` and `word_at` read both.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HIDDEN = "hidden"
"""The paint of what is not there."""


@dataclass(frozen=True, slots=True)
class Moves:
    """A number that moves evenly from key to key, and stands still before and after them.

    Attributes:
        keys: tuple[(seconds, value), ...], by time; of two at one time the latter holds from then.
    """

    keys: tuple[tuple[float, float], ...]

    def at(self, time_s: float) -> float:
        """The number at one moment. O(log keys)."""
        after = bisect_right(self.keys, time_s, key=_time)
        if after == 0:
            return self.keys[0][1]
        start_s, start = self.keys[after - 1]
        if after == len(self.keys):
            return start
        end_s, end = self.keys[after]
        return start + (end - start) * (time_s - start_s) / (end_s - start_s)


@dataclass(frozen=True, slots=True)
class Steps:
    """Words that change at once at each key.

    Attributes:
        keys: tuple[(seconds, value), ...], by time; of two at one time the latter holds from then.
    """

    keys: tuple[tuple[float, str], ...]

    def at(self, time_s: float) -> str:
        """The words at one moment; before the first key those of the first. O(log keys)."""
        return self.keys[max(bisect_right(self.keys, time_s, key=_time) - 1, 0)][1]


Number = float | Moves
Word = str | Steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Circle:
    """A disc.

    Attributes:
        x: of its centre.
        y: of its centre.
        radius: > 0.
        paint: what it means, a key of the palette, or `HIDDEN`.
    """

    x: Number
    y: Number
    radius: float
    paint: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle.

    Attributes:
        x: of its left edge.
        y: of its upper edge.
        width: >= 0.
        height: >= 0.
        radius: of its corners.
        paint: what it means, a key of the palette, or `HIDDEN`.
    """

    x: Number
    y: Number
    width: Number
    height: Number
    radius: float = 0.0
    paint: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A line of words.

    Attributes:
        x: of its left end, middle or right end, as `anchor` says.
        y: of its base line.
        words: what it says.
        size: of the font.
        anchor: `start`, `middle` or `end`.
        is_bold: whether it is.
        paint: what it means, a key of the palette, or `HIDDEN`.
    """

    x: Number
    y: Number
    words: Word
    size: float
    anchor: str = "start"
    is_bold: bool = False
    paint: Word = "ink"


Shape = Circle | Box | Text


def number_at(value: Number, time_s: float) -> float:
    """A number at one moment."""
    return value.at(time_s) if isinstance(value, Moves) else value


def word_at(value: Word, time_s: float) -> str:
    """Words at one moment."""
    return value.at(time_s) if isinstance(value, Steps) else value


def tracks(shape: Shape) -> Iterator[tuple[str, Moves | Steps]]:
    """The properties of a shape that change, in declared order."""
    for field in fields(shape):
        value = getattr(shape, field.name)
        if isinstance(value, Moves | Steps):
            yield field.name, value


def steps(keys: Iterable[tuple[float, str]]) -> Word:
    """A track without keys that change nothing; a plain value if it never changes."""
    kept: list[tuple[float, str]] = []
    for time_s, value in keys:
        if kept and kept[-1][0] == time_s:
            kept.pop()
        if not kept or kept[-1][1] != value:
            kept.append((time_s, value))
    return kept[0][1] if len(kept) == 1 else Steps(tuple(kept))


def moves(keys: Iterable[tuple[float, float]]) -> Number:
    """A track; a plain value if it never changes. Values are rounded to a hundredth of a pixel."""
    kept = [(time_s, round(value, 2)) for time_s, value in keys]
    return kept[0][1] if len({value for _, value in kept}) == 1 else Moves(tuple(kept))


def _time(key: tuple[float, object]) -> float:
    return key[0]

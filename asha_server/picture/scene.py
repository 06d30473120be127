"""One or two searches under one clock: the whole drawing, told apart from how it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from asha_server.picture.moment import clock_words
from asha_server.picture.panel import Panel, height_of
from asha_server.picture.shape import Box, Circle, Text, steps

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from asha_server.picture.shape import Shape
    from asha_server.picture.story import Story

WIDTH = 960.0
MARGIN = 24.0
HEADER_HEIGHT, PANEL_GAP, LEGEND_HEIGHT = 58.0, 18.0, 46.0
LADDER_WIDTH, ROWS_X = 600.0, 650.0
TICKS = 400
"""How often the clock's words change."""

LEGEND = (
    ("training", "training"),
    ("waiting", "waiting at a rung"),
    ("stopped", "stopped"),
    ("completed", "trained in full"),
)
"""(paint of a token, what it means)."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A moving drawing.

    Attributes:
        title: what it shows, in a few words.
        description: the same in a sentence or two, for those who do not see it.
        width: of the drawing. Pixels.
        height: of the drawing. Pixels.
        duration_s: how long it moves. Seconds of the searches' virtual time.
        shapes: tuple[Shape, ...], from back to front.
    """

    title: str
    description: str
    width: float
    height: float
    duration_s: float
    shapes: tuple[Shape, ...]


def scene_of(named: Sequence[tuple[str, Story]], seconds_per_unit: float) -> Scene:
    """The drawing of searches, one above the other.

    Args:
        named: (title, search), at least one.
        seconds_per_unit: expected time of a unit. Seconds, > 0.
    """
    stories = [story for _, story in named]
    duration_s = max(story.elapsed_s for story in stories)
    lengths = tuple(sorted({n for s in stories for b in s.brackets for n in b.rung_lengths}))
    shapes: list[Shape] = []
    y = HEADER_HEIGHT
    for title, story in named:
        panel = Panel(
            story=story, title=title, lengths=lengths, x=MARGIN, y=y, ladder_width=LADDER_WIDTH,
            rows_x=ROWS_X, rows_width=WIDTH - MARGIN - ROWS_X, duration_s=duration_s,
            seconds_per_unit=seconds_per_unit,
        )  # fmt: skip
        shapes += panel.shapes()
        y += panel.height + PANEL_GAP
    height = HEADER_HEIGHT + len(named) * (height_of(len(lengths)) + PANEL_GAP) + LEGEND_HEIGHT
    words = _title(tuple(title for title, _ in named))
    shapes = [
        Box(x=0, y=0, width=WIDTH, height=height, radius=10, paint="paper"),
        *_header(stories[0].workers, duration_s, is_compared=len(named) > 1),
        *shapes,
        *_legend(height - LEGEND_HEIGHT + 22, has_lost=_has_lost(shapes)),
    ]
    return Scene(words, _description(named), WIDTH, height, duration_s, tuple(shapes))


def _title(names: tuple[str, ...]) -> str:
    if names == ("Synchronous halving", "Asynchronous halving"):
        return "Synchronous and asynchronous halving"
    return " and ".join(names)


def _description(named: Sequence[tuple[str, Story]]) -> str:
    longest_s = max(story.elapsed_s for _, story in named)
    said = []
    for title, story in named:
        finished = story.trained_in_full_s()
        busy_s = sum(stretch.end_s - stretch.start_s for stretch in story.stretches)
        share = 1 - busy_s / (story.elapsed_s * story.workers)
        first = f", the first after {clock_words(finished[0], longest_s)}" if finished else ""
        said.append(
            f"{title}: over after {clock_words(story.elapsed_s, longest_s)}; {len(finished)} of "
            f"{len(story.bracket_of)} trials trained in full{first}; {story.workers} workers were "
            f"idle {share:.0%} of the time."
        )
    return " ".join(said)


def _header(workers: int, duration_s: float, *, is_compared: bool) -> Iterator[Shape]:
    noun = "worker" if workers == 1 else "workers"
    what = "The same configurations on " if is_compared else ""
    yield Text(
        x=MARGIN, y=36, size=14, paint="faint",
        words=f"{what}{workers} {noun}. A token is a trial: it rises as it trains.",
    )  # fmt: skip
    ticks = [duration_s * tick / TICKS for tick in range(TICKS + 1)]
    yield Text(
        x=WIDTH - MARGIN, y=36, size=17, is_bold=True, anchor="end",
        words=steps((time_s, clock_words(time_s, duration_s)) for time_s in ticks),
    )  # fmt: skip


def _legend(y: float, *, has_lost: bool) -> Iterator[Shape]:
    x = MARGIN + 8
    for paint, words in LEGEND:
        yield Circle(x=x, y=y, radius=7, paint=paint)
        yield Text(x=x + 14, y=y + 4.5, words=words, size=13, paint="faint")
        x += 36 + 7.6 * len(words)
    x = ROWS_X
    for paint, words in (
        ("training", "training"),
        ("idle", "idle"),
        *([("lost", "lost")] if has_lost else []),
    ):
        yield Box(x=x, y=y - 7, width=22, height=13, paint=paint)
        yield Text(x=x + 30, y=y + 4.5, words=words, size=13, paint="faint")
        x += 52 + 7.6 * len(words)


def _has_lost(shapes: Sequence[Shape]) -> bool:
    return any(shape.paint == "lost" for shape in shapes)

"""One search as shapes: a ladder of rungs with its trials, and its workers over time.

Every trial has a lane of its own and a token in it, which rises as the trial trains and rests at a
rung. Rungs stand at even distances, whatever their lengths. To the right each worker has a row,
filled where it trains; what is left empty up to the clock is drawn as idle.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from asha_server.picture.moment import clock_words
from asha_server.picture.shape import HIDDEN, Box, Circle, Moves, Text, moves, steps
from asha_server.picture.story import Ending

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from asha_server.picture.shape import Shape
    from asha_server.picture.story import Story, Stretch

TITLE_HEIGHT = 44.0
RUNG_MAX, LADDER_MAX = 54.0, 324.0
"""Most from one rung to the next, and from the ground to the highest. Pixels."""
LABEL_WIDTH = 78.0
LANE_MAX, BRACKET_GAP = 30.0, 18.0
TOKEN_MAX, NUMBERED_MIN = 10.0, 6.5
"""Greatest radius of a token, and the smallest that has room for the trial's number."""
ROW_MAX = 34.0
BAR_TEXT = 10.0
"""Size of the trial's number in a bar."""
REPORTS = 120
"""How often a figure that changes all the time is told anew."""


@dataclass(frozen=True, slots=True)
class Panel:
    """Where and how a search is drawn.

    Attributes:
        story: the search.
        title: what it is called.
        lengths: tuple[int, ...], of all rungs of the scene, ascending: its grid. Units.
        x: left edge.
        y: upper edge.
        ladder_width: of the lanes with their labels.
        rows_x: left edge of the workers.
        rows_width: of the workers: the scene's whole time.
        duration_s: the scene's time. Seconds.
        seconds_per_unit: expected; how fast a lost job is taken to have been.
    """

    story: Story
    title: str
    lengths: tuple[int, ...]
    x: float
    y: float
    ladder_width: float
    rows_x: float
    rows_width: float
    duration_s: float
    seconds_per_unit: float

    @property
    def height(self) -> float:
        """Of the whole panel."""
        return height_of(len(self.lengths))

    @property
    def _rung(self) -> float:
        """From one rung to the next."""
        return _rung_height(len(self.lengths))

    @property
    def _ground(self) -> float:
        """Y of step 0."""
        return self.y + self.height - 14

    def shapes(self) -> Iterator[Shape]:
        """Everything, from back to front."""
        yield Text(
            x=self.x, y=self.y + 18, words=self.title, size=17, is_bold=True
        )  # fmt: skip
        yield from self._figures()
        yield from self._rungs()
        lanes = self._lanes()
        radius = min(TOKEN_MAX, self._pitch() * 0.45)
        by_trial: dict[int, list[Stretch]] = defaultdict(list)
        for stretch in self.story.stretches:
            by_trial[stretch.trial].append(stretch)
        for trial, stretches in by_trial.items():
            yield from self._trial(trial, stretches, lanes[trial], radius)
        yield from self._rows()

    # -- the ladder -------------------------------------------------------------------------------

    def _height_of(self, step: float) -> float:
        """Y of so many units: even from rung to rung."""
        below = 0
        for index, length in enumerate(self.lengths):
            if step <= length:
                part = (step - below) / (length - below)
                return self._ground - self._rung * (index + part)
            below = length
        return self._ground - self._rung * len(self.lengths)

    def _lane_counts(self) -> list[int]:
        """Lanes of each bracket: as planned, or more where trials made way for others."""
        begun = Counter(self.story.bracket_of.values())
        return [max(b.max_trials, begun[index]) for index, b in enumerate(self.story.brackets)]

    def _pitch(self) -> float:
        trials = sum(self._lane_counts())
        gaps = BRACKET_GAP * (len(self.story.brackets) - 1)
        return min((self.ladder_width - LABEL_WIDTH - gaps) / trials, LANE_MAX)

    def _edges(self) -> list[tuple[float, float]]:
        """Left and right edge of each bracket's lanes."""
        found, left = [], self.x + LABEL_WIDTH
        for lanes in self._lane_counts():
            right = left + lanes * self._pitch()
            found.append((left, right))
            left = right + BRACKET_GAP
        return found

    def _lanes(self) -> dict[int, float]:
        """Trial number -> x of its lane: by bracket, in the order in which they were begun."""
        pitch, edges = self._pitch(), self._edges()
        begun = [0] * len(edges)
        lanes: dict[int, float] = {}
        for trial, bracket in sorted(self.story.bracket_of.items()):
            lanes[trial] = edges[bracket][0] + (begun[bracket] + 0.5) * pitch
            begun[bracket] += 1
        return lanes

    def _rungs(self) -> Iterator[Shape]:
        for index, length in enumerate(self.lengths):
            y = self._height_of(length)
            for (left, right), bracket in zip(self._edges(), self.story.brackets, strict=True):
                if index % 2 == 0:
                    yield Box(
                        x=left, y=y, width=right - left, height=self._rung, paint="band"
                    )  # fmt: skip
                if length in bracket.rung_lengths:
                    yield Box(x=left, y=y - 0.5, width=right - left, height=1, paint="rule")
            yield Text(
                x=self.x + LABEL_WIDTH - 12, y=y + 4, words=f"{length:,}",
                size=12, anchor="end", paint="faint",
            )  # fmt: skip
        yield Text(
            x=self.x + LABEL_WIDTH - 12, y=self._ground + 4, words=self.story.unit, size=12,
            anchor="end", paint="faint",
        )  # fmt: skip
        for left, right in self._edges():
            yield Box(x=left, y=self._ground, width=right - left, height=1, paint="faint")

    def _trial(
        self, trial: int, stretches: Sequence[Stretch], x: float, radius: float
    ) -> Iterator[Shape]:
        heights: list[tuple[float, float]] = []
        paints = [(0.0, HIDDEN)]
        for stretch in stretches:
            heights += self._climb(stretch)
            paints.append((stretch.start_s, "training"))
            paints.append((stretch.end_s, _paint_after(stretch)))
        if trial in self.story.stopped_s:
            paints.append((self.story.stopped_s[trial], "stopped"))
        y, paint = moves(heights), steps(paints)
        trail = steps((time_s, _named("trail-", name)) for time_s, name in paints)
        depth = moves((time_s, self._ground - height) for time_s, height in heights)
        yield Box(x=round(x - radius * 0.4, 2), y=y, width=round(radius * 0.8, 2), height=depth,
                  paint=trail)  # fmt: skip
        yield Circle(x=round(x, 2), y=y, radius=round(radius, 2), paint=paint)
        if radius >= NUMBERED_MIN:
            size = round(radius * (1.12 if trial < 100 else 0.9), 1)
            base = moves((time_s, height + size * 0.36) for time_s, height in heights)
            words = steps((time_s, _named("on-", name)) for time_s, name in paints)
            yield Text(x=round(x, 2), y=base, words=str(trial), size=size, anchor="middle",
                       paint=words)  # fmt: skip

    def _climb(self, stretch: Stretch) -> Iterator[tuple[float, float]]:
        """Keys of the token's height during a stretch: one wherever it passes a rung's length."""
        start_s, end_s = stretch.start_s, stretch.end_s
        goal = self._reached(stretch)
        passed = [n for n in self.lengths if stretch.from_step < n < goal]
        for step in (stretch.from_step, *passed, goal):
            part = (step - stretch.from_step) / (goal - stretch.from_step or 1)
            yield start_s + part * (end_s - start_s), self._height_of(step)
        if stretch.ending is Ending.LOST:
            yield end_s, self._height_of(stretch.from_step)

    def _reached(self, stretch: Stretch) -> float:
        """Units trained at the end of a stretch; of one without a report as far as can be told."""
        if stretch.ending not in (Ending.LOST, Ending.CUT_OFF):
            return stretch.to_step
        units = (stretch.end_s - stretch.start_s) / self.seconds_per_unit
        return min(stretch.from_step + units, stretch.to_step)

    # -- the workers ------------------------------------------------------------------------------

    def _x_of(self, time_s: float) -> float:
        return self.rows_x + self.rows_width * time_s / self.duration_s

    def _rows(self) -> Iterator[Shape]:
        top = self._height_of(self.lengths[-1]) - TOKEN_MAX
        row = min((self._ground - top) / self.story.workers, ROW_MAX)
        by_worker: dict[int, list[Stretch]] = defaultdict(list)
        for stretch in self.story.stretches:
            by_worker[stretch.worker].append(stretch)
        for worker in range(self.story.workers):
            y, height = round(top + worker * row, 2), round(row * 0.84, 2)
            free_s = 0.0
            for stretch in by_worker[worker]:
                start_s, end_s = stretch.start_s, stretch.end_s
                paint = "lost" if stretch.ending is Ending.LOST else "training"
                yield from self._bar(free_s, start_s, y, height, "idle")
                yield from self._bar(start_s, end_s, y, height, paint)
                yield from self._bar_number(stretch, y, height)
                free_s = end_s
            yield from self._bar(free_s, self.story.elapsed_s, y, height, "idle")
        yield Box(
            x=Moves(((0.0, self.rows_x), (self.duration_s, self.rows_x + self.rows_width))),
            y=round(top - 6, 2), width=1.4, height=round(row * self.story.workers + 10, 2),
            paint="clock",
        )  # fmt: skip

    def _bar(
        self, start_s: float, end_s: float, y: float, height: float, paint: str
    ) -> Iterator[Shape]:
        """A bar that grows with the clock from its left end."""
        left, right = self._x_of(start_s), self._x_of(end_s)
        if right - left < 0.05:
            return
        gap = 0.7 if right - left > 2 else 0.0
        width = moves([(start_s, 0.0), (end_s, right - left - gap)])
        yield Box(x=round(left, 2), y=y, width=width, height=height, paint=paint)

    def _bar_number(self, stretch: Stretch, y: float, height: float) -> Iterator[Shape]:
        """Whom a bar stands for, once it is wide enough to say so."""
        words = str(stretch.trial)
        left, need = self._x_of(stretch.start_s), 8 + BAR_TEXT * 0.6 * len(words)
        from_s = stretch.start_s + need * self.duration_s / self.rows_width
        if height >= BAR_TEXT + 2 and from_s < stretch.end_s:
            yield Text(
                x=round(left + 4, 2), y=round(y + height / 2 + BAR_TEXT * 0.36, 2), words=words,
                size=BAR_TEXT, paint=steps([(0.0, HIDDEN), (from_s, "on-training")]),
            )  # fmt: skip

    def _figures(self) -> Iterator[Shape]:
        """What has come of it so far, above ladder and workers."""
        finished = self.story.trained_in_full_s()
        counted = [(0.0, 0), *((time_s, n) for n, time_s in enumerate(finished, 1))]
        yield Text(
            x=self.x + self.ladder_width, y=self.y + 18, size=13, anchor="end", paint="faint",
            words=steps((time_s, f"trained in full: {n}") for time_s, n in counted),
        )  # fmt: skip
        yield Text(x=self.rows_x, y=self.y + 18, words="workers", size=13, paint="faint")
        yield Text(
            x=self.rows_x + self.rows_width, y=self.y + 18, size=13, anchor="end", paint="faint",
            words=steps(self._idle_words()),
        )  # fmt: skip

    def _idle_words(self) -> Iterator[tuple[float, str]]:
        """How many workers are idle, and what share of their time they were."""
        changes: dict[float, int] = defaultdict(int)
        for stretch in self.story.stretches:
            changes[stretch.start_s] += 1
            changes[stretch.end_s] -= 1
        end_s, workers = self.story.elapsed_s, self.story.workers
        for part in range(1, REPORTS):
            changes[end_s * part / REPORTS] += 0
        busy, busy_s = changes.pop(0.0), 0.0
        yield 0.0, f"{workers - busy} idle"
        for before_s, time_s in pairwise((0.0, *sorted(changes))):
            busy_s += busy * (time_s - before_s)
            busy += changes[time_s]
            share = max(1 - busy_s / (time_s * workers), 0.0)
            yield time_s, f"{workers - busy} idle, {share:.0%} so far"
        over = clock_words(end_s, self.duration_s)
        yield end_s, f"over after {over}, {share:.0%} idle"


def height_of(rungs: int) -> float:
    """Of a panel with so many rungs."""
    return TITLE_HEIGHT + _rung_height(rungs) * rungs + 14


def _rung_height(rungs: int) -> float:
    return min(RUNG_MAX, LADDER_MAX / rungs)


def _paint_after(stretch: Stretch) -> str:
    match stretch.ending:
        case Ending.WENT_ON | Ending.CUT_OFF:
            return "training"
        case Ending.PAUSED:
            return "waiting"
        case Ending.STOPPED:
            return "stopped"
        case Ending.COMPLETED:
            return "completed"
        case Ending.LOST:
            return "waiting"


def _named(prefix: str, paint: str) -> str:
    return paint if paint == HIDDEN else prefix + paint

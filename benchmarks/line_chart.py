"""Small line charts side by side as one SVG picture, at home on light and dark pages."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

WIDTH = 880
PLOT_HEIGHT, TOP, LEFT = 190, 58, 52
ROW_HEIGHT = PLOT_HEIGHT + 86
LOOKS = (("#0072b2", "", 4.0), ("#d55e00", "6 4", 3.5), ("#6e7781", "2 3", 3.0))
"""(colour, dashes, radius of a mark) of each curve: told apart without colour too."""
INK, FAINT, PAPER, RULE = "#1f2328", "#59636e", "#ffffff", "#d0d7de"
FONT = "system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif"


class Curve(NamedTuple):
    """One line.

    Attributes:
        name: what the legend calls it.
        values: one at each tick; what is not finite is left out.
    """

    name: str
    values: Sequence[float]


class Plot(NamedTuple):
    """One chart.

    Attributes:
        title: what is drawn upward.
        axis: what is drawn to the right.
        ticks: the words below, at even distances.
        curves: at most as many as there are `LOOKS`.
    """

    title: str
    axis: str
    ticks: Sequence[str]
    curves: Sequence[Curve]


def chart(title: str, plots: Sequence[Plot], columns: int) -> str:
    """The picture.

    Args:
        title: for those who do not see it.
        plots: row by row; all with the same curves.
        columns: of the picture, >= 1.
    """
    rows = math.ceil(len(plots) / columns)
    height = TOP + rows * ROW_HEIGHT
    width = (WIDTH - LEFT * columns - 20 * columns) / columns
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height}' "
        f"width='{WIDTH}' height='{height}' role='img' font-family='{FONT}'>",
        f"<title>{escape(title)}</title>",
        f"<rect width='{WIDTH}' height='{height}' rx='8' fill='{PAPER}'/>",
        *_legend([curve.name for curve in plots[0].curves]),
    ]
    for index, plot in enumerate(plots):
        row, column = divmod(index, columns)
        left = LEFT + column * (width + LEFT + 20)
        parts += _plot(plot, left, TOP + row * ROW_HEIGHT, width)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _legend(names: Sequence[str]) -> Iterator[str]:
    x = float(LEFT)
    for name, (colour, dashes, radius) in zip(names, LOOKS, strict=False):
        yield _line([(x, 26), (x + 34, 26)], colour, dashes)
        yield f"<circle cx='{x + 17}' cy='26' r='{radius}' fill='{colour}'/>"
        yield _text(x + 42, 31, name, size=14)
        x += 62 + 7.6 * len(name)


def _plot(plot: Plot, left: float, top: float, width: float) -> Iterator[str]:
    highest = max(v for curve in plot.curves for v in curve.values if math.isfinite(v))
    step = _round_step(highest / 4)
    ceiling = step * math.ceil(highest / step)
    bottom = top + 26 + PLOT_HEIGHT
    yield _text(left, top + 10, plot.title, size=15, weight=600)
    for number in range(round(ceiling / step) + 1):
        y = bottom - PLOT_HEIGHT * number * step / ceiling
        yield _line([(left, y), (left + width, y)], RULE, "", thickness=1)
        yield _text(left - 8, y + 4, f"{number * step:g}", size=12, anchor="end", colour=FAINT)
    places = [left + width * (i + 0.5) / len(plot.ticks) for i in range(len(plot.ticks))]
    for x, words in zip(places, plot.ticks, strict=True):
        yield _text(x, bottom + 18, words, size=12, anchor="middle", colour=FAINT)
    yield _text(left + width / 2, bottom + 38, plot.axis, size=13, anchor="middle", colour=FAINT)
    for curve, (colour, dashes, radius) in reversed(list(zip(plot.curves, LOOKS, strict=False))):
        points = [
            (x, bottom - PLOT_HEIGHT * value / ceiling)
            for x, value in zip(places, curve.values, strict=True)
            if math.isfinite(value)
        ]
        yield _line(points, colour, dashes)
        for x, y in points:
            yield f"<circle cx='{x:.1f}' cy='{y:.1f}' r='{radius}' fill='{colour}'/>"


def _round_step(least: float) -> float:
    """1, 2 or 5 times a power of ten, not below `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least)


def _line(
    points: Sequence[tuple[float, float]], colour: str, dashes: str, thickness: float = 2.5
) -> str:
    places = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dashed = f" stroke-dasharray='{dashes}'" if dashes else ""
    return (
        f"<polyline points='{places}' fill='none' stroke='{colour}' "
        f"stroke-width='{thickness:g}'{dashed}/>"
    )


def _text(
    x: float,
    y: float,
    words: str,
    *,
    size: int,
    anchor: str = "start",
    weight: int = 400,
    colour: str = INK,
) -> str:
    return (
        f"<text x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}' font-size='{size}' "
        f"font-weight='{weight}' fill='{colour}'>{escape(words)}</text>"
    )

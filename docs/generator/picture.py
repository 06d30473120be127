"""docs/explanation/rungs.svg: how far each trial of the example trains, in both variants."""

from __future__ import annotations

from xml.sax.saxutils import escape

from asha_server.search.terms import HalvingVariant, TrialState
from docs.generator.example import LENGTHS, LOSSES, Play, play

WIDTH, HEIGHT = 860, 372
PANEL_WIDTH = 370
LEFT, TOP, GAP = 56, 92, 44
RUNG_HEIGHT = 66
"""Height from one rung to the next: rungs are drawn evenly, as they are in a logarithm."""
BASE = TOP + RUNG_HEIGHT * len(LENGTHS)
STEP = PANEL_WIDTH / len(LOSSES)
INK, FAINT, PAPER = "#1f2328", "#8c959f", "#ffffff"
FULL, CUT = "#0969da", "#b6bfc9"
FONT = "font-family='system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif'"


def picture() -> str:
    """The drawing as SVG."""
    promotion, stopping = play(HalvingVariant.PROMOTION), play(HalvingVariant.STOPPING)
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {HEIGHT}' "
        f"width='{WIDTH}' height='{HEIGHT}' role='img' {FONT}>",
        "<title>How far each of nine trials trains, with promotion and with stopping</title>",
        f"<rect width='{WIDTH}' height='{HEIGHT}' rx='8' fill='{PAPER}'/>",
        *_panel(LEFT, f"Promotion: {promotion.epochs} epochs", promotion),
        *_panel(LEFT + PANEL_WIDTH + GAP, f"Stopping: {stopping.epochs} epochs", stopping),
        *_legend(),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _panel(left: float, title: str, played: Play) -> list[str]:
    parts = [_text(left, TOP - 56, title, size=17, weight=600)]
    for rung, length in enumerate(LENGTHS):
        y = BASE - RUNG_HEIGHT * (rung + 1)
        parts.append(
            f"<line x1='{left}' y1='{y}' x2='{left + PANEL_WIDTH}' y2='{y}' stroke='{FAINT}' "
            "stroke-dasharray='3 4'/>"
        )
        if left == LEFT:
            parts.append(_text(left - 8, y + 5, str(length), anchor="end", colour=FAINT))
    if left == LEFT:
        parts.append(_text(left - 8, TOP - 22, "epochs", anchor="end", size=12, colour=FAINT))
    for trial, state in enumerate(played.states):
        reached = max(LENGTHS.index(step.epoch) for step in played.steps if step.trial == trial)
        parts += _trial(left + STEP * (trial + 0.5), trial, reached, state)
    parts.append(
        f"<line x1='{left}' y1='{BASE}' x2='{left + PANEL_WIDTH}' y2='{BASE}' stroke='{INK}'/>"
    )
    return parts


def _trial(x: float, trial: int, reached: int, state: TrialState) -> list[str]:
    """A bar up to the highest rung reached, the loss there above it, the number below."""
    top = BASE - RUNG_HEIGHT * (reached + 1)
    is_full = state is TrialState.COMPLETED
    width = STEP * 0.56
    loss = LOSSES[trial] - LENGTHS[reached] / 100
    return [
        f"<rect x='{x - width / 2:.1f}' y='{top}' width='{width:.1f}' height='{BASE - top}' "
        f"rx='3' fill='{FULL if is_full else CUT}'/>",
        _text(x, top - 7, f"{loss:.2f}".removeprefix("0"), anchor="middle", size=13),
        _text(x, BASE + 19, str(trial), anchor="middle", size=13, colour=FAINT),
    ]


def _legend() -> list[str]:
    y = BASE + 60
    parts = [_text(LEFT, BASE + 38, "trial, in the order of creation", size=12, colour=FAINT)]
    x = float(LEFT)
    for colour, words in ((FULL, "trained in full"), (CUT, "paused or stopped in a rung")):
        parts.append(f"<rect x='{x}' y='{y - 11}' width='14' height='14' rx='3' fill='{colour}'/>")
        parts.append(_text(x + 21, y + 1, words, size=13))
        x += 130
    parts.append(_text(x + 106, y + 1, "above each bar: its last loss", size=13))
    return parts


def _text(
    x: float,
    y: float,
    words: str,
    *,
    anchor: str = "start",
    size: int = 14,
    weight: int = 400,
    colour: str = INK,
) -> str:
    return (
        f"<text x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}' font-size='{size}' "
        f"font-weight='{weight}' fill='{colour}'>{escape(words)}</text>"
    )

"""A scene as SVG: one element a shape, in the scene's order, coloured by class."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never
from xml.sax.saxutils import escape

from asha_server.picture.palette import PALETTE
from asha_server.picture.shape import HIDDEN, Box, Circle, Text, number_at, word_at

if TYPE_CHECKING:
    from asha_server.picture.scene import Scene
    from asha_server.picture.shape import Shape

FONT = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif"

ATTRIBUTES: dict[type, dict[str, str]] = {
    Circle: {"x": "cx", "y": "cy", "paint": "class"},
    Box: {"x": "x", "y": "y", "width": "width", "height": "height", "paint": "class"},
    Text: {"x": "x", "y": "y", "words": "text", "paint": "class"},
}
"""Property of a shape that may change -> the attribute that shows it; `text` is the content."""


def drawing(scene: Scene, time_s: float) -> str:
    """The scene at one moment, to stand in a page that has `rules`."""
    lines = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {scene.width:g} {scene.height:g}' "
        "role='img' aria-labelledby='drawing-title drawing-description'>",
        f"<title id='drawing-title'>{escape(scene.title)}</title>",
        f"<desc id='drawing-description'>{escape(scene.description)}</desc>",
        "<g id='shapes'>",
        *(element(shape, time_s) for shape in scene.shapes),
        "</g>",
        "</svg>",
    ]
    return "\n".join(lines)


def element(shape: Shape, time_s: float) -> str:
    """A shape at one moment as an element."""
    name = word_at(shape.paint, time_s)
    x, y = number_at(shape.x, time_s), number_at(shape.y, time_s)
    match shape:
        case Circle():
            return f"<circle cx='{x:g}' cy='{y:g}' r='{shape.radius:g}' class='{name}'/>"
        case Box():
            width, height = number_at(shape.width, time_s), number_at(shape.height, time_s)
            return (
                f"<rect x='{x:g}' y='{y:g}' width='{width:g}' height='{height:g}' class='{name}'/>"
            )
        case Text():
            weight = " font-weight='600'" if shape.is_bold else ""
            return (
                f"<text x='{x:g}' y='{y:g}' font-size='{shape.size:g}'{weight} "
                f"text-anchor='{shape.anchor}' class='{name}'>"
                f"{escape(word_at(shape.words, time_s))}</text>"
            )
    assert_never(shape)


def rules() -> str:
    """CSS: every paint as a variable, light and dark, and a class that fills with it."""
    light = "".join(f"--{name}:{paint.light};" for name, paint in PALETTE.items())
    dark = "".join(f"--{name}:{paint.dark};" for name, paint in PALETTE.items())
    classes = "\n".join(f".{name}{{fill:var(--{name})}}" for name in PALETTE)
    return (
        f":root{{color-scheme:light dark;{light}}}\n"
        f"@media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"
        f"{classes}\n.{HIDDEN}{{display:none}}\n"
        "svg text{font-variant-numeric:tabular-nums}\n"
    )

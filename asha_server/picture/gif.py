"""A scene as an animated GIF, by Pillow (the extra `asha-server[animate]`)."""

from __future__ import annotations

import functools
import math
from io import BytesIO
from typing import TYPE_CHECKING, assert_never

from PIL import Image, ImageDraw, ImageFont

from asha_server.picture.palette import PALETTE
from asha_server.picture.shape import HIDDEN, Box, Circle, Text, number_at, word_at
from asha_server.picture.timeline import digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from asha_server.picture.scene import Scene
    from asha_server.picture.shape import Shape

FRAMES = 120
FRAME_MS = 120
STILL_MS = 4000
"""How long the end stands before all begins again. Milliseconds."""
FINENESS = 3
"""Frames are drawn so many times as large and made smaller: smooth edges."""
COLOURS = 64
NEARLY = 8.0
"""Distance in red, green and blue below which no eye sees two colours."""
_ANCHORS = {"start": "ls", "middle": "ms", "end": "rs"}
"""Where a text hangs, in Pillow's words: left, middle or right, on its base line."""


def gif(scene: Scene, frames: int = FRAMES) -> bytes:
    """The scene on light paper; its comment is the scene's digest. O(frames · shapes).

    Args:
        scene: what to draw.
        frames: pictures from the beginning to the end, >= 2.
    """
    moments = [scene.duration_s * number / (frames - 1) for number in range(frames)]
    drawn = _quantized(scene, moments)
    content = BytesIO()
    next(drawn).save(
        content,
        format="GIF",
        save_all=True,
        append_images=drawn,
        duration=[FRAME_MS] * (frames - 1) + [STILL_MS],
        loop=0,
        optimize=True,
        comment=digest(scene).encode(),
    )
    return content.getvalue()


def frame(scene: Scene, time_s: float) -> Image.Image:
    """The scene at one moment, on light paper."""
    size = (round(scene.width), round(scene.height))
    large = Image.new("RGB", (size[0] * FINENESS, size[1] * FINENESS), PALETTE["paper"].light)
    brush = ImageDraw.Draw(large)
    for shape in scene.shapes:
        _draw(brush, shape, time_s)
    return large.resize(size, Image.Resampling.BOX)


def _quantized(scene: Scene, moments: Sequence[float]) -> Iterator[Image.Image]:
    """Every frame in the colours of the scene's middle and end, which has them all."""
    middle, end = (frame(scene, scene.duration_s * part) for part in (0.5, 1.0))
    both = Image.new("RGB", (end.width, 2 * end.height))
    both.paste(middle, (0, 0))
    both.paste(end, (0, end.height))
    palette = both.quantize(COLOURS, dither=Image.Dither.NONE)
    palette.putpalette(_exact(palette.getpalette() or []))
    for time_s in moments:
        yield frame(scene, time_s).quantize(palette=palette, dither=Image.Dither.NONE)


def _exact(found: Sequence[int]) -> list[int]:
    """A palette in which whatever is nearly a paint's own colour is just that colour."""
    paints = [tuple(bytes.fromhex(paint.light[1:])) for paint in PALETTE.values()]
    parts: list[int] = []
    for index in range(0, len(found), 3):
        colour = tuple(found[index : index + 3])
        nearest = min(paints, key=lambda paint: math.dist(colour, paint))
        parts += nearest if math.dist(colour, nearest) < NEARLY else colour
    return parts


def _draw(brush: ImageDraw.ImageDraw, shape: Shape, time_s: float) -> None:
    name = word_at(shape.paint, time_s)
    if name == HIDDEN:
        return
    fill = PALETTE[name].light
    x, y = number_at(shape.x, time_s) * FINENESS, number_at(shape.y, time_s) * FINENESS
    match shape:
        case Circle():
            brush.circle((x, y), shape.radius * FINENESS, fill=fill)
        case Box():
            right = round(x + number_at(shape.width, time_s) * FINENESS)
            bottom = round(y + number_at(shape.height, time_s) * FINENESS)
            if right > round(x) and bottom > round(y):
                brush.rectangle((round(x), round(y), right - 1, bottom - 1), fill=fill)
        case Text():
            size = shape.size * FINENESS
            brush.text(
                (x, y),
                word_at(shape.words, time_s),
                fill=fill,
                font=_font(size),
                anchor=_ANCHORS[shape.anchor],
                stroke_width=size / 50 if shape.is_bold else 0,
            )
        case _:
            assert_never(shape)


@functools.cache
def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own font: the same on every machine."""
    return ImageFont.load_default(size)

"""What changes in a scene, as data: the tracks that a page's script plays, and their digest."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from asha_server.picture.moment import clock_words
from asha_server.picture.shape import Moves, tracks
from asha_server.picture.svg import ATTRIBUTES, element

if TYPE_CHECKING:
    from asha_server.picture.scene import Scene
    from asha_server.picture.shape import Steps

TICKS = 100
"""How often the clock is told to those who do not see it."""


def timeline(scene: Scene) -> dict[str, Any]:
    """The scene's tracks as `player.js` reads them."""
    ticks = [scene.duration_s * tick / TICKS for tick in range(TICKS + 1)]
    return {
        "duration": round(scene.duration_s, 4),
        "clock": {
            "times": [round(time_s, 4) for time_s in ticks],
            "values": [clock_words(time_s, scene.duration_s) for time_s in ticks],
            "moves": False,
        },
        "tracks": [
            {"shape": index, "attribute": ATTRIBUTES[type(shape)][name], **_keys(track)}
            for index, shape in enumerate(scene.shapes)
            for name, track in tracks(shape)
        ],
    }


def digest(scene: Scene) -> str:
    """Tells scenes apart, on any machine: 16 hexadecimal digits."""
    still = [element(shape, scene.duration_s) for shape in scene.shapes]
    content = json.dumps([still, timeline(scene)], separators=(",", ":"), ensure_ascii=True)
    return hashlib.blake2b(content.encode(), digest_size=8).hexdigest()


def _keys(track: Moves | Steps) -> dict[str, Any]:
    return {
        "times": [round(time_s, 4) for time_s, _ in track.keys],
        "values": [value for _, value in track.keys],
        "moves": isinstance(track, Moves),
    }

"""A scene as a web page that plays it: one file, nothing fetched, light and dark.

Without a script it shows the end of the scene. Whoever asked for less motion sees the end too, and
plays the scene with its button. `page.css` has the style, `player.js` the script.
"""

from __future__ import annotations

import json
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

from asha_server.picture import svg
from asha_server.picture.timeline import timeline

if TYPE_CHECKING:
    from asha_server.picture.scene import Scene

PLAYING_S = 20.0
"""How long the whole scene plays at its usual speed. Seconds."""
SLIDER_MAX = 1000


def page(scene: Scene) -> str:
    """The page as HTML."""
    own = files("asha_server.picture")
    style = svg.rules() + own.joinpath("page.css").read_text(encoding="utf-8")
    player = own.joinpath("player.js").read_text(encoding="utf-8")
    data = {**timeline(scene), "playing": PLAYING_S}
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    text = text.replace("</", "<\\/")  # no word of a person's file ends the script
    slider = f'type="range" min="0" max="{SLIDER_MAX}" value="{SLIDER_MAX}"'
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(scene.title)}</title>
<style>
body{{font-family:{svg.FONT}}}
{style}</style>
</head>
<body>
<main>
<h1>{escape(scene.title)}</h1>
{svg.drawing(scene, scene.duration_s)}
<div id="controls" hidden>
<button id="play" type="button">Play</button>
<label class="time">Time <input id="time" {slider}></label>
<label>Speed <select id="speed">
<option value="0.5">half</option><option value="1" selected>usual</option>
<option value="2">double</option><option value="4">fourfold</option>
</select></label>
</div>
<p>{escape(scene.description)}</p>
</main>
<script type="application/json" id="scene">{text}</script>
<script>
{player}</script>
</body>
</html>
"""

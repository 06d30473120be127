"""The drawing: what it shows at one moment, and that page and GIF show the same."""

from __future__ import annotations

import io
import json
import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import msgspec
import pytest
from PIL import Image

from asha_server.picture.gif import gif
from asha_server.picture.page import page
from asha_server.picture.palette import PALETTE
from asha_server.picture.panel import Panel
from asha_server.picture.scene import Scene, scene_of
from asha_server.picture.shape import (
    HIDDEN,
    Box,
    Circle,
    Shape,
    Steps,
    Text,
    number_at,
    word_at,
)
from asha_server.picture.story import Story
from asha_server.picture.svg import drawing
from asha_server.picture.timeline import digest, timeline
from asha_server.search.simulation import Conditions
from asha_server.search.spec import Pbt

from .conftest import SPEC, story


@pytest.fixture
def scene(synchronous: Story, asynchronous: Story) -> Scene:
    return scene_of([("Synchronous", synchronous), ("Asynchronous", asynchronous)], 1.0)


def shown(shapes: tuple[Shape, ...], time_s: float, paint: str) -> list[Shape]:
    return [shape for shape in shapes if word_at(shape.paint, time_s) == paint]


def panel(story: Story) -> tuple[Shape, ...]:
    return tuple(Panel(story, "", (1, 3), 0, 0, 300, 320, 100, story.elapsed_s, 1.0).shapes())


def test_tokens_are_painted_as_what_their_trials_do(asynchronous: Story) -> None:
    """At 2.5 s trials 1 and 4 train, 0, 2 and 3 wait at the first rung, 5 is not there yet."""
    shapes = panel(asynchronous)

    def tokens(paint: str) -> int:
        return sum(isinstance(shape, Circle) for shape in shown(shapes, 2.5, paint))

    assert {paint: tokens(paint) for paint in ("training", "waiting", HIDDEN)} == {
        "training": 2,
        "waiting": 3,
        HIDDEN: 1,
    }
    assert sum(isinstance(shape, Circle) for shape in shown(shapes, 5.0, "completed")) == 2


def test_a_token_rises_half_a_rung_in_half_the_time(asynchronous: Story) -> None:
    """Trial 1 trains from 1 to 3 epochs from 2 s to 4 s."""
    circles = [shape for shape in panel(asynchronous) if isinstance(shape, Circle)]
    ys = [number_at(circles[1].y, time_s) for time_s in (0.0, 1.0, 2.0, 3.0, 4.0)]

    assert ys[0] - ys[1] == pytest.approx(54)
    assert ys[1] == ys[2]
    assert ys[2] - ys[3] == pytest.approx(27)
    assert ys[3] - ys[4] == pytest.approx(27)


def test_idle_workers_are_drawn_where_they_wait(synchronous: Story, asynchronous: Story) -> None:
    """The areas of the bars are the worker time: 10 pixels a row and second of 5 s or 6 s."""
    for told in (synchronous, asynchronous):
        area = {"training": 0.0, "idle": 0.0}
        for shape in panel(told):
            if isinstance(shape, Box) and shape.paint in area:
                area[str(shape.paint)] += number_at(shape.width, told.elapsed_s)
        busy_s = sum(s.end_s - s.start_s for s in told.stretches)
        share = busy_s / (told.elapsed_s * told.workers)
        assert area["training"] / sum(area.values()) == pytest.approx(share, abs=0.03)


def test_every_paint_is_in_the_palette() -> None:
    spec = msgspec.structs.replace(SPEC, max_restarts=50)
    told = story(spec, Conditions(2, straggler_deviation=0.5, drop_probability=0.3, seed=3))

    for shape in scene_of([("One", told)], 1.0).shapes:
        names = (
            [n for _, n in shape.paint.keys] if isinstance(shape.paint, Steps) else [shape.paint]
        )
        assert set(names) <= {*PALETTE, HIDDEN}


def test_the_description_tells_what_the_picture_shows(scene: Scene) -> None:
    assert "Asynchronous: over after 5.0 s; 2 of 6 trials trained in full" in scene.description


def test_nothing_is_drawn_outside_the_picture(scene: Scene) -> None:
    for shape in scene.shapes:
        for time_s in (0.0, scene.duration_s / 2, scene.duration_s):
            assert 0 <= number_at(shape.x, time_s) <= scene.width
            assert 0 <= number_at(shape.y, time_s) <= scene.height


def test_the_page_has_an_element_for_every_shape_and_fetches_nothing(scene: Scene) -> None:
    text = page(scene)
    root = ET.fromstring(drawing(scene, 1.0))
    group = root.find("{http://www.w3.org/2000/svg}g")

    assert group is not None
    assert len(group) == len(scene.shapes)
    assert set(re.findall(r"https?://[^'\" ]+", text)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"\b(?:src|href)=|@import|fetch\(", text)


def test_the_page_plays_the_tracks_of_the_scene(scene: Scene) -> None:
    found = re.search(r'<script type="application/json" id="scene">(.*?)</script>', page(scene))

    assert found is not None
    data = json.loads(found[1])
    assert data["tracks"] == json.loads(json.dumps(timeline(scene)["tracks"]))
    assert max(track["shape"] for track in data["tracks"]) < len(scene.shapes)


def test_a_name_from_a_file_cannot_end_the_script(asynchronous: Story) -> None:
    asynchronous.unit = "</script><b>"

    text = page(scene_of([("</script><i>", asynchronous)], 1.0))

    assert text.count("</script>") == 2
    assert "<b>" not in text
    assert "<i>" not in text


def test_the_gif_shows_the_beginning_and_the_end(scene: Scene) -> None:
    with Image.open(io.BytesIO(gif(scene, frames=4))) as image:
        assert image.size == (round(scene.width), round(scene.height))
        assert image.n_frames == 4  # type: ignore[attr-defined]  # of GIFs only
        assert image.info["comment"].decode() == digest(scene)
        blues = []
        for number in (0, 3):
            image.seek(number)
            pixels = image.convert("RGB")
            # The legend has one token of this colour; the panels have four more in the end.
            blues.append(pixels.tobytes().count(bytes.fromhex(PALETTE["completed"].light[1:])))
    assert blues[1] > 3 * blues[0] > 0


def test_the_digest_tells_other_searches_apart(scene: Scene, asynchronous: Story) -> None:
    assert digest(scene) != digest(scene_of([("Asynchronous", asynchronous)], 1.0))


def test_words_do_not_run_into_each_other(scene: Scene) -> None:
    """Texts of one line, taken to be 0.62 of their size wide a letter, leave room between."""
    texts = [shape for shape in scene.shapes if isinstance(shape, Text) and shape.size > 11]
    for time_s in (0.0, scene.duration_s / 2, scene.duration_s):
        edges: dict[float, list[tuple[float, float]]] = {}
        for text in texts:
            if word_at(text.paint, time_s) == HIDDEN:
                continue
            x, width = (
                number_at(text.x, time_s),
                0.62 * text.size * len(word_at(text.words, time_s)),
            )
            left = x - width * {"start": 0.0, "middle": 0.5, "end": 1.0}[text.anchor]
            edges.setdefault(number_at(text.y, time_s), []).append((left, left + width))
        for line in edges.values():
            line.sort()
            assert all(a[1] < b[0] for a, b in pairwise(line))


def test_trials_that_take_others_places_have_lanes_of_their_own() -> None:
    """Population-based training begins more trials than one round has."""
    spec = msgspec.structs.replace(
        SPEC, method=Pbt(4, 4, 2, truncate_fraction=0.5),
        max_trials=None, max_length=None,
    )  # fmt: skip
    told = story(spec, Conditions(2))
    drawn = Panel(told, "", (2, 4, 6, 8), 0, 0, 300, 320, 100, told.elapsed_s, 1.0)

    lanes = [number_at(shape.x, 0.0) for shape in drawn.shapes() if isinstance(shape, Circle)]

    assert len(set(lanes)) == len(lanes) == len(told.bracket_of) > 4
    assert max(lanes) < 300

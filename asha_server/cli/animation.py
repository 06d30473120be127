"""`asha simulate --animate FILE`: the searches as they run, drawn into a page or a GIF."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asha_server.cli.refusal import Refusal
from asha_server.picture.page import page
from asha_server.picture.scene import scene_of
from asha_server.picture.story import story_of
from asha_server.search.simulation import simulate
from asha_server.search.spec import AdaptiveAsha, AsyncHalving

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from asha_server.cli.beside import Search
    from asha_server.picture.scene import Scene
    from asha_server.search.simulation import Conditions, Curve

ENDINGS = (".html", ".gif")
TRIALS_MAX = 200
"""Most trials of a search that is drawn: each has a lane of its own."""
WORKERS_MAX = 64
"""Most workers of a search that is drawn: each has a row of its own."""


def animate(path: Path, searches: Sequence[Search], curve: Curve, conditions: Conditions) -> None:
    """Simulates searches and writes their drawing.

    Args:
        path: of the drawing; its ending says in which form.
        searches: one or two; the synchronous one is drawn first.
        curve: what training measures.
        conditions: how many workers, how fast, how reliable.

    Raises:
        Refusal: another ending, too much for one drawing, no such folder, or Pillow is missing.
    """
    if path.suffix not in ENDINGS:
        raise Refusal(f"--animate {path}: must end in one of {', '.join(ENDINGS)}")
    if conditions.workers > WORKERS_MAX:
        raise Refusal(f"--animate draws at most {WORKERS_MAX} workers, not {conditions.workers:,}")
    for search in searches:
        trials = search.spec.trial_total()
        if trials > TRIALS_MAX:
            raise Refusal(
                f"--animate draws at most {TRIALS_MAX} trials, and {search.name} has {trials:,}; "
                "make the search smaller, as with --set max_trials=27"
            )
    content = _content(path.suffix, _scene(searches, curve, conditions))
    try:
        path.write_bytes(content)
    except OSError as error:
        raise Refusal(f"--animate {path}: {error.strerror}") from error


def _scene(searches: Sequence[Search], curve: Curve, conditions: Conditions) -> Scene:
    ordered = sorted(searches, key=lambda search: not search.is_synchronous)
    titles = [_title(search) for search in ordered]
    if len(set(titles)) < len(titles):
        titles = [search.name for search in ordered]
    named = []
    for title, search in zip(titles, ordered, strict=True):
        outcome = simulate(search.spec, curve, conditions)
        story = story_of(outcome.records, conditions.workers, outcome.elapsed_s)
        named.append((title, story))
    return scene_of(named, conditions.seconds_per_unit)


def _title(search: Search) -> str:
    """What a search is called in the picture."""
    if search.is_synchronous:
        return "Synchronous halving"
    is_halving = isinstance(search.spec.method, AsyncHalving | AdaptiveAsha)
    return "Asynchronous halving" if is_halving else search.name


def _content(ending: str, scene: Scene) -> bytes:
    if ending == ".html":
        return page(scene).encode()
    try:
        from asha_server.picture.gif import gif  # noqa: PLC0415  # Pillow is an extra
    except ModuleNotFoundError as error:
        raise Refusal(
            "a GIF is drawn with Pillow, which is not installed: pip install "
            "'asha-server[animate]', or write a .html"
        ) from error
    return gif(scene)

"""`asha simulate`: a search with virtual workers and a virtual clock. Needs no server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from asha_server.cli import simulation_text
from asha_server.cli.beside import Search, read_searches
from asha_server.cli.curves_file import read_curves
from asha_server.cli.experiment_file import file_options, template_option
from asha_server.cli.json_output import json_option, print_json
from asha_server.cli.refusal import Refusal
from asha_server.cli.simulation_text import Simulated
from asha_server.cli.table import show
from asha_server.cli.worker_counts import WorkerCounts
from asha_server.search.curves import RecordedCurves, SyntheticCurves
from asha_server.search.repetition import repeat
from asha_server.search.simulation import Conditions

if TYPE_CHECKING:
    from collections.abc import Callable

    from asha_server.search.repetition import Runs
    from asha_server.search.simulation import Curve

SEED_MAX = 2**62
REPEAT_MAX = 100_000


@click.command(
    short_help="Simulate a search with virtual workers.",
    epilog="Example: asha simulate -f digits.yaml --workers 1,4,16 --seconds-per-unit 30",
)
@file_options
@template_option
@click.option(
    "--workers",
    type=WorkerCounts(),
    default="1..16",
    show_default=True,
    metavar="W,W,…",
    help="Numbers of virtual workers, each a search of its own: 1,4,16; 1..1024 doubles from 1.",
)
@click.option(
    "--beside",
    metavar="sync|async|FILE",
    help="A second search on the same curves, workers, stragglers and losses: the synchronous (or "
    "asynchronous) form of this one with the same rungs, or that of another file.",
)
@click.option(
    "--repeat",
    "repeats",
    type=click.IntRange(min=1, max=REPEAT_MAX),
    default=1,
    show_default=True,
    metavar="N",
    help="Searches under seeds of their own; medians are shown, --json has means too.",
)
@click.option(
    "--seconds-per-unit",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    show_default=True,
    metavar="S",
    help="Expected seconds that one unit takes to train.",
)
@click.option(
    "--straggler",
    type=click.FloatRange(min=0),
    default=0.0,
    show_default=True,
    metavar="D",
    help="A job takes 1 + |z| times as long, z normal with this deviation.",
)
@click.option(
    "--drop",
    type=click.FloatRange(min=0, max=1, max_open=True),
    default=0.0,
    show_default=True,
    metavar="P",
    help="Probability per unit that a job is lost; it is tried again.",
)
@click.option(
    "--time-limit",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Look no further than this virtual time.  [the end of the search]",
)
@click.option(
    "--noise",
    type=click.FloatRange(min=0),
    default=0.02,
    show_default=True,
    help="Largest deviation of one value of a made-up curve.",
)
@click.option(
    "--curves",
    "curves_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help='Recorded curves instead of made-up ones: a JSON line a trial, {"values": [0.9, 0.7, …]}, '
    "a value for each unit from 1 on.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0, max=SEED_MAX),
    default=0,
    show_default=True,
    help="Of curves, stragglers and losses.",
)
@click.option(
    "--animate",
    "picture_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Draw the searches as they run, into a .html page or a .gif; with one number of workers.",
)
@json_option
def command(
    path: Path,
    settings: tuple[str, ...],
    template: Path | None,
    workers: tuple[int, ...],
    beside: str | None,
    repeats: int,
    seconds_per_unit: float,
    straggler: float,
    drop: float,
    time_limit: float | None,
    noise: float,
    curves_file: Path | None,
    seed: int,
    picture_file: Path | None,
    is_json: bool,
) -> None:
    """Simulate a search: the server's own decisions, with made-up training and time.

    Tells for each number of workers how long the search takes, how many trials train to the full
    length and when the first one does, how busy the workers are and how well they scale.
    """
    searches = read_searches(path, settings, template, beside)
    curve_of = _curves(searches[0], curves_file, seed, noise)
    conditions = [
        Conditions(count, seconds_per_unit, straggler, drop, time_limit, seed) for count in workers
    ]
    if picture_file is not None:
        from asha_server.cli.animation import animate  # noqa: PLC0415  # drawing is rarely asked for

        if len(workers) > 1:
            raise Refusal("--animate draws one number of workers; give one, as --workers 8")
        animate(picture_file, searches, curve_of(seed), conditions[0])
    found: list[Simulated] = []
    firsts: dict[str, Runs] = {}
    for condition in conditions:
        for search in searches:
            runs = repeat(search.spec, curve_of, condition, repeats)
            item = Simulated(search, runs, firsts.setdefault(search.name, runs))
            found.append(item)
            if is_json:
                print_json(simulation_text.facts(item))
    if not is_json:
        show(simulation_text.parts(found))


def _curves(search: Search, path: Path | None, seed: int, noise: float) -> Callable[[int], Curve]:
    """Seed of a run -> what its training measures.

    Recorded curves come in the order of their file first; further runs deal them out anew.
    """
    goal = search.spec.metric.goal
    assert goal is not None
    if path is None:
        return lambda own: SyntheticCurves(goal, own, noise)
    recorded = read_curves(path)
    return lambda own: RecordedCurves(recorded, None if own == seed else own)

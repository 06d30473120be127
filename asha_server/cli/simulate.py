"""`asha simulate`: a search with virtual workers and a virtual clock. Needs no server."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from asha_server.cli import wording
from asha_server.cli.experiment_file import file_options, load_experiment
from asha_server.cli.json_output import json_option, print_json
from asha_server.cli.refusal import Refusal
from asha_server.cli.table import Column, Part, Table, show
from asha_server.errors import AshaError, InvalidRequest
from asha_server.search.curves import RecordedCurves, SyntheticCurves
from asha_server.search.simulation import Conditions, Outcome, simulate
from asha_server.wire.spec import parse_spec

if TYPE_CHECKING:
    from asha_server.search.simulation import Curve
    from asha_server.search.spec import ExperimentSpec


class WorkerCounts(click.ParamType[tuple[int, ...]]):
    """Whole numbers from 1, separated by commas."""

    name = "counts"

    def convert(
        self,
        value: str | tuple[int, ...],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[int, ...]:
        """The counts, in the order given."""
        if isinstance(value, tuple):
            return value
        parts = value.split(",")
        if not all(part.isascii() and part.isdigit() and int(part) >= 1 for part in parts):
            self.fail(f"{value!r} is no list of worker counts, as 1,4,16", param, ctx)
        return tuple(map(int, parts))


@dataclass(frozen=True, slots=True)
class Run:
    """One simulated search.

    Attributes:
        workers: virtual workers.
        outcome: what came of it.
    """

    workers: int
    outcome: Outcome

    @property
    def busy_share(self) -> float:
        """The share of worker time spent training, 0 to 1."""
        return self.outcome.busy_s / (self.outcome.elapsed_s * self.workers or math.inf)


@click.command(
    short_help="Simulate a search with virtual workers.",
    epilog="Example: asha simulate -f digits.yaml --workers 1,4,16 --seconds-per-unit 30",
)
@file_options
@click.option(
    "--workers",
    type=WorkerCounts(),
    default="1,2,4,8,16",
    show_default=True,
    metavar="W,W,…",
    help="Numbers of virtual workers; one search for each.",
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
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Of curves, stragglers and losses.",
)
@json_option
def command(
    path: Path,
    settings: tuple[str, ...],
    workers: tuple[int, ...],
    seconds_per_unit: float,
    straggler: float,
    drop: float,
    time_limit: float | None,
    noise: float,
    curves_file: Path | None,
    seed: int,
    is_json: bool,
) -> None:
    """Simulate a search: the server's own decisions, with made-up training and time.

    Tells for each number of workers how long the search takes, how many trials train to the full
    length and when the first one does, and how busy the workers are.
    """
    file = load_experiment(path, settings)
    try:
        spec = parse_spec(file.spec)
    except InvalidRequest as error:
        raise file.refusal([(v.path, v.message) for v in error.violations]) from error
    except AshaError as error:
        raise Refusal(f"{error.message} [{error.reason}]") from error
    assert spec.metric.goal is not None
    curve: Curve = SyntheticCurves(spec.metric.goal, seed, noise)
    if curves_file is not None:
        curve = RecordedCurves(read_curves(curves_file))
    runs = []
    for count in workers:
        conditions = Conditions(count, seconds_per_unit, straggler, drop, time_limit, seed)
        runs.append(Run(count, simulate(spec, curve, conditions)))
        if is_json:
            print_json(facts(runs[-1]))
    if not is_json:
        show(parts(spec, runs))


def read_curves(path: Path) -> list[list[float]]:
    """The curves of a file.

    Raises:
        Refusal: a line is none, or there is no line; with its number.
    """
    curves: list[list[float]] = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        try:
            values = [float(value) for value in json.loads(line)["values"]]
        except (ValueError, TypeError, KeyError, IndexError) as error:
            raise Refusal(
                f'{path}:{number}: must be a JSON object with numbers, {{"values": [0.9, 0.7]}}'
            ) from error
        if not values:
            raise Refusal(f"{path}:{number}: has no values; a curve needs one a unit")
        curves.append(values)
    if not curves:
        raise Refusal(f"{path} holds no curves; a line a trial is wanted")
    return curves


def parts(spec: ExperimentSpec, runs: Sequence[Run]) -> list[Part]:
    """What a person is shown."""
    table = Table(
        [
            Column("workers", is_number=True),
            Column("time", is_number=True),
            Column("speed-up", is_number=True),
            Column("busy", is_number=True),
            Column("trials", is_number=True),
            Column("to full length", is_number=True),
            Column("first after", is_number=True),
            Column(f"{spec.unit} trained", is_number=True),
            Column("lost jobs", is_number=True),
            Column("best", is_number=True),
        ]
    )
    for run in runs:
        outcome, state = run.outcome, run.outcome.experiment.state
        first = outcome.full_length_s[0] if outcome.full_length_s else None
        table.add(
            f"{run.workers:,}",
            wording.duration(outcome.elapsed_s),
            f"{runs[0].outcome.elapsed_s / (outcome.elapsed_s or math.inf):.1f} x",
            wording.percent(run.busy_share),
            f"{len(state.trials):,}",
            f"{len(outcome.full_length_s):,}",
            wording.NOTHING if first is None else wording.duration(first),
            f"{state.total_length:,}",
            f"{outcome.dropped_count:,}",
            wording.number(outcome.incumbents[-1][1] if outcome.incumbents else None),
        )
    shown: list[Part] = [table]
    limit = runs[0].outcome.experiment.state.limit
    idle = [str(run.workers) for run in runs if limit is not None and run.workers > limit]
    if idle:
        shown.append(
            f"\nWith {', '.join(idle)} workers only {limit} train at a time: raise "
            "max_concurrent_trials (--set max_concurrent_trials=0 is no limit)."
        )
    return shown


def facts(run: Run) -> dict[str, object]:
    """The same for programs."""
    outcome, state = run.outcome, run.outcome.experiment.state
    return {
        "workers": run.workers,
        "elapsed_s": outcome.elapsed_s,
        "busy_share": run.busy_share,
        "trials": len(state.trials),
        "full_length_s": outcome.full_length_s,
        "incumbents": [{"time_s": time_s, "value": value} for time_s, value in outcome.incumbents],
        "total_length": state.total_length,
        "dropped_jobs": outcome.dropped_count,
        "experiment_state": state.state.value,
    }

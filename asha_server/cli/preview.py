"""`asha preview`: what an experiment would do and cost. Needs no server."""

from __future__ import annotations

from pathlib import Path

import click

from asha_server.cli import preview_text
from asha_server.cli.experiment_file import file_options, load_experiment, template_option
from asha_server.cli.json_output import json_option, print_json
from asha_server.cli.refusal import Refusal
from asha_server.cli.table import show
from asha_server.errors import AshaError, InvalidRequest
from asha_server.pb.experiment_service_pb2 import PreviewExperimentRequest
from asha_server.wire.preview import preview_response


@click.command(
    short_help="Show brackets, lengths and cost of a file.",
    epilog="Example: asha preview -f digits.yaml --workers 8 --seconds-per-unit 30",
)
@file_options
@template_option
@click.option(
    "--workers", type=click.IntRange(min=1), metavar="W", help="Workers that train at one time."
)
@click.option(
    "--seconds-per-unit",
    type=click.FloatRange(min=0, min_open=True),
    metavar="S",
    help="Seconds that one unit takes to train; with --workers it gives the wall time.",
)
@click.option(
    "--forecast/--no-forecast",
    "has_forecast",
    default=True,
    show_default=True,
    help="Simulate the search too: seconds, for a large one.",
)
@json_option
def command(
    path: Path,
    settings: tuple[str, ...],
    template: Path | None,
    workers: int | None,
    seconds_per_unit: float | None,
    has_forecast: bool,
    is_json: bool,
) -> None:
    """Show what an experiment would do: brackets, rungs, trials per length, cost.

    Needs no server and writes nothing. "Nominally" is what happens when, of n trials in a rung,
    max(floor(n / divisor), 1) go on. "Expected" and "at worst" are what the search really trains
    where values come in random order, and where later trials keep winning; both are simulated.
    """
    file = load_experiment(path, settings, template)
    request = PreviewExperimentRequest(
        spec=file.spec,
        worker_count=workers,
        seconds_per_unit=seconds_per_unit,
        with_forecast=has_forecast,
    )
    try:
        response = preview_response(request)
    except InvalidRequest as error:
        raise file.refusal([(v.path, v.message) for v in error.violations]) from error
    except AshaError as error:
        raise Refusal(f"{file.name}: {error.message} [{error.reason}]") from error
    if is_json:
        print_json(response.preview)
    else:
        show(preview_text.parts(request, response.preview))

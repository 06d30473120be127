"""`asha status`: experiments, or one with its brackets and rungs."""

from __future__ import annotations

import time
from collections.abc import Iterator

import click

from asha_server.cli import experiment_text
from asha_server.cli.connecting import LONG_PATIENCE_S, Server, server_option
from asha_server.cli.json_output import json_option, print_json
from asha_server.cli.table import is_terminal, show
from asha_server.pb.experiment_pb2 import Experiment
from asha_server.pb.experiment_service_pb2 import GetExperimentRequest, ListExperimentsRequest

REFRESH_S = 1.0
"""Pause between two looks at an experiment. Seconds."""


@click.command(
    short_help="Show experiments, or one with its brackets.",
    epilog="Example: asha status; asha status digits --follow",
)
@click.argument("experiment_id", metavar="[ID]", required=False)
@click.option(
    "--follow", "-F", is_flag=True, help="Go on until the experiment ends or Ctrl-C. Needs an ID."
)
@json_option
@server_option
def command(server: Server, experiment_id: str | None, follow: bool, is_json: bool) -> None:
    """Show all experiments, or one with its brackets and rungs.

    With --follow a terminal shows it live; elsewhere each change is a line.
    """
    if experiment_id is None:
        if follow:
            raise click.UsageError("--follow needs the ID of an experiment")
        _list(server, is_json)
    elif follow:
        _follow(server, experiment_id, is_json)
    elif is_json:
        print_json(_get(server, experiment_id))
    else:
        show(experiment_text.parts(_get(server, experiment_id)))


def _get(server: Server, experiment_id: str) -> Experiment:
    request = GetExperimentRequest(experiment_id=experiment_id)
    return server.call(server.experiments.GetExperiment, request).experiment


def _list(server: Server, is_json: bool) -> None:
    pages = server.pages(server.experiments.ListExperiments, ListExperimentsRequest())
    experiments = (experiment for page in pages for experiment in page.experiments)
    if is_json:
        for experiment in experiments:
            print_json(experiment)
        return
    table = experiment_text.listing(experiments)
    show([table if table.rows else "There are no experiments. Make one with: asha create -f FILE"])


def _follow(server: Server, experiment_id: str, is_json: bool) -> None:
    looks = _looks(server, experiment_id)
    try:
        if is_json:
            for experiment in _changes(looks):
                print_json(experiment)
        elif is_terminal():
            from asha_server.cli import drawing  # noqa: PLC0415  # rich takes 40 ms to import

            drawing.follow(experiment_text.parts(experiment) for experiment in looks)
        else:
            for experiment in _changes(looks):
                click.echo(experiment_text.progress_line(experiment))
    except KeyboardInterrupt:
        return  # how a person leaves


def _looks(server: Server, experiment_id: str) -> Iterator[Experiment]:
    """The experiment again and again until it has ended."""
    while True:
        experiment = _get(server, experiment_id)
        yield experiment
        if experiment.state in experiment_text.ENDED:
            return
        server.patience_s = LONG_PATIENCE_S
        time.sleep(REFRESH_S)


def _changes(looks: Iterator[Experiment]) -> Iterator[Experiment]:
    """The looks before which something happened."""
    sequence = 0
    for experiment in looks:
        if experiment.sequence != sequence:
            sequence = experiment.sequence
            yield experiment

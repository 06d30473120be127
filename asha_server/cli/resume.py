"""`asha resume`: a paused experiment goes on."""

from __future__ import annotations

import click

from asha_server.cli import experiment_text
from asha_server.cli.connecting import Server, server_option
from asha_server.cli.json_output import json_option, print_json
from asha_server.pb.experiment_service_pb2 import ResumeExperimentRequest


@click.command(short_help="Resume a paused experiment.", epilog="Example: asha resume digits")
@click.argument("experiment_id", metavar="ID")
@json_option
@server_option
def command(server: Server, experiment_id: str, is_json: bool) -> None:
    """Resume a paused experiment: its trials are handed out again.

    Resuming what is running changes nothing.
    """
    request = ResumeExperimentRequest(experiment_id=experiment_id)
    experiment = server.call(server.experiments.ResumeExperiment, request).experiment
    if is_json:
        print_json(experiment)
    else:
        click.echo(experiment_text.headline(experiment))

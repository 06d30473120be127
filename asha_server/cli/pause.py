"""`asha pause`: an experiment hands out no work for a while."""

from __future__ import annotations

import click

from asha_server.cli import experiment_text
from asha_server.cli.connecting import Server, server_option
from asha_server.cli.json_output import json_option, print_json
from asha_server.pb.experiment_service_pb2 import PauseExperimentRequest


@click.command(short_help="Pause an experiment.", epilog="Example: asha pause digits")
@click.argument("experiment_id", metavar="ID")
@json_option
@server_option
def command(server: Server, experiment_id: str, is_json: bool) -> None:
    """Pause an experiment: its workers save and let go, and no work is handed out.

    Its trials are queued, uncounted, and the wall-time clock stands. `asha resume` undoes it;
    pausing what is paused changes nothing.
    """
    request = PauseExperimentRequest(experiment_id=experiment_id)
    experiment = server.call(server.experiments.PauseExperiment, request).experiment
    if is_json:
        print_json(experiment)
    else:
        click.echo(experiment_text.headline(experiment))

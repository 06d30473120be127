"""`asha best`: the best trials of an experiment."""

from __future__ import annotations

import click

from asha_server.cli import trial_text
from asha_server.cli.connecting import Server, server_option
from asha_server.cli.json_output import json_option, print_json
from asha_server.cli.table import show
from asha_server.pb.experiment_service_pb2 import GetBestTrialsRequest


@click.command(
    short_help="Show the best trials.",
    epilog="Example: asha best digits --limit 1 --json | jq -r .checkpoint_uri",
)
@click.argument("experiment_id", metavar="ID")
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=10,
    show_default=True,
    metavar="N",
    help="Only the best N.",
)
@json_option
@server_option
def command(server: Server, experiment_id: str, limit: int, is_json: bool) -> None:
    """Show the best trials of an experiment, with their checkpoints.

    Those compared at the greatest length come first, then the better value, then who was earlier.
    """
    request = GetBestTrialsRequest(experiment_id=experiment_id, limit=limit)
    trials = server.call(server.experiments.GetBestTrials, request).trials
    if is_json:
        for trial in trials:
            print_json(trial)
        return
    table = trial_text.ranking(trials)
    show([table if table.rows else f"{experiment_id} has compared no trial yet."])

"""`asha delete`: an experiment and all its history, gone."""

from __future__ import annotations

import click

from asha_server.cli import experiment_text
from asha_server.cli.asking import ask, require_answer_possible, yes_option
from asha_server.cli.connecting import Server, server_option
from asha_server.pb.experiment_service_pb2 import DeleteExperimentRequest, GetExperimentRequest


@click.command(
    short_help="Delete an experiment and its history.",
    epilog="Example: asha export digits -o digits.jsonl && asha delete digits",
)
@click.argument("experiment_id", metavar="ID")
@click.option("--force", is_flag=True, help="Even if it has not ended.")
@yes_option
@server_option
def command(server: Server, experiment_id: str, force: bool, is_sure: bool) -> None:
    """Delete an experiment and all its history.

    Asks first, since it cannot be undone. `asha export` keeps the history as a file.
    """
    require_answer_possible(is_sure)
    if not is_sure:
        seen = GetExperimentRequest(experiment_id=experiment_id)
        experiment = server.call(server.experiments.GetExperiment, seen).experiment
        trials = f"{experiment.trial_counts.created:,} trials"
        ask(f"{experiment_text.headline(experiment)} ({trials}).\nDelete it and its history?")
    request = DeleteExperimentRequest(experiment_id=experiment_id, force=force)
    server.call(server.experiments.DeleteExperiment, request)
    click.echo(f"{experiment_id}: deleted")

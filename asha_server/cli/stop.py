"""`asha stop`: ends an experiment for good."""

from __future__ import annotations

import click

from asha_server.cli import experiment_text
from asha_server.cli.asking import ask, require_answer_possible, yes_option
from asha_server.cli.connecting import Server, server_option
from asha_server.cli.json_output import json_option, print_json
from asha_server.pb.experiment_service_pb2 import GetExperimentRequest, StopExperimentRequest


@click.command(
    short_help="End an experiment for good.",
    epilog='Example: asha stop digits --reason "good enough" --yes',
)
@click.argument("experiment_id", metavar="ID")
@click.option("--reason", default="", metavar="TEXT", help="Why; kept with the experiment.")
@yes_option
@json_option
@server_option
def command(server: Server, experiment_id: str, reason: str, is_sure: bool, is_json: bool) -> None:
    """End an experiment for good: every trial that has not ended is stopped.

    Asks first, since it cannot be undone. Its history stays. To let it rest, use `asha pause`.
    """
    require_answer_possible(is_sure)
    if not is_sure:
        seen = GetExperimentRequest(experiment_id=experiment_id)
        experiment = server.call(server.experiments.GetExperiment, seen).experiment
        counts = experiment_text.counts(experiment.trial_counts)
        ask(f"{experiment_text.headline(experiment)} (trials: {counts}).\nStop it for good?")
    request = StopExperimentRequest(experiment_id=experiment_id, reason=reason)
    experiment = server.call(server.experiments.StopExperiment, request).experiment
    if is_json:
        print_json(experiment)
    else:
        click.echo(experiment_text.headline(experiment))

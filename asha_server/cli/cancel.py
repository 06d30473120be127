"""`asha cancel`: ends one trial for good."""

from __future__ import annotations

import click

from asha_server.cli import trial_text, wording
from asha_server.cli.asking import ask, require_answer_possible, yes_option
from asha_server.cli.connecting import Server, server_option
from asha_server.cli.json_output import json_option, print_json
from asha_server.pb.experiment_service_pb2 import CancelTrialRequest, GetTrialRequest


@click.command(
    short_help="End one trial for good.",
    epilog='Example: asha cancel digits 17 --reason "diverges"',
)
@click.argument("experiment_id", metavar="ID")
@click.argument("trial_number", metavar="TRIAL", type=click.IntRange(min=0))
@click.option("--reason", default="", metavar="TEXT", help="Why; kept with the trial.")
@yes_option
@json_option
@server_option
def command(
    server: Server,
    experiment_id: str,
    trial_number: int,
    reason: str,
    is_sure: bool,
    is_json: bool,
) -> None:
    """End one trial for good; in its rung it counts as failed.

    Asks first, since it cannot be undone. Its worker is told to stop and asks for other work.
    """
    require_answer_possible(is_sure)
    if not is_sure:
        seen = GetTrialRequest(experiment_id=experiment_id, trial_number=trial_number)
        trial = server.call(server.experiments.GetTrial, seen).trial
        step = f"{trial_text.state(trial)}, step {trial.last_step:,}"
        configuration = wording.parameters(trial.parameters)
        ask(f"Trial {trial_number} of {experiment_id}: {step}, {configuration}.\nCancel it?")
    request = CancelTrialRequest(
        experiment_id=experiment_id, trial_number=trial_number, reason=reason
    )
    trial = server.call(server.experiments.CancelTrial, request).trial
    if is_json:
        print_json(trial)
    else:
        click.echo(f"trial {trial_number} of {experiment_id}: {trial_text.state(trial)}")

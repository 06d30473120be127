"""`asha trials`: the trials of an experiment."""

from __future__ import annotations

import itertools
from typing import cast

import click

from asha_server.cli import trial_text
from asha_server.cli.connecting import Server, server_option
from asha_server.cli.json_output import json_option, print_json
from asha_server.cli.table import show
from asha_server.pb.experiment_service_pb2 import ListTrialsRequest
from asha_server.pb.trial_pb2 import TrialState

STATES = {
    name.removeprefix("TRIAL_STATE_").lower(): cast("TrialState", number)
    for name, number in TrialState.items()
    if number
}


@click.command(
    short_help="List the trials of an experiment.",
    epilog="Example: asha trials digits --state running --state paused",
)
@click.argument("experiment_id", metavar="ID")
@click.option(
    "--state",
    "states",
    type=click.Choice(list(STATES), case_sensitive=False),
    multiple=True,
    metavar="STATE",
    help=f"Only those in this state; may be given several times: {', '.join(STATES)}.",
)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N.")
@json_option
@server_option
def command(
    server: Server, experiment_id: str, states: tuple[str, ...], limit: int | None, is_json: bool
) -> None:
    """List the trials of an experiment, by number."""
    request = ListTrialsRequest(
        experiment_id=experiment_id, states=[STATES[state] for state in states]
    )
    pages = server.pages(server.experiments.ListTrials, request)
    trials = itertools.islice((trial for page in pages for trial in page.trials), limit)
    if is_json:
        for trial in trials:
            print_json(trial)
        return
    table = trial_text.listing(trials)
    show([table if table.rows else f"{experiment_id} has no such trials."])

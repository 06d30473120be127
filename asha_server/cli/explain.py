"""`asha explain`: why a trial is where it is."""

from __future__ import annotations

import click

from asha_server.cli import explanation
from asha_server.cli.connecting import Server, server_option
from asha_server.cli.json_output import json_option, plain, print_json
from asha_server.cli.story import Story
from asha_server.cli.table import show
from asha_server.pb.experiment_service_pb2 import (
    GetExperimentRequest,
    GetTrialRequest,
    ListDecisionsRequest,
    ListRungsRequest,
)


@click.command(
    short_help="Tell why a trial is where it is.", epilog="Example: asha explain digits 17"
)
@click.argument("experiment_id", metavar="ID")
@click.argument("trial_number", metavar="TRIAL", type=click.IntRange(min=0))
@json_option
@server_option
def command(server: Server, experiment_id: str, trial_number: int, is_json: bool) -> None:
    """Tell why a trial is where it is: at each rung its rank, its rivals, the cut-off."""
    story = _gather(server, experiment_id, trial_number)
    if is_json:
        print_json(
            {
                "trial": plain(story.trial),
                "attempts": [plain(attempt) for attempt in story.attempts],
                "decisions": [plain(record) for record in story.decisions],
            }
        )
        return
    show(explanation.parts(story))


def _gather(server: Server, experiment_id: str, trial_number: int) -> Story:
    """Asks the server for everything that the story needs."""
    calls = server.experiments
    found = server.call(
        calls.GetTrial, GetTrialRequest(experiment_id=experiment_id, trial_number=trial_number)
    )
    experiment = server.call(
        calls.GetExperiment, GetExperimentRequest(experiment_id=experiment_id)
    ).experiment
    asked = ListDecisionsRequest(experiment_id=experiment_id, trial_number=trial_number)
    decisions = [r for page in server.pages(calls.ListDecisions, asked) for r in page.decisions]
    entries = []
    if found.trial.bracket >= 0:
        rungs = ListRungsRequest(experiment_id=experiment_id, bracket=found.trial.bracket)
        entries = [e for page in server.pages(calls.ListRungs, rungs) for e in page.entries]
    return Story(experiment, found.trial, list(found.attempts), decisions, entries)

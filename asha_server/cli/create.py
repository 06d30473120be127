"""`asha create`: an experiment from a file."""

from __future__ import annotations

import secrets
from pathlib import Path

import click

from asha_server.cli.connecting import Server, ServerRefusal, server_option
from asha_server.cli.experiment_file import file_options, load_experiment, template_option
from asha_server.cli.json_output import json_option, print_json
from asha_server.cli.warm_start import best_of, best_option, give
from asha_server.pb.experiment_service_pb2 import CreateExperimentRequest

EXAMPLE = """\
Example: asha create -f digits.yaml --id digits --set max_trials=200

\b
digits.yaml:
  metric: {name: val_loss, goal: minimize}
  parameters:
    lr: {double_range: {min: 1e-4, max: 0.1, log: true}}
    layers: {int_range: {min: 1, max: 4}}
    optimizer: {categorical: {values: [sgd, adam]}}
  adaptive_asha: {}
  max_length: 81
  unit: epochs
  max_trials: 100

The fields are those of ExperimentSpec in protos/asha/v1/experiment.proto; examples/ has a file for
each method. A configuration of Determined AI is translated: docs/howto/come-from-determined.md.
"""


@click.command(short_help="Create an experiment from a file.", epilog=EXAMPLE)
@file_options
@template_option
@click.option(
    "--id", "experiment_id", default="", metavar="ID", help="Its id.  [default: generated]"
)
@click.option(
    "--from",
    "other",
    metavar="ID",
    help="Start warm: the best configurations of this experiment are tried first.",
)
@best_option
@click.option(
    "--observed",
    is_flag=True,
    help="With --from: they are taken over as finished trials, with what was measured, and take "
    "their places in the rungs.",
)
@json_option
@server_option
def command(
    server: Server,
    path: Path,
    settings: tuple[str, ...],
    template: Path | None,
    experiment_id: str,
    other: str | None,
    best: int,
    observed: bool,
    is_json: bool,
) -> None:
    """Create an experiment from a file, and print its id.

    It runs at once. With --from it starts warm; `asha give` has more ways to do that. Everything
    that is wrong with the file is said at once, by line; `asha preview` shows what it will cost.
    """
    if observed and other is None:
        raise click.UsageError("--observed needs --from ID")
    file = load_experiment(path, settings, template)
    given, source = best_of(server, other, best, observed) if other is not None else ([], "")
    request = CreateExperimentRequest(
        experiment_id=experiment_id, spec=file.spec, request_id=secrets.token_hex(16)
    )
    try:
        experiment = server.call(server.experiments.CreateExperiment, request).experiment
    except ServerRefusal as refusal:
        violations = [(v.field, v.description) for v in refusal.error.violations]
        if violations:
            raise file.refusal(violations) from refusal
        raise
    for _ in give(server, experiment.experiment_id, given, source, joins_rungs=observed):
        pass
    if is_json:
        print_json(experiment)
    else:
        click.echo(experiment.experiment_id)

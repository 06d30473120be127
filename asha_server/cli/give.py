"""`asha give`: configurations to be tried first, or finished trials, for an experiment."""

from __future__ import annotations

from pathlib import Path

import click

from asha_server.cli import wording
from asha_server.cli.connecting import Server, server_option
from asha_server.cli.given_file import kinds_of, read_given
from asha_server.cli.json_output import json_option, print_json
from asha_server.cli.warm_start import best_of, best_option, give
from asha_server.pb.experiment_service_pb2 import GetExperimentRequest


@click.command(
    short_help="Give configurations to be tried first.",
    epilog="Example: asha give digits best.csv; asha give digits --from digits-old --best 5",
)
@click.argument("experiment_id", metavar="ID")
@click.argument(
    "path",
    metavar="[FILE]",
    required=False,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option("--from", "other", metavar="ID", help="Take the best trials of this experiment.")
@best_option
@click.option(
    "--observed",
    is_flag=True,
    help="With --from: with what was measured there, as finished trials.",
)
@click.option(
    "--joins-rungs",
    is_flag=True,
    help="Finished trials take their places in the rungs, and count towards max_trials.",
)
@json_option
@server_option
def command(
    server: Server,
    experiment_id: str,
    path: Path | None,
    other: str | None,
    best: int,
    observed: bool,
    joins_rungs: bool,
    is_json: bool,
) -> None:
    """Give an experiment configurations to be tried before its own, or trials that are finished.

    FILE is CSV (a column a parameter; with a column `step`, every other column is a metric and
    each row an observation) or JSON lines ({"parameters": {...}, "observations": [...]}). What is
    left out of a configuration is sampled. The same file again gives nothing twice.
    """
    if (path is None) == (other is None):
        raise click.UsageError("give either a FILE or --from ID")
    asked = GetExperimentRequest(experiment_id=experiment_id)
    spec = server.call(server.experiments.GetExperiment, asked).experiment.spec
    if path is not None:
        text = path.read_text()
        trials = read_given(text, str(path), kinds_of(spec.parameters))
        source = text
    else:
        assert other is not None
        trials, source = best_of(server, other, best, observed)
    made = list(give(server, experiment_id, trials, source, joins_rungs))
    if is_json:
        for trial in made:
            print_json(trial)
        return
    numbers = ", ".join(str(trial.trial_number) for trial in made)
    click.echo(f"gave {wording.count(len(made), 'configuration')} as trials {numbers}")

"""The command `asha demo`: its options, and the order of things."""

from __future__ import annotations

import importlib.util
import signal
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import click
from asha_client.connection import Target

from asha_server.cli import experiment_text
from asha_server.cli.connecting import PATIENCE_S, PAUSE_MAX_S, Server, ServerRefusal
from asha_server.cli.demo import outcome, screen
from asha_server.cli.demo.processes import Processes
from asha_server.cli.demo.search import EXPERIMENT_ID, MAX_LENGTH, demo_spec
from asha_server.cli.json_output import json_option, print_json
from asha_server.cli.refusal import Refusal
from asha_server.cli.table import show
from asha_server.pb.experiment_pb2 import Experiment, ExperimentState
from asha_server.pb.experiment_service_pb2 import CreateExperimentRequest, GetExperimentRequest


@click.command(
    short_help="A server, workers and a real search in one command.",
    epilog="Example: asha demo; after Ctrl-C: asha demo --resume",
)
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("asha-demo"),
    show_default=True,
    help="Where database, checkpoints and logs go; must not exist yet.",
)
@click.option("--resume", is_flag=True, help="Go on with the demo in the directory.")
@click.option(
    "--trials",
    type=click.IntRange(min=1),
    default=120,
    show_default=True,
    help="Trials of the search. A resumed demo has those it was begun with.",
)
@click.option(
    "--max-length",
    type=click.IntRange(min=1),
    default=MAX_LENGTH,
    show_default=True,
    help="Epochs of a surviving trial. A resumed demo has those it was begun with.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=4,
    show_default=True,
    help="Worker processes.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    help="Of the configurations.",
)
@json_option
@click.pass_context
def command(
    context: click.Context,
    directory: Path,
    resume: bool,
    trials: int,
    max_length: int,
    workers: int,
    seed: int,
    is_json: bool,
) -> None:
    """Run a real search on this machine, from nothing to a leaderboard.

    Starts a server on a new database and worker processes that train small neural networks on
    scikit-learn's handwritten digits, with promotions and checkpoints, in about a minute.
    """
    check_packages()
    prepare(directory, resume)
    request = CreateExperimentRequest(
        experiment_id=EXPERIMENT_ID, spec=demo_spec(trials, max_length, seed)
    )
    processes = Processes(directory)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        address = processes.start_server()
        server = Server(Target(address, max_backoff_s=PAUSE_MAX_S), PATIENCE_S)
        context.call_on_close(server.close)
        found = find_or_create(server, request)
        if found.state not in experiment_text.ENDED:
            processes.start_workers(workers, address, EXPERIMENT_ID)
            screen.follow(_looking(server, processes), address, workers, is_json)
        came = outcome.gather(server, get(server))
    except KeyboardInterrupt:
        _end_undisturbed(processes, "\nstopping: the workers give their trials back …")
        click.echo(f"Go on with: asha demo --resume --directory {directory}", err=True)
        context.exit(130)
    finally:
        _end_undisturbed(processes)
    if is_json:
        print_json(outcome.facts(came, directory))
    else:
        show(outcome.parts(came, directory))
    context.exit(1 if came.experiment.state == ExperimentState.EXPERIMENT_STATE_FAILED else 0)


def check_packages() -> None:
    """Refuses to begin without scikit-learn.

    Raises:
        Refusal: with the command that installs it.
    """
    if importlib.util.find_spec("sklearn") is None:
        raise Refusal(
            "the demo trains on scikit-learn's digits, and scikit-learn is not installed. Install "
            "the server with its extra: pip install 'asha-server[demo]' (from a checkout: "
            "pip install ./clients/python '.[demo]')"
        )


def prepare(directory: Path, resume: bool) -> None:
    """Makes the directory, or finds the one to resume.

    Raises:
        Refusal: it is there and was not to be, or the other way round.
    """
    database = directory / "asha.db"
    if resume:
        if not database.exists():
            raise Refusal(f"there is no demo in {directory} to resume; begin one with: asha demo")
        return
    if directory.exists():
        raise Refusal(
            f"{directory} exists. Go on with it: asha demo --resume --directory {directory}; or "
            "begin another one with --directory OTHER."
        )
    directory.mkdir(parents=True)


def find_or_create(server: Server, request: CreateExperimentRequest) -> Experiment:
    """The experiment of a resumed demo, or a new one."""
    try:
        return get(server)
    except ServerRefusal as refusal:
        if refusal.error.reason != "EXPERIMENT_NOT_FOUND":
            raise
    return server.call(server.experiments.CreateExperiment, request).experiment


def get(server: Server) -> Experiment:
    """The demo's experiment as it is now."""
    request = GetExperimentRequest(experiment_id=EXPERIMENT_ID)
    return server.call(server.experiments.GetExperiment, request).experiment


def _looking(server: Server, processes: Processes) -> Callable[[], Experiment]:
    """A look at the experiment that notices a process's end, too."""

    def look() -> Experiment:
        experiment = get(server)
        if experiment.state not in experiment_text.ENDED:
            processes.check()
        return experiment

    return look


def _interrupt(number: int, frame: FrameType | None) -> None:
    """SIGTERM and SIGHUP end the demo as Ctrl-C does."""
    raise KeyboardInterrupt


def _end_undisturbed(processes: Processes, message: str = "") -> None:
    """Ends the processes; a second Ctrl-C must not leave a server behind."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if message:
        click.echo(message, err=True)
    processes.end()

"""The command `asha run`: its options, what is refused before the first lease, its exit status."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from pathlib import Path

import click
from asha_client import AshaError, aio
from asha_client.connection import Target

from asha_server.cli.connecting import Server, server_option
from asha_server.cli.json_output import json_option
from asha_server.cli.refusal import Refusal
from asha_server.cli.run.announcer import Announcer
from asha_server.cli.run.briefing import WORDS, ParameterNames, find_parameter_names
from asha_server.cli.run.conduct_options import (
    choose_failure_kinds,
    choose_parser,
    failure_options,
    metrics_options,
)
from asha_server.cli.run.crew import Crew, Job
from asha_server.cli.run.template import Template, TemplateError, check_words, parse_template
from asha_server.cli.run.training import Conduct
from asha_server.pb.experiment_service_pb2 import GetExperimentRequest

HELP = """Train an experiment's trials with any program: CMD is run once for each.

\b
  asha run --experiment digits -- python train.py --lr {lr} --epochs {max_length}
  asha run --experiment digits --workers 4 -- env CUDA_VISIBLE_DEVICES={worker} ./train.sh
  asha run --experiment digits --metrics pattern -- ./train.sh     # reads val_loss=0.31

PARAMETERS reach the program as words of its command line ({lr}, {optimizer.momentum:0.9} with a
value for trials that have none; {{ and }} are literal braces), as environment variables
(ASHA_PARAM_LR, ASHA_PARAM_OPTIMIZER_MOMENTUM) and in the JSON file that ASHA_PARAMETERS_FILE names.
Further words and variables:

\b
  {trial}  ASHA_TRIAL_NUMBER     {attempt}      ASHA_ATTEMPT      {seed}    ASHA_SEED
  {start_step}  ASHA_START_STEP  {max_length}   ASHA_MAX_LENGTH   {metric}  ASHA_METRIC
  {checkpoint}  ASHA_CHECKPOINT  resume from this, at start_step; empty: from scratch
  {checkpoint_dir}  ASHA_CHECKPOINT_DIR   a directory for this trial's checkpoints
  {next_decision_step}  ASHA_NEXT_DECISION_STEP   train at least this far
  {worker}  ASHA_WORKER_INDEX    0 to N-1       {worker_id}  ASHA_WORKER_ID
  {parameters_file}  ASHA_PARAMETERS_FILE       {metrics_file}  ASHA_METRICS_FILE
  {experiment}  ASHA_EXPERIMENT

METRICS are lines of its standard output, each a JSON object:

\b
  {"step": 3, "val_loss": 0.31, "checkpoint": "/models/trial-7-step-3.pt"}

`step` counts all units the trial was trained; without it each line with the search metric is the
next step. `checkpoint` names what would resume there: save it first, then print the line, for once
the trial is paused another worker may resume it at once. Print each line with a flush (Python
programs are started with PYTHONUNBUFFERED=1).

THE END. Exit status 0 completes the trial, any other fails it and it is tried again. When the
search wants the trial stopped or paused, the program's process group gets SIGTERM and, after the
grace time, SIGKILL; how it ends then does not matter. A program that has reached max_length may
first finish by itself. Ctrl-C or SIGTERM to asha run does the same to all programs and gives their
trials back, to be resumed from their last checkpoints.

Exit status: 0 the search is finished, 1 it or a worker failed, 2 wrong usage, 130 and 143 after
Ctrl-C and SIGTERM.
"""


@click.command(
    "run",
    help=HELP,
    short_help="Train with any program.",
    context_settings={"allow_interspersed_args": False},
)
@click.option("--experiment", "-e", "experiment_id", required=True, metavar="ID")
@server_option
@click.option("--workers", type=click.IntRange(1), default=1, help="Programs at a time.  [1]")
@click.option("--worker-id", metavar="NAME", help="The worker's name.  [by host or platform]")
@metrics_options
@click.option(
    "--metrics-file",
    metavar="PATH",
    help="Read metrics from lines appended to this file instead of standard output; may have "
    "template words (runs/{trial}.jsonl).",
)
@click.option(
    "--checkpoints",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("asha-checkpoints"),
    metavar="DIRECTORY",
    help="Where ASHA_CHECKPOINT_DIR lies; every worker of a search must see the same.  "
    "[asha-checkpoints]",
)
@click.option(
    "--grace",
    "grace_s",
    type=click.FloatRange(0),
    default=30.0,
    metavar="SECONDS",
    help="Time between SIGTERM and SIGKILL.  [30]",
)
@failure_options
@click.option(
    "--max-idle",
    "max_idle_s",
    type=click.FloatRange(0),
    metavar="SECONDS",
    help="End after waiting so long for work.  [wait for ever]",
)
@click.option("--quiet", "-q", is_flag=True, help="Do not show the programs' output.")
@json_option
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- CMD...")
@click.pass_context
def command(
    context: click.Context,
    experiment_id: str,
    server: Server,
    workers: int,
    worker_id: str | None,
    metrics_form: str | None,
    pattern: str | None,
    step_name: str,
    metrics_file: str | None,
    checkpoints: Path,
    grace_s: float,
    infeasible_exit: tuple[int, ...],
    permanent_exit: tuple[int, ...],
    unreadable_exit: tuple[int, ...],
    max_idle_s: float | None,
    quiet: bool,
    is_json: bool,
    words: tuple[str, ...],
) -> None:
    """Train with any program (see HELP)."""
    try:
        templates = tuple(parse_template(word) for word in words)
        file_template = None if metrics_file is None else parse_template(metrics_file)
    except TemplateError as error:
        raise click.UsageError(str(error)) from error
    check_program(templates[0])
    job = Job(
        command=templates,
        environment={"PYTHONUNBUFFERED": "1", **os.environ},
        server=server.address,
        conduct=Conduct(
            parse_line=choose_parser(metrics_form, pattern, step_name),
            grace_s=grace_s,
            failure_kinds=choose_failure_kinds(infeasible_exit, permanent_exit, unreadable_exit),
        ),
        checkpoints=checkpoints.absolute(),
        metrics_file=file_template,
        worker_count=workers,
        worker_id=worker_id,
        max_idle_s=max_idle_s,
    )
    found = server.call(
        server.experiments.GetExperiment, GetExperimentRequest(experiment_id=experiment_id)
    )
    check_templates(job, find_parameter_names(found.experiment.spec.parameters))
    logging.basicConfig(format="asha run: %(message)s")
    logging.getLogger("asha_client").setLevel(
        logging.WARNING
    )  # a worker waits for ever, and says so
    context.exit(asyncio.run(_run(experiment_id, server.target, job, Announcer(is_json, quiet))))


async def _run(experiment_id: str, target: Target, job: Job, announcer: Announcer) -> int:
    """Works; the exit status.

    Raises:
        Refusal: the server refused to say what became of the search.
    """
    connected = aio.connect(target.address, credentials=target.credentials, token=target.token)
    async with connected as client:
        try:
            return await Crew(job, announcer).run(client.experiment(experiment_id))
        except AshaError as error:
            raise Refusal(str(error)) from error


def check_program(program: Template) -> None:
    """Refuses a program that this machine does not have.

    Raises:
        UsageError: there is no such program.
    """
    name = program.fill({})
    if not program.words and shutil.which(name) is None:
        raise click.UsageError(f"{name!r} is not a program that can be run here")


def check_templates(job: Job, names: ParameterNames) -> None:
    """Refuses template words that the experiment's trials have no value for.

    Raises:
        UsageError: naming them.
    """
    places = {"metrics_file"} if job.metrics_file is not None else set()
    fixed = set(WORDS) - {"metrics_file"}
    try:
        check_words(job.command, fixed | places | names.always, names.sometimes)
        if job.metrics_file is not None:
            check_words([job.metrics_file], fixed | names.always, names.sometimes)
    except TemplateError as error:
        raise click.UsageError(str(error)) from error
    for clash in names.clashes:
        logging.getLogger("asha_server.cli.run").warning(
            "the parameters %s have one environment variable between them; read them by template "
            "word or from ASHA_PARAMETERS_FILE",
            " and ".join(clash),
        )

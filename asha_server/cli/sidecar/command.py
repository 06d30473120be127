"""The command `asha sidecar`: its options and its exit status."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import click
from asha_client import aio, identity
from asha_client.aio.connection import AsyncConnection

from asha_server.cli.connecting import Server, server_option
from asha_server.cli.interval import FileMode, Interval
from asha_server.cli.json_output import json_option
from asha_server.cli.run.announcer import Announcer
from asha_server.cli.run.conduct_options import (
    choose_failure_kinds,
    choose_parser,
    failure_options,
    metrics_options,
)
from asha_server.cli.run.wishes import Wishes
from asha_server.cli.sidecar.folder import SharedFolder
from asha_server.cli.sidecar.folder_training import Manner
from asha_server.cli.sidecar.folder_worker import FolderWorker
from asha_server.cli.sidecar.liveness import Liveness
from asha_server.cli.sidecar.socket_service import PATH_BYTES_MAX, Socket, SocketService
from asha_server.config import SECOND_US

HELP = """Be the worker beside a training container that stays as it is.

\b
  asha sidecar --experiment digits --folder /asha        # files; the trainer needs no library
  sh /asha/trainer.sh --stdout python train.py           # in the trainer's container
  asha sidecar --experiment digits --socket /asha/socket # or the calls themselves, without token
  ASHA_SERVER=unix:/asha/socket python worker.py         # in the trainer's container

The sidecar has the server's address, token and certificates, and the worker's name; the trainer
has none of them.

THE FOLDER is shared with the trainer. Each trial has a folder of its own there, to which `current`
leads while it is to be trained:

\b
  parameters.json  the configuration     trial.json  all about the trial
  trial.env        the same for a shell  (ASHA_PARAM_LR, ASHA_START_STEP, ... of asha run)
  metrics.jsonl    the trainer appends its metrics here, a line each, as for asha run
  verdict.json     the newest decision   stop        is there once the trainer is to leave off
  exit_status      the trainer writes 0, or the status it failed with, once it has ended a trial
  problems.txt     lines that were not understood, and why

finished.json, beside `current`, says that there are no more trials. trainer.sh does all of this for
any command. The files are described in docs/reference/sidecar.md.

THE SOCKET has SuggestionService and the calls that read the experiment, for any client; no other
experiment, and nothing that changes one. A request that names no experiment is about this one.

LIFE. The trial is kept alive for as long as the trainer lives, no longer. A trainer that is silent
for --hung-after (no line of metrics or, on the socket, no report; no touch of the file heartbeat)
is hung: its trial is released and goes on elsewhere. A trainer that held the lock of trainer.lock,
or whose process id stood in trainer.pid (with --shared-process-namespace), and is gone for
--dead-after is dead: its trial is tried again. On SIGTERM the trainer is told to leave off, and the
trial is released when it has, at the latest after --grace.

Exit status: 0 the search is finished, 1 it or the sidecar failed, 2 wrong usage, 130 and 143 after
Ctrl-C and SIGTERM.
"""


@click.command("sidecar", help=HELP, short_help="Be the worker beside a training container.")
@click.option("--experiment", "-e", "experiment_id", required=True, metavar="ID")
@server_option
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIRECTORY",
    help="Hand trials over as files in this folder.",
)
@click.option(
    "--socket",
    "socket_path",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="PATH",
    help="Serve the calls on this Unix socket; heartbeat, trainer.lock and trainer.pid lie beside "
    "it.",
)
@click.option(
    "--mode",
    type=FileMode(),
    default="0600",
    show_default=True,
    help="Permissions of the socket, or of the files in the folder: 0660 where the trainer is "
    "another user of the same group.",
)
@click.option("--worker-id", metavar="NAME", help="The worker's name.  [as before, or by platform]")
@click.option(
    "--hung-after",
    "hung_after_us",
    type=Interval(),
    default="10m",
    show_default=True,
    metavar="TIME",
    help="How long a trainer may be silent.",
)
@click.option(
    "--dead-after",
    "dead_after_us",
    type=Interval(),
    default="10s",
    show_default=True,
    metavar="TIME",
    help="How long a trainer's lock or process may be gone.",
)
@click.option(
    "--shared-process-namespace",
    "shares_processes",
    is_flag=True,
    help="trainer.pid means the same here as in the trainer's container.",
)
@click.option(
    "--grace",
    "grace_s",
    type=click.FloatRange(0),
    default=20.0,
    metavar="SECONDS",
    help="Time that SIGTERM leaves the trainer to save and to end.  [20]",
)
@metrics_options
@click.option(
    "--checkpoints",
    default="",
    metavar="DIRECTORY",
    help="Under which each trial has a directory for its checkpoints, as the trainers see it; "
    "every trainer of a search must see the same. Folder only.",
)
@failure_options
@click.option(
    "--max-idle",
    "max_idle_s",
    type=click.FloatRange(0),
    metavar="SECONDS",
    help="End after waiting so long for work. Folder only.  [wait for ever]",
)
@click.option(
    "--linger",
    "linger_us",
    type=Interval(),
    default="30s",
    show_default=True,
    metavar="TIME",
    help="How long the socket is served after the search is finished and the trainer's last call.",
)
@json_option
@click.pass_context
def command(
    context: click.Context,
    experiment_id: str,
    server: Server,
    folder: Path | None,
    socket_path: Path | None,
    mode: int,
    worker_id: str | None,
    hung_after_us: int,
    dead_after_us: int,
    shares_processes: bool,
    grace_s: float,
    metrics_form: str | None,
    pattern: str | None,
    step_name: str,
    checkpoints: str,
    infeasible_exit: tuple[int, ...],
    permanent_exit: tuple[int, ...],
    unreadable_exit: tuple[int, ...],
    max_idle_s: float | None,
    linger_us: int,
    is_json: bool,
) -> None:
    """Be the worker beside a training container (see HELP)."""
    if (folder is None) == (socket_path is None):
        raise click.UsageError("give --folder DIRECTORY or --socket PATH, one of them")
    if socket_path is not None and len(bytes(socket_path)) > PATH_BYTES_MAX:
        raise click.UsageError(
            f"--socket {socket_path} has more than {PATH_BYTES_MAX} bytes, the most that a "
            "socket's path may have; choose a shorter one"
        )
    folder = folder and folder.absolute()
    manner = Manner(
        parse_line=choose_parser(metrics_form, pattern, step_name),
        failure_kinds=choose_failure_kinds(infeasible_exit, permanent_exit, unreadable_exit),
        grace_s=grace_s,
        checkpoints=checkpoints,
    )
    logging.basicConfig(format="asha sidecar: %(message)s")
    logging.getLogger("asha_client").setLevel(logging.WARNING)
    announcer = Announcer(is_json, name="asha sidecar")
    times = (dead_after_us / SECOND_US, hung_after_us / SECOND_US)

    async def run() -> int:
        wishes = Wishes()
        wishes.take_signals(
            lambda name: announcer.fact(
                "stopping",
                f"asha sidecar: {name}: the trainer is to leave off (again: without grace)",
                signal=name,
            )
        )
        connection = AsyncConnection(server.target)
        try:
            if folder is not None:
                shared = SharedFolder(folder, mode)
                shared.prepare()
                worker = FolderWorker(
                    experiment_id,
                    shared,
                    Liveness(folder, *times, shares_processes),
                    manner,
                    announcer,
                    wishes,
                    worker_id,
                    max_idle_s,
                )
                return await worker.run(aio.Experiment(experiment_id, connection), connection)
            assert socket_path is not None
            service = SocketService(
                experiment_id,
                worker_id or identity.claim(identity.default_worker_id()),
                connection,
                Socket(socket_path, mode, grace_s, linger_us / SECOND_US),
                Liveness(socket_path.parent, *times, shares_processes),
                announcer,
                wishes,
            )
            return await service.run()
        finally:
            await connection.close()

    context.exit(asyncio.run(run()))

"""`asha import`: an experiment from the file of an export."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import click
import grpc
from asha_client.errors import AshaError, decode_error

from asha_server.cli.connecting import Server, server_option
from asha_server.cli.json_output import json_option, print_json
from asha_server.cli.refusal import Refusal
from asha_server.pb.experiment_pb2 import Experiment
from asha_server.pb.experiment_service_pb2 import ImportExperimentRequest

CHUNK_BYTES = 2**19
"""Of one message; the server takes at most twice as much."""


@click.command(
    "import",
    short_help="Make an experiment of an exported file.",
    epilog="Example: asha import digits.jsonl --id digits-2",
)
@click.argument(
    "path", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option(
    "--id", "experiment_id", default="", metavar="ID", help="Its id.  [default: as exported]"
)
@json_option
@server_option
def command(server: Server, path: Path, experiment_id: str, is_json: bool) -> None:
    """Make an experiment of a file that `asha export` wrote, and print its id.

    It comes with its whole history, and nothing is decided anew. A search that was running arrives
    paused: `asha resume` lets it go on. Workers of its origin cannot go on with their trials here;
    they are retried from their last checkpoints. The file is taken as a whole or not at all.
    """
    try:
        with path.open("rb") as stream:
            experiment = _import(server, stream, experiment_id)
    except OSError as error:
        raise Refusal(f"{path} cannot be read: {error.strerror or error}") from error
    if is_json:
        print_json(experiment)
    else:
        click.echo(experiment.experiment_id)


def _import(server: Server, stream: BinaryIO, experiment_id: str) -> Experiment:
    """The experiment; sent again from the beginning where the connection breaks."""
    backoff, is_broken = server.backoff(), False
    while True:
        stream.seek(0)
        try:
            response = server.experiments.ImportExperiment(
                _requests(stream, experiment_id), metadata=server.metadata
            )
        except grpc.RpcError as rpc_error:
            error = decode_error(rpc_error)
            if is_broken and error.reason == "EXPERIMENT_EXISTS":
                raise Refusal(
                    f"{error.message} [{error.reason}]. The connection broke before an answer "
                    "came: it is there because of this file, or it was there before; "
                    "`asha status ID` tells"
                ) from error
            is_broken = is_broken or _is_broken(error)
            server.wait_after(error, backoff)
        else:
            return response.experiment


def _is_broken(error: AshaError) -> bool:
    """Whether the server may have taken the file all the same."""
    return error.code == "UNAVAILABLE"


def _requests(stream: BinaryIO, experiment_id: str) -> Iterator[ImportExperimentRequest]:
    yield ImportExperimentRequest(experiment_id=experiment_id, chunk=stream.read(CHUNK_BYTES))
    while chunk := stream.read(CHUNK_BYTES):
        yield ImportExperimentRequest(chunk=chunk)

"""`asha export`: an experiment with its history as a JSON-lines file."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click
from asha_client.errors import AshaError

from asha_server.cli.connecting import Server, server_option
from asha_server.cli.refusal import Refusal
from asha_server.pb.experiment_service_pb2 import ExportExperimentRequest

BREAKS_MAX = 5
"""How often a download that broke in the middle begins again."""


@click.command(
    short_help="Write an experiment's history as a file.",
    epilog="Example: asha export digits -o digits.jsonl",
)
@click.argument("experiment_id", metavar="ID")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("-"),
    metavar="FILE",
    help="Where to; it appears when it is complete.  [default: -, standard output]",
)
@server_option
def command(server: Server, experiment_id: str, output: Path) -> None:
    """Write an experiment with its whole history as a JSON-lines file.

    The file is complete or it is not there. Written to standard output it can end early; the exit
    status says so.
    """
    request = ExportExperimentRequest(experiment_id=experiment_id)
    if str(output) == "-":
        _write_once(server, request, sys.stdout.buffer)
        return
    with _appearing(output) as stream:
        _write(server, request, stream)


def _write(server: Server, request: ExportExperimentRequest, stream: BinaryIO) -> None:
    """Writes the export, from the beginning again where the connection breaks."""
    backoff, breaks = server.backoff(), 0
    while True:
        stream.seek(0)
        stream.truncate()
        try:
            for response in server.stream(server.experiments.ExportExperiment, request):
                stream.write(response.chunk)
        except AshaError as error:
            if stream.tell():
                backoff, breaks = server.backoff(), breaks + 1
            if breaks > BREAKS_MAX:
                raise server.refusal(error) from error
            server.wait_after(error, backoff)
        else:
            return


def _write_once(server: Server, request: ExportExperimentRequest, stream: BinaryIO) -> None:
    """Writes the export where what is written cannot be taken back."""
    backoff, written = server.backoff(), 0
    while True:
        try:
            for response in server.stream(server.experiments.ExportExperiment, request):
                written += stream.write(response.chunk)
        except AshaError as error:
            if written:
                raise Refusal(
                    f"the connection broke after {written:,} bytes: {error.message}; what was "
                    "written is not complete. -o FILE tries again by itself"
                ) from error
            server.wait_after(error, backoff)
        else:
            stream.flush()
            return


@contextmanager
def _appearing(path: Path) -> Iterator[BinaryIO]:
    """A file that appears under its name when it is complete, or never."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        with partial.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    except OSError as error:
        raise Refusal(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)

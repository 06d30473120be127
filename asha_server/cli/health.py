"""`asha health`: whether the server takes calls, as the exit status that probes read."""

from __future__ import annotations

import click
import grpc
from asha_client.errors import decode_error
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from asha_server.cli.connecting import Server, server_option
from asha_server.cli.refusal import Refusal

TIMEOUT_S = 5.0
"""How long one answer may take. Seconds; a probe is repeated by whoever asks."""


@click.command(
    short_help="Tell whether the server takes calls.",
    epilog="Example: asha health --server unix:/run/asha/asha.sock",
)
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0, min_open=True),
    default=TIMEOUT_S,
    show_default=True,
    metavar="SECONDS",
    help="How long the answer may take.",
)
@server_option
def command(server: Server, timeout_s: float) -> None:
    """Ask the server once whether it takes calls: for container health checks and scripts.

    Exit status 0 and `SERVING` while it does, 1 while it drains, or if nobody answers in time. It
    is the gRPC health service, grpc.health.v1, and needs no token.
    """
    try:
        response = server.health.Check(HealthCheckRequest(), timeout=timeout_s)
    except grpc.RpcError as error:
        raise server.refusal(decode_error(error)) from error
    status = HealthCheckResponse.ServingStatus.Name(response.status)
    if response.status != HealthCheckResponse.SERVING:
        raise Refusal(f"{server.address} takes no calls now: {status}")
    click.echo(status)

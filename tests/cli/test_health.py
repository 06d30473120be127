"""`asha health`: an exit status for probes."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from click.testing import CliRunner
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from asha_server.cli.program import asha as command

from .conftest import Asha


@pytest.fixture
def draining() -> Iterator[str]:
    """The address of a server that answers as ours does while it drains."""
    server = grpc.server(ThreadPoolExecutor(1))
    servicer = health.HealthServicer()
    servicer.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None).wait()


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of somebody who takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def test_a_server_that_takes_calls_is_status_0(asha: Asha) -> None:
    said = asha("health")

    assert (said.status, said.out) == (0, "SERVING\n")


def test_a_server_that_drains_is_status_1(draining: str) -> None:
    result = CliRunner().invoke(command, ["health", "--server", draining])

    assert result.exit_code == 1
    assert f"{draining} takes no calls now: NOT_SERVING" in result.stderr


def test_nobody_there_is_status_1_and_not_waited_for() -> None:
    result = CliRunner().invoke(command, ["health", "--server", "127.0.0.1:1"])

    assert result.exit_code == 1
    assert "no server answers at 127.0.0.1:1" in result.stderr


def test_silence_is_status_1_when_the_time_is_up(silent: str) -> None:
    result = CliRunner().invoke(command, ["health", "--server", silent, "--timeout", "0.3"])

    assert result.exit_code == 1
    assert f"no server answers at {silent}" in result.stderr

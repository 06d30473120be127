"""The vectors' conversations over gRPC with a running server, each as one experiment."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import grpc

from asha_server.config import Config
from asha_server.server import Server
from asha_server.verify import verify_file

from .trace_client import TraceClient

VECTORS = Path(__file__).parents[1] / "vectors"
SIDE_BY_SIDE = 16


def _traces() -> list[dict[str, Any]]:
    return [
        trace
        for name in ("promotion", "stopping")
        for trace in json.loads((VECTORS / f"traces_{name}.json").read_text())["traces"]
    ]


async def _hold(client: TraceClient, trace: dict[str, Any]) -> list[str]:
    """One conversation; what differed from the vector."""
    differences = []
    await client.create(trace["config"])
    for index, step in enumerate(trace["steps"]):
        answer = await client.run_step(step)
        got = {key: answer.get(key) for key in step["expect"]}
        if got.get("closed") is not None:
            step["expect"]["closed"].sort()
        if got != step["expect"]:
            differences.append(f"{trace['name']}, step {index}: {got} != {step['expect']}")
    final = await client.final()
    if final != trace["final"]:
        differences.append(f"{trace['name']}, final: {final} != {trace['final']}")
    return differences


async def test_every_conversation_of_the_vectors_over_grpc(tmp_path: Path) -> None:
    """All at once, so that their commands mix in the batches; then the file proves itself."""
    traces = _traces()
    server = Server(Config(tmp_path / "asha.db", listen=("127.0.0.1:0",)))
    await server.start()
    places = asyncio.Semaphore(SIDE_BY_SIDE)

    async def hold(number: int, trace: dict[str, Any]) -> list[str]:
        async with places:
            return await _hold(TraceClient(channel, server.engine, f"trace-{number}"), trace)

    async with grpc.aio.insecure_channel(server.addresses[0]) as channel:
        found = await asyncio.gather(*(hold(n, trace) for n, trace in enumerate(traces)))
    await server.stop()

    assert [difference for differences in found for difference in differences] == []
    verification = verify_file(tmp_path / "asha.db")
    assert len(verification.experiments) == len(traces) == 111
    assert verification.ok

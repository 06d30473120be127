"""Export: one history as JSON lines, whole, also while reports arrive."""

from __future__ import annotations

import json
from typing import Any

from asha_server.pb import experiment_service_pb2 as e
from asha_server.search.experiment import Experiment
from asha_server.search.rows import all_rows
from asha_server.store.history import decode_record

from .conftest import Client, Launch, refused


async def exported(client: Client) -> list[bytes]:
    """The chunks of an export."""
    request = e.ExportExperimentRequest(experiment_id="e")
    return [response.chunk async for response in client.experiments.ExportExperiment(request)]


def _header_and_records(chunks: list[bytes]) -> tuple[dict[str, Any], list[Any]]:
    header, *lines = b"".join(chunks).splitlines()
    return json.loads(header), [decode_record(line) for line in lines]


async def test_an_export_replays_to_the_live_experiment(client: Client) -> None:
    await client.create()
    await client.arrive(0.1, float("nan"), 0.3)
    promoted = await client.take("p")
    await client.report(promoted, 9, 0.05)

    header, records = _header_and_records(await exported(client))

    assert header == {"asha_export": 1, "experiment_id": "e", "last_sequence": len(records)}
    replayed = Experiment.replay(records)
    replayed.check()
    live = await client.server.engine.read("e", lambda hosted: all_rows(hosted.experiment.state))
    assert all_rows(replayed.state) == live


async def test_an_export_ends_where_it_began_while_reports_arrive(client: Client) -> None:
    await client.create()
    given = await client.take()
    stream = client.experiments.ExportExperiment(e.ExportExperimentRequest(experiment_id="e"))
    for step in range(20):
        await client.report(given, 0, metrics=[], checkpoint_uri=f"c{step}")

    header, records = _header_and_records([response.chunk async for response in stream])

    assert [record.sequence for record in records] == list(range(1, header["last_sequence"] + 1))


async def test_chunks_are_at_most_a_mebibyte(launch: Launch) -> None:
    client = await launch()
    await client.create()
    given = await client.take()
    for step in range(700):
        await client.report(given, 0, metrics=[], checkpoint_uri=f"{step:04}" + "x" * 2_000)

    chunks = await exported(client)

    assert len(chunks) >= 2
    assert max(map(len, chunks)) <= 2**20


async def test_an_unknown_experiment_is_refused(client: Client) -> None:
    stream = client.experiments.ExportExperiment(e.ExportExperimentRequest(experiment_id="no"))
    assert (await refused(stream.read())).reason == "EXPERIMENT_NOT_FOUND"

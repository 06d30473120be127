"""Export: one history as JSON lines, whole, also while reports arrive."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from asha_server.config import Limits
from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import suggestion_service_pb2 as s
from asha_server.pb import trial_pb2 as t
from asha_server.search.experiment import Experiment
from asha_server.search.rows import Rows, all_rows
from asha_server.store.history import decode_record

from .conftest import Client, Launch, held, refused, rest


def exporting(client: Client) -> Any:
    """The call of an export."""
    return client.experiments.ExportExperiment(e.ExportExperimentRequest(experiment_id="e"))


async def exported(client: Client) -> list[bytes]:
    """The chunks of an export."""
    return [response.chunk async for response in exporting(client)]


async def live_rows(client: Client) -> Rows:
    """All rows of the experiment as it stands in memory."""
    rows: Rows = await client.server.engine.read("e", lambda h: all_rows(h.experiment.state))
    return rows


def header_and_records(chunks: list[bytes]) -> tuple[dict[str, Any], list[Any]]:
    header, *lines = b"".join(chunks).splitlines()
    return json.loads(header), [decode_record(line) for line in lines]


async def test_an_export_replays_to_the_live_experiment(client: Client) -> None:
    """With all that can happen: not-a-number, a hand-over, given trials, failures, the end."""
    await client.create()
    await client.arrive(0.1, float("nan"), 0.3)
    promoted = await client.take("p")
    await client.report(promoted, 9, 0.05)
    seen = [t.MetricPoint(step=1, metrics=[t.MetricValue(name="loss", value=float("-inf"))])]
    await client.experiments.CreateTrial(
        e.CreateTrialRequest(experiment_id="e", observations=seen, joins_rungs=True)
    )
    for kind in (s.FAILURE_KIND_INFEASIBLE, s.FAILURE_KIND_RETRYABLE):
        given = await client.take(f"f{kind}")
        await client.suggestions.FailTrial(s.FailTrialRequest(**held(given), kind=kind))
    await client.take("w", incarnation_id="one")
    await client.take("w", incarnation_id="two")
    await client.stop()

    header, records = header_and_records(await exported(client))

    assert header == {"asha_export": 1, "experiment_id": "e", "last_sequence": len(records)}
    replayed = Experiment.replay(records)
    replayed.check()
    assert all_rows(replayed.state) == await live_rows(client)


async def test_every_line_is_json_that_any_parser_reads(client: Client) -> None:
    """Numbers that are not finite have a form of their own: JSON has none for them."""
    await client.create()
    await client.arrive(float("nan"))

    def refuse(name: str) -> None:
        raise AssertionError(name)

    lines = b"".join(await exported(client)).splitlines()

    parsed = [json.loads(line, parse_constant=refuse) for line in lines]
    assert parsed[-1]["event"]["value"] == {"non_finite": "NaN"}
    assert [line["sequence"] for line in parsed[1:]] == list(range(1, len(lines)))


async def test_an_export_ends_where_it_began_while_reports_arrive(client: Client) -> None:
    await client.create()
    given = await client.take()
    stream = exporting(client)
    for number in range(20):
        await client.report(given, 0, metrics=[t.MetricValue(name=f"m{number}", value=1)])

    header, records = header_and_records([response.chunk async for response in stream])

    assert [record.sequence for record in records] == list(range(1, header["last_sequence"] + 1))
    Experiment.replay(records).check()


async def test_a_whole_search_comes_out_of_a_tiny_pipe(launch: Launch) -> None:
    """Chunks are cut anywhere; put together they are the file."""
    client = await launch(limits=Limits(chunk_bytes_max=7))
    await client.create()
    await client.arrive(0.1, 0.2)

    chunks = await exported(client)

    assert max(map(len, chunks)) == 7
    header, records = header_and_records(chunks)
    assert header["last_sequence"] == len(records) == (await client.get()).sequence


async def test_chunks_are_at_most_a_mebibyte(client: Client) -> None:
    await client.create()
    await _grow(client)

    chunks = await exported(client)

    assert len(chunks) >= 2
    assert max(map(len, chunks)) <= 2**20


async def _grow(client: Client) -> None:
    """A history of some 5 MB: more than what pipes, chunks and flow control hold."""
    given = await client.take()

    async def report(number: int) -> None:
        names = (f"{number}-{part}-{'x' * 100}" for part in range(20))
        values = [t.MetricValue(name=name, value=1) for name in names]
        await client.report(given, 0, checkpoint_uri="x" * 2_000, metrics=values)

    for first in range(0, 1_100, 100):
        await asyncio.gather(*(report(number) for number in range(first, first + 100)))


async def test_what_is_deleted_meanwhile_is_not_exported_in_part(client: Client) -> None:
    """Whoever has read the first chunk is told that there is no more."""
    await client.create()
    await _grow(client)
    stream = exporting(client)
    assert await stream.read()

    await client.experiments.DeleteExperiment(
        e.DeleteExperimentRequest(experiment_id="e", force=True)
    )

    gone = await refused(rest(stream))
    assert (gone.code, gone.reason) == ("NOT_FOUND", "EXPERIMENT_NOT_FOUND")
    assert (await refused(exporting(client).read())).reason == "EXPERIMENT_NOT_FOUND"


async def test_an_unknown_experiment_is_refused(client: Client) -> None:
    refusal = await refused(exporting(client).read())
    assert (refusal.code, refusal.reason) == ("NOT_FOUND", "EXPERIMENT_NOT_FOUND")


async def test_a_client_that_goes_away_ends_its_export(client: Client) -> None:
    await client.create()
    await _grow(client)
    stream = exporting(client)
    await stream.read()
    assert client.server.reader.export_count == 1

    stream.cancel()
    while client.server.reader.export_count:
        await client.get()

    assert len(await exported(client)) >= 2


async def test_an_export_that_is_read_comes_whole_though_the_server_stops(client: Client) -> None:
    await client.create()
    await _grow(client)
    stream = exporting(client)
    chunks = [(await stream.read()).chunk]

    stopping = asyncio.create_task(client.server.stop())
    chunks += [response.chunk for response in await rest(stream)]

    await stopping
    header, records = header_and_records(chunks)
    assert header["last_sequence"] == len(records)
    assert client.server.reader.export_count == 0

"""Import: an exported history becomes the experiment that it was, or nothing at all."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from asha_server.config import Limits
from asha_server.hosted import Arrival
from asha_server.pb import admin_service_pb2 as a
from asha_server.pb import experiment_pb2 as x
from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import suggestion_service_pb2 as s
from asha_server.pb import trial_pb2 as t
from asha_server.reader import importing
from asha_server.search.rows import Rows
from asha_server.store.history import decode_record
from asha_server.store.reading import ReadOnlyStore
from asha_server.verify import verify_file

from .conftest import Client, Launch, halving, held, refused, rest


async def exported(client: Client, experiment_id: str = "e") -> bytes:
    """The file of an experiment."""
    request = e.ExportExperimentRequest(experiment_id=experiment_id)
    return b"".join([r.chunk for r in await rest(client.experiments.ExportExperiment(request))])


def call(client: Client, file: bytes, experiment_id: str = "", size: int = 2**18) -> Any:
    """The call of an import."""
    chunks = [file[at : at + size] for at in range(0, len(file), size)]
    requests = [e.ImportExperimentRequest(chunk=chunk) for chunk in chunks]
    requests[0].experiment_id = experiment_id
    return client.experiments.ImportExperiment(iter(requests))


async def imported(client: Client, file: bytes, experiment_id: str = "") -> x.Experiment:
    response: e.ImportExperimentResponse = await call(client, file, experiment_id)
    return response.experiment


def stored(path: Path, experiment_id: str = "e") -> Rows:
    """All rows of an experiment in a file."""
    store = ReadOnlyStore(path)
    try:
        return next(rows for _, rows in store.load() if rows.experiment.id == experiment_id)
    finally:
        store.close()


async def search(client: Client) -> None:
    """With all that can happen: not-a-number, a hand-over, given trials, failures, a change."""
    request = e.CreateExperimentRequest(experiment_id="e", request_id="created")
    request.spec.CopyFrom(halving())
    await client.experiments.CreateExperiment(request)
    await client.arrive(0.1, float("nan"), 0.3)
    promoted = await client.take("p")
    await client.report(promoted, 9, 0.05, checkpoint_uri="s3://p")
    seen = [t.MetricPoint(step=1, metrics=[t.MetricValue(name="loss", value=float("-inf"))])]
    await client.experiments.CreateTrial(
        e.CreateTrialRequest(experiment_id="e", observations=seen, joins_rungs=True)
    )
    for kind in (s.FAILURE_KIND_INFEASIBLE, s.FAILURE_KIND_RETRYABLE):
        given = await client.take(f"f{kind}")
        await client.suggestions.FailTrial(s.FailTrialRequest(**held(given), kind=kind))
    await client.take("w", incarnation_id="one")
    await client.take("w", incarnation_id="two")
    await client.update("max_trials", max_trials=11)


@pytest.fixture
async def origin(launch: Launch) -> Client:
    """A server with a search under way."""
    client = await launch("origin.db")
    await search(client)
    return client


async def experiment_count(client: Client) -> int:
    return (await client.admin.GetServerInfo(a.GetServerInfoRequest())).experiment_count


def names(folder: Path) -> set[str]:
    """The files of a folder."""
    return {path.name for path in folder.iterdir()}


async def until_forgotten(client: Client, path: Path) -> None:
    """Returns once no row of any experiment is left."""
    while client.server.engine._forgetting:
        await client.admin.GetServerInfo(a.GetServerInfoRequest())
        await client.server.engine.experiments()
    store = ReadOnlyStore(path)
    try:
        for table in ("experiment", "bracket", "trial", "attempt", "rung_entry", "event", "report"):
            (count,) = store._connection.execute(f"SELECT count(*) FROM {table}").fetchone()
            assert count == 0, table
    finally:
        store.close()


# -- what arrives is what was exported ------------------------------------------------------------


async def test_an_ended_experiment_arrives_row_by_row_as_it_was(
    origin: Client, client: Client, tmp_path: Path
) -> None:
    """Under its own name everything is the same: rows, sequences, the next export."""
    await origin.stop()
    file = await exported(origin)

    arrived = await imported(client, file)

    assert arrived == await client.get()
    assert arrived.state == x.EXPERIMENT_STATE_COMPLETED
    assert stored(tmp_path / "asha.db") == stored(tmp_path / "origin.db")
    assert await exported(client) == file
    assert verify_file(tmp_path / "asha.db").ok


async def test_a_running_search_arrives_paused_and_without_leases(
    origin: Client, client: Client, tmp_path: Path
) -> None:
    """One event more than was exported, dated by the last: the way here is no time it ran."""
    file = await exported(origin)
    *lines, last = file.splitlines()

    arrived = await imported(client, file)

    again = (await exported(client)).splitlines()
    assert again[1:-1] == [*lines[1:], last]
    pause = decode_record(again[-1])
    assert (pause.time_us, pause.event.state) == (decode_record(last).time_us, "PAUSED")  # type: ignore[union-attr]  # an ExperimentStateChanged
    assert arrived.state == x.EXPERIMENT_STATE_PAUSED
    assert not (await client.admin.ListLeases(a.ListLeasesRequest())).leases
    assert (await origin.get()).state == x.EXPERIMENT_STATE_RUNNING
    await origin.experiments.PauseExperiment(e.PauseExperimentRequest(experiment_id="e"))
    ours, theirs = stored(tmp_path / "asha.db"), stored(tmp_path / "origin.db")
    assert ours.entries == theirs.entries
    assert ours.configurations == theirs.configurations
    assert ours.trials == theirs.trials
    assert verify_file(tmp_path / "asha.db").ok


async def test_an_imported_search_goes_on_and_decides_alike(
    origin: Client, client: Client, tmp_path: Path
) -> None:
    """Both servers carry the search on from the same place, and say the same."""
    await origin.experiments.PauseExperiment(e.PauseExperimentRequest(experiment_id="e"))
    await imported(client, await exported(origin))
    told = []
    for side in (origin, client):
        await side.experiments.ResumeExperiment(e.ResumeExperimentRequest(experiment_id="e"))
        words: list[Any] = []
        for number in range(6):
            given = await side.take(f"n{number}")
            decision = await side.report(given, given.next_decision_step, 0.2 + number / 100)
            words.append((given.trial_number, given.kind, given.parameters, given.checkpoint_uri))
            words.append((decision.verdict, decision.rank, decision.cutoff, decision.sequence))
        told.append(words)

    assert told[0] == told[1]
    assert verify_file(tmp_path / "asha.db").ok


async def test_a_copy_under_another_name_lives_beside_its_origin(
    origin: Client, tmp_path: Path
) -> None:
    """It is not what the request that created the origin created."""
    await origin.stop()

    arrived = await imported(origin, await exported(origin), "copy")

    assert arrived.experiment_id == "copy"
    path = tmp_path / "origin.db"
    ours, theirs = stored(path, "copy"), stored(path)
    assert ours.experiment == theirs.experiment._replace(id="copy", request_id="")
    assert ours[1:] == theirs[1:]
    request = e.CreateExperimentRequest(experiment_id="e", request_id="created", spec=halving())
    created = await origin.experiments.CreateExperiment(request)
    assert created.experiment.experiment_id == "e"


async def test_an_imported_experiment_is_listed_watched_and_explained(
    origin: Client, client: Client
) -> None:
    await origin.stop()
    await imported(client, await exported(origin))

    listed = await client.experiments.ListExperiments(e.ListExperimentsRequest())
    assert [experiment.experiment_id for experiment in listed.experiments] == ["e"]
    for request, method in (
        (e.WatchExperimentRequest(experiment_id="e", after_sequence=0), "WatchExperiment"),
        (e.ListDecisionsRequest(experiment_id="e"), "ListDecisions"),
        (e.ListTrialsRequest(experiment_id="e"), "ListTrials"),
        (e.ListRungsRequest(experiment_id="e"), "ListRungs"),
        (e.GetBestTrialsRequest(experiment_id="e"), "GetBestTrials"),
        (e.ListCheckpointsRequest(experiment_id="e"), "ListCheckpoints"),
    ):
        answers = []
        for side in (origin, client):
            answered = getattr(side.experiments, method)(request)
            answers.append(await (rest(answered) if method.startswith("Watch") else answered))
        assert answers[0] == answers[1], method


async def test_tokens_of_the_origin_are_void_and_request_ids_know_their_answers(
    launch: Launch,
) -> None:
    """Even on the very server that gave them out: the imported experiment is another one."""
    client = await launch()
    await client.create()
    given = await client.take("w", request_id="asked")
    file = await exported(client)
    await client.experiments.DeleteExperiment(
        e.DeleteExperimentRequest(experiment_id="e", force=True)
    )

    await imported(client, file)
    await client.experiments.ResumeExperiment(e.ResumeExperimentRequest(experiment_id="e"))

    late = s.ReportMetricRequest(
        **held(given), step=1, metrics=[t.MetricValue(name="loss", value=0.5)]
    )
    assert (await refused(client.suggestions.ReportMetric(late))).reason == "LEASE_LOST"
    assert (await refused(client.ask("w", request_id="asked"))).reason == "LEASE_LOST"
    again = await client.take("w", request_id="another")
    assert (again.trial_number, again.lease.attempt) == (given.trial_number, 2)


async def test_an_import_survives_a_restart(origin: Client, launch: Launch, tmp_path: Path) -> None:
    first = await launch("other.db")
    arrived = await imported(first, await exported(origin))
    await first.server.stop()

    second = await launch("other.db")

    assert await second.get() == arrived
    assert verify_file(tmp_path / "other.db").ok


async def test_a_history_of_many_pieces_arrives_whole(client: Client, launch: Launch) -> None:
    """Some hundreds of events, chunks of seven bytes, pieces of a hundred events."""
    origin = await launch("origin.db")
    await origin.create(max_trials=120, max_concurrent_trials=120)
    for number in range(120):
        given = await origin.take(f"w{number}")
        await origin.report(given, 1, number / 100)
    await origin.stop()
    file = await exported(origin)

    await call(client, file, size=7_001)

    assert await exported(client) == file


# -- or nothing at all ----------------------------------------------------------------------------


def _without(line: int) -> Callable[[list[bytes]], list[bytes]]:
    return lambda lines: lines[: line - 1] + lines[line:]


def _replacing(old: bytes, new: bytes) -> Callable[[list[bytes]], list[bytes]]:
    return lambda lines: b"\n".join(lines).replace(old, new, 1).split(b"\n")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda lines: [b"hello"], r"line 1: no export of an experiment begins so"),
        (lambda lines: lines[1:], r"line 1: no export of an experiment begins so"),
        (
            _replacing(b'"asha_export":1', b'"asha_export":2'),
            r"line 1: the export has format 2, this program reads 1",
        ),
        (_without(7), r"line 7: event 7 stands where 6 is expected"),
        (lambda lines: lines[:9], r"line 10: the file ends before event 9 of 24 is complete"),
        (lambda lines: [*lines, lines[-1]], r"line 26: event 24 is the last one"),
        (_replacing(b'{"sequence":5,', b'{"sequence":5;'), r"line 6: this is no event"),
        (
            _replacing(b'"type":"TrialAssigned"', b'"type":"TrialLost"'),
            r"line 4: this is no event: Invalid value 'TrialLost'",
        ),
        (
            _replacing(b'"trial_number":1,', b'"trial_number":7,'),
            r"line 5: event 4 cannot follow: trials are numbered without gaps",
        ),
        (
            _replacing(b'"attempt":1,"kind"', b'"attempt":99999999999999999999,"kind"'),
            r"line \d+: .*(cannot be kept|no event)",
        ),
        (
            _replacing(b'"time_us":1', b'"time_us":9991'),
            r"line 2: event 1 cannot follow: time_us \d+ is outside the years 1970 to 9999",
        ),
        (
            _replacing(b'"max_length":9', b'"max_length":0'),
            r"line 2: event 1 cannot follow: .*max_length",
        ),
        (
            _replacing(b'"entered_count":1', b'"entered_count":2'),
            r"line \d+: .*(cannot follow|what cannot be)",
        ),
    ],
)
async def test_a_wrong_line_is_named_and_nothing_is_stored(
    origin: Client,
    client: Client,
    tmp_path: Path,
    spoil: Callable[[list[bytes]], list[bytes]],
    words: str,
) -> None:
    file = b"".join(line + b"\n" for line in spoil((await exported(origin)).splitlines()))

    refusal = await refused(call(client, file))

    assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", "INVALID_REQUEST")
    assert re.match(words, refusal.fields["chunk"]), refusal.fields
    assert await experiment_count(client) == 0
    await until_forgotten(client, tmp_path / "asha.db")
    await client.create()  # the name is free


async def test_a_name_that_is_taken_is_refused(origin: Client) -> None:
    file = await exported(origin)

    for name in ("", "e"):
        refusal = await refused(call(origin, file, name))
        assert (refusal.code, refusal.reason) == ("ALREADY_EXISTS", "EXPERIMENT_EXISTS")
    assert await experiment_count(origin) == 1


async def test_a_stream_that_is_none_is_refused(client: Client) -> None:
    for requests, field in (
        ([], "chunk"),
        ([e.ImportExperimentRequest()], "chunk"),
        ([e.ImportExperimentRequest(experiment_id="no name")], "experiment_id"),
    ):
        refusal = await refused(client.experiments.ImportExperiment(iter(requests)))
        assert (refusal.code, list(refusal.fields)) == ("INVALID_ARGUMENT", [field])


async def test_a_chunk_may_be_as_large_as_the_limit(launch: Launch, origin: Client) -> None:
    """The one that is larger ends the import though what came before it is in order."""
    file = await exported(origin)
    client = await launch(limits=Limits(chunk_bytes_max=1_000))

    refusal = await refused(call(client, file[:1_000] + file[1_000:], size=1_001))
    assert refusal.fields == {"chunk": "has 1001 bytes; at most 1000 are allowed in a message"}
    first, second = e.ImportExperimentRequest(chunk=file[:9]), e.ImportExperimentRequest()
    second.chunk = file[9:1_010]
    refusal = await refused(client.experiments.ImportExperiment(iter([first, second])))
    assert refusal.fields == {"chunk": "has 1001 bytes; at most 1000 are allowed in a message"}
    assert await experiment_count(client) == 0

    assert (await call(client, file, size=1_000)).experiment.experiment_id == "e"


async def test_more_imports_than_the_server_bears_are_told_to_come_again(
    client: Client, origin: Client
) -> None:
    file = await exported(origin)
    streams = [client.experiments.ImportExperiment() for _ in range(importing.IMPORTS_MAX)]
    for number, stream in enumerate(streams):
        await stream.write(e.ImportExperimentRequest(experiment_id=f"e{number}", chunk=file[:9]))
    while client.server.reader.importer.import_count < importing.IMPORTS_MAX:
        await client.server.engine.experiments()

    refusal = await refused(call(client, file))

    assert (refusal.code, refusal.reason) == ("RESOURCE_EXHAUSTED", "OVERLOADED")
    assert refusal.retry_after_s == 10
    for stream in streams:
        await stream.write(e.ImportExperimentRequest(chunk=file[9:]))
        await stream.done_writing()
        await stream
    assert await experiment_count(client) == importing.IMPORTS_MAX


async def test_a_server_holds_at_most_so_many_experiments_imported_ones_included(
    launch: Launch, origin: Client
) -> None:
    client = await launch(limits=Limits(experiments_max=1))
    await client.create("other")

    refusal = await refused(call(client, await exported(origin)))

    assert (refusal.code, refusal.reason) == ("RESOURCE_EXHAUSTED", "LIMIT_EXCEEDED")


# -- in the middle --------------------------------------------------------------------------------


async def begun(client: Client, file: bytes) -> Arrival:
    """Half of an import, as the engine takes it in."""
    engine = client.server.engine
    arrival = await engine.announce("e")
    records = [decode_record(line) for line in file.splitlines()[1:]]
    await engine.take_in(arrival, records[:5])
    await engine.take_in(arrival, records[5:15])
    return arrival


async def test_what_arrives_is_hidden_and_its_name_is_taken(client: Client, origin: Client) -> None:
    file = await exported(origin)
    arrival = await begun(client, file)

    assert await experiment_count(client) == 0
    unknown = e.GetExperimentRequest(experiment_id="e")
    assert (await refused(client.experiments.GetExperiment(unknown))).code == "NOT_FOUND"
    taken = await refused(client.create())
    assert taken.reason == "EXPERIMENT_EXISTS"

    client.server.engine.give_up(arrival)
    assert (await client.create()).sequence == 1


async def test_a_server_that_ends_in_the_middle_of_an_import_forgets_it(
    launch: Launch, origin: Client, tmp_path: Path
) -> None:
    first = await launch("half.db")
    await begun(first, await exported(origin))
    await first.server.stop()
    store = ReadOnlyStore(tmp_path / "half.db")
    assert [*store.load()] == []
    store.close()

    second = await launch("half.db")

    assert second.server.engine._forgetting == [1]
    assert await experiment_count(second) == 0
    await until_forgotten(second, tmp_path / "half.db")
    await second.create()
    assert verify_file(tmp_path / "half.db").ok


async def test_a_client_that_goes_away_leaves_nothing(
    client: Client, origin: Client, tmp_path: Path
) -> None:
    file = await exported(origin)
    stream = client.experiments.ImportExperiment()
    await stream.write(e.ImportExperimentRequest(chunk=file[:-9]))
    while not client.server.engine._roster._reserved:
        await client.server.engine.experiments()

    stream.cancel()
    while client.server.reader.importer.import_count:
        await client.server.engine.experiments()

    await until_forgotten(client, tmp_path / "asha.db")
    assert (await imported(client, file)).experiment_id == "e"


async def test_a_server_stops_though_somebody_imports(launch: Launch, origin: Client) -> None:
    client = await launch("stopped.db")
    stream = client.experiments.ImportExperiment()
    await stream.write(e.ImportExperimentRequest(chunk=(await exported(origin))[:-9]))
    while not client.server.engine._roster._reserved:
        await client.server.engine.experiments()
    stream.cancel()

    await client.server.stop()

    assert client.server.reader.importer.import_count == 0


async def test_a_killed_intake_leaves_no_file_and_is_to_be_tried_again(
    client: Client, origin: Client, tmp_path: Path
) -> None:
    file = await exported(origin)
    there = names(tmp_path)
    stream = client.experiments.ImportExperiment()
    await stream.write(e.ImportExperimentRequest(chunk=file[:-9]))
    while not any("import-" in name for name in names(tmp_path)):
        await client.server.engine.experiments()
    (process,) = client.server.reader.importer._processes

    process.kill()
    refusal = await refused(stream)

    assert (refusal.code, refusal.reason) == ("RESOURCE_EXHAUSTED", "OVERLOADED")
    assert names(tmp_path) == there
    assert await experiment_count(client) == 0


async def test_what_a_machine_that_went_down_left_of_an_import_is_removed(
    launch: Launch, tmp_path: Path
) -> None:
    left = tmp_path / ".asha.db.import-0a1b2c3d"
    left.mkdir()
    (left / "scratch.db").write_bytes(b"half")

    await launch()

    assert not left.exists()


async def test_others_are_answered_while_a_long_history_arrives(
    launch: Launch, client: Client
) -> None:
    """Between two of its pieces everybody has a turn."""
    origin = await launch("origin.db")
    await origin.create()
    given = await origin.take()

    async def report(number: int) -> None:
        await origin.report(given, 0, metrics=[t.MetricValue(name=f"m{number}", value=1)])

    for first in range(0, 3_000, 100):
        await asyncio.gather(*(report(number) for number in range(first, first + 100)))
    file = await exported(origin)
    await client.create("other")

    importing_it = asyncio.create_task(imported(client, file))
    turns = 0
    while not importing_it.done():
        await client.get("other")
        turns += set(client.server.engine._roster._reserved) == {"e"}

    assert (await importing_it).sequence == 3_003 + 1
    assert turns > 3_000 / 100  # at least one between each two pieces

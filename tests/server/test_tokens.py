"""Access tokens: made, listed, revoked, demanded."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from asha_server.pb import admin_service_pb2 as a
from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import suggestion_service_pb2 as s
from asha_server.pb.error_pb2 import ERROR_REASON_SCOPE_MISSING
from asha_server.tokens import REMEMBERED_MAX

from .conftest import Client, Launch, held, refused


async def revoke(client: Client, name: str) -> a.Token:
    return (await client.admin.RevokeToken(a.RevokeTokenRequest(name=name))).token


async def listed(client: Client) -> list[str]:
    tokens = (await client.admin.ListTokens(a.ListTokensRequest())).tokens
    return [token.name for token in tokens]


async def test_the_first_start_writes_a_token_for_everything(
    launch: Launch, tmp_path: Path
) -> None:
    client = await launch(auth="tokens")
    file = tmp_path / "asha.db.admin-token"

    admin = client.bearing(file.read_text().strip())

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    (token,) = (await admin.admin.ListTokens(a.ListTokensRequest())).tokens
    assert (token.name, token.role, list(token.experiment_patterns)) == ("admin", a.ROLE_ADMIN, [])
    assert (await admin.create()).experiment_id == "e"


async def test_the_next_start_writes_no_other(
    locked: Client, launch: Launch, tmp_path: Path
) -> None:
    written = (tmp_path / "asha.db.admin-token").read_text()
    await locked.server.stop()

    again = await launch(auth="tokens")

    assert (tmp_path / "asha.db.admin-token").read_text() == written
    assert await listed(again.bearing(written.strip())) == ["admin"]


async def test_a_server_whose_administrators_are_all_revoked_makes_another(
    locked: Client, launch: Launch, tmp_path: Path
) -> None:
    await locked.create_token("of-a-team", a.ROLE_ADMIN, "team-*")
    await revoke(locked, "admin")
    await locked.server.stop()

    again = await launch(auth="tokens")

    secret = (tmp_path / "asha.db.admin-token").read_text().strip()
    assert await listed(again.bearing(secret)) == ["admin", "admin-2", "of-a-team"]


async def test_a_secret_is_nowhere_but_in_its_answer(
    locked: Client, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = await locked.create_token("worker", a.ROLE_WORKER)
    await locked.bearing(secret).experiments.ListExperiments(e.ListExperimentsRequest())
    admin = (tmp_path / "asha.db.admin-token").read_text().strip()

    await locked.server.stop()

    assert secret.startswith("asha_")
    assert len(secret) == len("asha_") + 43  # 256 bits in base64
    for needle in (secret, admin):
        assert needle.encode() not in (tmp_path / "asha.db").read_bytes()
        assert not [r for r in caplog.records if needle in str(r.__dict__)]
    with sqlite3.connect(tmp_path / "asha.db") as connection:
        assert len(connection.execute("SELECT digest FROM token").fetchall()) == 2


async def test_a_call_without_a_token_is_refused(locked: Client) -> None:
    nobody = locked.plain

    refusal = await refused(nobody.get())

    assert (refusal.code, refusal.reason) == ("UNAUTHENTICATED", "TOKEN_MISSING")
    assert "ASHA_TOKEN" in refusal.message


@pytest.mark.parametrize("header", ["", "Basic YTpi", "Bearer", "Bearer ", "bearer asha_x"])
async def test_a_header_that_is_no_token_of_this_server_is_refused(
    locked: Client, header: str
) -> None:
    call = locked.plain.admin.GetServerInfo(
        a.GetServerInfoRequest(), metadata=(("authorization", header),)
    )

    refusal = await refused(call)

    assert (refusal.code, refusal.reason) == ("UNAUTHENTICATED", "TOKEN_INVALID")


async def test_a_token_survives_a_restart_and_so_does_its_end(
    locked: Client, launch: Launch
) -> None:
    kept = await locked.create_token("kept", a.ROLE_READ)
    gone = await locked.create_token("gone", a.ROLE_READ)
    assert (await revoke(locked, "gone")).HasField("revoke_time")
    await locked.server.stop()

    again = await launch(auth="tokens")

    assert (await refused(again.bearing(kept).get())).reason == "EXPERIMENT_NOT_FOUND"
    assert (await refused(again.bearing(gone).get())).reason == "TOKEN_INVALID"


async def test_a_revoked_token_is_refused_at_once_though_it_was_just_used(locked: Client) -> None:
    reader = locked.bearing(await locked.create_token("r", a.ROLE_READ))
    await locked.create()
    assert (await reader.get()).experiment_id == "e"

    first, second = await revoke(locked, "r"), await revoke(locked, "r")

    assert first == second
    assert (await refused(reader.get())).reason == "TOKEN_INVALID"


async def test_an_expired_token_is_refused_though_it_was_just_used(locked: Client) -> None:
    request = a.CreateTokenRequest(name="short", role=a.ROLE_READ)
    request.expire_time.FromNanoseconds(time.time_ns() + 400_000_000)
    reader = locked.bearing((await locked.admin.CreateToken(request)).secret)
    await reader.admin.GetServerInfo(a.GetServerInfoRequest())

    await asyncio.sleep(request.expire_time.ToNanoseconds() / 1e9 - time.time() + 0.01)

    assert (await refused(reader.get())).reason == "TOKEN_INVALID"


async def test_a_long_poll_and_a_watch_end_with_their_token(locked: Client) -> None:
    """What happens after the end of a token is not shown to its bearer."""
    await locked.create(max_concurrent_trials=1)
    await locked.take("other")
    worker = locked.bearing(await locked.create_token("w", a.ROLE_WORKER))
    waiting = asyncio.create_task(worker.ask("x", max_wait={"seconds": 30}))
    watch = worker.experiments.WatchExperiment(e.WatchExperimentRequest(experiment_id="e"))
    await locked.until_waiting(1)
    while not (await locked.admin.GetServerInfo(a.GetServerInfoRequest())).open_watch_count:
        pass  # each look is a call of its own

    await revoke(locked, "w")
    await locked.stop()

    assert (await refused(waiting)).reason == "TOKEN_INVALID"
    assert (await refused(watch.read())).reason == "TOKEN_INVALID"


async def test_a_session_is_refused_request_by_request(locked: Client) -> None:
    await locked.create("mine")
    await locked.create("other")
    theirs = await locked.take(experiment_id="other")
    worker = locked.bearing(await locked.create_token("w", a.ROLE_WORKER, "mine"))
    session = worker.suggestions.TrainingSession()

    async def say(number: int, **request: Any) -> s.TrainingSessionResponse:
        await session.write(s.TrainingSessionRequest(request_number=number, **request))
        response: Any = await session.read()
        return response  # type: ignore[no-any-return]  # of a stream without end

    asked = s.GetSuggestionRequest(experiment_id="other", worker_id="w")
    report = s.ReportMetricRequest(**held(theirs), step=1)
    denied = await say(1, get_suggestion=asked)
    reported = await say(2, report_metrics=s.ReportMetricsRequest(reports=[report]))
    beat = await say(3, heartbeat=s.HeartbeatRequest(**held(theirs)))
    asked.experiment_id = "mine"
    given = await say(4, get_suggestion=asked)

    (result,) = reported.report_metrics.results
    reasons = {denied.error.reason, result.error.reason, beat.error.reason}
    assert reasons == {ERROR_REASON_SCOPE_MISSING}
    assert given.get_suggestion.HasField("assignment")
    await revoke(locked, "w")
    await session.write(s.TrainingSessionRequest(request_number=5, get_suggestion=asked))
    assert (await refused(session.read())).reason == "TOKEN_INVALID"


async def test_a_token_for_some_experiments_sees_no_other(locked: Client) -> None:
    for name in ("a-1", "b-1", "a-2"):
        await locked.create(name)
        await locked.take(experiment_id=name)
    team = locked.bearing(await locked.create_token("team-a", a.ROLE_ADMIN, "a-*"))

    experiments = (await team.experiments.ListExperiments(e.ListExperimentsRequest())).experiments
    leases = (await team.admin.ListLeases(a.ListLeasesRequest())).leases
    theirs, missing = await refused(team.get("b-1")), await refused(team.get("b-2"))

    assert [one.experiment_id for one in experiments] == ["a-2", "a-1"]
    assert [lease.experiment_id for lease in leases] == ["a-1", "a-2"]
    assert (theirs.code, theirs.reason) == ("PERMISSION_DENIED", "SCOPE_MISSING")
    assert theirs.message.replace("b-1", "b-2") == missing.message, "tells whether there is one"
    for call in (
        team.create("b-3"),
        team.create(""),  # whose name nobody knows beforehand
        team.admin.ListLeases(a.ListLeasesRequest(experiment_id="b-1")),
        team.create_token("x", a.ROLE_READ, "a-*"),
        team.admin.ListTokens(a.ListTokensRequest()),
        team.admin.RevokeToken(a.RevokeTokenRequest(name="admin")),
    ):
        assert (await refused(call)).reason == "SCOPE_MISSING"
    assert (await team.create("a-3")).experiment_id == "a-3"


async def test_pages_of_a_list_leave_out_what_a_token_does_not_cover(locked: Client) -> None:
    for number in range(6):
        await locked.create(f"{'ab'[number % 2]}-{number}")
    team = locked.bearing(await locked.create_token("team-a", a.ROLE_READ, "a-*"))
    seen, token, pages = [], "", 0

    while token or not pages:
        request = e.ListExperimentsRequest(page_size=1, page_token=token)
        page = await team.experiments.ListExperiments(request)
        seen += [one.experiment_id for one in page.experiments]
        token, pages = page.next_page_token, pages + 1

    assert seen == ["a-4", "a-2", "a-0"]


async def test_an_import_arrives_only_under_a_name_that_its_token_covers(locked: Client) -> None:
    await locked.create("a-1")
    team = locked.bearing(await locked.create_token("team-a", a.ROLE_ADMIN, "a-*"))
    stream = team.experiments.ExportExperiment(e.ExportExperimentRequest(experiment_id="a-1"))
    chunks = [response.chunk async for response in stream]

    def requests(name: str) -> list[e.ImportExperimentRequest]:
        return [e.ImportExperimentRequest(experiment_id=name, chunk=chunk) for chunk in chunks]

    denied = await refused(team.experiments.ImportExperiment(iter(requests("b-1"))))
    response = await team.experiments.ImportExperiment(iter(requests("a-2")))

    assert denied.reason == "SCOPE_MISSING"
    assert response.experiment.experiment_id == "a-2"


async def test_a_request_id_of_another_experiment_does_not_tell_its_name(locked: Client) -> None:
    spec = (await locked.create("secret-project")).spec
    made = e.CreateExperimentRequest(experiment_id="b-hidden", spec=spec, request_id="guessed")
    await locked.experiments.CreateExperiment(made)
    team = locked.bearing(await locked.create_token("team-a", a.ROLE_ADMIN, "a-*"))
    made.experiment_id = "a-1"

    refusal = await refused(team.experiments.CreateExperiment(made))

    assert refusal.reason == "REQUEST_ID_REUSED"
    assert "hidden" not in f"{refusal.message} {refusal.metadata}"


async def test_a_worker_name_belongs_to_the_token_that_first_used_it(
    locked: Client, launch: Launch
) -> None:
    await locked.create()
    await locked.create("f")
    secrets = [await locked.create_token(name, a.ROLE_WORKER) for name in ("one", "two")]
    one, two = (locked.bearing(secret) for secret in secrets)
    await one.take("w")

    theirs = await refused(two.ask("w"))
    await two.take("w", experiment_id="f")  # names are an experiment's

    assert (theirs.code, theirs.reason) == ("PERMISSION_DENIED", "SCOPE_MISSING")
    assert theirs.metadata["worker_id"] == "w"
    await locked.server.stop()
    again = await launch(auth="tokens")
    assert (await refused(again.bearing(secrets[1]).ask("w"))).reason == "SCOPE_MISSING"
    assert (await again.bearing(secrets[0]).ask("w")).HasField("assignment")


async def test_tokens_are_listed_by_name_in_pages(locked: Client) -> None:
    for name in ("c", "a/b", "x" * 128):
        await locked.create_token(name, a.ROLE_READ, "one", "t*")
    found: list[a.Token] = []
    token = ""

    while token or not found:
        request = a.ListTokensRequest(page_size=1, page_token=token)
        page = await locked.admin.ListTokens(request)
        found += page.tokens
        token = page.next_page_token

    assert [one.name for one in found] == ["a/b", "admin", "c", "x" * 128]
    assert list(found[0].experiment_patterns) == ["one", "t*"]
    assert (found[0].role, found[0].HasField("expire_time")) == (a.ROLE_READ, False)
    assert abs(found[0].create_time.ToSeconds() - time.time()) < 60


async def test_what_is_wrong_with_a_token_is_told_at_once(client: Client) -> None:
    wrong = ["", "ü", "a" * 129, "ok"]
    request = a.CreateTokenRequest(name="-x", role=9, experiment_patterns=wrong)  # type: ignore[arg-type]  # no role
    request.expire_time.FromSeconds(1)

    refusal = await refused(client.admin.CreateToken(request))

    assert set(refusal.fields) == {
        "name",
        "role",
        "experiment_patterns[0]",
        "experiment_patterns[1]",
        "experiment_patterns[2]",
        "expire_time",
    }
    many = a.CreateTokenRequest(name="x", experiment_patterns=["a"] * 21)
    refusal = await refused(client.admin.CreateToken(many))
    assert set(refusal.fields) == {"role", "experiment_patterns"}
    for asked in (a.ListTokensRequest(page_size=1001), a.ListTokensRequest(page_token="x")):
        assert (await refused(client.admin.ListTokens(asked))).code == "INVALID_ARGUMENT"
    assert (await refused(revoke(client, "x"))).reason == "TOKEN_NOT_FOUND"


async def test_a_name_is_used_once(client: Client) -> None:
    await client.create_token("x", a.ROLE_READ)
    await revoke(client, "x")

    refusal = await refused(client.create_token("x", a.ROLE_READ))

    assert (refusal.code, refusal.reason) == ("ALREADY_EXISTS", "TOKEN_EXISTS")


async def test_wrong_tokens_take_no_memory(locked: Client) -> None:
    assert REMEMBERED_MAX > 100
    before = len(locked.server.tokens._by_header)

    for number in range(20):
        await refused(locked.bearing(f"asha_{number}").get())

    assert len(locked.server.tokens._by_header) == before

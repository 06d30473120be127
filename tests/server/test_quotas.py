"""What one identity may take: each limit at it and over it, by calls and over sessions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from asha_server.accounts import (
    ACCOUNTS_MAX,
    TURN_MAX_NS,
    Accounts,
    Kind,
    Rate,
    address_of,
)
from asha_server.config import IdentityLimits, Limits
from asha_server.identity import ANYONE
from asha_server.pb import admin_service_pb2 as a
from asha_server.pb import error_pb2
from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import suggestion_service_pb2 as s
from asha_server.pb import trial_pb2 as t

from .conftest import Client, Launch, Refused, halving, held, refused, rest
from .test_session import LONG, Stream, report, reports

SECOND_NS = 10**9
QUOTA = error_pb2.ERROR_REASON_QUOTA_EXCEEDED


class Time:
    """What stands still until the test moves it."""

    def __init__(self) -> None:
        self.now_ns = 10**15

    def __call__(self) -> int:
        return self.now_ns

    def pass_s(self, seconds: float) -> None:
        self.now_ns += round(seconds * SECOND_NS)


@pytest.fixture
def time() -> Time:
    return Time()


async def limited(launch: Launch, time: Time | None = None, **limits: int) -> Client:
    """A client of a server that limits each identity, by the test's time."""
    client = await launch(limits=Limits(**limits))
    if time is not None:
        client.server.accounts.now_ns = time
    return client


def check(refusal: Refused, limit: str, most: int, identity: str = "127.0.0.1") -> None:
    """It is refused for this limit and says so."""
    assert (refusal.code, refusal.reason) == ("RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"), refusal
    assert refusal.metadata["limit"] == limit
    assert refusal.metadata["most"] == str(most)
    assert refusal.metadata["identity"] == identity
    assert str(most) in refusal.message
    assert identity in refusal.message


# -- rates ----------------------------------------------------------------------------------------


async def test_requests_of_a_second_come_at_once_and_then_one_by_one(
    launch: Launch, time: Time
) -> None:
    client = await limited(launch, time, identity_requests_per_s=5)
    await client.create()  # one
    for _ in range(4):
        await client.get()

    refusal = await refused(client.get())

    check(refusal, "identity_requests_per_s", 5)
    assert refusal.metadata["kind"] == "address"
    assert refusal.retry_after_s == 0.2
    time.pass_s(0.1)
    assert (await refused(client.get())).retry_after_s == 0.3, "after the one before"
    time.pass_s(0.1)
    await client.get()
    await refused(client.get())
    time.pass_s(3)
    for _ in range(5):
        await client.get()
    await refused(client.get())


async def test_requests_of_a_session_count(launch: Launch, time: Time) -> None:
    """The stream itself is one."""
    client = await limited(launch, time, identity_requests_per_s=4)
    await client.create()
    stream = Stream(client)
    given = await stream.take()
    beat = s.HeartbeatRequest(**held(given))
    assert (await stream.ask(heartbeat=beat)).HasField("heartbeat")

    over = (await stream.ask(heartbeat=beat)).error

    assert (over.reason, over.metadata["limit"]) == (QUOTA, "identity_requests_per_s")
    assert over.retry_delay.ToMilliseconds() == 250
    time.pass_s(0.25)
    assert (await stream.ask(heartbeat=beat)).HasField("heartbeat"), "the session is still open"
    stream.call.cancel()


async def test_reports_have_a_rate_of_their_own(launch: Launch, time: Time) -> None:
    client = await limited(launch, time, identity_reports_per_s=2)
    await client.create()
    given = await client.take()
    await client.report(given, 0, 0.5)
    await client.report(given, 0, 0.5)

    refusal = await refused(client.report(given, 0, 0.5))

    check(refusal, "identity_reports_per_s", 2)
    assert refusal.retry_after_s == 0.5
    await client.suggestions.Heartbeat(s.HeartbeatRequest(**held(given)))
    time.pass_s(0.5)
    await client.report(given, 0, 0.5)


async def test_reports_of_one_message_may_be_over_the_rate_and_are_paid_for(
    launch: Launch, time: Time
) -> None:
    """No message is too large to be ever let through; five reports at two a second take 2.5 s."""
    client = await limited(launch, time, identity_reports_per_s=2)
    await client.create()
    stream = Stream(client)
    given = await stream.take()
    five = reports(*[report(given, 0, 0.5)] * 5)

    answer = await stream.ask(report_metrics=five)
    over = (await stream.ask(report_metrics=reports(report(given, 0, 0.5)))).error

    assert all(result.HasField("response") for result in answer.report_metrics.results)
    assert (over.reason, over.metadata["limit"]) == (QUOTA, "identity_reports_per_s")
    assert over.retry_delay.ToMilliseconds() == 2_000
    time.pass_s(1.9)
    assert (await stream.ask(report_metrics=five)).error.reason == QUOTA
    time.pass_s(0.1)
    assert (await stream.ask(report_metrics=five)).HasField("report_metrics")
    stream.call.cancel()


def test_whoever_waits_as_told_is_let_through_in_turn() -> None:
    """Fifty callers at once, ten a second: each is refused once, and then comes in its turn."""
    rate, now_ns = Rate(10), 10**15
    waits_ns: list[int] = []
    for _ in range(50):
        if rate.wait_ns(now_ns):
            waits_ns.append(rate.turn_ns(now_ns, 1))
        else:
            rate.take(now_ns, 1)

    assert len(waits_ns) == 40
    for wait_ns in sorted(waits_ns):
        assert rate.wait_ns(now_ns + wait_ns) == 0
        rate.take(now_ns + wait_ns, 1)
    assert max(waits_ns) == 4 * SECOND_NS


def test_nobody_is_sent_away_for_ever_by_those_who_do_not_wait() -> None:
    rate = Rate(1)
    rate.take(0, 1)

    told_ns = [rate.turn_ns(0, 1) for _ in range(10_000)]

    assert told_ns[0] == SECOND_NS
    assert max(told_ns) == TURN_MAX_NS


def test_a_rate_is_kept_in_the_long_run() -> None:
    """Whoever asks a thousand times a second gets seven a second, and seven more at the start."""
    rate, taken = Rate(7), 0

    for now_ns in range(0, 100 * SECOND_NS, SECOND_NS // 1_000):
        if not rate.wait_ns(now_ns):
            rate.take(now_ns, 1)
            taken += 1

    assert taken == 7 * 100 + 6  # six at once beyond the steady ones, the first of which is at 0


# -- what is open at one time ---------------------------------------------------------------------


async def test_so_many_calls_of_an_identity_are_in_flight(launch: Launch) -> None:
    """An open watch is one; a session is none, a request of it is."""
    client = await limited(launch, identity_calls_max=2)
    await client.create()
    stream = Stream(client)
    given = await stream.take()
    watching = [await _watching(client), await _watching(client)]

    refusal = await refused(client.get())
    over = (await stream.ask(heartbeat=s.HeartbeatRequest(**held(given)))).error

    check(refusal, "identity_calls_max", 2)
    assert refusal.retry_after_s == 1
    assert (over.reason, over.metadata["limit"]) == (QUOTA, "identity_calls_max")
    assert over.retry_delay.ToSeconds() == 1
    watching[0].cancel()
    await _until_accepted(client)
    assert (await stream.ask(heartbeat=s.HeartbeatRequest(**held(given)))).HasField("heartbeat")
    await refused(_read(await _watching(client), client))
    for call in (watching[1], stream.call):
        call.cancel()


async def _watching(client: Client) -> Any:
    """A watch that has shown its first event."""
    request = e.WatchExperimentRequest(experiment_id="e", after_sequence=0)
    watch = client.experiments.WatchExperiment(request)
    assert await watch.read()
    return watch


async def _read(watch: Any, client: Client) -> None:
    """With the watch open there are two in flight: one more call is refused."""
    try:
        await client.get()
    finally:
        watch.cancel()


async def _until_accepted(client: Client) -> None:
    """Calls until the server has noticed that another call was cancelled."""
    async with asyncio.timeout(20):
        while True:
            (ended,) = await asyncio.gather(client.get(), return_exceptions=True)
            if not isinstance(ended, grpc.aio.AioRpcError):
                return
            assert Refused(ended).reason == "QUOTA_EXCEEDED"


async def test_so_many_long_polls_of_an_identity_are_held(launch: Launch) -> None:
    """Those of sessions count as well; a question that does not wait is none."""
    client = await limited(launch, identity_waiting_calls_max=2)
    await client.create(max_concurrent_trials=1)
    given = await client.take()
    stream = Stream(client)
    polls = [asyncio.create_task(client.ask("x", max_wait=LONG))]
    await client.until_waiting(1)
    ask = s.GetSuggestionRequest(experiment_id="e", worker_id="z", max_wait=LONG)
    await stream.say(get_suggestion=ask)
    await client.until_waiting(2)

    verdict = s.ShouldStopRequest(**held(given), max_wait=LONG)
    for call in (client.ask("y", max_wait=LONG), client.suggestions.ShouldStop(verdict)):
        refusal = await refused(call)
        check(refusal, "identity_waiting_calls_max", 2)
        assert refusal.retry_after_s == 1
    over = (await stream.ask(get_suggestion=ask)).error
    assert (over.reason, over.metadata["limit"]) == (QUOTA, "identity_waiting_calls_max")

    assert (await client.ask("y")).HasField("wait")
    await client.stop()
    assert (await polls[0]).HasField("finished")
    assert (await stream.hear()).get_suggestion.HasField("finished")
    stream.call.cancel()


async def test_a_trial_that_cannot_be_followed_is_trained_all_the_same(launch: Launch) -> None:
    """A session waits once for each trial; without a place its decisions come with its answers."""
    client = await limited(launch, identity_waiting_calls_max=1)
    await client.create()
    stream = Stream(client)
    first, second = await stream.take("w0"), await stream.take("w1")

    answer = await stream.ask(report_metrics=reports(report(first, 1, 0.5), report(second, 1, 0.6)))

    decisions = [result.response.decision for result in answer.report_metrics.results]
    assert [decision.verdict for decision in decisions] == [t.VERDICT_PAUSE, t.VERDICT_PAUSE]
    stream.call.cancel()


async def test_so_many_sessions_of_an_identity_are_open(launch: Launch) -> None:
    client = await limited(launch, identity_sessions_max=1)
    await client.create()
    first, second = Stream(client), Stream(client)
    await first.take()

    refusal = await refused(second.call.read())

    check(refusal, "identity_sessions_max", 1)
    assert refusal.retry_after_s == 1
    first.call.cancel()
    while (await client.admin.GetServerInfo(a.GetServerInfoRequest())).open_session_count:
        pass  # until the server has noticed
    third = Stream(client)
    await third.take()
    third.call.cancel()


# -- what stays -----------------------------------------------------------------------------------


async def test_so_many_experiments_are_of_an_identity(launch: Launch) -> None:
    """Ended ones count until they are deleted; a repeated creation is no other one."""
    client = await limited(launch, identity_experiments_max=2)
    again = e.CreateExperimentRequest(experiment_id="one", spec=halving(), request_id="r")
    await client.experiments.CreateExperiment(again)
    await client.create("two")
    request = e.StopExperimentRequest(experiment_id="two")
    await client.experiments.StopExperiment(request)

    refusal = await refused(client.create("three"))

    check(refusal, "identity_experiments_max", 2)
    assert refusal.retry_after_s is None, "the same call again would not do better"
    await client.experiments.CreateExperiment(again)
    exported = await _exported(client, "two")
    check(await refused(_import(client, "three", exported)), "identity_experiments_max", 2)
    await _delete(client, "two")
    await _import(client, "three", exported)
    await refused(client.create("four"))


async def test_whose_an_experiment_is_outlasts_a_restart(launch: Launch) -> None:
    client = await limited(launch, identity_experiments_max=1)
    await client.create("one")
    await client.server.stop()

    again = await limited(launch, identity_experiments_max=1)

    check(await refused(again.create("two")), "identity_experiments_max", 1)
    await _delete(again, "one")
    await again.create("two")


async def test_experiments_of_an_identity_come_to_so_many_trials(launch: Launch) -> None:
    """Nine here, nine there; what is ended counts what it has."""
    client = await limited(launch, identity_trials_max=20)
    await client.create("e")
    await client.create("two")

    refusal = await refused(client.create("three", max_trials=3))

    check(refusal, "identity_trials_max", 20)
    assert "21" in refusal.message
    assert refusal.retry_after_s is None
    await client.create("three", max_trials=2)
    check(await refused(client.update("max_trials", max_trials=10)), "identity_trials_max", 20)
    seen = e.CreateTrialRequest(
        experiment_id="e",
        observations=[t.MetricPoint(step=1, metrics=[t.MetricValue(name="loss", value=1)])],
    )
    refusal = await refused(client.experiments.CreateTrial(seen))
    check(refusal, "identity_trials_max", 20)
    await client.experiments.StopExperiment(e.StopExperimentRequest(experiment_id="two"))
    await client.update("max_trials", max_trials=17)  # 17, none, 2
    await client.experiments.CreateTrial(seen)
    await refused(client.experiments.CreateTrial(seen))


async def test_an_import_is_held_against_the_trials(launch: Launch) -> None:
    client = await limited(launch, identity_trials_max=17)
    await client.create()
    exported = await _exported(client, "e")

    refusal = await refused(_import(client, "copy", exported))

    check(refusal, "identity_trials_max", 17)
    gone = await refused(client.get("copy"))
    assert gone.reason == "EXPERIMENT_NOT_FOUND"
    await client.create("copy", max_trials=8)


async def _exported(client: Client, experiment_id: str) -> list[bytes]:
    request = e.ExportExperimentRequest(experiment_id=experiment_id)
    return [answer.chunk for answer in await rest(client.experiments.ExportExperiment(request))]


async def _import(client: Client, experiment_id: str, chunks: list[bytes]) -> None:
    async def requests() -> AsyncIterator[e.ImportExperimentRequest]:
        for chunk in chunks:
            yield e.ImportExperimentRequest(experiment_id=experiment_id, chunk=chunk)

    await client.experiments.ImportExperiment(requests())


async def _delete(client: Client, experiment_id: str) -> None:
    request = e.DeleteExperimentRequest(experiment_id=experiment_id, force=True)
    await client.experiments.DeleteExperiment(request)


# -- whose it is ----------------------------------------------------------------------------------


async def test_each_token_has_an_account(launch: Launch, time: Time, admin_of: Any) -> None:
    """A token's own limits go before the server's; what it does not name is the server's."""
    client = await launch(
        auth="tokens", limits=Limits(identity_requests_per_s=2, identity_sessions_max=9)
    )
    client.server.accounts.now_ns = time
    admin = admin_of(client)
    request = a.CreateTokenRequest(
        name="noisy", role=a.ROLE_WORKER, limits=a.IdentityLimits(requests_per_second=1)
    )
    made = await admin.admin.CreateToken(request)
    noisy = admin.bearing(made.secret)
    other = admin.bearing(await admin.create_token("other", a.ROLE_READ))

    shown = (await noisy.admin.GetServerInfo(a.GetServerInfoRequest())).identity_limits
    refusal = await refused(noisy.get())

    assert made.token.limits == request.limits
    assert (shown.requests_per_second, shown.max_open_sessions) == (1, 9)
    check(refusal, "identity_requests_per_s", 1, "noisy")
    assert refusal.metadata["kind"] == "token"
    assert refusal.retry_after_s == 1
    assert (await refused(other.get())).reason == "EXPERIMENT_NOT_FOUND"
    assert client.server.accounts.refusals == {("requests_per_s", "token"): 1}


async def test_limits_of_a_token_outlast_a_restart(launch: Launch, admin_of: Any) -> None:
    client = await launch(auth="tokens")
    admin = admin_of(client)
    limits = a.IdentityLimits(requests_per_second=0, max_calls=7)
    request = a.CreateTokenRequest(name="t", role=a.ROLE_READ, limits=limits)
    secret = (await admin.admin.CreateToken(request)).secret
    await client.server.stop()

    again = await launch(auth="tokens", limits=Limits(identity_requests_per_s=1))

    bearer = admin_of(again).bearing(secret)
    shown = await bearer.admin.GetServerInfo(a.GetServerInfoRequest())
    assert shown.identity_limits.max_calls == 7
    await bearer.admin.GetServerInfo(a.GetServerInfoRequest())  # any number


@pytest.fixture
def admin_of(tmp_path: Any) -> Any:
    """The first administrator of a server that wants tokens."""
    file = tmp_path / "asha.db.admin-token"
    return lambda client: client.bearing(file.read_text().strip())


@pytest.mark.parametrize("value", [-1, 2**53])
async def test_a_limit_of_a_token_that_is_none_is_refused(locked: Client, value: int) -> None:
    limits = a.IdentityLimits(max_calls=value, max_trials=2**53 - 1)
    request = a.CreateTokenRequest(name="t", role=a.ROLE_READ, limits=limits)

    refusal = await refused(locked.admin.CreateToken(request))

    assert list(refusal.fields) == ["limits.max_calls"]


async def test_without_limits_nobody_is_refused_or_counted(client: Client) -> None:
    await client.create()
    shown = (await client.admin.GetServerInfo(a.GetServerInfoRequest())).identity_limits

    assert all(value == 0 for _, value in shown.ListFields())
    assert client.server.accounts.refusals == {}


async def test_an_unreadable_request_is_charged(launch: Launch, time: Time) -> None:
    client = await limited(launch, time, identity_requests_per_s=1)
    call: Any = client.channel.unary_unary("/asha.v1.ExperimentService/GetExperiment", None, None)

    assert (await refused(call(b"\xff"))).reason == "INVALID_REQUEST"
    assert (await refused(call(b"\xff"))).reason == "QUOTA_EXCEEDED"


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("ipv4:10.1.2.3:50051", "10.1.2.3"),
        ("ipv6:%5B2001:db8:1:2:3::4%5D:50051", "2001:db8:1:2::/64"),
        ("ipv6:[2001:db8:1:2:ffff::]:1", "2001:db8:1:2::/64"),
        ("ipv6:%5Bfe80::1%25eth0%5D:1", "fe80::/64"),
        ("ipv6:%5B::ffff:10.1.2.3%5D:1", "10.1.2.3"),
        ("unix:", ""),
        ("unix:/run/asha", ""),
    ],
)
def test_an_address_is_an_identity_without_its_port(peer: str, address: str) -> None:
    assert address_of(peer) == address


class From:
    """The context of a call from an address."""

    def __init__(self, peer: str) -> None:
        self._peer = peer

    def peer(self) -> str:
        return self._peer

    def auth_context(self) -> dict[str, list[bytes]]:
        return {"x509_common_name": [b"machine"]} if self._peer == "certified" else {}


def test_connections_of_an_address_share_an_account() -> None:
    accounts = Accounts(IdentityLimits(calls_max=1))

    first, second = (accounts.of(ANYONE, From(f"ipv4:10.0.0.1:{port}")) for port in (1, 2))

    assert first is second
    assert first.key == "address:10.0.0.1"
    assert accounts.of(ANYONE, From("ipv4:10.0.0.2:1")) is not first
    assert accounts.of(ANYONE, From("unix:")).key == "anonymous"


def test_a_certificate_is_an_identity_without_tokens() -> None:
    accounts = Accounts(IdentityLimits(), has_certificates=True)

    assert accounts.of(ANYONE, From("certified")).key == f"{Kind.CERTIFICATE}:machine"


def test_addresses_are_told_apart_up_to_a_number() -> None:
    """Those that hold something are kept; for idle ones there is room again."""
    accounts = Accounts(IdentityLimits(calls_max=1))
    busy = accounts.of(ANYONE, From("ipv4:10.255.255.255:1"))
    busy.begin_call()

    def address(number: int) -> From:
        return From(f"ipv4:10.{number >> 16}.{number >> 8 & 255}.{number & 255}:1")

    found = {accounts.of(ANYONE, address(number)) for number in range(ACCOUNTS_MAX + 5)}

    assert len(found) == ACCOUNTS_MAX + 5
    assert accounts.of(ANYONE, From("ipv4:10.255.255.255:2")) is busy
    for number in range(ACCOUNTS_MAX):
        accounts.of(ANYONE, address(number)).begin_call()
    late, later = (accounts.of(ANYONE, From(f"ipv4:11.0.0.{n}:1")) for n in (1, 2))
    assert late is later
    assert late.key == "address:others"


async def test_refusals_are_a_metric(launch: Launch, time: Time) -> None:
    """By limit and kind of identity, never by identity."""
    client = await limited(launch, time, identity_requests_per_s=1)
    await client.create()
    await refused(client.get())

    assert client.server.accounts.refusals == {("requests_per_s", "address"): 1}

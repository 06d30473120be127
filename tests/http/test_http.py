"""The HTTP port: the calls as JSON with the same errors, metrics that count, health."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2

from asha_server.config import Config, Limits, Transport
from asha_server.http.calls import JsonCodec
from asha_server.pb import suggestion_service_pb2 as s
from asha_server.server import Server, ServerError

SPEC = {
    "metric": {"name": "loss", "goal": "GOAL_MINIMIZE"},
    "max_length": 9,
    "max_trials": 9,
    "async_halving": {"num_rungs": 3, "divisor": 3},
    "parameters": [{"name": "lr", "double_range": {"min": 0, "max": 1}}],
}


class Http:
    """Requests to one HTTP port."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._base = f"http://{server.http_address}"

    async def get(self, path: str) -> tuple[int, str]:
        return await asyncio.to_thread(self._send, urllib.request.Request(f"{self._base}{path}"))

    async def post(self, call: str, body: Any, **headers: str) -> tuple[int, Any]:
        """A call by `Service/Method`; its status and what its answer says."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self._base}/asha.v1.{call}", raw, {"content-type": "application/json", **headers}
        )
        status, text = await asyncio.to_thread(self._send, request)
        return status, json.loads(text)

    @staticmethod
    def _send(request: urllib.request.Request) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()


def config_of(directory: Path, **more: Any) -> Config:
    return Config(directory / "asha.db", ("127.0.0.1:0",), http="127.0.0.1:0", **more)


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[Http]:
    server = Server(config_of(tmp_path))
    await server.start()
    yield Http(server)
    await server.stop()


def details_of(error: dict[str, Any]) -> dict[str, bytes]:
    """The details of an error, by the names of their types; the Connect protocol drops padding."""
    return {d["type"]: base64.b64decode(d["value"] + "==") for d in error["details"]}


async def test_a_worker_needs_nothing_but_json(http: Http) -> None:
    created = {"experiment_id": "e", "spec": SPEC}
    assert (await http.post("ExperimentService/CreateExperiment", created))[0] == 200
    status, given = await http.post(
        "SuggestionService/GetSuggestion", {"experiment_id": "e", "worker_id": "w"}
    )
    assignment = given["assignment"]
    held = {
        "experiment_id": "e",
        "trial_number": assignment["trial_number"],
        "lease_token": assignment["lease"]["token"],
    }
    loss = [{"name": "loss", "value": 0.5}]
    status, answer = await http.post(
        "SuggestionService/ReportMetric", {**held, "step": "1", "metrics": loss}
    )

    assert status == 200
    assert assignment["trial_number"] == "0"  # 64-bit integers are texts, zero values are there
    assert answer["decision"]["verdict"] == "VERDICT_PAUSE"
    assert answer["decision"]["rung"] == 0
    status, stop = await http.post("SuggestionService/ShouldStop", held)
    assert (status, stop["decision"]["verdict"]) == (200, "VERDICT_PAUSE")


async def test_camel_case_is_read_too(http: Http) -> None:
    status, found = await http.post("ExperimentService/GetExperiment", {"experimentId": "nobody"})

    assert (status, found["code"]) == (404, "not_found")


async def test_a_refusal_is_the_one_of_grpc(http: Http) -> None:
    status, error = await http.post(
        "ExperimentService/CreateExperiment", {"spec": {**SPEC, "max_trials": -1}}
    )

    assert (status, error["code"]) == (400, "invalid_argument")
    details = details_of(error)
    info = error_details_pb2.ErrorInfo.FromString(details["google.rpc.ErrorInfo"])
    bad = error_details_pb2.BadRequest.FromString(details["google.rpc.BadRequest"])
    assert (info.reason, info.domain) == ("INVALID_REQUEST", "asha.v1")
    assert [violation.field for violation in bad.field_violations] == ["spec.max_trials"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "JSON form"),
        (b'{"max_trialz": 1}', "max_trialz"),
        (b'{"experiment_id": 1}', "experiment_id"),
        (b"\xff", "JSON form"),
        (b"[" * 10_000, "JSON form"),
    ],
)
async def test_a_body_that_is_no_message_is_refused_with_what_is_wrong(
    http: Http, body: bytes, said: str
) -> None:
    status, error = await http.post("ExperimentService/GetExperiment", body)

    assert (status, error["code"]) == (400, "invalid_argument")
    assert said in error["message"]


async def test_a_body_over_the_limit_is_refused(tmp_path: Path) -> None:
    server = Server(config_of(tmp_path, limits=Limits(request_bytes_max=1_000)))
    await server.start()
    try:
        status, error = await Http(server).post(
            "ExperimentService/GetExperiment", {"experiment_id": "x" * 1_000}
        )
        assert (status, error["code"]) == (429, "resource_exhausted")
    finally:
        await server.stop()


async def test_streams_and_other_paths_are_not_there(http: Http) -> None:
    for path in ("/", "/asha.v1.SuggestionService/TrainingSession", "/asha.v1.Nothing/AtAll"):
        assert (await http.get(path))[0] == 404


async def test_a_token_goes_along(tmp_path: Path) -> None:
    server = Server(config_of(tmp_path, auth="tokens"))
    await server.start()
    try:
        http = Http(server)
        token = (tmp_path / "asha.db.admin-token").read_text().strip()
        status, error = await http.post("AdminService/GetServerInfo", {})
        assert (status, error["code"]) == (401, "unauthenticated")
        status, info = await http.post(
            "AdminService/GetServerInfo", {}, authorization=f"Bearer {token}"
        )
        assert (status, info["experiment_count"]) == (200, "0")
    finally:
        await server.stop()


async def test_metrics_count_what_happened(http: Http) -> None:
    created = {"experiment_id": "e", "spec": SPEC}
    await http.post("ExperimentService/CreateExperiment", created)
    await http.post("SuggestionService/GetSuggestion", {"experiment_id": "e", "worker_id": "w"})
    await http.post(
        "SuggestionService/ReportMetric",
        {"experiment_id": "e", "lease_token": "1.forged", "step": 1,
         "metrics": [{"name": "loss", "value": 1}]},
    )  # fmt: skip
    async with grpc.aio.insecure_channel(http.server.addresses[0]) as channel:
        session: Any = channel.stream_stream(
            "/asha.v1.SuggestionService/TrainingSession",
            s.TrainingSessionRequest.SerializeToString,
            s.TrainingSessionResponse.FromString,
        )
        beat = s.HeartbeatRequest(experiment_id="e", lease_token="1.forged")
        requests = [s.TrainingSessionRequest(request_number=1, heartbeat=beat)]
        assert [answer.HasField("error") async for answer in session(iter(requests))] == [True]

    status, text = await http.get("/metrics")

    assert status == 200
    lines = text.splitlines()
    for line in (
        'asha_calls_total{code="OK",method="CreateExperiment",reason=""} 1.0',
        'asha_calls_total{code="ABORTED",method="ReportMetric",reason="LEASE_LOST"} 1.0',
        'asha_calls_total{code="ABORTED",method="Heartbeat",reason="LEASE_LOST"} 1.0',
        'asha_call_duration_seconds_count{method="CreateExperiment"} 1.0',
        "asha_fencings_total 2.0",
        "asha_live_leases 1.0",
        'asha_experiments{state="RUNNING"} 1.0',
        'asha_trials{state="RUNNING"} 1.0',
    ):
        assert line in lines
    assert not any(line.startswith("asha_call_duration_seconds_count{") and "Sugg" in line
                   for line in lines)  # fmt: skip
    size = next(float(line.split()[1]) for line in lines if line.startswith("asha_wal_bytes"))
    assert size > 0


async def test_ready_is_not_the_same_as_alive(http: Http) -> None:
    assert await http.get("/livez") == (200, "alive\n")
    assert await http.get("/readyz") == (200, "ready\n")
    http.server._is_ready = False  # as while it drains
    assert (await http.get("/readyz"))[0] == 503
    assert (await http.get("/livez"))[0] == 200


@pytest.mark.parametrize("address", ["127.0.0.1:x", "unix:/tmp/x", "192.0.2.1:0"])
async def test_an_address_that_cannot_be_is_told(tmp_path: Path, address: str) -> None:
    there = Transport(insecure=True)
    server = Server(Config(tmp_path / "asha.db", ("127.0.0.1:0",), http=address, transport=there))

    with pytest.raises(ServerError, match="cannot listen on http://"):
        await server.start()
    await server.stop()


async def test_plaintext_stays_on_this_machine(tmp_path: Path) -> None:
    server = Server(Config(tmp_path / "asha.db", ("127.0.0.1:0",), http="0.0.0.0:0"))

    with pytest.raises(ServerError, match="--insecure"):
        await server.start()
    await server.stop()


def test_texts_are_written_as_they_are() -> None:
    message = s.GetSuggestionRequest(worker_id="wörker")

    assert "wörker" in JsonCodec().encode(message).decode()


async def test_the_page_lists_every_metric(http: Http) -> None:
    page = (Path(__file__).parents[2] / "docs" / "howto" / "call-over-http.md").read_text()
    listed = set(re.findall(r"`(asha_[a-z_]+)`", page))

    _, text = await http.get("/metrics")

    typed = re.findall(r"^# TYPE (asha_[a-z_]+) ", text, re.MULTILINE)
    assert listed == set(typed)

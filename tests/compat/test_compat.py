"""Clients of former releases and of later ones, and what a change of the contract may be."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message_factory import GetMessageClass

from asha_server.pb import experiment_pb2 as x
from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import suggestion_service_pb2 as s
from asha_server.pb import trial_pb2 as t
from tests.server.calls import SERVICES, UNARY, path_of, raw_call
from tests.server.conftest import Client, Refused, halving, held, refused
from tests.server.test_session import Stream, report, reports

ROOT = Path(__file__).parents[2]
PROTOS = ROOT / "protos"
IMAGES = sorted((PROTOS / "released").glob("*.binpb"))
STUBS = sorted(Path(__file__).parent.glob("v*/pb"))
UNKNOWN_FIELD = b"\xc2\x3e\x05later"
"""Field 1000, a text: the tag is 1000 << 3 | 2 = 8002, as a varint c2 3e."""
UNKNOWN = 99
"""A value that no enum has."""


def buf(*arguments: str, directory: Path = PROTOS) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("buf")
    return subprocess.run(
        [program, *arguments], cwd=directory, capture_output=True, text=True, check=False
    )


# -- the contract ---------------------------------------------------------------------------------


def test_each_release_has_its_contract_and_its_stubs() -> None:
    images = [f"v{image.stem.replace('.', '_')}" for image in IMAGES]

    assert images == [folder.parent.name for folder in STUBS]
    assert "v0_1_0" in images


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.stem)
def test_the_contract_breaks_no_release(image: Path) -> None:
    found = buf("breaking", "--against", str(image))

    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("  int64 sequence = ", "  int32 sequence = ", "changed type"),
        ("  string worker_id = 2;", "  string worker = 2;", "changed name"),
        ("  VERDICT_PAUSE = ", "  VERDICT_HALT = ", "VERDICT_HALT"),
        ("  rpc Heartbeat(HeartbeatRequest)", "  rpc Beat(HeartbeatRequest)", "Heartbeat"),
    ],
)
def test_a_break_is_found(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    shutil.copytree(PROTOS, tmp_path / "protos")
    changed = 0
    for file in (tmp_path / "protos" / "asha" / "v1").glob("*.proto"):
        text = file.read_text()
        changed += text.count(old)
        file.write_text(text.replace(old, new))
    assert changed

    found = buf("breaking", "--against", str(IMAGES[0]), directory=tmp_path / "protos")

    assert found.returncode != 0
    assert complaint in found.stdout


# -- clients of former releases -------------------------------------------------------------------


@pytest.mark.parametrize("stubs", STUBS, ids=lambda stubs: stubs.parent.name)
async def test_a_client_of_a_former_release_works(client: Client, stubs: Path) -> None:
    """Its worker loop, a session and every way to read, by its own stubs alone."""
    script = Path(__file__).with_name("old_worker.py")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", str(script), str(stubs), client.server.addresses[0],
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, log = await process.communicate()
    assert process.returncode == 0, log.decode()
    said = json.loads(out)

    assert said["created"] == ["EXPERIMENT_STATE_RUNNING"] * 2
    assert sum(said["calls"].values()) >= 9
    assert said["calls"] == said["session"], "the same search, the same decisions"
    assert said["read"]["state"] == "EXPERIMENT_STATE_COMPLETED"
    assert (said["read"]["trials"], said["read"]["has_learning_rates"]) == (9, True)
    assert (said["read"]["decisions"], said["read"]["has_more_decisions"]) == (2, True)
    assert said["read"]["events"] == list(range(1, len(said["read"]["events"]) + 1))
    assert said["read"]["rungs"]
    assert said["read"]["exported"]
    assert said["read"]["experiments"] == 2
    assert said["read"]["limit"] == 100
    assert said["read"]["missing"] == "NOT_FOUND"
    assert said["read"]["best"] == 8, "the last trial has the least loss"


# -- clients of later releases --------------------------------------------------------------------


@pytest.mark.parametrize(("stub", "method"), UNARY)
async def test_a_field_that_the_server_does_not_know_changes_no_answer(
    client: Client, stub: str, method: str
) -> None:
    await client.create()
    kind: Any = SERVICES[stub].methods_by_name[method].input_type
    request: Any = GetMessageClass(kind)()
    if "experiment_id" in request.DESCRIPTOR.fields_by_name:
        request.experiment_id = "e"
    call = raw_call(client.channel, path_of(stub, method))

    plain = await _outcome(call(request.SerializeToString()))
    later = await _outcome(call(request.SerializeToString() + UNKNOWN_FIELD))

    assert later == plain or (method, later) in AGAIN


AGAIN = {
    ("DeleteExperiment", "FAILED_PRECONDITION/EXPERIMENT_RUNNING"),
    ("CancelTrial", "NOT_FOUND/TRIAL_NOT_FOUND"),
}
"""What a call answers that was carried out before."""


async def _outcome(call: Any) -> str:
    answers: tuple[Any] = await asyncio.gather(call, return_exceptions=True)
    if isinstance(answers[0], bytes):
        return "OK"
    refusal = Refused(answers[0])
    assert refusal.code not in ("INTERNAL", "UNKNOWN")
    return f"{refusal.code}/{refusal.reason}"


async def test_a_later_clients_trial_is_trained(client: Client) -> None:
    """Unknown fields within messages, and the same request again with and without them."""
    spec = halving().SerializeToString() + UNKNOWN_FIELD
    request = e.CreateExperimentRequest(experiment_id="e", request_id="r").SerializeToString()
    create = raw_call(client.channel, path_of("experiments", "CreateExperiment"))
    field = bytes([e.CreateExperimentRequest.SPEC_FIELD_NUMBER << 3 | 2])

    await create(request + field + _varint(len(spec)) + spec)
    await create(request + e.CreateExperimentRequest(spec=halving()).SerializeToString())

    given = await client.take()
    later = raw_call(client.channel, path_of("suggestions", "ReportMetric"))
    said = await later(report(given, 1, 0.5).SerializeToString() + UNKNOWN_FIELD)
    decision = s.ReportMetricResponse.FromString(said).decision
    assert decision.verdict == t.VERDICT_PAUSE
    assert await client.report(given, 1, 0.5) == decision, "the same report"


def _varint(number: int) -> bytes:
    low = number & 0x7F
    return bytes([low]) if number < 0x80 else bytes([low | 0x80]) + _varint(number >> 7)


async def test_an_enum_value_that_the_server_does_not_know_is_refused_by_its_field(
    client: Client,
) -> None:
    await client.create()
    given = await client.take()
    unknown: Any = UNKNOWN
    wrong = halving()
    wrong.metric.goal = unknown
    failed = s.FailTrialRequest(**held(given), kind=unknown)
    listed = e.ListTrialsRequest(experiment_id="e", states=[unknown])

    for call, field in (
        (
            client.experiments.CreateExperiment(e.CreateExperimentRequest(spec=wrong)),
            "spec.metric.goal",
        ),
        (client.suggestions.FailTrial(failed), "kind"),
        (client.experiments.ListTrials(listed), "states[0]"),
    ):
        refusal = await refused(call)
        assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", "INVALID_REQUEST")
        assert list(refusal.fields) == [field]
    assert (await client.get()).state == x.EXPERIMENT_STATE_RUNNING


async def test_a_request_of_a_session_that_the_server_does_not_know_leaves_it_open(
    client: Client,
) -> None:
    """An arm of the oneof that a later release has."""
    await client.create()
    stream = Stream(client)
    given = await stream.take()
    later = s.TrainingSessionRequest.FromString(b"\x08\x63" + UNKNOWN_FIELD)  # request_number 99

    await stream.call.write(later)
    answer = await stream.hear()

    assert answer.request_number == 99
    assert answer.error.code == 3  # INVALID_ARGUMENT
    number = await stream.say(100, report_metrics=reports(report(given, 1, 0.5)))
    assert (await stream.hear()).request_number == number
    stream.call.cancel()


async def test_a_call_that_the_server_does_not_have_is_unimplemented(client: Client) -> None:
    call = raw_call(client.channel, "/asha.v1.SuggestionService/LaterCall")

    ended: tuple[Any] = await asyncio.gather(call(b""), return_exceptions=True)

    assert ended[0].code().name == "UNIMPLEMENTED"

"""A server on a file of a former schema carries its searches on (tests/store/files/README.md)."""

from __future__ import annotations

import shutil
from pathlib import Path

from asha_server.pb import experiment_pb2 as x
from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import trial_pb2 as t
from asha_server.verify import verify_file

from .conftest import Client, Launch

FILE = Path(__file__).parents[1] / "store" / "files" / "schema-1.db"


async def _train(client: Client) -> None:
    """Carries search digits to its end."""
    workers = 0
    while True:
        answer = await client.ask(f"new-{workers}", experiment_id="digits")
        if answer.HasField("finished"):
            return
        if answer.HasField("wait"):  # for the workers of its first life, who are gone
            request = e.ListTrialsRequest(experiment_id="digits", states=[t.TRIAL_STATE_RUNNING])
            for trial in (await client.experiments.ListTrials(request)).trials:
                await client.experiments.CancelTrial(
                    e.CancelTrialRequest(experiment_id="digits", trial_number=trial.trial_number)
                )
            continue
        workers += 1
        given = answer.assignment
        await client.report(given, given.next_decision_step, 1 / (2 + given.trial_number))


async def test_a_search_of_schema_1_goes_on_to_its_end(launch: Launch, tmp_path: Path) -> None:
    shutil.copy(FILE, tmp_path / "asha.db")
    client = await launch()
    before = await client.get("digits")
    assert (before.state, before.sequence) == (x.EXPERIMENT_STATE_RUNNING, 35)
    assert (await client.get("stopped")).end_message == "seen enough"
    assert (await client.get("grid")).end_reason == x.END_REASON_ALL_TRIALS_ENDED

    await _train(client)

    after = await client.get("digits")
    assert after.state == x.EXPERIMENT_STATE_COMPLETED
    assert after.spec.max_trials == 15
    assert verify_file(tmp_path / "asha.db").ok

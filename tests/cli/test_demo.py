"""`asha demo`, small: a search by real processes, stopped by Ctrl-C and resumed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from asha_server.cli.demo import command
from asha_server.verify import verify_file

DEMO = (sys.executable, "-m", "asha_server.cli", "demo", "--workers", "2")


@pytest.mark.slow
def test_the_demo_is_stopped_resumed_and_finished(tmp_path: Path) -> None:
    words = (*DEMO, "--directory", "d", "--trials", "48", "--max-length", "9")
    with subprocess.Popen(
        words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        said = ""
        while not ("running" in said and " best " in said):  # until values have arrived
            said = process.stdout.readline()
            assert said, process.stderr.read()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "asha demo --resume --directory d" in said
    assert verify_file(tmp_path / "d" / "asha.db").ok

    refused = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "--resume" in refused.stderr

    resumed = subprocess.run(
        (*DEMO, "--directory", "d", "--resume", "--json"),
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=90,
    )  # fmt: skip
    assert resumed.returncode == 0, resumed.stderr
    facts = json.loads(resumed.stdout)
    assert facts["experiment"]["state"] == "EXPERIMENT_STATE_COMPLETED"
    assert facts["experiment"]["trial_counts"]["created"] == 48
    assert facts["full_length"] == 48 * 9
    assert 48 <= facts["total_length"] < facts["full_length"]
    assert facts["best_trials"][0]["best_rung_length"] == 9
    assert 0 < facts["hand_overs"] <= facts["promotions"]
    assert Path(facts["best_trials"][0]["checkpoint_uri"]).exists()
    assert verify_file(tmp_path / "d" / "asha.db").ok


def test_resume_without_a_demo_is_refused(tmp_path: Path) -> None:
    refused = subprocess.run(
        (*DEMO, "--resume"), cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert refused.returncode == 1
    assert "begin one with: asha demo" in refused.stderr


def test_without_scikit_learn_the_way_out_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)

    refused = CliRunner().invoke(command, ["--directory", str(tmp_path / "d")])

    assert refused.exit_code == 1
    assert "pip install 'asha-server[demo]'" in refused.stderr
    assert not (tmp_path / "d").exists()

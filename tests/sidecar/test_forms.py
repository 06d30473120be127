"""What the files hold, where a test by processes would hardly come by."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from asha_client.decision import Decision, Verdict

from asha_server.cli.run.report_line import JsonLines
from asha_server.cli.sidecar import forms
from asha_server.cli.sidecar.folder import TrialFolder
from asha_server.cli.sidecar.gate import READS, SUGGESTIONS, WORDS
from asha_server.cli.sidecar.metrics_log import MetricsLog


@pytest.mark.parametrize(
    ("cutoff", "written"),
    [(None, None), (0.5, 0.5), (math.inf, "Infinity"), (-math.inf, "-Infinity"), (math.nan, "NaN")],
)
def test_a_cutoff_of_any_value_is_json(
    tmp_path: Path, cutoff: float | None, written: object
) -> None:
    decision = Decision(Verdict.STOP, "TOP_FRACTION", rung=0, rank=3, competitors=4, cutoff=cutoff)

    TrialFolder(tmp_path, 0o600).write_verdict(forms.describe_decision(decision, 7))

    told = json.loads((tmp_path / "verdict.json").read_text())
    assert (told["cutoff"], told["step"], told["should_stop"]) == (written, 7, True)
    assert (tmp_path / "stop").read_text() == "STOP TOP_FRACTION\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("0\n", (0, "")),
        (" 255 out of memory \n", (255, "out of memory")),
        ("3\tby\tdesign\nmore\n", (3, "by\tdesign")),
        ("256\n", None),
        ("-1\n", None),
        ("\n", None),
        ("0x1\n", None),
    ],
)
def test_an_exit_status_is_a_number_and_what_is_said(
    tmp_path: Path, text: str, found: tuple[int, str] | None
) -> None:
    (tmp_path / "exit_status").write_text(text)

    ended = TrialFolder(tmp_path, 0o600).read_exit()

    assert ended is not None
    assert ended.code == (found[0] if found else None)
    assert found is None or ended.message == found[1]


@pytest.mark.parametrize("text", [None, "", "0", "12 out of"])
def test_an_exit_status_without_its_newline_is_not_yet_said(
    tmp_path: Path, text: str | None
) -> None:
    if text is not None:
        (tmp_path / "exit_status").write_text(text)

    assert TrialFolder(tmp_path, 0o600).read_exit() is None


def test_what_was_gathered_before_a_restart_goes_with_the_next_step(tmp_path: Path) -> None:
    """A metric without step waits for the search metric; its line is dealt with nevertheless."""
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"loss": 2}\n{"accuracy": 0.5}\n')
    (first, second) = MetricsLog(path, JsonLines(), "loss", 0).read()
    assert (first.step, second.step) == (1, None)

    with path.open("a") as file:
        file.write('{"loss": 1}\n')
    lines = MetricsLog(path, JsonLines(), "loss", 0, second.number, second.digest).read()

    assert [line.is_answered for line in lines] == [True, True, False]
    assert (lines[2].step, lines[2].report.metrics) == (2, {"accuracy": 0.5, "loss": 1.0})


def test_the_gate_passes_reads_of_one_experiment_and_no_write() -> None:
    reads = {method.name for method in READS}

    assert all(name.startswith(("Get", "List", "Watch", "Export")) for name in reads)
    assert "ListExperiments" not in reads
    assert {method.name for method in SUGGESTIONS.methods} > WORDS

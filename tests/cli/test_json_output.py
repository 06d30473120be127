"""What `--json` prints: zero values, proto names, integers as numbers."""

from __future__ import annotations

import json

import pytest
from google.protobuf import json_format

from asha_server.cli.json_output import plain, print_json
from asha_server.pb.experiment_pb2 import AdaptiveAsha, Experiment, ExperimentSpec
from asha_server.pb.trial_pb2 import Trial


def test_64_bit_integers_are_numbers_at_every_depth() -> None:
    spec = ExperimentSpec(
        seed=2**62, adaptive_asha=AdaptiveAsha(bracket_rungs=[3, 2]), labels={"seed": "7"}
    )
    spec.lease_ttl.FromSeconds(60)
    shown = plain(Experiment(spec=spec, sequence=4))["spec"]

    assert isinstance(shown, dict)
    assert shown["seed"] == 2**62
    assert shown["adaptive_asha"]["bracket_rungs"] == [3, 2]
    assert shown["labels"] == {"seed": "7"}
    assert shown["lease_ttl"] == "60s"


def test_zero_is_printed_and_absent_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    print_json(Trial(bracket=0, last_value=float("nan")))

    shown = json.loads(capsys.readouterr().out)
    assert (shown["trial_number"], shown["last_step"], shown["last_value"]) == (0, 0, "NaN")
    assert "best_rung_value" not in shown


def test_protobuf_reads_it_back() -> None:
    experiment = Experiment(experiment_id="x", sequence=2**53 + 1, progress=0.5)

    assert json_format.ParseDict(plain(experiment), Experiment()) == experiment

"""The folder form: trials as files, for trainers that know nothing of us."""

from __future__ import annotations

import json
import shlex
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import ROOT, Asha

from .beside import Beside, append, fact, finish, report, say_end, wait_until

EXAMPLE = ROOT / "examples" / "sidecar"
ENDED = {"TRIAL_STATE_COMPLETED", "TRIAL_STATE_STOPPED"}
BY_OPTIONS = (
    'exec sh "$0" --lr "$ASHA_PARAM_LR" --epochs "$ASHA_MAX_LENGTH" '
    '--save "$ASHA_CHECKPOINT_DIR" --resume "$ASHA_CHECKPOINT"'
)


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_a_program_that_only_prints_trains_a_search_to_its_end(
    asha: Asha, beside: Beside, shell: str
) -> None:
    """The example's program, behind trainer.sh; both end when the search does."""
    name = f"plain-{shell}"
    asha("create", "-f", str(EXAMPLE / "experiment.yaml"), "--id", name, "--set", "seed=7")
    sidecar = beside.sidecar(name, "--checkpoints", str(beside.checkpoints))
    program = ("sh", "-c", BY_OPTIONS, str(EXAMPLE / "train.sh"))
    trainer = beside.trainer("--stdout", *program, shell=shell)

    status, facts, err = finish(sidecar)

    assert (status, facts[-1]["state"]) == (0, "COMPLETED"), err
    assert trainer.wait(60) == 0
    started = [told for told in facts if told["event"] == "trial_started"]
    assert {told["trial_number"] for told in started} == set(range(9))
    assert any(told["kind"] == "PROMOTED" and told["start_step"] > 0 for told in started)
    ended = [told for told in facts if told["event"] == "trial_ended"]
    assert {told["outcome"] for told in ended} == {"paused", "completed"}
    trials = asha("trials", name, "--json").facts
    assert {trial["state"] for trial in trials} == ENDED
    assert all(Path(trial["checkpoint_uri"]).is_file() for trial in trials)
    assert json.loads((beside.folder / "finished.json").read_text())["is_failed"] is False
    assert not (beside.folder / "current").exists()


def test_a_shell_without_jq_works_with_the_files_itself(asha: Asha, beside: Beside) -> None:
    asha("create", "-f", str(EXAMPLE / "experiment.yaml"), "--id", "by-hand")
    sidecar = beside.sidecar("by-hand")
    trainer = beside.start(
        "sh", str(EXAMPLE / "by-hand.sh"), str(beside.folder), str(beside.checkpoints),
        ASHA_POLL="0.05",
    )  # fmt: skip

    status, facts, err = finish(sidecar)

    assert (status, facts[-1]["state"]) == (0, "COMPLETED"), err
    assert trainer.wait(60) == 0
    assert not [told for told in facts if told["event"] == "line_refused"]
    assert {trial["state"] for trial in asha("trials", "by-hand", "--json").facts} == ENDED


def test_metrics_come_by_a_pattern_and_without_steps(
    asha: Asha, beside: Beside, small: Path
) -> None:
    asha("create", "-f", str(small), "--id", "pattern", "--set", "max_trials=1")
    program = beside.write(
        "train.py",
        "import os\n"
        "with open(os.environ['ASHA_METRICS_FILE'], 'a') as file:\n"
        "    for step in range(9):\n"
        "        print(f'loss={9 - step}', file=file)\n",
    )
    sidecar = beside.sidecar("pattern", "--metrics", "pattern")
    beside.trainer(sys.executable, program)

    status, _, err = finish(sidecar)

    assert status == 0, err
    (trial,) = asha("trials", "pattern", "--json").facts
    assert (trial["last_step"], trial["last_value"]) == (9, 1.0)


def test_parameters_of_any_text_reach_a_shell_as_they_are(asha: Asha, beside: Beside) -> None:
    words = 'it\'s $HOME; `id`\n"two" \\n'
    spec = {
        "metric": {"name": "loss", "goal": "GOAL_MINIMIZE"},
        "parameters": [{"name": "a.words", "constant": {"value": {"string_value": words}}}],
        "max_length": 1,
        "single": {},
    }
    asha("create", "-f", beside.write("words.yaml", json.dumps(spec)), "--id", "words")
    beside.sidecar("words")
    trial = beside.take()

    source = f". {shlex.quote(str(trial / 'trial.env'))}"
    said = subprocess.run(
        ["sh", "-c", f'{source}; printf %s. "$ASHA_PARAM_A_WORDS"'],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip

    assert said == f"{words}."
    assert json.loads((trial / "parameters.json").read_text()) == {"a.words": words}


def test_exit_statuses_say_what_a_failure_is(asha: Asha, beside: Beside, small: Path) -> None:
    asha("create", "-f", str(small), "--id", "exits", "--set", "max_trials=3")
    sidecar = beside.sidecar("exits", "--infeasible-exit", "40", "--permanent-exit", "41")
    for number, text in enumerate(["40 too wide", "41", "0"]):
        trial = beside.take(number)
        if text == "0":
            report(trial, 1)
            assert beside.verdict(trial, 1)["verdict"] == "PAUSE"
        say_end(trial, text)

    ended = [fact(sidecar, "trial_ended") for _ in range(3)]

    assert [told["outcome"] for told in ended] == ["failed", "failed", "paused"]
    assert ended[0]["message"] == "too wide (INFEASIBLE)"
    assert ended[1]["message"] == "the program ended with exit status 41 (PERMANENT)"
    trials = asha("trials", "exits", "--json").facts
    assert trials[0]["state"] == "TRIAL_STATE_INFEASIBLE"
    assert trials[1]["end_message"] == "the program ended with exit status 41"


def test_an_exit_status_that_is_none_fails_the_trial_and_says_why(
    asha: Asha, beside: Beside, small: Path
) -> None:
    asha("create", "-f", str(small), "--id", "no-exit")
    sidecar = beside.sidecar("no-exit")
    trial = beside.take()
    (trial / "exit_status").write_text("1")  # torn: no newline yet
    report(trial, 1)
    assert fact(sidecar, "metric_reported")["verdict"] == "PAUSE"
    assert not (beside.folder / "trials" / "1-1").exists()

    say_end(trial, "fine")

    assert fact(sidecar, "trial_ended")["outcome"] == "paused"
    second = beside.take(1)
    say_end(second, "fine")
    assert fact(sidecar, "trial_ended")["message"].startswith("exit_status holds 'fine', not an")
    assert "exit_status holds 'fine'" in (second / "problems.txt").read_text()


def test_garbage_among_the_metrics_is_explained_and_harms_nothing(
    asha: Asha, beside: Beside, small: Path
) -> None:
    asha("create", "-f", str(small), "--id", "garbage", "--set", "async_halving.num_rungs=1")
    sidecar = beside.sidecar("garbage")
    trial = beside.take()
    append(trial, 'Epoch 1\n\n{"step": 1, "loss"\n{"step": 1, "loss": "high"}\n[1]\n')
    append(trial, "{" + "x" * 500 + "\n")
    with (trial / "metrics.jsonl").open("ab") as file:
        file.write(b"\xff\xfe\x00\n")
    append(trial, '{"step": 2, "loss": 0.5}\n{"step": 3, "lo')

    assert fact(sidecar, "metric_reported")["step"] == 2
    append(trial, 'ss": 0.25}\n')
    assert fact(sidecar, "metric_reported")["metrics"] == {"loss": 0.25}
    append(trial, '{"step": 4, "loss": 0.1')
    say_end(trial)

    assert fact(sidecar, "trial_ended")["outcome"] == "completed"
    problems = (trial / "problems.txt").read_text().splitlines()
    assert [line.partition(":")[0] for line in problems] == ["1", "3", "4", "5", "6", "7", "10"]
    assert problems[1].startswith(
        '3: no JSON object on one line, like {"step": 3, "val_loss": 0.31}'
    )
    assert problems[2].endswith(': no number and no checkpoint in it: {"step": 1, "loss": "high"}')
    assert max(map(len, problems)) < 300
    (told,) = [t for t in asha("trials", "garbage", "--json").facts if t["trial_number"] == 0]
    assert (told["last_step"], told["last_value"]) == (3, 0.25)


def test_endless_garbage_is_told_a_hundred_times(asha: Asha, beside: Beside, small: Path) -> None:
    asha("create", "-f", str(small), "--id", "endless")
    sidecar = beside.sidecar("endless")
    trial = beside.take()
    append(trial, "no\n" * 500)
    report(trial, 1)

    fact(sidecar, "metric_reported")

    lines = (trial / "problems.txt").read_text().splitlines()
    assert (len(lines), lines[-1]) == (101, "and more, which are not written here")


def test_a_verdict_that_nobody_asked_for_reaches_a_silent_trainer(
    asha: Asha, beside: Beside, small: Path
) -> None:
    """The trainer's command is ended by trainer.sh, and everybody ends with the search."""
    asha("create", "-f", str(small), "--id", "silent", "--set", "lease_ttl=1s")
    sidecar = beside.sidecar("silent")
    trainer = beside.trainer("sh", "-c", 'echo here >"$0"; exec sleep 3600', "here")
    wait_until((beside.directory / "here").exists, "the command")

    assert asha("stop", "silent", "--yes").status == 0

    ended = fact(sidecar, "trial_ended")
    assert (ended["outcome"], ended["message"]) == (
        "stopped", "the program ended with exit status 143",
    )  # fmt: skip
    assert (finish(sidecar)[0], trainer.wait(60)) == (0, 0)


def test_a_program_that_trained_in_full_may_finish_by_itself(
    asha: Asha, beside: Beside, small: Path
) -> None:
    asha("create", "-f", str(small), "--id", "full", "--set", "max_trials=1")
    sidecar = beside.sidecar("full")
    program = 'echo \'{"step": 9, "loss": 1}\'; sleep 1; echo done >"$0"'
    beside.trainer("--stdout", "sh", "-c", program, "full")

    status, facts, err = finish(sidecar)

    assert status == 0, err
    assert (beside.directory / "full").read_text() == "done\n"
    (ended,) = [told for told in facts if told["event"] == "trial_ended"]
    assert (ended["outcome"], ended["exit_code"]) == ("completed", 0)


def test_a_command_that_ignores_sigterm_is_killed_after_the_grace_time(
    asha: Asha, beside: Beside, small: Path
) -> None:
    asha("create", "-f", str(small), "--id", "stubborn", "--set", "max_trials=3")
    sidecar = beside.sidecar("stubborn")
    program = beside.write(
        "train.py",
        "import signal\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        'print(\'{"step": 1, "loss": 1}\', flush=True)\n'
        "while True: signal.pause()\n",
    )
    beside.trainer("--stdout", sys.executable, program, ASHA_GRACE="1")

    ended = fact(sidecar, "trial_ended")

    assert (ended["outcome"], ended["exit_code"]) == ("paused", 137)


def test_what_the_trainer_is_told_has_every_documented_field(
    asha: Asha, beside: Beside, small: Path
) -> None:
    asha("create", "-f", str(small), "--id", "fields")
    beside.sidecar("fields", "--checkpoints", "/models")
    trial = beside.take()
    told: dict[str, Any] = json.loads((trial / "trial.json").read_text())
    report(trial, 1, loss=float("inf"), checkpoint="one")
    verdict = beside.verdict(trial, 1)
    wait_until((trial / "stop").exists, "stop")

    lr = told["parameters"]["lr"]
    seed = told["seed"]
    assert told == {
        "experiment": "fields", "trial": 0, "attempt": 1, "kind": "NEW", "parameters": {"lr": lr},
        "seed": seed, "start_step": 0, "checkpoint": "", "checkpoint_dir": "/models/fields/trial-0",
        "next_decision_step": 1, "max_length": 9, "unit": "epochs", "metric": "loss",
    }  # fmt: skip
    assert verdict == {
        "verdict": "PAUSE", "should_stop": True, "reason": verdict["reason"], "step": 1,
        "next_decision_step": 0, "bracket": 0, "rung": 0, "rank": 0, "competitors": 1,
        "cutoff": verdict["cutoff"], "deletable_checkpoints": [],
    }  # fmt: skip
    assert (trial / "stop").read_text() == f"PAUSE {verdict['reason']}\n"


@pytest.mark.parametrize(
    ("mode", "file", "folder"), [("0600", 0o600, 0o700), ("0660", 0o660, 0o770)]
)
def test_the_files_have_the_mode_that_was_asked_for(
    asha: Asha, beside: Beside, small: Path, mode: str, file: int, folder: int
) -> None:
    asha("create", "-f", str(small), "--id", f"mode-{mode}")
    beside.sidecar(f"mode-{mode}", "--mode", mode)
    trial = beside.take()

    names = ("trial.json", "parameters.json", "trial.env", "metrics.jsonl")
    shared = ("heartbeat", "trainer.lock", "trainer.sh")
    paths = [*(trial / name for name in names), *(beside.folder / name for name in shared)]
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {file}
    assert stat.S_IMODE(trial.stat().st_mode) == folder
    secret = beside.folder / ".sidecar.json"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600  # it holds the lease


def test_a_group_that_the_volume_hands_down_stays(asha: Asha, beside: Beside, small: Path) -> None:
    """Kubernetes marks a volume with an fsGroup so: what is made in it has its group."""
    asha("create", "-f", str(small), "--id", "group")
    beside.folder.mkdir()
    beside.folder.chmod(0o2770)
    beside.sidecar("group", "--mode", "0660")

    trial = beside.take()

    assert stat.S_IMODE(trial.stat().st_mode) == 0o2770


def test_a_search_that_failed_is_status_1_for_both(asha: Asha, beside: Beside, small: Path) -> None:
    """One infeasible trial is borne, the next one in a row ends the experiment."""
    asha("create", "-f", str(small), "--id", "all-fail", "--set", "max_infeasible=1")
    sidecar = beside.sidecar("all-fail", "--infeasible-exit", "3")
    trainer = beside.trainer("sh", "-c", "exit 3")

    status, facts, _ = finish(sidecar)

    assert (status, facts[-1]["state"]) == (1, "FAILED")
    assert trainer.wait(60) == 1


def test_a_trainer_that_reports_nothing_ends_the_sidecar(
    asha: Asha, beside: Beside, small: Path
) -> None:
    asha("create", "-f", str(small), "--id", "mute")
    sidecar = beside.sidecar("mute")
    trainer = beside.trainer("true")

    status, facts, _ = finish(sidecar)

    assert (status, trainer.wait(60)) == (1, 1)
    failed = [told for told in facts if told["event"] == "trial_ended"]
    assert len(failed) == 3
    assert (
        "without reporting 'loss'; the trainer appends lines to metrics.jsonl"
        in (failed[0]["message"])
    )
    assert "3 assignments in a row failed" in facts[-1]["message"]


def test_no_work_for_max_idle_ends_both(asha: Asha, beside: Beside, small: Path) -> None:
    asha("create", "-f", str(small), "--id", "idle")
    asha("pause", "idle")
    sidecar = beside.sidecar("idle", "--max-idle", "0.1")
    trainer = beside.trainer("true")

    status, facts, _ = finish(sidecar)

    assert (status, trainer.wait(60), facts[-1]["state"]) == (0, 0, "PAUSED")


def test_an_unknown_experiment_ends_both(beside: Beside) -> None:
    sidecar = beside.sidecar("no-such")
    trainer = beside.trainer("true")

    status, facts, _ = finish(sidecar)

    assert (status, trainer.wait(60)) == (1, 1)
    assert "EXPERIMENT_NOT_FOUND" in facts[-1]["message"]


def test_a_second_sidecar_on_the_folder_is_refused(asha: Asha, beside: Beside, small: Path) -> None:
    asha("create", "-f", str(small), "--id", "two")
    beside.sidecar("two")
    beside.take()

    status, _, err = finish(beside.sidecar("two"))

    assert status == 1
    assert "another sidecar has" in err


def test_contradictions_are_wrong_usage(asha: Asha) -> None:
    too_long = "s" * 108  # one more than a socket's path may have
    for words in (
        (),
        ("--folder", "f", "--socket", "s"),
        ("--folder", "f", "--pattern", "("),
        ("--socket", too_long),
    ):
        assert asha("sidecar", "-e", "any", *words).status == 2, words

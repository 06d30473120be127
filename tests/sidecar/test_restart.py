"""Sidecars and trainers that are killed at several moments, hang, or are told to go."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import asha_server.cli.sidecar
from tests.cli.conftest import Asha

from .beside import Beside, append, fact, finish, kill, report, say_end, wait_until

pytestmark = pytest.mark.slow  # many processes each

RESTING = "TRIAL_STATE_QUEUED"
WRAPPER = Path(asha_server.cli.sidecar.__file__).with_name("trainer.sh")


def reports(asha: Asha, tmp_path: Path, experiment_id: str) -> list[tuple[int, int, int]]:
    """(trial, attempt, step) of every report that the server has recorded, in order."""
    path = tmp_path / f"{experiment_id}.jsonl"
    asha("export", experiment_id, "-o", str(path))
    events = [json.loads(line).get("event", {}) for line in path.read_text().splitlines()]
    return [
        (told["trial_number"], told["attempt"], told["step"])
        for told in events
        if told.get("type") == "MetricReported"
    ]


def trial_of(asha: Asha, experiment_id: str, number: int = 0) -> dict[str, Any]:
    return asha("trials", experiment_id, "--json").facts[number]


def is_empty(group: int) -> bool:
    """Whether no process of a group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.fixture
def long(asha: Asha, small: Path) -> Any:
    """Makes a search whose trials train their nine epochs without a stop in between."""

    def make(name: str, *settings: str) -> str:
        changes = ("async_halving.num_rungs=1", *settings)
        words = [word for change in changes for word in ("--set", change)]
        assert asha("create", "-f", str(small), "--id", name, *words).status == 0
        return name

    return make


@pytest.mark.parametrize("moment", ["handed-over", "reporting", "behind", "ended"])
def test_a_killed_sidecar_goes_on_with_its_trial_and_counts_each_line_once(
    asha: Asha, beside: Beside, long: Any, tmp_path: Path, moment: str
) -> None:
    """Killed before the first line, between lines, with lines unread, with the end unread."""
    name = long(f"killed-{moment}", "max_trials=1")
    sidecar = beside.sidecar(name)
    trial = beside.take()
    if moment != "handed-over":
        report(trial, 1, 2, 3)
        beside.verdict(trial, 3)
    if moment == "reporting":
        report(trial, 4, 5, 6)  # in the middle of which it is killed
    kill(sidecar)
    if moment == "behind":
        report(trial, 4, 5)
        append(trial, '{"step": 6, ')
    if moment == "ended":
        report(trial, 4, 5)
        say_end(trial)

    second = beside.sidecar(name)
    if moment != "ended":
        assert beside.take() == trial
        append(trial, '"loss": 1}\n' if moment == "behind" else "")
        steps = {"handed-over": range(1, 10), "reporting": range(7, 10), "behind": range(7, 10)}
        report(trial, *steps[moment])
        assert beside.verdict(trial, 9)["reason"] == "MAX_LENGTH"
        say_end(trial)
    status, _, err = finish(second)

    assert status == 0, err
    last = 5 if moment == "ended" else 9
    assert reports(asha, tmp_path, name) == [(0, 1, step) for step in range(1, last + 1)]
    assert trial_of(asha, name)["last_step"] == last


@pytest.mark.parametrize("seed", range(2))
def test_a_sidecar_that_is_killed_again_and_again_loses_and_repeats_nothing(
    asha: Asha, beside: Beside, small: Path, tmp_path: Path, seed: int
) -> None:
    """A whole search behind trainer.sh; the moments of the kills are drawn by a seed."""
    chance = random.Random(seed)
    name = f"hunted-{seed}"
    asha("create", "-f", str(small), "--id", name, "--set", "async_halving.num_rungs=2")
    program = (
        "i=$ASHA_START_STEP; while [ $i -lt 9 ]; do i=$((i+1)); "
        'echo "{\\"step\\": $i, \\"loss\\": $ASHA_PARAM_LR, \\"checkpoint\\": \\"$i\\"}"; '
        "sleep 0.05; done"
    )
    sidecar = beside.sidecar(name)
    trainer = beside.trainer("--stdout", "sh", "-c", program)
    for _ in range(8):
        # From its first steps on (it takes a second or so to start) to the middle of a trial.
        time.sleep(chance.uniform(0.5, 3.0))
        kill(sidecar)
        sidecar = beside.sidecar(name)
    status, _, err = finish(sidecar)

    assert (status, trainer.wait(60)) == (0, 0), err
    told = reports(asha, tmp_path, name)
    assert len({(trial, step) for trial, _, step in told}) == len(told)
    trials = asha("trials", name, "--json").facts
    assert {trial["state"] for trial in trials} == {"TRIAL_STATE_COMPLETED", "TRIAL_STATE_STOPPED"}
    assert {trial["restarts"] for trial in trials} == {0}


def test_lines_without_steps_are_counted_on_after_a_restart(
    asha: Asha, beside: Beside, long: Any, tmp_path: Path
) -> None:
    name = long("counted-on", "max_trials=1")
    sidecar = beside.sidecar(name)
    trial = beside.take()
    append(trial, '{"loss": 3}\n{"loss": 2}\n')
    beside.verdict(trial, 2)
    kill(sidecar)
    append(trial, '{"loss": 1}\n')

    beside.sidecar(name)

    assert beside.verdict(trial, 3)["step"] == 3
    assert reports(asha, tmp_path, name) == [(0, 1, 1), (0, 1, 2), (0, 1, 3)]


def test_a_metrics_file_that_was_written_anew_meanwhile_is_read_from_its_beginning(
    asha: Asha, beside: Beside, long: Any, tmp_path: Path
) -> None:
    name = long("anew", "max_trials=1")
    sidecar = beside.sidecar(name)
    trial = beside.take()
    report(trial, 1, 2, 3)
    beside.verdict(trial, 3)
    kill(sidecar)
    (trial / "metrics.jsonl").write_text('{"step": 4, "loss": 1}\n{"step": 5, "loss": 1}\n')

    second = beside.sidecar(name)
    beside.verdict(trial, 5)
    (trial / "metrics.jsonl").write_text('{"step": 6, "loss": 1}\n')  # and once more

    beside.verdict(trial, 6)
    kill(second)
    assert reports(asha, tmp_path, name) == [(0, 1, step) for step in range(1, 7)]


def test_a_sidecar_that_comes_back_too_late_ends_the_trial_here(
    asha: Asha, beside: Beside, long: Any, worker: Any
) -> None:
    name = long("too-late", "lease_ttl=1s", "max_trials=1")
    kill_me = beside.sidecar(name)
    trial = beside.take()
    report(trial, 1)
    beside.verdict(trial, 1)
    kill(kill_me)
    wait_until(lambda: trial_of(asha, name)["state"] == RESTING, "the lease to expire")
    worker(name).take("other")

    sidecar = beside.sidecar(name)

    wait_until((trial / "stop").exists, "stop")
    assert (trial / "stop").read_text() == "STOP LEASE_LOST\n"
    say_end(trial)
    assert fact(sidecar, "trial_ended")["outcome"] == "stopped"


def test_a_state_file_that_is_none_is_refused(asha: Asha, beside: Beside, long: Any) -> None:
    beside.folder.mkdir()
    (beside.folder / ".sidecar.json").write_text("{")

    status, _, err = finish(beside.sidecar(long("no-state")))

    assert status == 1
    assert "remove it" in err


def test_a_dead_trainer_is_noticed_by_its_lock_and_no_trial_is_taken_for_nobody(
    asha: Asha, beside: Beside, long: Any
) -> None:
    """The first is killed with its command; the second goes on from the last checkpoint."""
    name = long("dead")
    program = (
        'echo \'{"step": 1, "loss": 1, "checkpoint": "one"}\'; '
        'echo "from $ASHA_START_STEP" >&2; exec sleep 3600'
    )
    sidecar = beside.sidecar(name, "--dead-after", "1s")
    trainer = beside.trainer("--stdout", "sh", "-c", program)
    fact(sidecar, "metric_reported")
    _see(beside)

    kill(trainer)

    ended = fact(sidecar, "trial_ended")
    assert (ended["outcome"], ended["exit_code"]) == ("failed", None)
    assert "died without writing exit_status" in ended["message"]
    assert fact(sidecar, "trainer_awaited")
    assert trial_of(asha, name)["state"] == RESTING
    second = beside.trainer("--stdout", "sh", "-c", program)
    started = fact(sidecar, "trial_started")
    assert (started["trial_number"], started["attempt"], started["start_step"]) == (0, 2, 1)
    assert second.stderr is not None
    assert second.stderr.readline() == "from 1\n"
    second.send_signal(signal.SIGTERM)
    assert second.wait(60) == 143


def test_a_dead_trainer_is_noticed_by_its_process_id(asha: Asha, beside: Beside, long: Any) -> None:
    name = long("dead-pid")
    sidecar = beside.sidecar(name, "--dead-after", "1s", "--shared-process-namespace")
    beside.take()
    trainer = beside.start("sleep", "3600")
    (beside.folder / "trainer.pid").write_text(f"{trainer.pid}\n")
    _see(beside)

    kill(trainer)

    assert "died" in fact(sidecar, "trial_ended")["message"]


def test_without_a_shared_namespace_a_process_id_says_nothing(
    asha: Asha, beside: Beside, long: Any
) -> None:
    """The number may be anybody's here: it is not looked at."""
    name = long("other-pid")
    beside.sidecar(name, "--dead-after", "1s")
    trial = beside.take()
    (beside.folder / "trainer.pid").write_text("1\n")
    report(trial, 1, 2, 3)

    beside.verdict(trial, 3)

    assert json.loads((beside.folder / ".sidecar.json").read_text())["has_seen_trainer"] is False


def test_a_trainer_that_died_while_the_sidecar_was_away_is_noticed(
    asha: Asha, beside: Beside, long: Any
) -> None:
    name = long("dead-both")
    first = beside.sidecar(name)
    beside.take()
    trainer = beside.start("flock", str(beside.folder / "trainer.lock"), "sleep", "3600")
    _see(beside)
    kill(first)
    kill(trainer)

    sidecar = beside.sidecar(name, "--dead-after", "1s")

    assert "died" in fact(sidecar, "trial_ended")["message"]


def test_a_restarted_trainer_goes_on_from_the_checkpoint_in_the_same_attempt(
    asha: Asha, beside: Beside, long: Any, tmp_path: Path
) -> None:
    """It comes back before it is given up, and repeats a step: the first value stands."""
    name = long("restarted", "max_trials=1")
    program = beside.write(
        "train.py",
        "import json, os, pathlib, sys, time\n"
        "start = int(os.environ['ASHA_START_STEP'])\n"
        "assert os.environ['ASHA_CHECKPOINT'] == (f'at-{start}' if start else '')\n"
        "for step in range(start + 1, 10):\n"
        "    line = {'step': step, 'loss': 9 - step - start}\n"
        "    if step == 3: line['checkpoint'] = 'at-3'\n"
        "    print(json.dumps(line), flush=True)\n"
        "    if step == 4 and not start: time.sleep(3600)\n",
    )
    sidecar = beside.sidecar(name)
    words = ("--stdout", sys.executable, program)
    trainer = beside.trainer(*words)
    while fact(sidecar, "metric_reported")["step"] < 4:
        pass

    kill(trainer)
    second = beside.trainer(*words)
    status, facts, err = finish(sidecar)

    assert (status, second.wait(60)) == (0, 0), err
    assert "step 4 of trial 0 was reported before with another value" in err
    assert reports(asha, tmp_path, name) == [(0, 1, step) for step in range(1, 10)]
    assert facts[-1]["state"] == "COMPLETED"


def test_a_hung_trainer_is_told_and_its_trial_released(
    asha: Asha, beside: Beside, long: Any
) -> None:
    """Its lock is held all the time. Once it touches the heartbeat it gets work again."""
    name = long("hung")
    sidecar = beside.sidecar(name, "--hung-after", "1s")
    beside.start("flock", str(beside.folder / "trainer.lock"), "sleep", "3600")
    trial = beside.take()
    report(trial, 1, checkpoint="one")

    ended = fact(sidecar, "trial_ended")

    assert ended["outcome"] == "released"
    assert "the trainer hangs" in ended["message"]
    assert (trial / "stop").read_text() == "STOP HUNG\n"
    told = trial_of(asha, name)
    assert (told["state"], told["restarts"], told["checkpoint_uri"]) == (RESTING, 0, "one")
    assert fact(sidecar, "trainer_awaited")
    assert not sidecar.poll()
    beside.touch()
    started = fact(sidecar, "trial_started")
    assert (started["trial_number"], started["start_step"]) == (0, 1)


def test_trainer_sh_ends_what_hangs_and_goes_on(asha: Asha, beside: Beside, long: Any) -> None:
    name = long("unhung", "max_trials=1")
    program = beside.write(
        "train.py",
        "import os, pathlib, time\n"
        "seen = pathlib.Path('seen')\n"
        "if not seen.exists():\n"
        "    seen.touch()\n"
        "    time.sleep(3600)\n"
        "for step in range(1, 10):\n"
        '    print(\'{"step": %d, "loss": 1}\' % step, flush=True)\n',
    )
    sidecar = beside.sidecar(name, "--hung-after", "6s")
    trainer = beside.trainer("--stdout", sys.executable, program)

    status, facts, err = finish(sidecar)

    assert (status, trainer.wait(60)) == (0, 0), err
    outcomes = [told["outcome"] for told in facts if told["event"] == "trial_ended"]
    assert outcomes == ["released", "completed"]


def test_a_touched_heartbeat_stands_for_a_line(asha: Asha, beside: Beside, long: Any) -> None:
    """It is touched all through twice the silence that is allowed."""
    name = long("touched")
    sidecar = beside.sidecar(name, "--hung-after", "3s")
    trial = beside.take()
    toucher = beside.start(
        "sh", "-c", f"while :; do touch {beside.folder / 'heartbeat'}; sleep 0.1; done"
    )
    beside.start("sleep", "6").wait()

    report(trial, 1)

    assert beside.verdict(trial, 1)["verdict"] == "CONTINUE"
    kill(toucher)
    assert "hangs" in fact(sidecar, "trial_ended")["message"]


def test_a_hung_trainer_that_goes_on_by_itself_is_heard(
    asha: Asha, beside: Beside, long: Any
) -> None:
    """It finds `stop`, says that it ended, and has the next trial without touching anything."""
    name = long("awake")
    sidecar = beside.sidecar(name, "--hung-after", "1s")
    trial = beside.take()
    fact(sidecar, "trainer_awaited")

    say_end(trial)

    assert fact(sidecar, "trial_started")["attempt"] == 2


def test_a_sidecar_whose_trainer_never_returns_ends_with_the_search(
    asha: Asha, beside: Beside, long: Any
) -> None:
    name = long("never")
    sidecar = beside.sidecar(name, "--hung-after", "1s")
    fact(sidecar, "trainer_awaited")

    asha("stop", name, "--yes")

    assert finish(sidecar)[0] == 0
    assert (beside.folder / "finished.json").exists()


def test_sigterm_ends_a_sidecar_whose_trainer_is_lost(
    asha: Asha, beside: Beside, long: Any
) -> None:
    sidecar = beside.sidecar(long("lost"), "--hung-after", "1s")
    fact(sidecar, "trainer_awaited")

    sidecar.send_signal(signal.SIGTERM)

    assert finish(sidecar)[0] == 143


def test_sigterm_leaves_the_trainer_time_to_save(asha: Asha, beside: Beside, long: Any) -> None:
    name = long("leave")
    sidecar = beside.sidecar(name)
    trial = beside.take()
    report(trial, 4, checkpoint="early")
    beside.verdict(trial, 4)

    sidecar.send_signal(signal.SIGTERM)
    wait_until((trial / "stop").exists, "stop")
    append(trial, '{"step": 4, "checkpoint": "late"}\n')
    say_end(trial, "143")
    status, facts, err = finish(sidecar)

    assert status == 128 + signal.SIGTERM, err
    assert (trial / "stop").read_text() == "STOP SIDECAR_LEAVES\n"
    assert facts[-1]["outcome"] == "released"
    told = trial_of(asha, name)
    assert (told["state"], told["checkpoint_uri"], told["restarts"]) == (RESTING, "late", 0)


def test_sigterm_releases_without_the_trainer_after_the_grace_time(
    asha: Asha, beside: Beside, long: Any
) -> None:
    name = long("leave-now")
    sidecar = beside.sidecar(name, "--grace", "0.1")
    beside.take()

    sidecar.send_signal(signal.SIGTERM)
    status, facts, _ = finish(sidecar)

    assert (status, facts[-1]["outcome"]) == (143, "released")
    assert trial_of(asha, name)["state"] == RESTING


def test_sigterm_while_waiting_for_work_ends_at_once(asha: Asha, beside: Beside, long: Any) -> None:
    name = long("leave-idle")
    asha("pause", name)
    sidecar = beside.sidecar(name)
    wait_until((beside.folder / "trainer.sh").exists, "the folder")

    sidecar.send_signal(signal.SIGTERM)

    assert finish(sidecar)[0] == 143


def test_a_trainer_that_is_told_to_go_gives_its_trial_back(
    asha: Asha, beside: Beside, long: Any
) -> None:
    """SIGTERM to trainer.sh alone, as a node does that is drained; the sidecar waits."""
    name = long("gone")
    sidecar = beside.sidecar(name)
    trainer = beside.trainer("sh", "-c", 'echo here >"$0"; exec sleep 3600', "here")
    wait_until((beside.directory / "here").exists, "the command")

    trainer.send_signal(signal.SIGTERM)

    assert trainer.wait(60) == 143
    assert fact(sidecar, "trial_ended")["outcome"] == "released"
    assert fact(sidecar, "trainer_awaited")
    assert (trial_of(asha, name)["state"], trial_of(asha, name)["restarts"]) == (RESTING, 0)


@pytest.mark.parametrize("shell", ["sh", "bash"])
@pytest.mark.parametrize(
    ("command", "endings"),
    [
        ("kill -TERM $PPID; exec sleep 3600", {"143"}),
        ("kill -TERM $PPID; exit 3", {"143", "3"}),
        ("sleep 0.3; kill -TERM $PPID; exit 3", {"143"}),
    ],
    ids=["as-it-starts", "as-it-ends", "while-it-runs"],
)
def test_a_trainer_told_to_go_at_any_moment_says_how_its_command_ended_and_leaves_no_process(
    beside: Beside, shell: str, command: str, endings: set[str]
) -> None:
    """The command itself tells it, the first two before it knows the command's process id."""
    trial = beside.folder / "trial"
    trial.mkdir(parents=True)
    (trial / "trial.env").touch()
    (beside.folder / "current").symlink_to("trial")
    (beside.folder / "trainer.sh").write_bytes(WRAPPER.read_bytes())

    for _ in range(3):
        trainer = beside.trainer("sh", "-c", command, shell=shell, ASHA_GRACE="1")
        assert trainer.wait(60) == 143
        assert (trial / "exit_status").read_text().strip() in endings
        wait_until(partial(is_empty, trainer.pid), "the end of all processes")
        (trial / "exit_status").unlink()


def test_a_trainer_that_is_told_to_go_gives_back_what_it_has_not_begun(
    asha: Asha, beside: Beside, long: Any
) -> None:
    name = long("gone-early")
    asha("pause", name)
    sidecar = beside.sidecar(name)
    trainer = beside.trainer("true", ASHA_POLL="3600")
    wait_until((beside.folder / "heartbeat").exists, "a trainer that waits")
    asha("resume", name)
    beside.take()

    os.killpg(trainer.pid, signal.SIGTERM)

    assert trainer.wait(60) == 143
    assert fact(sidecar, "trial_ended")["outcome"] == "released"


def test_a_server_that_is_away_is_waited_for_also_by_a_new_sidecar(
    asha: Asha, beside: Beside, small: Path
) -> None:
    """Lines are kept in their file meanwhile; the lease is that of a long outage."""
    words = (sys.executable, "-m", "asha_server.cli", "serve", "--log-level", "WARNING")
    database = str(beside.directory / "asha.db")
    server = beside.start(*words, "--database", database, "--listen", "127.0.0.1:0")
    assert server.stdout is not None
    address = server.stdout.readline().split()[-1]
    beside.server = {"ASHA_SERVER": address}
    where = ("--server", address)
    changes = ("async_halving.num_rungs=1", "max_trials=1", "lease_ttl=3600s")
    settings = [word for change in changes for word in ("--set", change)]
    assert asha("create", "-f", str(small), "--id", "away", *settings, *where).status == 0
    first = beside.sidecar("away")
    trial = beside.take()
    report(trial, 1)
    beside.verdict(trial, 1)

    kill(server)
    report(trial, 2, 3)
    kill(first)
    second = beside.sidecar("away")
    report(trial, *range(4, 10))
    say_end(trial)
    beside.start(*words, "--database", database, "--listen", address)
    status, facts, err = finish(second)

    assert (status, facts[-1]["state"]) == (0, "COMPLETED"), err
    exported = asha("export", "away", *where).out
    assert exported.count('"MetricReported"') == 9


def _see(beside: Beside) -> None:
    """Waits until the sidecar has seen the trainer alive."""

    def is_seen() -> bool:
        try:
            state = json.loads((beside.folder / ".sidecar.json").read_text())
        except OSError:
            return False
        return bool(state["has_seen_trainer"])

    wait_until(is_seen, "the trainer to be seen")

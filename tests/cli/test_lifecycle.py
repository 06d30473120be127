"""An experiment from its file to its deletion, by the command alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from asha_server.store.history import decode_record

from .conftest import Asha, Worker

MakeWorker = Callable[[str], Worker]


def test_create_prints_the_id_and_status_shows_the_rungs(asha: Asha, small: Path) -> None:
    created = asha("create", "-f", str(small), "--id", "life-1", "--set", "max_trials=12")

    assert created == (0, "life-1\n", "")
    shown = asha("status", "life-1")
    assert shown.status == 0
    assert "life-1: running" in shown.out
    assert "async_halving (3 rungs, promotion, divisor 3)" in shown.out
    assert "0 of 12: none" in shown.out
    (facts,) = asha("status", "life-1", "--json").facts
    assert facts["spec"]["max_trials"] == 12
    assert facts["trial_counts"]["running"] == 0


def test_the_list_shows_every_experiment_latest_first(asha: Asha, small: Path) -> None:
    asha("create", "-f", str(small), "--id", "list-1")
    asha("create", "-f", str(small), "--id", "list-2")

    facts = asha("status", "--json").facts

    names = [fact["experiment_id"] for fact in facts]
    assert names.index("list-2") < names.index("list-1")
    assert "list-1" in asha("status").out


def test_trials_and_best_show_what_was_reported(
    asha: Asha, small: Path, worker: MakeWorker
) -> None:
    asha("create", "-f", str(small), "--id", "look-1")
    worker("look-1").arrive(0.5, 0.4, 0.6)

    trials = asha("trials", "look-1").out.splitlines()
    assert [line.split()[:2] for line in trials[1:]] == [
        ["0", "paused"], ["1", "paused"], ["2", "paused"],
    ]  # fmt: skip
    assert asha("trials", "look-1", "--state", "running", "--json").facts == []
    best = asha("best", "look-1", "--json").facts
    assert [trial["trial_number"] for trial in best] == [1, 0, 2]


def test_explain_names_rank_rivals_places_and_cutoff(
    asha: Asha, small: Path, worker: MakeWorker
) -> None:
    """Of 0.5, 0.4, 0.6, 0.45 the last is second of four; floor(4 / 3) = 1 goes on, at 0.4."""
    asha("create", "-f", str(small), "--id", "why-1")
    worker("why-1").arrive(0.5, 0.4, 0.6, 0.45)

    told = asha("explain", "why-1", "3").out

    assert "trial 3 of why-1: paused, 1 of 9 epochs" in told
    assert "At step 1 (rung 0) its loss was 0.45: rank 2 of 4." in told
    assert "Only the best floor(4 / 3) = 1 go on; the cut-off was 0.4: pause." in told
    assert "Ahead of it: trial 1 (0.4)." in told
    assert "It waits in rung 0, now rank 2 of 4" in told
    first = asha("explain", "why-1", "0").out
    assert "rank 1 of 1" in first
    assert "With so few there is no place yet (the best floor(1 / 3) = 0): pause." in first


def test_explain_tells_of_a_promotion_on_the_spot(
    asha: Asha, small: Path, worker: MakeWorker
) -> None:
    asha("create", "-f", str(small), "--id", "why-2")
    worker("why-2").arrive(0.5, 0.6, 0.1)

    told = asha("explain", "why-2", "2").out

    assert "It was among the best floor(3 / 3) = 1, who go on; the cut-off was 0.1" in told
    assert "It is being trained by w2 (attempt 1), towards rung 1 at 3 epochs." in told


def test_explain_tells_when_a_paused_trial_goes_on(
    asha: Asha, small: Path, worker: MakeWorker
) -> None:
    """Second of four is among the best third of six, and never among those of a not-a-number."""
    asha("create", "-f", str(small), "--id", "why-3")
    worker("why-3").arrive(0.5, 0.4, 0.45, float("nan"))

    assert "At this rank it goes on once there are 6." in asha("explain", "why-3", "2").out
    assert "not a finite number is never promoted" in asha("explain", "why-3", "3").out
    first = asha("explain", "why-3", "1").out
    assert "among the best floor(4 / 3) = 1: it goes on with the next worker that is free" in first


def test_explain_tells_of_a_later_promotion(asha: Asha, small: Path, worker: MakeWorker) -> None:
    """Rungs at 1 and 3; trial 0 is first of three when the third arrives."""
    settings = ("--set", "async_halving.num_rungs=2", "--set", "max_length=3")
    asha("create", "-f", str(small), "--id", "why-4", *settings)
    works = worker("why-4")
    works.arrive(0.1, 0.5, 0.6)
    promoted = works.take("w9")
    assert (promoted.trial_number, promoted.start_step) == (0, 1)
    works.report(promoted, 3, 0.05)

    told = asha("explain", "why-4", "0").out

    assert "  It was promoted later: w9 took it (attempt 2)." in told
    assert "At step 3 (rung 1) its loss was 0.05: rank 1 of 1." in told
    assert "That is the full length: stop, completed." in told


def test_watch_prints_every_event_once_until_the_end(
    asha: Asha, small: Path, worker: MakeWorker
) -> None:
    asha("create", "-f", str(small), "--id", "watch-1")
    worker("watch-1").arrive(0.5)
    asha("stop", "watch-1", "--yes", "--reason", "enough")

    lines = asha("watch", "watch-1", "--after", "0").out.splitlines()

    assert [int(line.split()[0]) for line in lines] == list(range(1, len(lines) + 1))
    assert lines[0].endswith("experiment watch-1 created")
    assert "trial 0: step 1 loss=0.5 -> pause (awaiting promotion), rank 1 of 1" in lines[3]
    assert lines[-1].endswith("experiment completed (stopped by user): enough")
    facts = asha("watch", "watch-1", "--after", "3", "--json").facts
    assert [fact["sequence"] for fact in facts] == list(range(4, len(lines) + 1))


def test_pause_resume_cancel_and_stop_act(asha: Asha, small: Path, worker: MakeWorker) -> None:
    asha("create", "-f", str(small), "--id", "act-1")
    worker("act-1").take()

    assert asha("pause", "act-1").status == 0
    assert "act-1: paused" in asha("status", "act-1").out
    assert asha("resume", "act-1").status == 0
    cancelled = asha("cancel", "act-1", "0", "--yes")
    assert (cancelled.status, "cancelled" in cancelled.out) == (0, True)
    assert asha("stop", "act-1", "--yes").status == 0
    again = asha("cancel", "act-1", "0", "--yes")
    assert again.status == 0
    assert asha("pause", "act-1").status == 1


def test_what_cannot_be_undone_is_refused_where_nobody_can_answer(asha: Asha, small: Path) -> None:
    asha("create", "-f", str(small), "--id", "sure-1")

    for words in (("stop", "sure-1"), ("cancel", "sure-1", "0"), ("delete", "sure-1")):
        refused = asha(*words)
        assert refused.status == 2
        assert "--yes" in refused.err
    assert "sure-1: running" in asha("status", "sure-1").out


def test_delete_of_a_running_experiment_needs_force(asha: Asha, small: Path) -> None:
    asha("create", "-f", str(small), "--id", "gone-1")

    refused = asha("delete", "gone-1", "--yes")
    assert (refused.status, "EXPERIMENT_RUNNING" in refused.err) == (1, True)
    assert asha("delete", "gone-1", "--yes", "--force").status == 0
    missing = asha("status", "gone-1")
    assert (missing.status, "EXPERIMENT_NOT_FOUND" in missing.err) == (1, True)


def test_export_writes_the_whole_history(
    asha: Asha, small: Path, worker: MakeWorker, tmp_path: Path
) -> None:
    asha("create", "-f", str(small), "--id", "out-1")
    worker("out-1").arrive(0.5, float("nan"))
    path = tmp_path / "out.jsonl"

    assert asha("export", "out-1", "-o", str(path)).status == 0

    header, *lines = path.read_bytes().splitlines()
    assert json.loads(header)["last_sequence"] == len(lines)
    assert [decode_record(line).sequence for line in lines] == list(range(1, len(lines) + 1))
    assert asha("export", "out-1", "-o", "-").out.encode() == path.read_bytes()


def test_an_unknown_experiment_is_refused_by_every_command(asha: Asha) -> None:
    for words in (
        ("status", "nobody"), ("trials", "nobody"), ("best", "nobody"), ("explain", "nobody", "0"),
        ("watch", "nobody"), ("pause", "nobody"), ("resume", "nobody"), ("stop", "nobody", "-y"),
        ("cancel", "nobody", "0", "-y"), ("delete", "nobody", "-y"), ("export", "nobody"),
    ):  # fmt: skip
        refused = asha(*words)
        assert refused.status == 1, words
        assert "EXPERIMENT_NOT_FOUND" in refused.err, words

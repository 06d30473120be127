"""Several ranks of one trial: rank 0 talks, every rank does the same at the same step."""

from __future__ import annotations

import contextlib
import queue
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest

import asha_client as asha
from asha_client.pb import suggestion_service_pb2 as pb
from asha_client.pb import trial_pb2

from .program import Program
from .scripted_answers import Refusal
from .scripted_server import (
    CONTINUE,
    PATIENCE_S,
    PAUSE,
    STOP,
    ScriptedServer,
    assigned,
    connect,
    decision,
    finished,
    heartbeat_answer,
    report_answer,
    wait_until,
)

RANKS = """
from multiprocessing.connection import Client, Listener

rank, world, port, waiting_step, grace = map(int, sys.argv[1:])
if rank == 0:
    listener = Listener(("127.0.0.1", 0), backlog=world)
    say(listener.address[1])
    others = [listener.accept() for _ in range(world - 1)]
else:
    first = Client(("127.0.0.1", port))

def broadcast(value):
    if rank:
        return first.recv()
    for other in others:
        other.send(value)
    return value

trials = connect().trials("worker-1", rank=rank, broadcast=broadcast, sigterm_grace=grace)
for trial in trials:
    say("trial", trial.number, trial.kind, "from", trial.start_step, trial.checkpoint)
    for step in trial.steps():
        if step == waiting_step:
            say("waiting")
            listen()

        def save():
            say("saves", step)
            return f"ckpt-{trial.number}-{step}" if rank == 0 else None

        metrics = {"val_loss": 1 / step} if rank == 0 else {}
        decision = trial.report(step, metrics, checkpoint=save)
        say("step", step, decision.verdict, decision.reason)
say("end")
"""


@contextlib.contextmanager
def world(server: ScriptedServer, size: int, waiting_step: int = 0, grace: int = 0) -> Any:
    """So many rank processes, connected among each other."""
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(Program(server, RANKS, 0, size, 0, waiting_step, grace))
        port = first.line()
        others = [
            stack.enter_context(Program(server, RANKS, rank, size, port, waiting_step, grace))
            for rank in range(1, size)
        ]
        yield [first, *others]


def lines_until(program: Program, last: str) -> list[str]:
    """What a program says up to a line."""
    lines = [program.line()]
    while lines[-1] != last:
        assert lines[-1], program.end()
        lines.append(program.line())
    return lines


def judge(request: pb.ReportMetricRequest) -> pb.ReportMetricResponse:
    """Trial 0 has rungs at 2 and 4 and reaches the top; trial 1 pauses at 2."""
    if request.trial_number == 1:
        return report_answer(PAUSE if request.step >= 2 else CONTINUE, next_step=2)
    reason = trial_pb2.DECISION_REASON_PROMOTED if request.step == 2 else None
    next_step = 2 if request.step < 2 else 4
    return report_answer(STOP if request.step >= 4 else CONTINUE, reason, next_step)


def test_eight_ranks_and_a_restart() -> None:
    """Killed at step 3 after the checkpoint of step 2, eight new processes go on from there."""
    with ScriptedServer() as server:
        server.always("ReportMetric", judge)
        server.script("GetSuggestion", assigned(next_decision_step=2, max_length=4))
        with world(server, 8, waiting_step=3) as ranks:
            first_life = [lines_until(rank, "waiting") for rank in ranks]
            for rank in ranks:
                rank.send(signal.SIGKILL)
        server.script(
            "GetSuggestion",
            assigned(
                kind=trial_pb2.ASSIGNMENT_KIND_RESUMED,
                attempt=2,
                start_step=2,
                checkpoint_uri="ckpt-0-2",
                next_decision_step=4,
                max_length=4,
            ),
            assigned(1, next_decision_step=2, max_length=4),
            finished(),
        )
        with world(server, 8) as ranks:
            second_life = [lines_until(rank, "end") for rank in ranks]

        assert first_life == 8 * [
            [
                "trial 0 NEW from 0 None",
                "step 1 CONTINUE BETWEEN_RUNGS",
                "saves 2",
                "step 2 CONTINUE PROMOTED",
                "waiting",
            ]
        ]
        assert second_life == 8 * [
            [
                "trial 0 RESUMED from 2 ckpt-0-2",
                "step 3 CONTINUE BETWEEN_RUNGS",
                "saves 4",
                "step 4 STOP BETWEEN_RUNGS",
                "trial 1 NEW from 0 None",
                "step 1 CONTINUE BETWEEN_RUNGS",
                "saves 2",
                "step 2 PAUSE BETWEEN_RUNGS",
                "end",
            ]
        ]
        # Only rank 0 talked, in either life, and called itself by the same name.
        asks = server.requests("GetSuggestion")
        assert [ask.worker_id for ask in asks] == ["worker-1"] * 4
        assert len({ask.incarnation_id for ask in asks}) == 2
        reports = server.requests("ReportMetric")
        assert [(r.trial_number, r.step, r.checkpoint_uri) for r in reports] == [
            (0, 1, ""),
            (0, 2, "ckpt-0-2"),
            (0, 3, ""),
            (0, 4, "ckpt-0-4"),
            (1, 1, ""),
            (1, 2, "ckpt-1-2"),
        ]
        assert [r.lease_token for r in reports[1:3]] == ["lease-0-1", "lease-0-2"]


def test_ranks_that_are_told_to_go_save_together_and_ask_for_nothing_more() -> None:
    with ScriptedServer() as server:
        server.script("GetSuggestion", assigned(next_decision_step=9, max_length=9), assigned(1))
        server.always("ReportMetric", lambda r: report_answer(CONTINUE, next_step=9))
        with world(server, 2, waiting_step=1, grace=60) as ranks:
            for rank in ranks:
                lines_until(rank, "waiting")
                rank.send(signal.SIGTERM)
                assert "released at its next report" in rank.process.stderr.readline()
            for rank in ranks:
                rank.tell()
            heard = [lines_until(rank, "step 2 CONTINUE BETWEEN_RUNGS") for rank in ranks]

        # Rank 0 asks for a checkpoint in the answer of step 1; step 2 carries it.
        assert heard == 2 * [
            ["step 1 CONTINUE BETWEEN_RUNGS", "saves 2", "step 2 CONTINUE BETWEEN_RUNGS"]
        ]
        assert server.methods() == ["GetSuggestion", "ReportMetric", "ReportMetric", "ReleaseTrial"]
        assert server.requests("ReportMetric")[1].checkpoint_uri == "ckpt-0-2"


# In threads, with a broadcast of queues: what can be seen closer there.


class Threads:
    """Ranks as threads of this process, each with a client of its own."""

    def __init__(self, server: ScriptedServer, size: int = 3) -> None:
        self.size = size
        self._server = server
        self._queues: list[queue.Queue[object]] = [queue.Queue() for _ in range(size)]

    def broadcast(self, rank: int) -> Callable[[object], object]:
        """The broadcast of one rank."""

        def share(value: object) -> object:
            if rank == 0:
                for other in self._queues[1:]:
                    other.put(value)
                return value
            assert value is None
            return self._queues[rank].get(timeout=PATIENCE_S)

        return share

    def run(self, work: Callable[[int, asha.Trials], object], **settings: Any) -> list[object]:
        """What the work returns, or raises, on every rank."""
        results: list[object] = [None] * self.size

        def live(rank: int) -> None:
            with connect(self._server) as client:
                trials = client.experiment("digits").trials(
                    "worker-1", rank=rank, broadcast=self.broadcast(rank), **settings
                )
                try:
                    with trials:
                        results[rank] = work(rank, trials)
                except asha.AshaError as error:
                    results[rank] = error

        threads = [threading.Thread(target=live, args=(rank,)) for rank in range(self.size)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results


def test_a_verdict_that_rank_0_hears_by_heartbeat_ends_all_ranks_at_one_step() -> None:
    started = threading.Barrier(3)

    def work(rank: int, trials: asha.Trials) -> list[int]:
        steps = []
        for trial in trials:
            for step in trial.steps():
                if rank == 0:
                    wait_until(lambda trial=trial: trial.has_verdict)  # type: ignore[misc]  # mypy infers no lambda with defaults
                started.wait(PATIENCE_S)
                assert trial.next_decision_step == 3  # of no rank's own opinion
                steps.append(step)
                trial.report(step, {"val_loss": 0.5})
        return steps

    with ScriptedServer() as server:
        server.script("GetSuggestion", assigned(ttl_s=0.03), finished())
        server.always("Heartbeat", lambda r: heartbeat_answer(STOP))
        server.always("ReportMetric", lambda r: report_answer(STOP))

        assert Threads(server).run(work) == [[1], [1], [1]]
        assert len(server.requests("ReportMetric")) == 1


def test_a_refusal_reaches_every_rank() -> None:
    def work(rank: int, trials: asha.Trials) -> None:
        for trial in trials:
            trial.report(1, {"val_loss": 0.5})

    with ScriptedServer() as server:
        server.always(
            "ReportMetric", lambda r: Refusal("PERMISSION_DENIED", "SCOPE_MISSING", {"role": "x"})
        )

        results = Threads(server).run(work)

        assert [type(error) for error in results] == [asha.AccessDenied] * 3
        assert [error.metadata for error in results if isinstance(error, asha.AccessDenied)] == [
            {"role": "x"}
        ] * 3


def test_a_refused_ask_reaches_every_rank() -> None:
    with ScriptedServer() as server:
        server.always("GetSuggestion", lambda r: Refusal("NOT_FOUND", "EXPERIMENT_NOT_FOUND"))

        results = Threads(server).run(lambda rank, trials: list(trials))

        assert [type(error) for error in results] == [asha.NotFound] * 3


def test_rank_0_s_clock_has_every_rank_save_at_the_next_report() -> None:
    saved: list[tuple[int, int]] = []

    def work(rank: int, trials: asha.Trials) -> None:
        for trial in trials:
            for step in trial.steps():

                def save(step: int = step) -> str:
                    saved.append((step, rank))
                    return f"ckpt-{step}"

                trial.report(step, {}, save)

    with ScriptedServer() as server:
        server.script("GetSuggestion", assigned(next_decision_step=4, max_length=4), finished())
        server.always(
            "ReportMetric", lambda r: report_answer(STOP if r.step == 4 else CONTINUE, next_step=4)
        )

        Threads(server).run(work, checkpoint_every_seconds=0)

        # Due at once, so step 1 asks for it and step 2 has it; the same again; 4 decides.
        assert sorted(saved) == [(2, 0), (2, 1), (2, 2), (4, 0), (4, 1), (4, 2)]


def test_should_stop_is_asked_once_and_answered_on_every_rank() -> None:
    def work(rank: int, trials: asha.Trials) -> list[bool]:
        trial = next(trials)
        answers = [trial.should_stop(), list(trial.steps()) == []]
        trials.close()
        return answers

    with ScriptedServer() as server:
        server.script("ShouldStop", pb.ShouldStopResponse(decision=decision(STOP)))

        assert Threads(server).run(work) == [[True, True]] * 3
        assert len(server.requests("ShouldStop")) == 1


def test_a_rank_that_only_listens_needs_a_broadcast() -> None:
    with ScriptedServer() as server, connect(server) as client:
        with pytest.raises(ValueError, match="rank 1 needs broadcast="):
            client.experiment("digits").trials("worker-1", rank=1)
        with pytest.raises(ValueError, match="ranks count from 0"):
            client.experiment("digits").trials("worker-1", rank=-1)

"""How a real worker process ends: signals, uncaught exceptions, forks."""

from __future__ import annotations

import signal

import pytest

from asha_client.pb import suggestion_service_pb2 as pb

from .program import Program
from .scripted_server import (
    CONTINUE,
    ScriptedServer,
    assigned,
    finished,
    report_answer,
)

TRAIN = """
for trial in connect().trials("worker-1"):
    for step in trial.steps():
        say("step", step)
        listen()
        trial.report(step, {"val_loss": 1 / step}, checkpoint=lambda: f"ckpt-{step}")
"""


def test_sigterm_releases_the_trial_and_ends_the_process_by_the_signal() -> None:
    with ScriptedServer() as server, Program(server, TRAIN) as program:
        program.hear("step 1")
        program.send(signal.SIGTERM)
        status, _, _ = program.end()

        assert status == -signal.SIGTERM
        assert server.methods() == ["GetSuggestion", "ReleaseTrial"]
        (release,) = server.requests("ReleaseTrial")
        assert (release.reason, release.lease_token) == ("SIGTERM", "lease-0-1")


def test_sigterm_then_does_what_it_did_before() -> None:
    text = f"""
import signal
signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(7))
{TRAIN}"""
    with (
        ScriptedServer() as server,
        Program(server, text) as program,
    ):
        program.hear("step 1")
        program.send(signal.SIGTERM)
        status, _, _ = program.end()

        assert status == 7
        assert server.methods() == ["GetSuggestion", "ReleaseTrial"]


def test_sigterm_with_grace_goes_on_to_the_next_report_and_saves_there() -> None:
    text = TRAIN.replace('trials("worker-1"', 'trials("worker-1", sigterm_grace=60')
    with ScriptedServer() as server, Program(server, text) as program:
        server.script("GetSuggestion", assigned(), assigned(1), finished())
        program.hear("step 1")
        program.send(signal.SIGTERM)
        program.tell()
        status, _, complaints = program.end()

        assert status in {0, -signal.SIGTERM}  # whichever of the two ends comes first
        assert "released at its next report" in complaints
        assert server.methods() == ["GetSuggestion", "ReportMetric", "ReleaseTrial"]
        assert server.requests("ReportMetric")[0].checkpoint_uri == "ckpt-1"


def test_a_second_sigterm_ends_the_grace() -> None:
    text = TRAIN.replace('trials("worker-1"', 'trials("worker-1", sigterm_grace=60')
    with ScriptedServer() as server, Program(server, text) as program:
        program.hear("step 1")
        program.send(signal.SIGTERM)
        assert program.process.stderr is not None
        assert "released at its next report" in program.process.stderr.readline()
        program.send(signal.SIGTERM)
        status, _, _ = program.end()

        assert status == -signal.SIGTERM
        assert server.methods() == ["GetSuggestion", "ReleaseTrial"]


def test_ctrl_c_releases_the_trial() -> None:
    with ScriptedServer() as server, Program(server, TRAIN) as program:
        program.hear("step 1")
        program.send(signal.SIGINT)
        status, _, _ = program.end()

        assert status == -signal.SIGINT
        assert server.methods() == ["GetSuggestion", "ReleaseTrial"]


@pytest.mark.parametrize("wrapping", ["{}", "enumerate({})", "watched({})"])
def test_an_uncaught_exception_fails_the_trial_with_its_words(wrapping: str) -> None:
    """`watched` is a generator around the trials, as progress bars are."""
    text = f"""
    def watched(trials):
        for trial in trials:
            yield trial

    def diverge():
        raise ValueError("the loss is gone")

    for trial in {wrapping.format('connect().trials("worker-1")')}:
        diverge()
    """
    with ScriptedServer() as server, Program(server, text) as program:
        status, _, complaints = program.end()

        assert status == 1
        assert "ValueError: the loss is gone" in complaints
        assert server.methods() == ["GetSuggestion", "FailTrial"]
        (failure,) = server.requests("FailTrial")
        assert failure.kind == pb.FAILURE_KIND_RETRYABLE
        assert failure.message.startswith("ValueError: the loss is gone")


def test_an_exception_in_a_thread_fails_the_thread_s_trial() -> None:
    text = """
    import threading

    def work():
        for trial in connect().trials("worker-1"):
            raise ValueError("the loss is gone")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    """
    with ScriptedServer() as server, Program(server, text) as program:
        program.end()

        (failure,) = server.requests("FailTrial")
        assert failure.message.startswith("ValueError: the loss is gone")


def test_sys_exit_in_the_loop_releases_the_trial() -> None:
    text = """
    for trial in connect().trials("worker-1"):
        sys.exit(3)
    """
    with ScriptedServer() as server, Program(server, text) as program:
        status, _, _ = program.end()

        assert status == 3
        assert server.methods() == ["GetSuggestion", "ReleaseTrial"]


def test_a_trial_taken_by_hand_is_released_when_the_process_ends() -> None:
    text = """
    trial = next(connect().trials("worker-1"))
    trial.report(1, {"val_loss": 0.5})
    """
    with ScriptedServer() as server, Program(server, text) as program:
        status, _, _ = program.end()

        assert status == 0
        assert server.methods() == ["GetSuggestion", "ReportMetric", "ReleaseTrial"]


def test_three_failures_in_a_row_without_a_report_exit_non_zero() -> None:
    text = """
    def work(trial):
        raise OSError("no GPU here")

    connect().run(work, "worker-1")
    """
    with ScriptedServer() as server, Program(server, text) as program:
        server.script("GetSuggestion", *[assigned(n) for n in range(9)])
        status, _, complaints = program.end()

        assert status == 1
        assert "WorkerFailing: 3 assignments in a row" in complaints
        assert len(server.requests("FailTrial")) == 3


def test_the_parent_trains_on_while_its_loaders_fork_and_end() -> None:
    """A pool as a DataLoader has it, a child that ends as an interpreter does, one by SIGTERM."""
    text = """
    import multiprocessing, signal

    fork = multiprocessing.get_context("fork")
    for trial in connect().trials("worker-1"):
        for step in trial.steps():
            with fork.Pool(2) as pool:                       # ended by SIGTERM
                assert pool.map(abs, [-1, -2]) == [1, 2]
            child = os.fork()
            if child == 0:
                sys.exit(5)                                  # the whole of an interpreter's end
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 5
            trial.report(step, {"val_loss": 1 / step})
    """
    with ScriptedServer() as server, Program(server, text) as program:
        status, _, complaints = program.end()

        assert status == 0
        assert "Traceback" not in complaints
        assert server.methods() == ["GetSuggestion", *["ReportMetric"] * 3, "GetSuggestion"]


def test_a_fork_that_reports_is_refused_with_the_way_out() -> None:
    text = """
    trial = next(connect().trials("worker-1"))
    child = os.fork()
    if child == 0:
        try:
            trial.report(1, {"val_loss": 0.5})
        except asha.ForkedProcess as error:
            say(error)
        os._exit(0)
    os.waitpid(child, 0)
    trial.release()
    """
    with ScriptedServer() as server, Program(server, text) as program:
        status, output, _ = program.end()

        assert status == 0
        assert "Report from the parent" in output
        assert server.methods() == ["GetSuggestion", "ReleaseTrial"]


def test_workers_forked_before_the_first_call_work_and_fail_on_their_own() -> None:
    """Multiprocessing catches exceptions itself: no hook runs, and os._exit ends the child."""
    text = """
    import multiprocessing

    def work(worker_id):
        for trial in connect().trials(worker_id):
            trial.report(1, {"val_loss": 0.5})
            raise ValueError("the loss is gone")

    fork = multiprocessing.get_context("fork")
    children = [fork.Process(target=work, args=(f"worker-{i}",)) for i in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    """
    with ScriptedServer() as server, Program(server, text) as program:
        server.script("GetSuggestion", assigned(0), assigned(1), finished())
        server.always("ReportMetric", lambda r: report_answer(CONTINUE))
        status, _, _ = program.end()

        assert status == 0
        assert sorted(r.trial_number for r in server.requests("FailTrial")) == [0, 1]
        incarnations = {r.incarnation_id for r in server.requests("GetSuggestion")}
        assert len(incarnations) == 2


def test_a_forked_worker_releases_its_trial_at_sigterm() -> None:
    text = """
    import multiprocessing, signal

    def work(saying):
        for trial in connect().trials("worker-1"):
            saying.send("training")
            signal.pause()

    fork = multiprocessing.get_context("fork")
    hearing, saying = fork.Pipe()
    child = fork.Process(target=work, args=(saying,))
    child.start()
    hearing.recv()
    child.terminate()
    child.join()
    say(child.exitcode)
    """
    with ScriptedServer() as server, Program(server, text) as program:
        program.hear("-15")
        program.end()

        assert server.methods() == ["GetSuggestion", "ReleaseTrial"]


def test_sigterm_in_the_middle_of_an_import_releases_the_trial_at_once() -> None:
    """The interrupted import holds a lock that any import of the release would wait for."""
    text = """
    import asyncio
    from asha_client import aio

    class Slow:
        def find_spec(self, name, path, target=None):
            if name == "slow":
                say("importing")
                listen()

    sys.meta_path.insert(0, Slow())

    async def main():
        async for trial in aio.connect().experiment("digits").trials("worker-1"):
            import slow

    asyncio.run(main())
    """
    with ScriptedServer() as server, Program(server, text) as program:
        program.hear("importing")
        program.send(signal.SIGTERM)
        status, _, _ = program.end()

        assert status == -signal.SIGTERM
        assert server.methods() == ["GetSuggestion", "ReleaseTrial"]

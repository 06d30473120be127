"""The asyncio twin: the same rules, awaited."""

from __future__ import annotations

import asyncio
import signal
from functools import partial

import pytest

import asha_client as asha
from asha_client import aio
from asha_client.pb import experiment_service_pb2 as experiments
from asha_client.pb import suggestion_service_pb2 as pb

from .program import Program
from .scripted_answers import Refusal
from .scripted_server import (
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


def connect_aio(server: ScriptedServer) -> aio.Client:
    """An asyncio client of the server that retries at once."""
    return aio.connect(server.address, max_backoff=0.01)


def has_verdict(trial: aio.Trial) -> bool:
    return trial.has_verdict


async def train(client: aio.Client) -> list[list[int]]:
    """The five-line loop; the steps of each trial."""
    steps: list[list[int]] = []
    async for trial in client.experiment("digits").trials("worker-1"):
        steps.append([])
        async for step in trial.steps():
            steps[-1].append(step)
            await trial.report(step, {"val_loss": 1 / step})
    return steps


async def test_the_loop_says_what_the_blocking_one_says() -> None:
    with ScriptedServer() as server, connect(server) as client:
        for trial in client.experiment("digits").trials("worker-1"):
            for step in trial.steps():
                trial.report(step, {"val_loss": 1 / step})
        blocking = server.calls
    with ScriptedServer() as server:
        async with connect_aio(server) as twin:
            assert await train(twin) == [[1, 2, 3]]
        awaited = server.calls

    for one, other in zip(blocking, awaited, strict=True):
        if one.method == "GetSuggestion":
            one.request.request_id = other.request.request_id  # random by nature
        assert (one.method, one.request) == (other.method, other.request)
        assert abs((one.deadline_s or 0) - (other.deadline_s or 0)) < 1


async def test_storms_are_sat_out_with_the_same_request() -> None:
    with ScriptedServer() as server:
        server.script("ReportMetric", *[Refusal("UNAVAILABLE")] * 5)
        async with connect_aio(server) as client:
            assert await train(client) == [[1, 2, 3]]

        sent = server.requests("ReportMetric")
        assert sent[:6] == [sent[0]] * 6


@pytest.mark.parametrize(
    ("refusal", "steps"),
    [
        (Refusal("ABORTED", "LEASE_LOST"), [[1]]),
        (Refusal("ALREADY_EXISTS", "METRIC_CONFLICT"), [[1, 2, 3]]),
    ],
    ids=["lease lost", "metric conflict"],
)
async def test_a_lost_lease_ends_and_a_repeated_step_goes_on(
    refusal: Refusal, steps: list[list[int]]
) -> None:
    with ScriptedServer() as server:
        server.script("ReportMetric", refusal)
        async with connect_aio(server) as client:
            assert await train(client) == steps


async def test_a_checkpoint_function_may_be_a_coroutine_function() -> None:
    async def save() -> str:
        await asyncio.sleep(0)
        return "s3://bucket/3"

    with ScriptedServer() as server:
        async with connect_aio(server) as client:
            async for trial in client.experiment("digits").trials("worker-1"):
                async for step in trial.steps():
                    await trial.report(step, {"val_loss": 1 / step}, checkpoint=save)

        uris = [r.checkpoint_uri for r in server.requests("ReportMetric")]
        assert uris == ["", "", "s3://bucket/3"]


async def test_a_verdict_by_heartbeat_ends_the_steps() -> None:
    with ScriptedServer() as server:
        server.script("GetSuggestion", assigned(ttl_s=0.03), finished())
        server.always("Heartbeat", lambda r: heartbeat_answer(STOP))
        async with connect_aio(server) as client:
            async for trial in client.experiment("digits").trials("worker-1"):
                await asyncio.to_thread(wait_until, partial(has_verdict, trial))
                assert [step async for step in trial.steps()] == []

        assert server.methods() == ["GetSuggestion", "GetSuggestion"]


async def test_an_exception_in_a_trial_s_block_fails_it() -> None:
    async def work(client: aio.Client) -> None:
        async for trial in client.experiment("digits").trials("worker-1"):
            async with trial:
                raise ValueError("the loss is gone")

    with ScriptedServer() as server:
        async with connect_aio(server) as client:
            with pytest.raises(ValueError, match="gone"):
                await work(client)

        assert server.requests("FailTrial")[0].message.startswith("ValueError: the loss is gone")


async def test_an_exception_that_leaves_a_plain_loop_fails_the_trial() -> None:
    async def work(client: aio.Client) -> None:
        async for _trial in client.experiment("digits").trials("worker-1"):
            raise ValueError("the loss is gone")

    with ScriptedServer() as server:
        async with connect_aio(server) as client:
            with pytest.raises(ValueError, match="gone"):
                await work(client)
            await train(client)

        assert server.methods() == ["GetSuggestion", "FailTrial", "GetSuggestion"]


async def test_break_releases_the_trial() -> None:
    with ScriptedServer() as server:
        async with connect_aio(server) as client:
            async for _trial in client.experiment("digits").trials("worker-1"):
                break
            await asyncio.to_thread(server.wait_for, "ReleaseTrial")

        assert server.methods() == ["GetSuggestion", "ReleaseTrial"]


async def test_cancelling_the_task_releases_the_trial() -> None:
    training = asyncio.Event()

    async def work(client: aio.Client) -> None:
        async for _trial in client.experiment("digits").trials("worker-1"):
            training.set()
            await asyncio.Event().wait()

    with ScriptedServer() as server:
        async with connect_aio(server) as client:
            task = asyncio.create_task(work(client))
            await training.wait()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await asyncio.to_thread(server.wait_for, "ReleaseTrial")

        assert server.methods() == ["GetSuggestion", "ReleaseTrial"]


async def test_run_fails_trials_and_goes_on_until_the_worker_is_at_fault() -> None:
    async def work(trial: aio.Trial) -> None:
        raise OSError("no GPU here")

    with ScriptedServer() as server:
        server.script("GetSuggestion", *[assigned(n) for n in range(9)])
        async with connect_aio(server) as client:
            with pytest.raises(asha.WorkerFailing):
                await client.experiment("digits").run(work, "worker-1")

        assert [r.trial_number for r in server.requests("FailTrial")] == [0, 1, 2]


async def test_one_loop_can_work_for_several_workers() -> None:
    with ScriptedServer() as server:
        server.script("GetSuggestion", assigned(0), assigned(1), finished(), finished())
        async with connect_aio(server) as client:
            experiment = client.experiment("digits")

            both_train = asyncio.Barrier(2)  # else the faster one may take both trials

            async def work(name: str) -> list[int]:
                numbers = []
                async for trial in experiment.trials(name):
                    numbers.append(trial.number)
                    await both_train.wait()
                return numbers

            numbers = await asyncio.gather(work("worker-1"), work("worker-2"))

        assert sorted(numbers) == [[0], [1]]


async def test_ranks_may_share_by_a_coroutine_function() -> None:
    pipe: asyncio.Queue[object] = asyncio.Queue()

    async def tell(value: object) -> object:
        await pipe.put(value)
        return value

    async def hear(value: object) -> object:
        return await pipe.get()

    with ScriptedServer() as server:
        async with connect_aio(server) as client:
            experiment = client.experiment("digits")

            async def work(rank: int) -> list[int]:
                steps = []
                trials = experiment.trials("worker-1", rank=rank, broadcast=(tell, hear)[rank])
                async for trial in trials:
                    async for step in trial.steps():
                        steps.append(step)
                        await trial.report(step, {"val_loss": 1 / step})
                return steps

            assert list(await asyncio.gather(work(0), work(1))) == [[1, 2, 3], [1, 2, 3]]
        assert len(server.requests("ReportMetric")) == 3


async def test_a_trial_can_be_asked_about_and_ended_by_hand() -> None:
    with ScriptedServer() as server:
        server.script("GetSuggestion", *[assigned(n) for n in range(3)], finished())
        server.script("ShouldStop", pb.ShouldStopResponse(decision=decision(PAUSE)))
        server.script("ReportMetric", report_answer(STOP))
        async with connect_aio(server) as client:
            async for trial in client.experiment("digits").trials("worker-1"):
                match trial.number:
                    case 0:
                        await trial.save_checkpoint(1, "s3://bucket/1")
                        await trial.release("enough")
                    case 1:
                        await trial.fail("no data", asha.FailureKind.PERMANENT)
                    case 2:
                        assert await trial.should_stop()

        assert server.methods() == [
            "GetSuggestion",
            "ReportCheckpoint",
            "ReleaseTrial",
            "GetSuggestion",
            "FailTrial",
            "GetSuggestion",
            "ShouldStop",
            "GetSuggestion",
        ]


async def test_an_experiment_can_be_created_and_looked_at() -> None:
    created = experiments.CreateExperimentResponse()
    created.experiment.experiment_id = "brave-otter-0a1b"
    with ScriptedServer() as server:
        server.script("CreateExperiment", created)
        server.script("GetExperiment", Refusal("NOT_FOUND", "EXPERIMENT_NOT_FOUND"))
        async with connect_aio(server) as client:
            experiment = await client.create_experiment({"max_length": 81})

            assert experiment.id == "brave-otter-0a1b"
            with pytest.raises(asha.NotFound):
                await experiment.get()


TRAIN = """
import asyncio
from asha_client import aio

async def main():
    client = aio.connect(max_backoff=0.01)
    async for trial in client.experiment("digits").trials("worker-1"):
        async for step in trial.steps():
            say("step", step)
            BODY
            await trial.report(step, {"val_loss": 1 / step})
    await client.close()

asyncio.run(main())
"""


def test_sigterm_releases_the_trial() -> None:
    text = TRAIN.replace("BODY", "await asyncio.to_thread(listen)")
    with ScriptedServer() as server, Program(server, text) as program:
        program.hear("step 1")
        program.send(signal.SIGTERM)
        status, _, _ = program.end()

        assert status == -signal.SIGTERM
        assert server.methods() == ["GetSuggestion", "ReleaseTrial"]


def test_an_uncaught_exception_fails_the_trial_with_its_words() -> None:
    text = TRAIN.replace("BODY", "raise ValueError('the loss is gone')")
    with ScriptedServer() as server, Program(server, text) as program:
        status, _, _ = program.end()

        assert status == 1
        assert server.methods() == ["GetSuggestion", "FailTrial"]
        assert server.requests("FailTrial")[0].message.startswith("ValueError: the loss is gone")


def test_a_fork_ends_without_harm() -> None:
    text = TRAIN.replace("BODY", "(os.fork() or sys.exit()) and os.wait()")
    with ScriptedServer() as server, Program(server, text) as program:
        status, _, _ = program.end()

        assert status == 0
        assert server.methods() == ["GetSuggestion", *["ReportMetric"] * 3, "GetSuggestion"]

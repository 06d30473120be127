"""Workers of every language in one search, whose server is killed in the middle of it."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import asha_client as asha
import pytest
from asha_client.pb import admin_service_pb2 as admin
from asha_client.pb import experiment_pb2, trial_pb2
from asha_client.pb import experiment_service_pb2 as experiments

from .conftest import Drivers, chosen
from .driver_process import environment
from .servers import RealServer

PROCESSES = 2
"""Workers of each language."""
TRIALS = 6
"""Trials for each worker, on average."""
PATIENCE_S = 240.0
"""How long a search may take, in seconds; only a failing one takes so long."""


def test_workers_of_every_language_share_one_search(
    pytestconfig: pytest.Config, drivers: Drivers
) -> None:
    """Nothing is resumed but by its own process: checkpoints of languages are not each other's."""
    languages = chosen(pytestconfig)
    names = [f"{language}-{number}" for language in languages for number in range(PROCESSES)]
    with RealServer() as server, asha.connect(server.address) as client:
        spec = make_spec(len(names) * TRIALS, experiment_pb2.HALVING_VARIANT_STOPPING)
        trials = search(client, server, drivers, names, spec)

        ended = Counter(trial.worker_id.split("-")[1] for trial in trials)
        assert set(ended) == set(languages), f"ended trials by language: {ended}"
        server.verify()


def test_a_language_resumes_promoted_trials(driver_name: str, drivers: Drivers) -> None:
    """One process goes on from the checkpoint that another one saved."""
    names = [f"{driver_name}-{number}" for number in range(PROCESSES)]
    with RealServer() as server, asha.connect(server.address) as client:
        spec = make_spec(16, experiment_pb2.HALVING_VARIANT_PROMOTION)
        trials = search(client, server, drivers, names, spec)

        attempts = [one for trial in trials for one in attempts_of(client, trial)]
        promoted = [a for a in attempts if a.kind == trial_pb2.ASSIGNMENT_KIND_PROMOTED]
        assert promoted, "nothing was promoted"
        assert all(a.start_step > 0 for a in promoted), "promoted trials began from scratch"
        assert trial_pb2.ATTEMPT_END_FAILED not in {a.end for a in attempts}
        server.verify()


def make_spec(
    max_trials: int, variant: experiment_pb2.HalvingVariant
) -> experiment_pb2.ExperimentSpec:
    """A search over the samples' two parameters."""
    return experiment_pb2.ExperimentSpec(
        metric=experiment_pb2.Metric(name="val_loss", goal=experiment_pb2.GOAL_MINIMIZE),
        parameters=[
            experiment_pb2.ParameterSpec(
                name="lr", double_range=experiment_pb2.DoubleRange(min=1e-3, max=0.3, log=True)
            ),
            experiment_pb2.ParameterSpec(
                name="hidden", int_range=experiment_pb2.IntRange(min=8, max=32)
            ),
        ],
        async_halving=experiment_pb2.AsyncHalving(num_rungs=3, divisor=2, variant=variant),
        max_length=9,
        unit="epochs",
        max_trials=max_trials,
        max_concurrent_trials=0,
        seed=7,
    )


def search(
    client: asha.Client,
    server: RealServer,
    drivers: Drivers,
    names: list[str],
    spec: experiment_pb2.ExperimentSpec,
) -> list[trial_pb2.Trial]:
    """Runs a search to its end with these workers and a kill; its trials, each ended once."""
    experiment = client.create_experiment(spec, "together")
    by_id = experiments.PauseExperimentRequest(experiment_id="together")
    client.call(client.experiments.PauseExperiment, by_id)
    with workers(drivers, server.address, names) as processes:

        def is_anyone_gone() -> bool:
            return any(process.poll() is not None for process in processes)

        # All wait at the start, however long a language takes to come up.
        await_that(lambda: waiting(client) >= len(names), is_anyone_gone)
        languages = [drivers.language(name.partition("-")[0]) for name in names]
        assert info(client).open_session_count == sum(one.sessions for one in languages)
        resume = experiments.ResumeExperimentRequest(experiment_id="together")
        client.call(client.experiments.ResumeExperiment, resume)
        await_that(lambda: ended_count(experiment) >= spec.max_trials // 4, lambda: False)
        server.kill()
        time.sleep(1.0)
        server.start()
        await_that(lambda: all(process.poll() is not None for process in processes), lambda: False)
        assert [process.returncode for process in processes] == [0] * len(names)
    state = experiment.get()
    assert state.state == experiment_pb2.EXPERIMENT_STATE_COMPLETED
    assert state.end_reason == experiment_pb2.END_REASON_ALL_TRIALS_ENDED
    assert ended_count(experiment) == state.trial_counts.created == spec.max_trials
    assert state.trial_counts.failed == 0
    listed = client.call(
        client.experiments.ListTrials,
        experiments.ListTrialsRequest(experiment_id="together", page_size=1000),
    )
    assert [trial.trial_number for trial in listed.trials] == list(range(spec.max_trials))
    for trial in listed.trials:
        steps = steps_of(client, trial)
        assert max(Counter(steps).values()) == 1, f"trial {trial.trial_number}: steps {steps}"
    return list(listed.trials)


@contextmanager
def workers(
    drivers: Drivers, address: str, names: list[str]
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """The samples as Slurm would start them: the job's name is in each worker's name."""
    processes: list[subprocess.Popen[bytes]] = []
    with tempfile.TemporaryDirectory() as folder:
        logs = {name: Path(folder) / name for name in names}
        try:
            for name in names:
                language_name, _, number = name.partition("-")
                language = drivers.language(language_name)
                with logs[name].open("wb") as log:
                    processes.append(
                        subprocess.Popen(
                            [
                                *language.command("sample"),
                                *("--server", address, "--experiment", "together"),
                            ],
                            cwd=language.folder,
                            env=environment()
                            | {"SLURM_JOB_ID": language_name, "SLURM_PROCID": number},
                            stdout=log,
                            stderr=log,
                        )
                    )
            yield processes
        except BaseException:
            for name, log_path in logs.items():
                if log_path.exists():
                    print(f"== {name}\n{log_path.read_text(errors='replace')[-3000:]}")  # noqa: T201 - pytest shows it with the failure
            raise
        finally:
            for process in processes:
                process.kill()
                process.wait()


def await_that(holds: Callable[[], bool], is_vain: Callable[[], bool]) -> None:
    """Waits for what must come."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert not is_vain(), "a worker has ended before the search began"
        assert time.monotonic() < deadline, f"it did not come in {PATIENCE_S} s"
        time.sleep(0.05)


def waiting(client: asha.Client) -> int:
    """How many long polls the server holds."""
    return info(client).waiting_call_count


def info(client: asha.Client) -> admin.GetServerInfoResponse:
    """What the server says of itself."""
    return client.call(client.admin.GetServerInfo, admin.GetServerInfoRequest())


def ended_count(experiment: asha.Experiment) -> int:
    """How many trials have ended."""
    counts = experiment.get().trial_counts
    return counts.completed + counts.stopped + counts.failed + counts.infeasible + counts.cancelled


def steps_of(client: asha.Client, trial: trial_pb2.Trial) -> list[int]:
    """Steps of all reports of a trial, by all attempts."""
    response = client.call(
        client.experiments.ListObservations,
        experiments.ListObservationsRequest(
            experiment_id=trial.experiment_id, trial_number=trial.trial_number, page_size=1000
        ),
    )
    return [one.step for one in response.observations]


def attempts_of(client: asha.Client, trial: trial_pb2.Trial) -> list[trial_pb2.Attempt]:
    """All attempts of a trial."""
    request = experiments.GetTrialRequest(
        experiment_id=trial.experiment_id, trial_number=trial.trial_number
    )
    return list(client.call(client.experiments.GetTrial, request).attempts)

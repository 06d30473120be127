"""Report + decision a second of one other tool, with so many trials in its history.

Run by the interpreter of an environment in which it is installed; `peers.py` does that.

python benchmarks/peer.py optuna-sqlite|optuna-grpc|ray|syne-tune TRIALS
"""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

SECONDS = 3.0
STEPS = 8
"""Reports of a trial; at the last three powers of two there is a rung."""


def rate(report: Callable[[int], object]) -> float:
    """Calls a second of something that is given 0, then 1, then 2."""
    ends, count = time.perf_counter() + SECONDS, 0
    while time.perf_counter() < ends:
        report(count)
        count += 1
    return count / SECONDS


def value_of(number: int) -> float:
    """Scattered values without ties."""
    return number * 0.6180339887498949 % 1.0


def optuna_reports(storage: Any, trials: int) -> float:
    """`trial.report` and `trial.should_prune` on a study with a history."""
    import optuna  # noqa: PLC0415 - of another environment

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        storage=storage,
        sampler=optuna.samplers.RandomSampler(seed=1),
        pruner=optuna.pruners.SuccessiveHalvingPruner(reduction_factor=2),
    )
    study.add_trials(
        [
            optuna.trial.create_trial(
                value=value_of(number), intermediate_values={1: value_of(number)}
            )
            for number in range(trials)
        ]
    )
    trial = study.ask()

    def report(count: int) -> None:
        nonlocal trial
        if count % STEPS == STEPS - 1:
            study.tell(trial, 0.5)
            trial = study.ask()
        trial.report(value_of(count), count % STEPS + 1)
        trial.should_prune()

    return rate(report)


def optuna_sqlite(trials: int) -> float:
    """Optuna on a file."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as directory:
        return optuna_reports(f"sqlite:///{directory}/optuna.db", trials)


def optuna_grpc(trials: int) -> float:
    """Optuna's gRPC proxy before such a file."""
    import optuna  # noqa: PLC0415 - of another environment

    with tempfile.TemporaryDirectory(dir=Path.cwd()) as directory:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        serve = (
            "import optuna; optuna.storages.run_grpc_proxy_server("
            f"optuna.storages.get_storage('sqlite:///{directory}/optuna.db'), "
            f"host='127.0.0.1', port={port})"
        )
        with subprocess.Popen([sys.executable, "-c", serve], stderr=subprocess.DEVNULL) as proxy:
            try:
                storage = optuna.storages.GrpcStorageProxy(host="127.0.0.1", port=port)
                storage.wait_server_ready(timeout=60)
                return optuna_reports(storage, trials)
            finally:
                proxy.kill()


def ray(trials: int) -> float:
    """Ray's ASHA scheduler by itself: in memory, nothing kept, stopping only."""
    from ray.tune.schedulers import AsyncHyperBandScheduler  # noqa: PLC0415 - as above

    scheduler = AsyncHyperBandScheduler(
        metric="loss", mode="min", max_t=STEPS, grace_period=1, reduction_factor=2
    )

    def one(number: int, step: int) -> None:
        trial = SimpleNamespace(trial_id=str(number))
        if step == 1:
            scheduler.on_trial_add(None, trial)
        result = {"training_iteration": step, "loss": value_of(number)}
        scheduler.on_trial_result(None, trial, result)

    for number in range(trials):
        one(number, 1)
    return rate(lambda count: one(trials + count // STEPS, count % STEPS + 1))


def syne_tune(trials: int) -> float:
    """Syne Tune's ASHA by itself: in memory, nothing kept, stopping only."""
    from syne_tune.config_space import uniform  # noqa: PLC0415 - as above
    from syne_tune.optimizer.baselines import ASHA  # noqa: PLC0415 - as above

    scheduler = ASHA(
        {"lr": uniform(0, 1)}, "loss", "epoch", max_t=STEPS, grace_period=1, reduction_factor=2,
        random_seed=1,
    )  # fmt: skip

    def one(number: int, step: int) -> None:
        trial = SimpleNamespace(trial_id=number, config={"lr": 0.5})
        if step == 1:
            scheduler.on_trial_add(trial)
        scheduler.on_trial_result(trial, {"epoch": step, "loss": value_of(number)})

    for number in range(trials):
        one(number, 1)
    return rate(lambda count: one(trials + count // STEPS, count % STEPS + 1))


PEERS = {
    "optuna-sqlite": optuna_sqlite,
    "optuna-grpc": optuna_grpc,
    "ray": ray,
    "syne-tune": syne_tune,
}

if __name__ == "__main__":
    print(PEERS[sys.argv[1]](int(sys.argv[2])))

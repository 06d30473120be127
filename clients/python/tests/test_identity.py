"""Who a worker is, by its platform."""

from __future__ import annotations

import os
import socket
import tempfile

import pytest

from asha_client import identity

from .scripted_server import ScriptedServer, assigned, connect, finished


def test_in_slurm_it_is_the_job_and_the_task() -> None:
    environment = {"SLURM_JOB_ID": "42", "SLURM_STEP_ID": "1", "SLURM_PROCID": "3"}

    assert identity.default_worker_id(environment) == "slurm-42-1-3"


def test_in_a_slurm_array_it_is_the_same_after_a_requeue() -> None:
    environment = {
        "SLURM_JOB_ID": "47",
        "SLURM_ARRAY_JOB_ID": "42",
        "SLURM_ARRAY_TASK_ID": "5",
        "SLURM_PROCID": "0",
    }

    assert identity.default_worker_id(environment) == "slurm-42_5-0-0"


def test_in_kubernetes_it_is_the_pod_and_the_container() -> None:
    environment = {
        "KUBERNETES_SERVICE_HOST": "10.0.0.1",
        "HOSTNAME": "train-7f9",
        "CONTAINER_NAME": "main",
        "CUDA_VISIBLE_DEVICES": "0,1",
    }

    assert identity.default_worker_id(environment) == "pod-train-7f9-main-cuda0,1"


def test_elsewhere_it_is_host_device_and_a_random_part() -> None:
    environment = {"CUDA_VISIBLE_DEVICES": "2"}

    first, second = (identity.default_worker_id(environment) for _ in range(2))

    assert first.startswith(f"{socket.gethostname()}-cuda2-")
    assert first != second


def test_what_a_worker_id_may_not_hold_is_replaced() -> None:
    environment = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "POD_NAME": "übung 1" + "x" * 200}

    name = identity.default_worker_id(environment)

    assert name.startswith("pod-_bung_1xxx")
    assert len(name) == 128


def test_two_workers_of_one_machine_do_not_share_a_name() -> None:
    name = f"test-{os.getpid()}"
    first, second = identity.claim(name), identity.claim(name)
    identity.unclaim(first)
    again = identity.claim(name)
    identity.unclaim(second)
    identity.unclaim(again)

    assert (first, second, again) == (name, f"{name}-2", name)


def test_without_a_temporary_directory_the_name_stands_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As in a container whose root cannot be written; the standard library finds no place then."""
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", list)
    name = f"nowhere-{os.getpid()}"

    claimed = identity.claim(name)
    identity.unclaim(claimed)

    assert claimed == name


def test_a_loop_without_a_name_takes_the_platform_s_and_gives_it_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = f"9{os.getpid()}"
    monkeypatch.setenv("SLURM_JOB_ID", job)
    with ScriptedServer() as server, connect(server) as client:
        server.script("GetSuggestion", assigned(0), assigned(1), finished())
        experiment = client.experiment("digits")
        with experiment.trials() as one, experiment.trials() as other:
            next(one)
            next(other)
        list(experiment.trials())

        names = [ask.worker_id for ask in server.requests("GetSuggestion")]
        assert names == [f"slurm-{job}-0-0", f"slurm-{job}-0-0-2", f"slurm-{job}-0-0"]

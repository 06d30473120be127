"""A search on a Ray cluster: the server on the head node, a worker in each Ray task.

Run it on the head node of a running cluster, with `asha-server` installed there and `asha-client`
on every node (docs/howto/ray.md):

    python search.py digits.yaml --id digits --workers 16 --gpus-per-worker 1

Ray places and restarts the workers, ASHA decides what they train. Put your training into `train`.
Started again with the same database, the search goes on where it was.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asha_client as asha

STOP_S = 60
"""What the server may take to answer what is in flight, in seconds."""


def train(server: str, token: str, experiment_id: str, checkpoints: str) -> int:
    """Trains trials until the search is finished; how many this worker had. Yours to change.

    Here a trial's loss falls towards a floor that its learning rate sets, so that there is
    something to watch without a GPU.
    """
    count = 0
    experiment = asha.connect(server, token=token).experiment(experiment_id)
    for trial in experiment.trials():
        count += 1
        floor = abs(float(trial.parameters["lr"]) - 0.01)
        loss = float(Path(trial.checkpoint).read_text()) if trial.checkpoint else 1.0
        for step in trial.steps():
            loss = floor + (loss - floor) * 0.8
            state = Path(checkpoints) / f"{trial.number}-{step}.txt"
            state.write_text(str(loss))
            trial.report(step, {"val_loss": loss}, checkpoint=str(state))
    return count


@contextmanager
def serving(database: Path, host: str, copies: Path | None) -> Iterator[tuple[str, Path]]:
    """A server on this node; its address and the file of the token for it.

    Args:
        database: on a disk of this node, not on a network file system.
        host: the address of this node, as the workers reach it.
        copies: where whole copies go, best on shared storage; None: nowhere.
    """
    command = [sys.executable, "-m", "asha_server.cli", "serve", "--database", str(database)]
    # A cluster's network is seldom yours alone, so each call wants a token.
    command += ["--listen", f"{host}:0", "--insecure", "--auth", "tokens"]
    command += ["--backup-to", str(copies)] if copies else []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            words = server.stdout.readline().split()
            if words[:2] != ["listening", "on"]:
                raise SystemExit("the server did not start; its messages are above")
            yield words[2], database.with_name(f"{database.name}.admin-token")
        finally:
            server.terminate()
            server.wait(STOP_S)


def create(server: str, token_file: Path, file: Path, experiment_id: str) -> None:
    """Makes the experiment, unless it is there from the last time."""
    environment = {**os.environ, "ASHA_SERVER": server, "ASHA_TOKEN_FILE": str(token_file)}
    asha_command = [sys.executable, "-m", "asha_server.cli"]
    known = subprocess.run(
        [*asha_command, "status", experiment_id], env=environment, capture_output=True, check=False
    )
    if known.returncode != 0:
        create_it = [*asha_command, "create", "-f", str(file), "--id", experiment_id]
        subprocess.run(create_it, env=environment, check=True)


def main() -> None:
    """Serves, creates, and keeps one Ray task a worker until the search is finished."""
    import ray  # here, so that `train` can be tried without a cluster

    parser = argparse.ArgumentParser(description="A search on a Ray cluster.")
    parser.add_argument("file", type=Path, help="the experiment, as for asha create")
    parser.add_argument("--id", required=True, help="the experiment's id")
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--cpus-per-worker", type=float, default=1)
    parser.add_argument("--gpus-per-worker", type=float, default=0)
    parser.add_argument("--database", type=Path, default=Path("/tmp/asha.db"))
    parser.add_argument("--copies", type=Path, help="directory for backups, on shared storage")
    parser.add_argument("--checkpoints", default="checkpoints", help="seen by every node")
    parser.add_argument("--address", help="of the cluster, as for ray.init")
    given = parser.parse_args()

    ray.init(address=given.address)
    host = ray.util.get_node_ip_address()
    checkpoints = Path(given.checkpoints).absolute()
    checkpoints.mkdir(parents=True, exist_ok=True)
    worker = ray.remote(
        num_cpus=given.cpus_per_worker,
        num_gpus=given.gpus_per_worker,
        max_retries=-1,  # a node that is lost costs nothing: its trial goes on elsewhere
    )(train)
    with serving(given.database.absolute(), host, given.copies) as (server, token_file):
        create(server, token_file, given.file, given.id)
        print(f"export ASHA_SERVER={server} ASHA_TOKEN_FILE={token_file}", flush=True)
        token = token_file.read_text().strip()
        running = [
            worker.remote(server, token, given.id, str(checkpoints)) for _ in range(given.workers)
        ]
        print(f"finished: {sum(ray.get(running))} assignments", flush=True)


if __name__ == "__main__":
    main()

"""Builds the Dockerfile and runs the image: `python tests/deploy/container.py`, as root.

No registry of images and no Docker engine are needed: the base image is made of Debian packages
by mmdebstrap, and podman builds and runs, with everything it keeps in a directory that is removed.
The container runs as the image says, in no network, on a read-only root without capabilities.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("mmdebstrap", "podman", "runc", "conmon")
BASE = "localhost/python-of-debian"
"""Stands in for python:3.11-slim: a Debian with Python 3.11, pip and venv."""
IMAGE = "localhost/asha-server"
START_S = 60.0
"""Until the server must answer. Seconds; some, on a busy machine."""
STOP_S = 20
"""Until it must have ended after SIGTERM, in seconds; Kubernetes gives 30 by default."""
READY = "listening on 0.0.0.0:50051"

EXPERIMENT = """
metric: {name: loss, goal: minimize}
unit: epochs
max_length: 9
max_trials: 9
async_halving: {num_rungs: 3, divisor: 3}
parameters:
  lr: {double_range: {min: 0.0, max: 1.0}}
"""
WORKER = """
import asha_client as asha
experiment = asha.connect("localhost:50051").experiment("digits")
for trial in experiment.trials():
    for step in trial.steps():
        trial.report(step, {"loss": trial.parameters["lr"] / step})
"""
WRITER = """
import errno, os
assert os.getuid() == 1000 and os.getgid() == 1000, os.getuid()
for name in ("/x", "/opt/asha/x", "/etc/x"):
    try:
        open(name, "w")
    except OSError as error:
        assert error.errno in {errno.EROFS, errno.EACCES}, error
    else:
        raise SystemExit(f"{name} can be written")
"""


class Podman:
    """podman with a store of its own.

    Args:
        store: directory for images and containers.
    """

    def __init__(self, store: Path) -> None:
        self._words = ["podman", "--root", str(store / "root"), "--runroot", str(store / "run")]
        self._words += ["--tmpdir", str(store / "tmp"), "--events-backend=none"]
        # Those of a machine without systemd.
        self._words += ["--cgroup-manager=cgroupfs", "--runtime=runc"]

    def __call__(self, *words: str, typed: str | None = None) -> str:
        """What a command prints.

        Raises:
            SystemExit: it failed, with its messages.
        """
        command = [*self._words, *words]
        done = subprocess.run(command, input=typed, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"podman {' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout

    def build(self) -> None:
        """Makes the base, then the image of the Dockerfile on it."""
        with tempfile.NamedTemporaryFile(suffix=".tar") as archive:
            subprocess.run(
                ["mmdebstrap", "--quiet", "--variant=minbase", "--mode=root",
                 "--include=python3,python3-pip,python3-venv", "bookworm", archive.name],
                check=True,
            )  # fmt: skip
            self("import", archive.name, BASE)
        # How this machine reaches its package index, for the time of the build alone.
        shared = [path for path in ("/etc/pip.conf", "/etc/ssl/certs") if Path(path).exists()]
        volumes = [f"--volume={path}:{path}:ro" for path in shared]
        self("build", "--format=docker", "--pull-never", "--network=host", "--isolation=chroot",
             *volumes, f"--build-arg=BASE={BASE}", f"--tag={IMAGE}", str(ROOT))  # fmt: skip

    @contextmanager
    def container(self, name: str) -> Iterator[None]:
        """The image's container, from its first line until it has ended by SIGTERM."""
        self("run", "--detach", f"--name={name}", "--read-only", "--read-only-tmpfs=false",
             "--cap-drop=all", "--security-opt=no-new-privileges", "--network=none",
             "--log-driver=k8s-file", "--ulimit=nofile=4096:4096", "--ulimit=nproc=4096:4096",
             "--volume=asha:/data", IMAGE)  # fmt: skip
        self._await_ready(name)
        yield
        began = time.monotonic()
        self("stop", f"--time={STOP_S}", name)
        took_s = time.monotonic() - began
        status = self("inspect", "--format={{.State.ExitCode}}", name).strip()
        assert status == "0", f"{name} ended with {status}: {self('logs', name)}"
        print(f"  SIGTERM ended it in {took_s:.1f} s, status {status}")

    def _await_ready(self, name: str) -> None:
        deadline = time.monotonic() + START_S
        while READY not in (said := self("logs", name)):
            assert time.monotonic() < deadline, f"not listening after {START_S} s: {said}"
            time.sleep(0.1)
        print(f"  {READY}")


def check(podman: Podman) -> None:
    """The image keeps what the how-to says of it."""
    shown = json.loads(podman("inspect", "--type=image", IMAGE))[0]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", shown["Config"]["User"]), "root, or a name"
    kind, *probe = shown["Healthcheck"]["Test"]
    assert kind == "CMD", "a shell is asked for"
    print(f"  {shown['Size'] / 1e6:.0f} MB with its base")
    with podman.container("first"):
        assert podman("exec", "first", *probe) == "SERVING\n"
        podman("exec", "-i", "first", "python3", "-", typed=WRITER)
        podman("exec", "-i", "first", "asha", "create", "-f", "-", "--id", "digits",
               typed=EXPERIMENT)  # fmt: skip
        podman("exec", "-i", "first", "python3", "-", typed=WORKER)
        best = podman("exec", "first", "asha", "best", "digits", "--json")
        assert json.loads(best.splitlines()[0]), best
        print("  user 1000, a root that cannot be written, a search that ended")
    with podman.container("second"):
        state = json.loads(podman("exec", "second", "asha", "status", "digits", "--json"))["state"]
        assert state == "EXPERIMENT_STATE_COMPLETED", state
        said = podman("exec", "second", "asha", "verify", "/data/asha.db")
        print(f"  another container on the same volume: {said.splitlines()[-1]}")


def main() -> int:
    """Builds and checks; the exit status."""
    parser = argparse.ArgumentParser(description="Builds the Dockerfile and runs the image.")
    parser.parse_args()
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        sys.stderr.write(f"install {' '.join(missing)} (Debian's packages of these names)\n")
        return 1
    with tempfile.TemporaryDirectory() as store:
        podman = Podman(Path(store))
        try:
            podman.build()
            check(podman)
        finally:
            podman("rm", "--all", "--force", "--volumes")
            podman("rmi", "--all", "--force")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Who this worker is: a name that survives a restart where the platform gives one.

Slurm: job and task. Kubernetes: pod, container and device. Elsewhere: host, device and a random
part. The first two name the same worker again after a restart, so that it resumes its own trial at
once (kind RESUMED) instead of leaving it to the lease.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import socket
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

if sys.platform != "win32":
    import fcntl

MAX_NAME_BYTES = 128

_incarnation: tuple[int, str] | None = None
_claims: dict[str, int] = {}
"""Locked files by worker name; each open until the process ends or gives the name back."""


def incarnation_id() -> str:
    """This process's random name, another one in every process."""
    global _incarnation  # noqa: PLW0603  # one per process by its meaning
    if _incarnation is None or _incarnation[0] != os.getpid():
        _incarnation = (os.getpid(), secrets.token_hex(8))
    return _incarnation[1]


def default_worker_id(environment: Mapping[str, str] | None = None) -> str:
    """The worker's name as the platform gives it.

    Args:
        environment: environment variables; default: this process's.
    """
    env = os.environ if environment is None else environment
    device = env.get("CUDA_VISIBLE_DEVICES", "")
    local_rank = env.get("LOCAL_RANK", "")
    job = env.get("SLURM_JOB_ID")
    if job:
        array_job, task = env.get("SLURM_ARRAY_JOB_ID"), env.get("SLURM_ARRAY_TASK_ID")
        name = f"slurm-{array_job}_{task}" if array_job and task else f"slurm-{job}"
        return _printable(f"{name}-{env.get('SLURM_STEP_ID', '0')}-{env.get('SLURM_PROCID', '0')}")
    if env.get("KUBERNETES_SERVICE_HOST"):
        pod = env.get("POD_NAME") or env.get("HOSTNAME") or socket.gethostname()
        container = env.get("CONTAINER_NAME", "")
        parts = ["pod", pod, container, device and f"cuda{device}", local_rank]
        return _printable("-".join(part for part in parts if part))
    parts = [socket.gethostname(), device and f"cuda{device}", secrets.token_hex(4)]
    return _printable("-".join(part for part in parts if part))


def claim(worker_id: str) -> str:
    """The name, or the name with a number if another worker of this machine has it now.

    Two processes in one pod, or two loops in one process, would otherwise take the trial out of
    each other's hands for ever. Held by a lock on a file in the temporary directory; a restarted
    process gets the same name again.
    """
    for number in range(1, 1000):
        name = worker_id if number == 1 else f"{worker_id[: MAX_NAME_BYTES - 4]}-{number}"
        if name not in _claims and _lock(name):
            return name
    return _printable(f"{worker_id}-{secrets.token_hex(4)}")


def unclaim(name: str) -> None:
    """Gives a claimed name back."""
    descriptor = _claims.pop(name, -1)
    if descriptor >= 0:
        os.close(descriptor)


def _lock(name: str) -> bool:
    """Whether this process now has the name to itself."""
    if sys.platform == "win32":
        _claims[name] = -1
        return True
    digest = hashlib.sha256(name.encode()).hexdigest()[:24]
    try:
        path = Path(tempfile.gettempdir()) / f"asha-worker-{os.getuid()}-{digest}.lock"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError:
        _claims[name] = -1  # no place for lock files: the name stands as it is
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return False
    _claims[name] = descriptor
    return True


def _close_claims_after_fork() -> None:
    """A child must not hold its parent's names longer than the parent does."""
    for descriptor in _claims.values():
        if descriptor >= 0:
            os.close(descriptor)
    _claims.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_claims_after_fork)


def _printable(name: str) -> str:
    """The name in 1 to 128 printable ASCII characters."""
    text = "".join(c if c.isascii() and c.isprintable() and c != " " else "_" for c in name)
    return text[:MAX_NAME_BYTES]

"""Builds every client, checks that its stubs are up to date, and runs its own tests.

python clients/check.py            # all of them
python clients/check.py go rust    # some

What that means for a language stands in its `client.toml`. A missing toolchain is a failure.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import tomllib
from pathlib import Path

CLIENTS = Path(__file__).resolve().parent
STEPS = ("build", "generate", "test")


def check(folder: Path) -> None:
    """One client.

    Raises:
        SystemExit: a step failed; its own output says why.
    """
    settings = tomllib.loads((folder / "client.toml").read_text())
    for step in STEPS:
        command = [word.format(root=CLIENTS.parent) for word in settings.get(step, [])]
        if not command:
            continue
        if command[0] == "python":
            command[0] = sys.executable
        print(f"-- {folder.name}: {step}: {' '.join(command)}", flush=True)
        began = time.monotonic()
        try:
            status = subprocess.run(command, cwd=folder, env=environment(), check=False).returncode
        except FileNotFoundError:
            sys.exit(f"{folder.name}: {step}: there is no {command[0]} here; install it")
        if status:
            sys.exit(f"{folder.name}: {step} ended with status {status}")
        print(f"-- {folder.name}: {step}: ok, {time.monotonic() - began:.0f} s", flush=True)


def environment() -> dict[str, str]:
    """With the server's command on PATH, which the clients' tests start."""
    places = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    return {**os.environ, "PATH": os.pathsep.join(places)}


def main() -> None:
    """All clients, or those that are named."""
    folders = sorted(path.parent for path in CLIENTS.glob("*/client.toml"))
    known = {folder.name: folder for folder in folders}
    for name in sys.argv[1:] or known:
        if name not in known:
            sys.exit(f"there is no client {name!r}; there are {', '.join(known)}")
        check(known[name])


main()

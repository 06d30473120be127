"""Installing the server's and the client's wheels into a new virtual environment.

The first installation may fetch wheels from the package index; the second finds them in pip's
cache. Both are printed.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from figures import show

ROOT = Path(__file__).parents[1]


def run(*command: str | Path) -> float:
    """Runs a command quietly; seconds."""
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    """Prints the figures."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        wheels = directory / "wheels"
        pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", wheels)
        run(*pip, ROOT / "clients" / "python", ROOT)
        built = sorted(wheels.glob("*.whl"))
        for attempt in ("first", "again"):
            environment = directory / attempt
            run(sys.executable, "-m", "venv", environment)
            seconds = run(environment / "bin" / "pip", "install", "--quiet", *built)
            show(f"pip install of both wheels, {attempt}", time=f"{seconds:.1f} s")
        sizes = ", ".join(f"{wheel.name} {wheel.stat().st_size // 1024} KiB" for wheel in built)
        print(sizes)


main()

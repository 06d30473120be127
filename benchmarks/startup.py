"""From exec to serving, and the memory of a server that has nothing to do."""

from __future__ import annotations

import tempfile
from pathlib import Path

from figures import median, show
from served import served

STARTS = 9


def memory_mib(pid: int) -> tuple[float, float]:
    """Resident set and proportional set (shared pages divided among their users). MiB."""
    sizes = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, value, *_ = line.split()
        sizes[name] = int(value) / 1024
    return sizes["Rss:"], sizes["Pss:"]


def main() -> None:
    """Prints the figures."""
    starts, resident, proportional = [], [], []
    for _ in range(STARTS):
        with tempfile.TemporaryDirectory() as name, served(Path(name)) as server:
            starts.append(server.started_s)
            rss, pss = memory_mib(server.pid)
            resident.append(rss)
            proportional.append(pss)
    show(
        f"from exec to serving, {STARTS} starts",
        median=f"{median(starts):.2f} s",
        worst=f"{max(starts):.2f} s",
    )
    show("idle memory", rss=f"{median(resident):.0f} MiB", pss=f"{median(proportional):.0f} MiB")


main()

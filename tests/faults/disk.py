"""A disk that fails on command, for one process: a shim before the C library's calls."""

from __future__ import annotations

import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("faulty_disk.c")


class FaultyDisk:
    """What the calls of a server's process on its files are told to do.

    Args:
        directory: for the shim and the orders it reads.

    Attributes:
        environment: of a process that this disk is to belong to.
    """

    def __init__(self, directory: Path) -> None:
        shim = directory / "faulty_disk.so"
        subprocess.run(
            ["cc", "-shared", "-fPIC", "-O1", "-o", str(shim), str(SOURCE), "-ldl"], check=True
        )
        self._orders = directory / "orders"
        self.environment = {"LD_PRELOAD": str(shim), "FAULTY_DISK": str(self._orders)}

    def fail(self, call: str, ending: str, error: int) -> None:
        """From now on, until it is repaired.

        Args:
            call: `read`, `write`, `tear` (half is written) or `sync`.
            ending: of the names of the files that it fails on.
            error: the number of the error.
        """
        orders = self._orders.with_name("orders.next")
        orders.write_text(f"{call} {ending} {error}\n")
        orders.replace(self._orders)

    def repair(self) -> None:
        """It works again; idempotent."""
        self._orders.unlink(missing_ok=True)

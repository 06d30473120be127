"""The systemd unit as systemd reads it: `python tests/deploy/unit.py`.

Wants systemd-analyze, not a running systemd.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

UNIT = Path(__file__).resolve().parents[2] / "deploy" / "systemd" / "asha.service"
EXPOSURE_MAX = 15
"""Of systemd's own scale from 0, locked up, to 100, in tenths of what it prints."""


def main() -> int:
    """Checks; the exit status."""
    text = UNIT.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory) / UNIT.name
        # Here the command lies elsewhere; that it takes its options is tested in test_commands.
        copy.write_text(re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", text))
        verified = subprocess.run(
            ["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, check=False
        )
        sys.stderr.write(verified.stderr)
        if verified.returncode != 0 or verified.stderr:
            return 1
        judged = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE_MAX}",
             str(copy)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    print(judged.stdout.strip().splitlines()[-1])
    return judged.returncode


if __name__ == "__main__":
    raise SystemExit(main())

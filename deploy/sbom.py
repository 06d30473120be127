"""Writes deploy/sbom.json, what the server consists of: `python deploy/sbom.py`.

A software bill of materials in CycloneDX's form, of what deploy/requirements-extras.lock installs:
versions, licences, who needs whom. Installs that lock, by hash, into an environment that is thrown
away, and asks cyclonedx-bom (of the `release` dependency group). Run it after deploy/lock.py.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

DEPLOY = Path(__file__).resolve().parent
SBOM = DEPLOY / "sbom.json"
LOCK = DEPLOY / "requirements-extras.lock"
SPDX = {
    "click-default-group": "BSD-3-Clause",
    "protobuf": "BSD-3-Clause",
    "scipy": "BSD-3-Clause",
    "sortedcontainers": "Apache-2.0",
    "sqlite-fts4": "Apache-2.0",
    "uvloop": "MIT OR Apache-2.0",
}
"""Licences that a package's metadata has in words, or not at all; its licence file says so."""


def environment(directory: Path) -> Path:
    """An environment with exactly what the lock names; its Python."""
    subprocess.run(["uv", "venv", "--quiet", "--python", "3.11", str(directory)], check=True)
    python = directory / "bin" / "python"
    install = ["uv", "pip", "install", "--quiet", "--python", str(python), "--require-hashes"]
    subprocess.run([*install, "--requirements", str(LOCK)], check=True)
    return python


def bill(python: Path) -> dict[str, Any]:
    """What cyclonedx-bom finds in an environment, the same each time."""
    command = ["cyclonedx-py", "environment", "--output-reproducible", "--spec-version", "1.6"]
    done = subprocess.run([*command, str(python)], stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    # Addresses of home pages and trackers: nothing that says what is in here.
    for component in (*found["components"], *found["metadata"]["tools"]["components"]):
        component.pop("externalReferences", None)
    for component in found["components"]:
        stated = SPDX.get(component["name"].lower().replace("_", "-"))
        if stated:
            component["licenses"] = [{"expression": stated}]
    return found


def main() -> int:
    """Writes the file; the exit status."""
    with tempfile.TemporaryDirectory() as directory:
        text = json.dumps(bill(environment(Path(directory))), indent=1, ensure_ascii=False)
    SBOM.write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(f"written: deploy/{SBOM.name}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

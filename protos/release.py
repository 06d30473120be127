"""Keeps the wire contract of a release, which later ones are held against.

`python protos/release.py` writes, for the version that pyproject.toml names,

* `protos/released/VERSION.binpb`, the contract as a buf image: `.ci/run` lets `buf breaking` hold
  the present contract against each of these;
* `tests/compat/vVERSION/pb`, its Python modules: a test works with a new server through them alone.

Run it in the commit that makes a release, and never again for that version.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from generate import generate

PROTOS = Path(__file__).resolve().parent
ROOT = PROTOS.parent


def main() -> None:
    """Writes both.

    Raises:
        SystemExit: the version is released already, or buf is missing or refuses the contract.
    """
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    image = PROTOS / "released" / f"{version}.binpb"
    modules = ROOT / "tests" / "compat" / f"v{version.replace('.', '_')}" / "pb"
    if image.exists():
        raise SystemExit(f"{version} is released already: raise the version in pyproject.toml")
    buf = shutil.which("buf", path=str(Path(sys.executable).parent)) or shutil.which("buf")
    if buf is None:
        raise SystemExit("buf is missing: pip install --group dev")
    image.parent.mkdir(exist_ok=True)
    subprocess.run(
        [buf, "build", "--exclude-source-info", "--output", str(image)], cwd=PROTOS, check=True
    )
    modules.mkdir(parents=True)
    for name, text in generate().items():
        if name.endswith(".py"):
            (modules / name).write_text(text)
    sys.stdout.write(f"{image.relative_to(ROOT)} and {modules.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()

"""Makes docs/reference and the pictures from the code: `python docs/generate.py`.

`python docs/generate.py --check` writes nothing and exits 1 if a page is not what would be
written. How a page is made stands in docs/generator, one module a page.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent))  # run as a script, only docs/ would be on the path

from docs.generator import (  # noqa: E402 - as above
    access,
    clients,
    commands,
    configuration,
    dependencies,
    errors,
    limits,
    methods,
    picture,
    rpc,
    schema,
    sidecar,
)

PAGES: dict[str, Callable[[], str]] = {
    "reference/rpc.md": rpc.page,
    "reference/errors.md": errors.page,
    "reference/access.md": access.page,
    "reference/configuration.md": configuration.page,
    "reference/dependencies.md": dependencies.page,
    "reference/limits.md": limits.page,
    "reference/cli.md": commands.page,
    "reference/schema.md": schema.page,
    "reference/methods.md": methods.page,
    "reference/clients.md": clients.page,
    "reference/sidecar.md": sidecar.page,
    "explanation/rungs.svg": picture.picture,
}


def main() -> int:
    """Writes or checks; the exit status."""
    parser = argparse.ArgumentParser(description="Makes docs/reference and the pictures.")
    parser.add_argument("--check", action="store_true", help="write nothing, exit 1 if stale")
    check = parser.parse_args().check
    stale = []
    for name, make in PAGES.items():
        path, text = DOCS / name, make()
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if not check:
                path.write_text(text, encoding="utf-8")
    for name in stale:
        sys.stdout.write(f"{'stale' if check else 'written'}: docs/{name}\n")
    if check and stale:
        sys.stderr.write("run `python docs/generate.py` and commit the result\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

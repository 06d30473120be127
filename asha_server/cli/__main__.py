"""`python -m asha_server.cli` is the command `asha`."""

from __future__ import annotations

from asha_server.cli import main

main()

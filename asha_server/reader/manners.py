"""What a helper process owes the one that serves: the processor, whenever both want it."""

from __future__ import annotations

import os

NICENESS = 10
"""Ten steps below the server: a ninth of its share where there is not enough for both."""


def give_way() -> None:
    """Steps back behind the server, for the rest of the process's life."""
    os.nice(NICENESS)

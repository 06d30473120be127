"""Helper processes step back behind the server, whatever shares out the processors."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from asha_server.reader.manners import NICENESS

SESSION = Path("/proc/self/autogroup")
"""It reads "/autogroup-7 nice 0"; nothing where containers share out the processors instead."""

by_session = pytest.mark.skipif(
    not (SESSION.exists() and SESSION.read_text()), reason="sessions do not share the processors"
)


def _told_by_a_helper(*files: Path, leads_a_session: bool) -> str:
    """What the system tells a helper of itself, once it gave way."""
    program = "; ".join(
        (
            "import pathlib",
            "from asha_server.reader.manners import give_way",
            "give_way()",
            *(f"print(pathlib.Path({str(file)!r}).read_text())" for file in files),
        )
    )
    told = subprocess.run(
        [sys.executable, "-c", program],
        start_new_session=leads_a_session,
        check=True,
        capture_output=True,
        text=True,
    )
    return told.stdout


@by_session
def test_a_helper_in_a_session_of_its_own_is_nice_as_a_session() -> None:
    """Its own niceness would count among the processes of its session only: there are no others."""
    told = _told_by_a_helper(SESSION, leads_a_session=True)
    assert told.split()[1:] == ["nice", str(NICENESS)]


@by_session
def test_a_helper_in_a_session_of_others_leaves_them_as_they_are() -> None:
    """A command in somebody's shell would else slow down the shell."""
    told = _told_by_a_helper(SESSION, leads_a_session=False)
    assert told.strip() == SESSION.read_text().strip()

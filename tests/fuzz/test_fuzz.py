"""A few thousand requests of the fuzzer; `python -m tests.fuzz` sends millions."""

from __future__ import annotations

import os
from pathlib import Path

from tests.server.calls import UNARY

from .campaign import campaign
from .judgement import Tally

REQUESTS = int(os.environ.get("ASHA_FUZZ_REQUESTS", "4000"))


async def test_whatever_is_sent_the_server_keeps_its_promises(tmp_path: Path) -> None:
    tally = Tally()

    await campaign(tmp_path, tally, requests=REQUESTS, seed=1)

    assert tally.requests >= REQUESTS
    assert {method for _, method in UNARY} < {call for call, _ in tally.outcomes}
    early, late = tally.settled_mib()
    assert late < 1.5 * early + 32

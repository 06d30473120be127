"""`--workers`: numbers of virtual workers, `1,4,16` or `1..1024`."""

from __future__ import annotations

import re

import click

WORKERS_MAX = 1_000_000


class WorkerCounts(click.ParamType[tuple[int, ...]]):
    """Whole numbers from 1, separated by commas; `a..b` is a, 2a, 4a and so on up to b."""

    name = "counts"

    def convert(
        self,
        value: str | tuple[int, ...],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[int, ...]:
        """The counts, in the order given, none twice."""
        if isinstance(value, tuple):
            return value
        counts: dict[int, None] = {}
        for part in value.split(","):
            found = re.fullmatch(r"([0-9]{1,7})(?:\.\.([0-9]{1,7}))?", part.strip())
            first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
            if not 1 <= first <= last <= WORKERS_MAX:
                self.fail(
                    f"{part!r} is no number of workers from 1 to {WORKERS_MAX:,}, "
                    "nor a row of them as 1..1024",
                    param,
                    ctx,
                )
            while first <= last:
                counts[first] = None
                first *= 2
        return tuple(counts)

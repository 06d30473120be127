"""A preview in tables and sentences."""

from __future__ import annotations

from collections.abc import Iterator

from asha_server.cli import wording
from asha_server.cli.table import Column, Part, Table
from asha_server.pb.experiment_pb2 import Bracket, ExperimentSpec
from asha_server.pb.experiment_service_pb2 import Preview


def parts(spec: ExperimentSpec, preview: Preview, workers: int | None) -> Iterator[Part]:
    """What `asha preview` shows.

    Args:
        spec: as the file asks for it.
        preview: what it would do.
        workers: that train at one time; None if it was not said.
    """
    trials = wording.count(preview.total_trials, "trial")
    yield f"{wording.method(spec)}: {trials}, {wording.units(spec.max_length, spec)} at most each"
    yield ""
    yield _brackets(preview)
    yield ""
    yield _lengths(spec, preview)
    yield ""
    yield from _cost(spec, preview, workers)


def _brackets(preview: Preview) -> Table:
    table = Table(
        [
            Column("bracket", is_number=True),
            Column("compares at", is_wide=True),
            Column("trials", is_number=True),
            Column("at one time", is_number=True),
        ]
    )
    for bracket in preview.brackets:
        table.add(
            str(bracket.bracket),
            rungs(bracket),
            f"{bracket.max_trials:,}",
            f"{bracket.concurrency_share:,}",
        )
    return table


def rungs(bracket: Bracket) -> str:
    """The lengths at which a bracket compares: `1, 3, 9`."""
    return ", ".join(str(length) for length in bracket.rung_lengths)


def _lengths(spec: ExperimentSpec, preview: Preview) -> Table:
    table = Table(
        [
            Column(f"{spec.unit or 'units'} trained", is_number=True),
            Column("trials that end there", is_number=True),
        ]
    )
    for planned in preview.planned_lengths:
        table.add(f"{planned.length:,}", f"{planned.trial_count:,}")
    return table


def _cost(spec: ExperimentSpec, preview: Preview, workers: int | None) -> Iterator[str]:
    saved = preview.total_units / preview.full_training_units
    yield (
        f"Cost: {wording.units(preview.total_units, spec)} nominally, "
        f"{wording.units(preview.total_units_worst, spec)} at worst."
    )
    yield (
        f"Training every trial in full would take {preview.full_training_units:,}: "
        f"nominally this is {wording.percent(saved)} of it."
    )
    if preview.HasField("wall_time"):
        nominal = wording.duration(wording.seconds_of(preview.wall_time))
        worst = wording.duration(wording.seconds_of(preview.wall_time_worst))
        crew = wording.count(workers or 1, "worker")
        yield f"Time with {crew}: {nominal} nominally, {worst} at worst."
    limit = preview.concurrency_limit if preview.HasField("concurrency_limit") else None
    if limit is not None and workers is not None and workers > limit:
        yield (
            f"Only {limit} of {workers} workers can train at one time: raise max_concurrent_trials "
            f"(now {limit}), or set it to 0 for no limit."
        )

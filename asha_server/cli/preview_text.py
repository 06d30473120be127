"""A preview in tables and sentences, none wider than 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from asha_server.cli import wording
from asha_server.cli.table import Column, Part, Table
from asha_server.pb.experiment_pb2 import Bracket, ExperimentSpec
from asha_server.pb.experiment_service_pb2 import (
    PlannedLength,
    Preview,
    PreviewExperimentRequest,
    SimulatedSearch,
)
from asha_server.search.forecast import PLACES_MAX

ROWS_MAX = 24
"""Most rows of a table; of more the first and the last half are shown."""
RUNGS_MAX = 8
"""Most rungs of a bracket that are all named."""


class Scenario(NamedTuple):
    """A way in which the search may go.

    Attributes:
        name: of its row or column.
        lengths: trials by the length at which they end.
        units: trained in all.
        time: as shown; "" where it is not known.
    """

    name: str
    lengths: Sequence[PlannedLength]
    units: int
    time: str


def parts(request: PreviewExperimentRequest, preview: Preview) -> Iterator[Part]:
    """What `asha preview` shows.

    Args:
        request: the spec as the file asks for it, and what was said of workers and time.
        preview: what it would do.
    """
    spec = request.spec
    trials = wording.count(preview.total_trials, "trial")
    length = wording.units(max(b.rung_lengths[-1] for b in preview.brackets), spec)
    yield wording.method(spec)
    yield f"{trials}, {length} at most each"
    yield ""
    yield _brackets(preview)
    yield ""
    has_scenarios = preview.HasField("forecast") and not preview.forecast.is_certain
    if has_scenarios:
        yield from _scenario_parts(spec, preview, request.worker_count)
    else:
        yield _lengths(spec, [Scenario("trials that end there", preview.planned_lengths, 0, "")])
        yield ""
        yield from _cost(request, preview)
    yield from _hints(request, preview)


def _brackets(preview: Preview) -> Table:
    table = Table(
        [
            Column("bracket", is_number=True),
            Column("compares at", is_wide=True),
            Column("trials", is_number=True),
            Column("at one time", is_number=True),
        ]
    )
    rows = [
        (
            str(bracket.bracket),
            rungs(bracket),
            f"{bracket.max_trials:,}",
            f"{bracket.concurrency_share:,}",
        )
        for bracket in preview.brackets
    ]
    return _filled(table, rows)


def rungs(bracket: Bracket) -> str:
    """The lengths at which a bracket compares: `1, 3, 9`."""
    lengths = [str(length) for length in bracket.rung_lengths]
    if len(lengths) <= RUNGS_MAX:
        return ", ".join(lengths)
    return f"{', '.join(lengths[:3])}, … {lengths[-1]} ({len(lengths)} rungs)"


def _filled(table: Table, rows: Sequence[Sequence[str]]) -> Table:
    """The table with its rows, the middle ones left out where they are too many."""
    half = ROWS_MAX // 2
    shown = [*rows]
    if len(shown) > ROWS_MAX:
        shown[half:-half] = [("…",) * len(table.columns)]
    for row in shown:
        table.add(*row)
    return table


def _lengths(spec: ExperimentSpec, scenarios: Sequence[Scenario]) -> Table:
    """How many trials end where, a column for each scenario."""
    table = Table(
        [
            Column(f"{spec.unit or 'units'} trained", is_number=True),
            *(Column(scenario.name, is_number=True) for scenario in scenarios),
        ]
    )
    counts = [{end.length: end.trial_count for end in each.lengths} for each in scenarios]
    lengths = sorted({length for each in counts for length in each})
    rows = [(f"{n:,}", *(f"{each.get(n, 0):,}" for each in counts)) for n in lengths]
    return _filled(table, rows)


def _scenario_parts(spec: ExperimentSpec, preview: Preview, workers: int) -> Iterator[Part]:
    """Nominally, expected and at worst, side by side; then what these words mean."""
    found = preview.forecast
    scenarios = [
        _nominal(preview),
        _simulated("expected", found.expected),
        _simulated("at worst", found.worst),
    ]
    has_times = found.HasField("wall_time_low")
    yield "Trials by the length at which they end:"
    yield ""
    yield _lengths(spec, scenarios)
    yield ""
    table = Table(
        [
            Column("cost"),
            Column(f"{spec.unit or 'units'} in all", is_number=True),
            Column("of training all in full", is_number=True),
            *([Column(f"time with {_crew(workers)}", is_number=True)] if has_times else []),
        ]
    )
    for each in scenarios:
        share = wording.percent(each.units / preview.full_training_units)
        table.add(each.name, f"{each.units:,}", share, *([each.time] if has_times else []))
    yield table
    yield ""
    yield f"Training all in full would take {wording.units(preview.full_training_units, spec)}."
    yield f"Simulated: {_crew(found.worker_count)} of the same speed, none of which fails."
    yield f"Expected is the median of {found.search_count} searches with random values; the middle"
    low, high = f"{found.total_units_low:,}", wording.units(found.total_units_high, spec)
    yield f"80 % of them train {low} to {high}{_times(preview)}."
    yield "At worst is a search in which later trials keep winning."


def _times(preview: Preview) -> str:
    """How long the middle 80 % of the searches take; "" where it is not known."""
    found = preview.forecast
    if not found.HasField("wall_time_low"):
        return ""
    low, high = (
        wording.duration(wording.seconds_of(time))
        for time in (found.wall_time_low, found.wall_time_high)
    )
    return f" in {low} to {high}"


def _nominal(preview: Preview) -> Scenario:
    """The plan; where it could not be simulated its time is the least that there can be."""
    if preview.forecast.HasField("nominal"):
        return _simulated("nominally", preview.forecast.nominal)
    time = f"at least {wording.duration(wording.seconds_of(preview.wall_time))}"
    return Scenario("nominally", preview.planned_lengths, preview.total_units, time)


def _simulated(name: str, search: SimulatedSearch) -> Scenario:
    time = wording.duration(wording.seconds_of(search.wall_time))
    return Scenario(name, search.lengths, search.total_units, time)


def _cost(request: PreviewExperimentRequest, preview: Preview) -> Iterator[str]:
    """What is known of the cost without orders to compare, or where they all cost the same."""
    spec = request.spec
    is_certain = preview.forecast.is_certain
    full = wording.units(preview.full_training_units, spec)
    share = wording.percent(preview.total_units / preview.full_training_units)
    units = wording.units(preview.total_units, spec)
    if is_certain:
        yield f"Cost: {units}, whatever the values: nominally, expected and at worst."
    else:
        worst = wording.units(preview.total_units_worst, spec)
        yield f"Cost: {units} nominally, at most {worst}."
    if preview.total_units != preview.full_training_units:
        yield f"Training all in full would take {full}; this is {share} of it."
    if is_certain and preview.HasField("wall_time"):
        time = wording.duration(wording.seconds_of(preview.forecast.expected.wall_time))
        yield f"Time with {_crew(request.worker_count)}: {time}."
    elif preview.HasField("wall_time"):
        time, worst = (
            wording.duration(wording.seconds_of(length))
            for length in (preview.wall_time, preview.wall_time_worst)
        )
        yield f"Time with {_crew(request.worker_count)} that always have work:"
        yield f"{time} nominally, {worst} at most."


def _hints(request: PreviewExperimentRequest, preview: Preview) -> Iterator[str]:
    """What holds besides, and what more could be asked."""
    spec = request.spec
    if request.with_forecast and not preview.HasField("forecast"):
        yield "Expected and worst case are not told: the search is too large to simulate"
        yield f"(more than {PLACES_MAX:,} places in rungs: trials × rungs)."
    if preview.HasField("forecast") and spec.max_total_length:
        yield f"max_total_length ends it at {wording.units(spec.max_total_length, spec)}, which"
        yield "expected and at worst heed, and nominally does not."
    if preview.HasField("forecast") and spec.HasField("max_wall_time"):
        limit = wording.duration(wording.seconds_of(spec.max_wall_time))
        if request.HasField("seconds_per_unit"):
            yield f"max_wall_time ends it after {limit}, which expected and at worst heed, and"
            yield "nominally does not."
        else:
            yield f"max_wall_time ends it after {limit}: give --seconds-per-unit to see when."
    if request.HasField("worker_count") != request.HasField("seconds_per_unit"):
        is_missing = "--workers" if request.HasField("seconds_per_unit") else "--seconds-per-unit"
        yield f"Give {is_missing} too to see how long it takes."
    limit_count = preview.concurrency_limit if preview.HasField("concurrency_limit") else None
    if limit_count is not None and request.worker_count > limit_count:
        yield f"Only {limit_count} of {request.worker_count} workers can train at one time: raise"
        yield f"max_concurrent_trials (now {limit_count}), or set it to 0 for no limit."


def _crew(workers: int) -> str:
    return wording.count(workers, "worker")

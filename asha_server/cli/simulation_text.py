"""What `asha simulate` tells: a table for people, objects for programs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from asha_server.cli import wording
from asha_server.cli.beside import Search
from asha_server.cli.table import Column, Part, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from asha_server.search.repetition import Run, Runs


class Simulated(NamedTuple):
    """One search on one number of workers.

    Attributes:
        search: what was simulated.
        runs: what came of it.
        first: the same search on the first number of workers.
    """

    search: Search
    runs: Runs
    first: Runs


def parts(found: Sequence[Simulated]) -> list[Part]:
    """What a person is shown."""
    searches = list({item.search.name: item.search for item in found}.values())
    has_lost = any(run.dropped_count for item in found for run in item.runs.runs)
    table = Table(
        [
            *([Column("method")] if len(searches) > 1 else []),
            Column("workers", is_number=True),
            Column("time", is_number=True),
            Column("speed-up", is_number=True),
            Column("efficiency", is_number=True),
            Column("busy", is_number=True),
            Column("trials", is_number=True),
            Column("to full length", is_number=True),
            Column("first after", is_number=True),
            Column(f"{found[0].search.spec.unit} trained", is_number=True),
            *([Column("lost jobs", is_number=True)] if has_lost else []),
            Column("best", is_number=True),
        ]
    )
    for item in found:
        table.add(*_cells(item, with_name=len(searches) > 1, with_lost=has_lost))
    shown: list[Part] = [table]
    repeats = len(found[0].runs.runs)
    if repeats > 1:
        shown.append(f"\nMedians of {repeats} searches each, under seeds of their own.")
    warnings = (_idle_text([item for item in found if item.search is s]) for s in searches)
    shown += [f"\n{warning}" for warning in dict.fromkeys(warnings) if warning]
    return shown


def _cells(item: Simulated, *, with_name: bool, with_lost: bool) -> Iterable[str]:
    runs = item.runs
    first_s = runs.median(lambda run: run.first_s)
    best = [run.best for run in runs.runs if run.best is not None]
    if with_name:
        yield item.search.name
    yield f"{runs.workers:,}"
    yield wording.duration(runs.median(lambda run: run.elapsed_s))
    yield f"{runs.speed_up(item.first):.1f} x"
    yield wording.percent(runs.efficiency(item.first))
    yield wording.percent(runs.median(lambda run: run.busy_share))
    yield _whole(runs.median(lambda run: run.trial_count))
    yield _whole(runs.median(lambda run: len(run.full_length_s)))
    yield wording.duration(first_s) if math.isfinite(first_s) else wording.NOTHING
    yield _whole(runs.median(lambda run: run.total_length))
    if with_lost:
        yield _whole(runs.median(lambda run: run.dropped_count))
    yield wording.number(sorted(best)[len(best) // 2] if best else None)


def _whole(value: float) -> str:
    """A median of whole numbers; of an even number of them it may end in a half."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


def _idle_text(found: Sequence[Simulated]) -> str:
    """A warning where a search's own limit keeps workers idle; empty without one.

    Args:
        found: of one search, on every number of workers.
    """
    limit = found[0].runs.runs[0].limit
    idle = [f"{item.runs.workers:,}" for item in found if item.runs.workers > (limit or math.inf)]
    if not idle:
        return ""
    return (
        f"With {', '.join(idle)} workers only {limit} train at a time: raise "
        "max_concurrent_trials (--set max_concurrent_trials=0 is no limit)."
    )


def facts(item: Simulated) -> dict[str, object]:
    """The same for programs, with every run."""
    runs = item.runs
    return {
        "name": item.search.name,
        "method": item.search.spec.chosen.arm,
        "workers": runs.workers,
        "speed_up": runs.speed_up(item.first),
        "efficiency": runs.efficiency(item.first),
        "elapsed_s": _averages(runs, lambda run: run.elapsed_s),
        "busy_share": _averages(runs, lambda run: run.busy_share),
        "full_length_trials": _averages(runs, lambda run: len(run.full_length_s)),
        "first_full_length_s": _averages(runs, lambda run: run.first_s),
        "runs": [_run_facts(run) for run in runs.runs],
    }


def _averages(runs: Runs, figure: Callable[[Run], float]) -> dict[str, float | None]:
    """Mean and median of a figure; null where it is infinite: what it times never came."""
    found = {"mean": runs.mean(figure), "median": runs.median(figure)}
    return {name: value if math.isfinite(value) else None for name, value in found.items()}


def _run_facts(run: Run) -> dict[str, object]:
    return {
        "seed": run.seed,
        "experiment_state": run.state.value,
        "elapsed_s": run.elapsed_s,
        "busy_share": run.busy_share,
        "trials": run.trial_count,
        "full_length_s": run.full_length_s,
        "incumbents": [{"time_s": time_s, "value": value} for time_s, value in run.incumbents],
        "total_length": run.total_length,
        "dropped_jobs": run.dropped_count,
    }

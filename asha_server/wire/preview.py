"""What a spec would do, before anything is trained: `PreviewExperiment`, and `asha preview`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from asha_server.pb import experiment_pb2
from asha_server.pb import experiment_service_pb2 as pb
from asha_server.search.forecast import forecast
from asha_server.search.preview import preview
from asha_server.search.spec import INT64_MAX
from asha_server.wire.experiment import format_plan
from asha_server.wire.fields import Fields
from asha_server.wire.spec import parse_spec
from asha_server.wire.times import DURATION_MAX_S, duration

if TYPE_CHECKING:
    from collections.abc import Iterable

    from google.protobuf.duration_pb2 import Duration

    from asha_server.search.forecast import Cost, Forecast
    from asha_server.search.preview import Preview
    from asha_server.search.spec import ExperimentSpec

_PLACEHOLDER = "metric"


class WantedPreview(NamedTuple):
    """What a preview is asked for.

    Attributes:
        spec: a valid one.
        workers: that train at one time; None: not said.
        seconds_per_unit: None: not said.
        has_forecast: whether to simulate the search too.
    """

    spec: ExperimentSpec
    workers: int | None
    seconds_per_unit: float | None
    has_forecast: bool

    @property
    def has_times(self) -> bool:
        """Whether enough is known to tell times."""
        return self.workers is not None and self.seconds_per_unit is not None


def parse_preview_experiment(request: pb.PreviewExperimentRequest) -> WantedPreview:
    """A request, checked.

    Raises:
        InvalidRequest: with every violation.
    """
    fields = Fields()
    workers = request.worker_count if request.HasField("worker_count") else None
    if workers is not None and workers < 1:
        fields.refuse("worker_count", "must be 1 or more")
    seconds = request.seconds_per_unit if request.HasField("seconds_per_unit") else None
    if seconds is not None and not (math.isfinite(seconds) and seconds > 0):
        fields.refuse("seconds_per_unit", "must be a finite number above 0")
    spec = fields.gather(lambda: parse_spec(_with_metric(request.spec)))
    fields.check()
    assert spec is not None
    return WantedPreview(spec, workers, seconds, request.with_forecast)


def preview_response(request: pb.PreviewExperimentRequest) -> pb.PreviewExperimentResponse:
    """Brackets, rungs, trials per length, cost. A pure function of the request.

    Raises:
        InvalidRequest: with every violation.

    Complexity: O(brackets · rungs); with a forecast seconds, see `search/forecast.py`.
    """
    wanted = parse_preview_experiment(request)
    plan = preview(wanted.spec)
    message = _format_plan(plan)
    if wanted.workers is not None and wanted.seconds_per_unit is not None:
        workers = min(wanted.workers, plan.concurrency_limit or wanted.workers)
        for units, time in (
            (plan.units, message.wall_time),
            (plan.units_worst, message.wall_time_worst),
        ):
            time.CopyFrom(_wall_time(units * wanted.seconds_per_unit / workers))
    if wanted.has_forecast:
        found = forecast(wanted.spec, wanted.workers, wanted.seconds_per_unit)
        if found is not None:
            message.forecast.CopyFrom(_format_forecast(found, has_times=wanted.has_times))
    return pb.PreviewExperimentResponse(preview=message)


def _with_metric(spec: experiment_pb2.ExperimentSpec) -> experiment_pb2.ExperimentSpec:
    """The spec with a metric, which the plan does not depend on."""
    if spec.HasField("metric"):
        return spec
    complete = experiment_pb2.ExperimentSpec()
    complete.CopyFrom(spec)
    complete.metric.name = _PLACEHOLDER
    complete.metric.goal = experiment_pb2.GOAL_MINIMIZE
    return complete


def _format_plan(plan: Preview) -> pb.Preview:
    return pb.Preview(
        brackets=[format_plan(index, bracket) for index, bracket in enumerate(plan.brackets)],
        planned_lengths=_lengths(plan.trials_by_length),
        total_trials=_shown(plan.trial_count),
        total_units=_shown(plan.units),
        total_units_worst=_shown(plan.units_worst),
        full_training_units=_shown(plan.units_full),
        concurrency_limit=plan.concurrency_limit,
    )


def _format_forecast(found: Forecast, *, has_times: bool) -> pb.Forecast:
    message = pb.Forecast(
        expected=_format_cost(found.expected, has_times=has_times),
        worst=_format_cost(found.worst, has_times=has_times),
        search_count=found.search_count,
        worker_count=found.workers,
        total_units_low=_shown(int(found.units.low)),
        total_units_high=_shown(int(found.units.high)),
        is_certain=found.is_certain,
    )
    if found.nominal is not None:
        message.nominal.CopyFrom(_format_cost(found.nominal, has_times=has_times))
    if has_times:
        message.wall_time_low.CopyFrom(_wall_time(found.seconds.low))
        message.wall_time_high.CopyFrom(_wall_time(found.seconds.high))
    return message


def _format_cost(cost: Cost, *, has_times: bool) -> pb.SimulatedSearch:
    return pb.SimulatedSearch(
        lengths=_lengths(cost.trials_by_length),
        total_units=_shown(cost.units),
        wall_time=_wall_time(cost.seconds) if has_times else None,
    )


def _lengths(trials_by_length: Iterable[tuple[int, int]]) -> list[pb.PlannedLength]:
    return [
        pb.PlannedLength(length=length, trial_count=_shown(count))
        for length, count in trials_by_length
    ]


def _shown(number: int) -> int:
    """A number of a plan; one that no int64 holds is shown as the greatest."""
    return min(number, INT64_MAX)


def _wall_time(seconds: float) -> Duration:
    """A time, at most 10000 years."""
    return duration(int(min(seconds, DURATION_MAX_S) * 1_000_000))

"""What a spec would do, before anything is trained: `PreviewExperiment`, and `asha preview`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from asha_server.pb import experiment_pb2
from asha_server.pb import experiment_service_pb2 as pb
from asha_server.search.preview import preview
from asha_server.search.spec import INT64_MAX
from asha_server.wire.experiment import format_plan
from asha_server.wire.fields import Fields
from asha_server.wire.spec import parse_spec
from asha_server.wire.times import DURATION_MAX_S, duration

if TYPE_CHECKING:
    from google.protobuf.duration_pb2 import Duration

_PLACEHOLDER = "metric"


def preview_response(request: pb.PreviewExperimentRequest) -> pb.PreviewExperimentResponse:
    """Brackets, rungs, trials per length, cost. A pure function of the request.

    Raises:
        InvalidRequest: with every violation.
    """
    fields = Fields()
    if request.HasField("worker_count") and request.worker_count < 1:
        fields.refuse("worker_count", "must be 1 or more")
    seconds = request.seconds_per_unit
    if request.HasField("seconds_per_unit") and not (math.isfinite(seconds) and seconds > 0):
        fields.refuse("seconds_per_unit", "must be a finite number above 0")
    spec = fields.gather(lambda: parse_spec(_with_metric(request.spec)))
    fields.check()
    assert spec is not None
    plan = preview(spec)
    message = pb.Preview(
        brackets=[format_plan(index, bracket) for index, bracket in enumerate(plan.brackets)],
        planned_lengths=[
            pb.PlannedLength(length=length, trial_count=_shown(count))
            for length, count in plan.trials_by_length
        ],
        total_trials=_shown(plan.trial_count),
        total_units=_shown(plan.units),
        total_units_worst=_shown(plan.units_worst),
        full_training_units=_shown(plan.units_full),
        concurrency_limit=plan.concurrency_limit,
    )
    if request.HasField("worker_count") and request.HasField("seconds_per_unit"):
        workers = min(request.worker_count, plan.concurrency_limit or request.worker_count)
        message.wall_time.CopyFrom(_wall_time(plan.units, seconds, workers))
        message.wall_time_worst.CopyFrom(_wall_time(plan.units_worst, seconds, workers))
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


def _shown(number: int) -> int:
    """A number of a plan; one that no int64 holds is shown as the greatest."""
    return min(number, INT64_MAX)


def _wall_time(units: int, seconds_per_unit: float, workers: int) -> Duration:
    """Wall time of so many units where every worker always has work; at most 10000 years."""
    seconds = min(units * seconds_per_unit / workers, DURATION_MAX_S)
    return duration(int(seconds * 1_000_000))

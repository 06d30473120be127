"""Requests of ExperimentService and AdminService that carry more than a name."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from asha_server.pb.experiment_service_pb2 import CheckpointFilter
from asha_server.search import command as core
from asha_server.wire import enums
from asha_server.wire.fields import Fields
from asha_server.wire.page import Page, parse_page, parse_size
from asha_server.wire.spec import parse_changes, parse_spec
from asha_server.wire.values import parse_parameters

if TYPE_CHECKING:
    from asha_server.config import Limits
    from asha_server.pb import admin_service_pb2 as admin_pb
    from asha_server.pb import experiment_service_pb2 as pb
    from asha_server.pb.trial_pb2 import MetricPoint
    from asha_server.search.spec import ExperimentSpec
    from asha_server.search.terms import ExperimentState

BEST_TRIALS_DEFAULT = 10


class NewExperiment(NamedTuple):
    """What CreateExperiment asks for.

    Attributes:
        experiment_id: "" = generate one.
        spec: checked.
        request_id: "" = not idempotent.
        is_rehearsal: check it, write nothing.
    """

    experiment_id: str
    spec: ExperimentSpec
    request_id: str
    is_rehearsal: bool


def parse_experiment_id(experiment_id: str) -> str:
    """The experiment that a request is about."""
    fields = Fields()
    fields.experiment_id(experiment_id)
    fields.check()
    return experiment_id


def parse_create_experiment(request: pb.CreateExperimentRequest) -> NewExperiment:
    """A new experiment.

    Raises:
        InvalidRequest: with every violation, those of the spec included.
    """
    fields = Fields()
    experiment_id = fields.experiment_id(request.experiment_id, is_optional=True)
    request_id = fields.identity("request_id", request.request_id)
    spec = fields.gather(lambda: parse_spec(request.spec))
    fields.check()
    assert spec is not None
    return NewExperiment(experiment_id, spec, request_id, request.validate_only)


def parse_import_experiment(request: pb.ImportExperimentRequest, limits: Limits) -> str:
    """The name that an imported experiment is to have; "": as exported.

    Raises:
        InvalidRequest: the name is none, or the chunk is too large.
    """
    fields = Fields()
    experiment_id = fields.experiment_id(request.experiment_id, is_optional=True)
    size = len(request.chunk)
    if size > limits.chunk_bytes_max:
        fields.refuse(
            "chunk", f"has {size} bytes; at most {limits.chunk_bytes_max} are allowed in a message"
        )
    fields.check()
    return experiment_id


def parse_update_experiment(
    request: pb.UpdateExperimentRequest,
) -> tuple[str, core.UpdateExperiment]:
    """Which experiment changes, and how."""
    fields = Fields()
    experiment_id = fields.experiment_id(request.experiment_id)
    changes = fields.gather(lambda: parse_changes(request.spec, list(request.update_mask.paths)))
    fields.check()
    return experiment_id, core.UpdateExperiment(changes or {}, request.etag)


def parse_stop_experiment(
    request: pb.StopExperimentRequest, limits: Limits
) -> tuple[str, core.StopExperiment]:
    """Which experiment ends, and why."""
    fields = Fields()
    experiment_id = fields.experiment_id(request.experiment_id)
    reason = fields.text("reason", request.reason, limits.message_bytes_max)
    fields.check()
    return experiment_id, core.StopExperiment(reason)


def parse_trial(experiment_id: str, trial_number: int) -> tuple[str, int]:
    """Which trial a request is about."""
    fields = Fields()
    fields.experiment_id(experiment_id)
    fields.natural("trial_number", trial_number)
    fields.check()
    return experiment_id, trial_number


def parse_cancel_trial(
    request: pb.CancelTrialRequest, limits: Limits
) -> tuple[str, core.CancelTrial]:
    """Which trial is cancelled, and why."""
    fields = Fields()
    experiment_id = fields.experiment_id(request.experiment_id)
    number = fields.natural("trial_number", request.trial_number)
    reason = fields.text("reason", request.reason, limits.message_bytes_max)
    fields.check()
    return experiment_id, core.CancelTrial(number, reason)


def parse_create_trial(
    request: pb.CreateTrialRequest, limits: Limits
) -> tuple[str, core.CreateTrial]:
    """A given configuration; with observations, a finished trial."""
    fields = Fields()
    experiment_id = fields.experiment_id(request.experiment_id)
    request_id = fields.identity("request_id", request.request_id)
    parameters = parse_parameters(fields, "parameters", request.parameters)
    if len(request.observations) > limits.observations_max:
        fields.refuse(
            "observations",
            f"has {len(request.observations)} entries; at most {limits.observations_max}",
        )
        observations: tuple[core.Observation, ...] = ()
    else:
        observations = tuple(
            _parse_observation(fields, f"observations[{index}]", point, limits)
            for index, point in enumerate(request.observations)
        )
    steps = [point.step for point in observations]
    if any(later <= earlier for earlier, later in pairwise(steps)):
        fields.refuse("observations", "must be by rising step, each step once")
    fields.check()
    return experiment_id, core.CreateTrial(
        parameters, request_id, observations, request.joins_rungs
    )


def _parse_observation(
    fields: Fields, path: str, point: MetricPoint, limits: Limits
) -> core.Observation:
    step = fields.natural(f"{path}.step", point.step)
    if not 1 <= len(point.metrics) <= limits.metrics_max:
        fields.refuse(f"{path}.metrics", f"must have 1 to {limits.metrics_max} entries")
    metrics = tuple((metric.name, metric.value) for metric in point.metrics)
    for index, (name, _) in enumerate(metrics[: limits.metrics_max]):
        fields.entry_name(f"{path}.metrics", index, name)
    if len(dict(metrics)) < len(metrics):
        fields.refuse(f"{path}.metrics", "names a metric twice")
    return core.Observation(step, metrics)


# -- lists ----------------------------------------------------------------------------------------


def parse_list_experiments(
    request: pb.ListExperimentsRequest,
) -> tuple[frozenset[ExperimentState], Page]:
    """Which states (none: all), and which page; a place is the experiment's key."""
    fields = Fields()
    states = [
        enums.EXPERIMENT_STATE.required(fields, f"states[{index}]", number)
        for index, number in enumerate(request.states)
    ]
    page = parse_page(fields, request.page_size, request.page_token, "experiments", 1)
    fields.check()
    return frozenset(state for state in states if state is not None), page


def parse_list_trials(request: pb.ListTrialsRequest) -> tuple[frozenset[str], Page]:
    """Which states (none: all), and which page; a place is the trial's number."""
    fields = Fields()
    fields.experiment_id(request.experiment_id)
    states = [
        enums.TRIAL_STATE.required(fields, f"states[{index}]", number)
        for index, number in enumerate(request.states)
    ]
    page = parse_page(fields, request.page_size, request.page_token, "trials", 1)
    fields.check()
    return frozenset(state.value for state in states if state is not None), page


def parse_list_reports(
    request: pb.ListObservationsRequest | pb.ListDecisionsRequest, kind: str
) -> tuple[int | None, Page]:
    """Which trial (None: all), and which page; a place is the report's sequence."""
    fields = Fields()
    fields.experiment_id(request.experiment_id)
    trial = request.trial_number if request.HasField("trial_number") else None
    fields.natural("trial_number", trial or 0)
    page = parse_page(fields, request.page_size, request.page_token, kind, 1)
    metric_name = getattr(request, "metric_name", "")
    if metric_name:
        fields.name("metric_name", metric_name)
    fields.check()
    return trial, page


def parse_list_checkpoints(request: pb.ListCheckpointsRequest) -> tuple[int | None, Page]:
    """Which trial (None: all), and which page; a place is trial and sequence."""
    fields = Fields()
    fields.experiment_id(request.experiment_id)
    trial = request.trial_number if request.HasField("trial_number") else None
    fields.natural("trial_number", trial or 0)
    if request.filter not in CheckpointFilter.values():
        fields.refuse("filter", f"must be a CheckpointFilter, not {request.filter}")
    page = parse_page(fields, request.page_size, request.page_token, "checkpoints", 2)
    fields.check()
    return trial, page


def parse_list_rungs(request: pb.ListRungsRequest) -> tuple[int | None, int | None, Page]:
    """Which bracket and rung (None: all), and which page; a place is bracket, rung and rank."""
    fields = Fields()
    fields.experiment_id(request.experiment_id)
    bracket = request.bracket if request.HasField("bracket") else None
    rung = request.rung if request.HasField("rung") else None
    fields.natural("bracket", bracket or 0)
    fields.natural("rung", rung or 0)
    page = parse_page(fields, request.page_size, request.page_token, "rungs", 3)
    fields.check()
    return bracket, rung, page


def parse_get_best_trials(request: pb.GetBestTrialsRequest) -> tuple[str, int]:
    """Which experiment, and how many trials."""
    fields = Fields()
    experiment_id = fields.experiment_id(request.experiment_id)
    limit = parse_size(fields, "limit", request.limit, BEST_TRIALS_DEFAULT)
    fields.check()
    return experiment_id, limit


def parse_list_leases(request: admin_pb.ListLeasesRequest) -> tuple[str, Page]:
    """Which experiment ("": all), and which page; a place is experiment key and trial."""
    fields = Fields()
    experiment_id = fields.experiment_id(request.experiment_id, is_optional=True)
    page = parse_page(fields, request.page_size, request.page_token, "leases", 2)
    fields.check()
    return experiment_id, page


def parse_watch(request: pb.WatchExperimentRequest) -> tuple[str, int | None]:
    """Which experiment, and the sequence after which to begin; None: now."""
    fields = Fields()
    experiment_id = fields.experiment_id(request.experiment_id)
    after = request.after_sequence if request.HasField("after_sequence") else None
    fields.natural("after_sequence", after or 0)
    fields.check()
    return experiment_id, after

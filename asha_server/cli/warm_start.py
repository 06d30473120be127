"""Trials given to an experiment: from a file, or from another experiment."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import click

from asha_server.cli.connecting import Server
from asha_server.cli.given_file import GivenTrial
from asha_server.pb.experiment_service_pb2 import (
    CreateTrialRequest,
    GetBestTrialsRequest,
    ListObservationsRequest,
)
from asha_server.pb.trial_pb2 import MetricPoint, Trial

best_option = click.option(
    "--best",
    type=click.IntRange(1, 1000),
    default=10,
    show_default=True,
    metavar="K",
    help="With --from: how many.",
)


def give(
    server: Server,
    experiment_id: str,
    trials: Iterable[GivenTrial],
    source: str,
    joins_rungs: bool,
) -> Iterable[Trial]:
    """Creates trials in an experiment; each comes once, however often they are given.

    Args:
        server: that runs it.
        experiment_id: the experiment.
        trials: what is given.
        source: what tells these from others: the request ids follow from it.
        joins_rungs: whether finished ones take their places in the rungs.
    """
    digest = hashlib.sha256(f"{source}\0{joins_rungs}".encode()).hexdigest()[:32]
    for index, given in enumerate(trials):
        request = CreateTrialRequest(
            experiment_id=experiment_id,
            parameters=given.parameters,
            observations=given.observations,
            request_id=f"give-{digest}-{index}",
            joins_rungs=joins_rungs and bool(given.observations),
        )
        yield server.call(server.experiments.CreateTrial, request).trial


def best_of(
    server: Server, experiment_id: str, limit: int, observed: bool
) -> tuple[list[GivenTrial], str]:
    """The best trials of an experiment, to be given to another one, and what tells them apart.

    Args:
        server: that has it.
        experiment_id: the experiment.
        limit: how many, 1 to 1000.
        observed: whether with what was measured.
    """
    best = _best(server, experiment_id, limit)
    trials = [_given(server, experiment_id, trial, observed) for trial in best]
    return trials, f"{experiment_id}\0{limit}\0{observed}"


def _best(server: Server, experiment_id: str, limit: int) -> list[Trial]:
    request = GetBestTrialsRequest(experiment_id=experiment_id, limit=limit)
    return list(server.call(server.experiments.GetBestTrials, request).trials)


def _given(server: Server, experiment_id: str, trial: Trial, observed: bool) -> GivenTrial:
    """A trial of another experiment; what was measured at a step is what was said of it last."""
    given = GivenTrial(list(trial.parameters))
    if observed:
        request = ListObservationsRequest(
            experiment_id=experiment_id, trial_number=trial.trial_number
        )
        points: dict[int, MetricPoint] = {}
        for page in server.pages(server.experiments.ListObservations, request):
            for seen in page.observations:
                if seen.metrics:
                    points[seen.step] = MetricPoint(step=seen.step, metrics=seen.metrics)
        given.observations = [points[step] for step in sorted(points)]
    return given

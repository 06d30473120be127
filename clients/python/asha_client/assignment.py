"""What the server handed out: a trial's configuration, where it starts, how far it goes."""

from __future__ import annotations

from typing import Any

from asha_client.parameter import decode_parameters, nest
from asha_client.pb import suggestion_service_pb2 as pb
from asha_client.pb import trial_pb2


class Assignment:
    """One trial as it was handed to this worker.

    Attributes:
        experiment_id: the experiment.
        number: the trial's number, 0-based.
        attempt: number of this attempt, from 1.
        kind: NEW, PROMOTED, RETRIED, RESUMED or ENQUEUED; any other text of a newer server.
        parameters: the configuration, by full name (`optimizer.momentum`), in declared order.
        nested: the same with dotted names as nested dictionaries.
        seed: for the training's randomness, 0 to 2^31 - 1.
        start_step: resume at this step, in units; 0 = from scratch.
        checkpoint: what to load before training; None = from scratch.
        max_length: units that a surviving trial trains in all.
        unit: the unit's name, for people; may be empty.
        metric: name of the search metric; reports without it decide nothing.
        bracket: index of the trial's bracket.
        rung: index of the rung it trains towards.
    """

    def __init__(self, assignment: pb.Assignment) -> None:
        self.experiment_id = assignment.experiment_id
        self.number = assignment.trial_number
        self.attempt = assignment.lease.attempt
        self.kind = _kind_name(assignment.kind)
        # Any, so that `Model(**trial.parameters)` passes a type checker.
        self.parameters: dict[str, Any] = decode_parameters(assignment.parameters)
        self.nested = nest(self.parameters)
        self.seed = assignment.trial_seed
        self.start_step = assignment.start_step
        self.checkpoint: str | None = assignment.checkpoint_uri or None
        self.max_length = assignment.max_length
        self.unit = assignment.unit
        self.metric = assignment.metric
        self.bracket = assignment.bracket
        self.rung = assignment.rung


def _kind_name(kind: trial_pb2.AssignmentKind) -> str:
    """The kind without its prefix; a newer server's unknown kind as its number."""
    try:
        return trial_pb2.AssignmentKind.Name(kind).removeprefix("ASSIGNMENT_KIND_")
    except ValueError:
        return str(int(kind))

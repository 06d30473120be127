"""The Python client of the ASHA server: five lines in a training loop.

    import asha_client as asha

    experiment = asha.connect("localhost:50051").experiment("digits")
    for trial in experiment.trials():
        model = build(**trial.parameters, seed=trial.seed)
        if trial.checkpoint: model.load(trial.checkpoint)
        for step in trial.steps():
            trial.report(step, {"val_loss": train_one_epoch(model)}, checkpoint=model.save)

Read `experiment.py` first (the loop), then `attempt.py` (every rule about a trial, as flows without
I/O: flow.py), `custody.py` (signals, exceptions, forks) and `errors.py`. `asha_client.aio` is the
asyncio twin: same names, same rules. `Client.call` reaches every method of the API. Needs grpcio,
protobuf and googleapis-common-protos, nothing else.
"""

from asha_client.attempt import Attempt
from asha_client.client import Client, connect
from asha_client.decision import Decision, Verdict
from asha_client.errors import (
    Aborted,
    AccessDenied,
    AlreadyExists,
    AshaError,
    CheckpointMissing,
    CheckpointUnreadable,
    FailedPrecondition,
    FailureKind,
    FieldViolation,
    ForkedProcess,
    Infeasible,
    InvalidRequest,
    LeaseLost,
    MetricConflict,
    NotFound,
    NotImplementedYet,
    OutOfRange,
    PermanentFailure,
    ResourceExhausted,
    ServerFault,
    TrialEnded,
    TrialFailure,
    Unavailable,
    WorkerFailing,
)
from asha_client.experiment import Experiment, Trials
from asha_client.reporter import Reporter, StopTraining
from asha_client.trial import Trial

__version__ = "0.1.0"

__all__ = [
    "Aborted",
    "AccessDenied",
    "AlreadyExists",
    "AshaError",
    "Attempt",
    "CheckpointMissing",
    "CheckpointUnreadable",
    "Client",
    "Decision",
    "Experiment",
    "FailedPrecondition",
    "FailureKind",
    "FieldViolation",
    "ForkedProcess",
    "Infeasible",
    "InvalidRequest",
    "LeaseLost",
    "MetricConflict",
    "NotFound",
    "NotImplementedYet",
    "OutOfRange",
    "PermanentFailure",
    "Reporter",
    "ResourceExhausted",
    "ServerFault",
    "StopTraining",
    "Trial",
    "TrialEnded",
    "TrialFailure",
    "Trials",
    "Unavailable",
    "Verdict",
    "WorkerFailing",
    "connect",
]

"""The JSON files of the shared folder, as values; docs/reference/sidecar.md is made from here."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import ClassVar

from asha_client.attempt import Attempt
from asha_client.decision import Decision

from asha_server.cli.json_output import json_number

METRICS = "metrics.jsonl"
STOP = "stop"
EXIT_STATUS = "exit_status"
PROBLEMS = "problems.txt"
PARAMETERS = "parameters.json"
ENVIRONMENT = "trial.env"
HEARTBEAT = "heartbeat"
LOCK = "trainer.lock"
PID = "trainer.pid"
CURRENT = "current"
TRIALS = "trials"
WRAPPER = "trainer.sh"
STATE = ".sidecar.json"


@dataclass(frozen=True, slots=True)
class TrialForm:
    """`trial.json`: the trial to train, and where to begin.

    Attributes:
        experiment: id of the experiment.
        trial: number of the trial, 0-based.
        attempt: number of this attempt at it, from 1.
        kind: `NEW`, `PROMOTED`, `RETRIED`, `RESUMED` or `ENQUEUED`; any other text of a newer server.
        parameters: the configuration, an object of values by full name (`optimizer.momentum`); what `parameters.json` holds.
        seed: for the training's randomness, 0 to 2^31 - 1.
        start_step: begin after this step, in units; 0 = from scratch. Rises with each checkpoint that the server has, so that a trainer which is started again begins there.
        checkpoint: load this first; empty = from scratch.
        checkpoint_dir: where to save checkpoints, as `--checkpoints` says; empty without that.
        next_decision_step: train at least this far, in units, then report.
        max_length: units that a surviving trial trains in all.
        unit: the unit's name, for people; may be empty.
        metric: name of the search metric; lines without it decide nothing.
    """  # noqa: E501 - a row of the page each

    experiment: str
    trial: int
    attempt: int
    kind: str
    parameters: dict[str, object]
    seed: int
    start_step: int
    checkpoint: str
    checkpoint_dir: str
    next_decision_step: int
    max_length: int
    unit: str
    metric: str

    name: ClassVar[str] = "trial.json"


@dataclass(frozen=True, slots=True)
class VerdictForm:
    """`verdict.json`: the newest decision about the trial; not there before the first.

    Attributes:
        verdict: `CONTINUE`, `PAUSE` or `STOP`; take a word that you do not know for `STOP`.
        should_stop: whether to leave off: the verdict is not `CONTINUE`.
        reason: why: a name of [`DecisionReason`](rpc.md#decisionreason), or one of this command's: `HUNG`, `SIDECAR_LEAVES`, `TRAINER_ENDED`.
        step: the last step that the server has, in units.
        next_decision_step: train at least this far, in units, then report; 0 once it is to stop.
        bracket: index of the trial's bracket; -1 if it has none.
        rung: index of the last rung compared at; -1 if none yet.
        rank: 0-based place among the competitors, 0 the best; null when nothing was compared.
        competitors: entries in the rung at that moment; 0 when nothing was compared.
        cutoff: worst value inside the part that goes on, in the metric's unit; a text if it is no finite number (`NaN`, `Infinity`), null if none.
        deletable_checkpoints: checkpoints of any trial that the search can never resume from again; delete them when and if you like.
    """  # noqa: E501 - a row of the page each

    verdict: str
    should_stop: bool
    reason: str
    step: int
    next_decision_step: int
    bracket: int
    rung: int
    rank: int | None
    competitors: int
    cutoff: float | str | None
    deletable_checkpoints: list[str]

    name: ClassVar[str] = "verdict.json"


@dataclass(frozen=True, slots=True)
class FinishedForm:
    """`finished.json`: there will be no more trials from this sidecar.

    Attributes:
        experiment: id of the experiment.
        state: of the experiment: `COMPLETED` or `FAILED`; `RUNNING` or `PAUSED` where the sidecar ended by `--max-idle`; `UNKNOWN` where the server did not say.
        is_failed: whether the sidecar ended with exit status 1.
        message: why, for people.
    """  # noqa: E501 - a row of the page each

    experiment: str
    state: str
    is_failed: bool
    message: str

    name: ClassVar[str] = "finished.json"


Form = TrialForm | VerdictForm | FinishedForm


def content(form: Form) -> dict[str, object]:
    """A form's fields by name, in their order."""
    return asdict(form)


def field_names(form: type[Form]) -> list[str]:
    """The names of a form's fields, in their order."""
    return [field.name for field in fields(form)]


def describe_trial(trial: Attempt, checkpoint_dir: str) -> TrialForm:
    """The form of a trial as it was handed out."""
    return TrialForm(
        experiment=trial.experiment_id,
        trial=trial.number,
        attempt=trial.attempt,
        kind=trial.kind,
        parameters=trial.parameters,
        seed=trial.seed,
        start_step=trial.start_step,
        checkpoint=trial.checkpoint or "",
        checkpoint_dir=checkpoint_dir,
        next_decision_step=trial.next_decision_step,
        max_length=trial.max_length,
        unit=trial.unit,
        metric=trial.metric,
    )


def describe_decision(decision: Decision, last_step: int) -> VerdictForm:
    """The form of a decision.

    Args:
        decision: of the server.
        last_step: the last step reported, in units.
    """
    return VerdictForm(
        verdict=decision.verdict,
        should_stop=decision.should_stop,
        reason=decision.reason,
        step=last_step,
        next_decision_step=decision.next_decision_step,
        bracket=decision.bracket,
        rung=decision.rung,
        rank=decision.rank,
        competitors=decision.competitors,
        cutoff=None if decision.cutoff is None else json_number(decision.cutoff),
        deletable_checkpoints=list(decision.deletable_checkpoints),
    )

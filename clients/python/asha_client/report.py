"""What goes into a report, and what of its answer concerns everybody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from asha_client.decision import Decision
from asha_client.pb import suggestion_service_pb2 as pb
from asha_client.pb import trial_pb2


@dataclass(frozen=True, slots=True)
class Answer:
    """What every rank hears of a report's answer.

    Attributes:
        decision: the server's.
        is_saved: whether a checkpoint went with the report.
        is_save_due: whether every rank is to save at the next report.
        is_last: whether rank 0 is dying: with its checkpoint safe the trial is let go.
    """

    decision: Decision
    is_saved: bool
    is_save_due: bool
    is_last: bool


def floats(metrics: Mapping[str, float]) -> dict[str, float]:
    """Metrics as plain numbers; NumPy and torch scalars too.

    Raises:
        TypeError: a value is no number.
    """
    try:
        return {str(name): float(value) for name, value in metrics.items()}
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"metrics must map names to numbers, as in {{'val_loss': 0.3}}; got {metrics!r}"
        ) from error


def report_request(
    experiment_id: str, number: int, token: str, step: int, values: Mapping[str, float], uri: str
) -> pb.ReportMetricRequest:
    """The message that reports some values of a trial at a step."""
    return pb.ReportMetricRequest(
        experiment_id=experiment_id,
        trial_number=number,
        lease_token=token,
        step=step,
        metrics=[trial_pb2.MetricValue(name=name, value=value) for name, value in values.items()],
        checkpoint_uri=uri,
    )

"""The callback form, for training loops that are not ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

import asha_client as asha

from .scripted_server import (
    CONTINUE,
    PAUSE,
    ScriptedServer,
    assigned,
    connect,
    finished,
    report_answer,
)

Callback = Callable[[Mapping[str, object]], bool]


def fit(on_epoch_end: Callback, epochs: int = 9) -> list[int]:
    """A framework's loop, which a callback can end by False; the epochs trained."""
    trained = []
    for epoch in range(1, epochs + 1):
        trained.append(epoch)
        if not on_epoch_end({"val_loss": 1 / epoch, "name": "digits", "matrix": [1, 2]}):
            break
    return trained


class Tensor:
    """A number that is none of Python's."""

    def __init__(self, *values: float) -> None:
        self.values = values

    def __float__(self) -> float:
        (value,) = self.values
        return value


def test_it_counts_the_steps_and_answers_whether_to_go_on() -> None:
    with ScriptedServer() as server, connect(server) as client:
        for trial in client.experiment("digits").trials("worker-1"):
            assert fit(asha.Reporter(trial)) == [1, 2, 3]

        reports = server.requests("ReportMetric")
        assert [(r.step, [m.name for m in r.metrics]) for r in reports] == [
            (1, ["val_loss"]),
            (2, ["val_loss"]),
            (3, ["val_loss"]),
        ]


def test_it_goes_on_from_the_checkpoint_s_step() -> None:
    with ScriptedServer() as server, connect(server) as client:
        server.script("GetSuggestion", assigned(start_step=1), finished())
        for trial in client.experiment("digits").trials("worker-1"):
            fit(asha.Reporter(trial))

        assert [r.step for r in server.requests("ReportMetric")] == [2, 3]


def test_it_raises_where_a_loop_has_no_other_way_out_and_takes_that_for_a_normal_end() -> None:
    with ScriptedServer() as server, connect(server) as client:
        server.script("ReportMetric", report_answer(CONTINUE), report_answer(PAUSE))
        for trial in client.experiment("digits").trials("worker-1"):
            with asha.Reporter(trial, raises=True) as reporter:
                fit(reporter)
            assert reporter.decision is not None
            assert reporter.decision.verdict == "PAUSE"

        assert server.methods() == [
            "GetSuggestion",
            "ReportMetric",
            "ReportMetric",
            "GetSuggestion",
        ]


def test_an_exception_of_the_framework_fails_the_trial() -> None:
    def diverge(reporter: asha.Reporter) -> None:
        with reporter:
            raise ValueError("the loss is gone")

    with ScriptedServer() as server, connect(server) as client:
        trial = next(client.experiment("digits").trials("worker-1"))
        with pytest.raises(ValueError, match="gone"):
            diverge(asha.Reporter(trial))

        assert server.requests("FailTrial")[0].message.startswith("ValueError: the loss is gone")


def test_every_thins_reports_out_but_never_those_that_decide() -> None:
    with ScriptedServer() as server, connect(server) as client:
        server.script("GetSuggestion", assigned(next_decision_step=5, max_length=9), finished())
        server.always(
            "ReportMetric", lambda r: report_answer(CONTINUE, next_step=5 if r.step < 5 else 9)
        )
        for trial in client.experiment("digits").trials("worker-1"):
            fit(asha.Reporter(trial, every=4))

        # 4 and 8 are due, 5 decides, 9 is the end.
        assert [r.step for r in server.requests("ReportMetric")] == [4, 5, 8, 9]


def test_one_element_tensors_are_numbers_and_larger_ones_are_left_out() -> None:
    with ScriptedServer() as server, connect(server) as client:
        trial = next(client.experiment("digits").trials("worker-1"))

        asha.Reporter(trial)({"val_loss": Tensor(0.5), "weights": Tensor(1, 2)}, step=1)

        (report,) = server.requests("ReportMetric")
        assert [(m.name, m.value) for m in report.metrics] == [("val_loss", 0.5)]
        trial.release()


def test_nothing_is_reported_where_there_is_no_number() -> None:
    with ScriptedServer() as server, connect(server) as client:
        trial = next(client.experiment("digits").trials("worker-1"))

        assert asha.Reporter(trial)({"name": "digits"}, step=1) is True
        assert server.requests("ReportMetric") == []
        trial.release()

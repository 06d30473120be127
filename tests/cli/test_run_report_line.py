"""Lines that report: their forms, their steps, and how they come out of bytes and files."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from asha_server.cli.run.line_stream import LINE_BYTES_MAX, LineStream
from asha_server.cli.run.metrics_file import MetricsFile
from asha_server.cli.run.report_line import (
    DEFAULT_PATTERN,
    JsonLines,
    PatternLines,
    Report,
    compile_pattern,
)
from asha_server.cli.run.step_count import StepCount

PATTERN = PatternLines(re.compile(DEFAULT_PATTERN))


def test_a_json_object_reports_numbers_and_a_checkpoint() -> None:
    line = '{"step": 3, "val_loss": 0.5, "note": "a", "ok": true, "none": null, "checkpoint": "m"}'

    assert JsonLines()(f"  {line}\r") == Report(3, {"val_loss": 0.5}, "m")


def test_the_step_may_have_another_name() -> None:
    assert JsonLines("epoch")('{"epoch": 2.0, "step": 7, "loss": 1}') == Report(
        2, {"step": 7.0, "loss": 1.0}
    )


def test_not_a_number_is_a_metric() -> None:
    report = JsonLines()('{"step": 1, "loss": NaN, "other": -Infinity}')

    assert report is not None
    assert math.isnan(report.metrics["loss"])
    assert report.metrics["other"] == -math.inf


@pytest.mark.parametrize(
    "line",
    [
        "",
        "loss=1",
        "[1, 2]",
        '{"step": 3}',
        '{"loss": "high"}',
        '{"broken": ',
        '{"loss": 1} end',
    ],
)
def test_other_lines_are_no_json_reports(line: str) -> None:
    assert JsonLines()(line) is None


def test_names_that_the_wire_refuses_are_left_out() -> None:
    assert JsonLines()('{"loss": 1, "a b": 2, "": 3, "_x": 4}') == Report(None, {"loss": 1.0})


@pytest.mark.parametrize(
    ("line", "report"),
    [
        ("val_loss=0.31", Report(None, {"val_loss": 0.31})),
        ("epoch 3: step=3, val/loss: 1e-3; acc = 0.9", Report(3, {"val/loss": 1e-3, "acc": 0.9})),
        ("step=4 loss=nan checkpoint=/models/4.pt", Report(4, {"loss": math.nan}, "/models/4.pt")),
    ],
)
def test_the_default_pattern_finds_what_people_print(line: str, report: Report) -> None:
    assert repr(PATTERN(line)) == repr(report)  # by repr: NaN is not equal to itself


@pytest.mark.parametrize("line", ["loading data", "mode=fast", "step=3"])
def test_lines_without_a_metric_are_no_pattern_reports(line: str) -> None:
    assert PATTERN(line) is None


@pytest.mark.parametrize(
    ("text", "message"), [("(", "not a regular"), (r"(?P<name>\w+)=(\d)", "no group value")]
)
def test_a_pattern_that_cannot_work_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compile_pattern(text)


def test_lines_without_a_step_are_gathered_until_the_search_metric_comes() -> None:
    count = StepCount("val", start_step=5)

    assert count.place(Report(metrics={"train": 0.4})) is None
    assert count.place(Report(metrics={"val": 0.5}, checkpoint="c")) == (
        6, Report(6, {"train": 0.4, "val": 0.5}, "c"),
    )  # fmt: skip
    assert count.place(Report(metrics={"val": 0.3})) == (7, Report(7, {"val": 0.3}))


def test_a_checkpoint_by_itself_belongs_to_the_last_step() -> None:
    count = StepCount("val", start_step=0)
    count.place(Report(9, {"val": 0.5}))

    assert count.place(Report(checkpoint="late")) == (9, Report(9, {}, "late"))


def test_of_too_many_metrics_the_search_metric_stays() -> None:
    metrics = {f"m{number}": 0.0 for number in range(150)} | {"val": 1.0}

    placed = StepCount("val", 0).place(Report(1, metrics))

    assert placed is not None
    assert len(placed[1].metrics) == 100
    assert placed[1].metrics["val"] == 1.0


def test_bytes_become_lines_whatever_way_they_come() -> None:
    stream = LineStream()

    lines = [line for byte in "één\nzwei\r\n\nrest".encode() for line in stream.feed(bytes([byte]))]

    assert lines + stream.finish() == ["één", "zwei", "", "rest"]
    assert stream.finish() == []


def test_of_a_progress_bar_its_last_state_is_kept() -> None:
    assert LineStream().feed(b"10%\r50%\r100% loss=1\n") == ["100% loss=1"]


def test_a_line_without_end_does_not_grow_for_ever() -> None:
    stream = LineStream()

    (line,) = stream.feed(b"x" * (LINE_BYTES_MAX + 1))

    assert len(line) == LINE_BYTES_MAX + 1
    assert stream.finish() == []


def test_a_metrics_file_is_read_from_where_it_ended(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text("old\n")
    file = MetricsFile(path)

    with path.open("a") as writer:
        writer.write("new\nhal")
        writer.flush()
        assert file.read_lines() == ["new"]
        writer.write("f")

    assert file.finish() == ["half"]


def test_a_metrics_file_may_come_later_and_be_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    file = MetricsFile(path)

    assert file.read_lines() == []
    path.write_text("one\n")
    assert file.read_lines() == ["one"]
    path.write_text("two, and longer than before\n")
    assert file.read_lines() == ["two, and longer than before"]

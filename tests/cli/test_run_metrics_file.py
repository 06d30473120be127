"""A file that a program appends its metrics to, read while it is written."""

from __future__ import annotations

from pathlib import Path

from asha_server.cli.run.metrics_file import MetricsFile


def test_a_file_that_is_written_anew_is_read_from_its_beginning_and_then_on(
    tmp_path: Path,
) -> None:
    """The new content is shorter than what is remembered of the old one's end."""
    path = tmp_path / "metrics"
    path.write_text("former\n" * 100)
    file = MetricsFile(path)
    path.write_text("a\n")
    assert file.read_lines() == ["a"]

    with path.open("a") as more:
        more.write("b\n")

    assert file.read_lines() == ["b"]
    assert file.rewrites == 1


def test_what_stood_there_is_read_where_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "metrics"
    path.write_text("one\ntw")

    assert MetricsFile(path).finish() == []
    assert MetricsFile(path, from_start=True).finish() == ["one", "tw"]

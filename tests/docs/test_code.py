"""Code and commands that the pages show use names and options that exist."""

from __future__ import annotations

import ast
import inspect
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import asha_client
import click
import pytest
from asha_client import Experiment, Reporter, Trial

from asha_server.cli.program import asha

from .page import DOCS, fences

PAGES = [*sorted(DOCS.glob("tutorial/*.md")), *sorted(DOCS.glob("howto/*.md"))]
OBJECTS = {
    "trial": {*dir(Trial), "number", "seed", "parameters", "nested", "checkpoint", "start_step",
              "max_length"},
    "experiment": {*dir(Experiment)},
}  # fmt: skip
"""Names that an example may ask of a variable; a trial's attributes are set by its constructor."""
CALLS: dict[str, Callable[..., object]] = {
    "asha.Reporter": Reporter,
    "experiment.trials": Experiment.trials,
    "trial.report": Trial.report,
}


def _programs(language: str) -> list[tuple[str, str]]:
    return [
        (page.stem, text) for page in PAGES for shown, text in fences(page) if shown == language
    ]


@pytest.mark.parametrize(("page", "text"), _programs("python"), ids=lambda words: words[:24])
def test_python_on_a_page_asks_for_names_that_exist(page: str, text: str) -> None:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id == "asha":
                assert hasattr(asha_client, node.attr), f"{page}: asha.{node.attr}"
            assert node.attr in OBJECTS.get(node.value.id, {node.attr}), f"{page}: {node.attr}"
        if isinstance(node, ast.Call) and (called := CALLS.get(ast.unparse(node.func))):
            known = set(inspect.signature(called).parameters)
            assert {keyword.arg for keyword in node.keywords} <= known, f"{page}: {known}"


def _commands() -> Iterator[list[str]]:
    for _, text in _programs("sh"):
        for line in text.splitlines():
            if line.startswith("asha "):
                yield shlex.split(line)[1:]


@pytest.mark.parametrize("words", [*_commands()], ids=lambda words: " ".join(words)[:32])
def test_a_command_on_a_page_has_its_options(words: list[str]) -> None:
    name, *arguments = words
    command = asha.get_command(click.Context(asha), name)
    while isinstance(command, click.Group):
        name, *arguments = arguments
        command = command.get_command(click.Context(command), name)
    assert command is not None, name

    _, unknown, _ = command.make_parser(click.Context(command)).parse_args(arguments)

    assert unknown == []


def test_the_pages_show_python_and_commands() -> None:
    assert len(_programs("python")) >= 5
    assert len([*_commands()]) >= 8


def test_an_option_that_there_is_not_is_found() -> None:
    command = asha.get_command(click.Context(asha), "status")
    assert command is not None

    with pytest.raises(click.NoSuchOption):
        command.make_parser(click.Context(command)).parse_args(["--nonsense"])


def test_a_fence_is_read_with_its_language(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```sh\nasha status\n```\n\n```python\nx = 1\n```\n")

    assert [*fences(page)] == [("sh", "asha status\n"), ("python", "x = 1\n")]

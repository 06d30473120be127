"""Options of every command that reads a program's metrics and its exit status."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import click
from asha_client import FailureKind

from asha_server.cli.run.report_line import (
    DEFAULT_PATTERN,
    JsonLines,
    LineParser,
    PatternLines,
    compile_pattern,
)

FunctionT = TypeVar("FunctionT", bound=Callable[..., object])

_STATUSES = {
    "--infeasible-exit": "these parameters cannot work",
    "--permanent-exit": "would fail again",
    "--unreadable-exit": "the checkpoint cannot be read",
}


def metrics_options(function: FunctionT) -> FunctionT:
    """Adds `--metrics`, `--pattern` and `--step`, for `choose_parser`."""
    function = click.option(
        "--step", "step_name", default="step", metavar="NAME",
        help="What the step is called.  [step]",
    )(function)  # fmt: skip
    function = click.option(
        "--pattern",
        metavar="REGEX",
        help="Regular expression with the groups name and value, for --metrics pattern.  "
        "[val_loss=0.31, val_loss: 0.31]",
    )(function)
    return click.option(
        "--metrics",
        "metrics_form",
        type=click.Choice(["json", "pattern"]),
        help="Form of the lines that report metrics.  [json]",
    )(function)


def failure_options(function: FunctionT) -> FunctionT:
    """Adds `--infeasible-exit` and the like, for `choose_failure_kinds`."""
    for name, meaning in reversed(_STATUSES.items()):
        function = click.option(
            name,
            type=click.IntRange(1, 255),
            multiple=True,
            metavar="STATUS",
            help=f"Exit status that means: {meaning}.  May be repeated.",
        )(function)
    return function


def choose_parser(form: str | None, pattern: str | None, step_name: str) -> LineParser:
    """The parser that the options ask for.

    Raises:
        UsageError: they contradict each other, or the pattern is none.
    """
    if form == "json" and pattern is not None:
        raise click.UsageError("--pattern belongs to --metrics pattern, not to --metrics json")
    if form != "pattern" and pattern is None:
        return JsonLines(step_name)
    try:
        return PatternLines(compile_pattern(pattern or DEFAULT_PATTERN), step_name)
    except ValueError as error:
        raise click.UsageError(f"--pattern: {error}") from error


def choose_failure_kinds(
    infeasible: tuple[int, ...], permanent: tuple[int, ...], unreadable: tuple[int, ...]
) -> Mapping[int, FailureKind]:
    """What each named exit status means.

    Raises:
        UsageError: one is named twice.
    """
    kinds: dict[int, FailureKind] = {}
    for statuses, kind in (
        (infeasible, FailureKind.INFEASIBLE),
        (permanent, FailureKind.PERMANENT),
        (unreadable, FailureKind.CHECKPOINT_UNREADABLE),
    ):
        for status in statuses:
            if kinds.setdefault(status, kind) is not kind:
                raise click.UsageError(
                    f"exit status {status} cannot be both {kinds[status]} and {kind}"
                )
    return kinds

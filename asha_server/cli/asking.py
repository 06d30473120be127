"""What cannot be undone asks first, or takes `--yes`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeVar

import click

FunctionT = TypeVar("FunctionT", bound=Callable[..., object])


def yes_option(function: FunctionT) -> FunctionT:
    """Adds `--yes`, given to the command as `is_sure: bool`."""
    return click.option("--yes", "-y", "is_sure", is_flag=True, help="Do not ask.")(function)


def require_answer_possible(is_sure: bool) -> None:
    """Refuses to go on where a question would have to be asked that nobody can answer.

    Raises:
        UsageError: there is no terminal, and no --yes.
    """
    if not is_sure and not sys.stdin.isatty():
        raise click.UsageError(
            "this cannot be undone, and there is no terminal to ask at: give --yes if it is meant",
            click.get_current_context(),
        )


def ask(question: str) -> None:
    """Goes on only if the person says yes.

    Raises:
        Abort: the person said no; nothing has been changed.
    """
    click.confirm(question, abort=True, err=True)

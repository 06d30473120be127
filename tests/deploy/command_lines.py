"""Whether a command line of `asha` would be taken, by the command's own parser."""

from __future__ import annotations

from collections.abc import Sequence

import click

from asha_server.cli.program import asha


def check(words: Sequence[str]) -> str:
    """Parses the words after `asha`; the subcommand that they call.

    Raises:
        click.UsageError: an option that there is not, a value of the wrong form, words missing.
    """
    command = asha.get_command(click.Context(asha), words[0])
    if command is None:
        raise click.UsageError(f"no such command: {words[0]}")
    arguments = list(words[1:])
    context = click.Context(command, info_name=words[0])
    if isinstance(command, click.Group):
        inner = command.get_command(context, arguments[0])
        if inner is None:
            raise click.UsageError(f"no such command: {words[0]} {arguments[0]}")
        command, arguments = inner, arguments[1:]
    with command.make_context(words[0], arguments):
        return words[0]

"""What was asked for was refused or failed: one clear message, exit status 1."""

from __future__ import annotations

import click


class Refusal(click.ClickException):
    """Ends a command with exit status 1.

    Args:
        message: what is wrong and the way out.
    """

    exit_code = 1

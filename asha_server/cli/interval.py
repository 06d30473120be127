"""Lengths of time on the command line and in the configuration."""

from __future__ import annotations

import click

from asha_server.config import SECOND_US

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class Interval(click.ParamType[int]):
    """`60s`, `5m`, `1h` or `90d`: at least a second. Microseconds."""

    name = "interval"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """The time that a text says."""
        if isinstance(value, int):
            return value
        amount, seconds = value[:-1], _SECONDS.get(value[-1:], 0)
        if not (seconds and amount.isascii() and amount.isdigit() and 0 < int(amount) < 10**9):
            self.fail(f"{value!r} is not a time like 60s, 5m, 1h or 90d", param, ctx)
        return int(amount) * seconds * SECOND_US


def interval_text(length_us: int) -> str:
    """A length of time as `Interval` reads it."""
    seconds = length_us // SECOND_US
    unit, size = next((u, s) for u, s in reversed(_SECONDS.items()) if seconds % s == 0)
    return f"{seconds // size}{unit}"


class FileMode(click.ParamType[int]):
    """`0600`: permissions, octal."""

    name = "mode"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """The permissions that a text says."""
        if isinstance(value, int):
            return value
        try:
            mode = int(value, 8)
        except ValueError:
            mode = -1
        if not 0 <= mode <= 0o777:
            self.fail(f"{value!r} is no permissions like 0600 or 0660", param, ctx)
        return mode

"""Where a server's settings come from: flags, ASHA_* variables, a TOML file, defaults.

Click looks them up in that order; here is what it does not do: the file, unknown names, limits one
by one, and showing where each value came from.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from asha_server.config import PER_IDENTITY, Limits

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PREFIX = "ASHA"
OTHERS = frozenset({
    "ASHA_SERVER", "ASHA_TOKEN", "ASHA_TOKEN_FILE",
    "ASHA_ROOT_CERTIFICATES", "ASHA_CLIENT_CERTIFICATE", "ASHA_CLIENT_KEY",
})  # fmt: skip
"""Variables of clients, which stand beside a server's."""
LIMITS = tuple(field.name for field in dataclasses.fields(Limits))
_NOT_KEYS = frozenset({"config", "print_config", "help"})
_SOURCES = {
    ParameterSource.COMMANDLINE: "flag",
    ParameterSource.ENVIRONMENT: "environment",
    ParameterSource.DEFAULT_MAP: "file",
}
_NEAR = 0.8
"""How alike an unknown variable is to a known one that was surely meant; others' are left alone."""
_LIMITS_KEY = "limits"
_META = "asha_server.cli.settings.limits"


class LimitSetting(click.ParamType[tuple[str, int]]):
    """`NAME=VALUE`, one limit."""

    name = "limit"
    known = LIMITS

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        """The limit and its value."""
        if isinstance(value, tuple):
            return value
        name, _, number = str(value).partition("=")
        if name not in self.known:
            self.fail(f"unknown limit {name!r}{_guess(name, self.known)}", param, ctx)
        least = 0 if name.startswith(PER_IDENTITY) else 1  # where 0 is no limit
        if not (number.isascii() and number.isdigit() and least <= int(number) < 2**53):
            wanted = f"a whole number of {least} or more"
            self.fail(f"{name} must be {wanted}, not {number!r}", param, ctx)
        return name, int(number)


def read_file(ctx: click.Context, _: click.Parameter, path: Path | None) -> Path | None:
    """Takes the settings of a TOML file in; callback of `--config`.

    Raises:
        UsageError: it cannot be read, or has a key that there is not.
    """
    _refuse_unknown_variables(ctx)
    if path is None:
        return None
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # of TOML, of UTF-8
        raise click.UsageError(f"{path} cannot be read: {error}", ctx) from None
    known = _keys(ctx)
    limits = content.pop(_LIMITS_KEY, {})
    for key in content:
        if key not in known:
            guess = _guess(key, (*known, _LIMITS_KEY))
            raise click.UsageError(f"{path}: unknown key {key!r}{guess}", ctx)
    if not isinstance(limits, dict):
        raise click.UsageError(f"{path}: limits must be a table", ctx)
    ctx.meta[_META] = [f"{name}={value}" for name, value in limits.items()]
    # As texts, so that a file means what the command line means: times carry their unit.
    ctx.default_map = {key: _as_typed(value) for key, value in content.items()}
    return path


def _as_typed(value: Any) -> Any:
    if isinstance(value, list):
        return [_as_typed(item) for item in value]
    return value if isinstance(value, bool) else str(value)


def _keys(ctx: click.Context) -> list[str]:
    names = [str(param.name) for param in ctx.command.params]
    return [name for name in names if name not in _NOT_KEYS]


def _refuse_unknown_variables(ctx: click.Context) -> None:
    """A variable whose name is nearly that of a setting was meant to be it.

    Anything else that begins with ASHA_ is somebody's own: Kubernetes makes a dozen for a service
    of that name.

    Raises:
        UsageError: naming both.
    """
    known = [f"{PREFIX}_{name.upper()}" for name in (*_keys(ctx), "config")]
    for name in os.environ:
        if not name.startswith(f"{PREFIX}_") or name in known or name in OTHERS:
            continue
        near = difflib.get_close_matches(name, known, n=1, cutoff=_NEAR)
        if near:
            raise click.UsageError(f"unknown variable {name}; did you mean {near[0]}?", ctx)


def _guess(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def find_limits(
    ctx: click.Context, given: Iterable[tuple[str, int]]
) -> tuple[Limits, dict[str, str]]:
    """The limits, each from its first source, and the source of each that is not a default.

    Args:
        ctx: of the command.
        given: by flags.

    Raises:
        UsageError: a variable or the file names one that there is not, or a wrong value.
    """
    variable = f"{PREFIX}_LIMITS"
    values: dict[str, int] = {}
    sources: dict[str, str] = {}
    for source, where, texts in (
        ("file", "[limits]", ctx.meta.get(_META, ())),
        ("environment", variable, os.environ.get(variable, "").split()),
        ("flag", "--limit", given),
    ):
        for text in texts:
            try:
                name, value = LimitSetting().convert(text, None, ctx)
            except click.BadParameter as error:
                raise click.UsageError(f"{where}: {error.message}", ctx) from None
            values[name], sources[name] = value, source
    return Limits(**values), sources


def show(
    ctx: click.Context, values: Mapping[str, Any], limits: Limits, sources: Mapping[str, str]
) -> None:
    """Prints every setting as a TOML file would have it, with its source behind."""
    for key in _keys(ctx):
        if key == _LIMITS_KEY:
            continue
        source = _SOURCES.get(ctx.get_parameter_source(key) or ParameterSource.DEFAULT, "default")
        value = values[key]
        if value is None:
            click.echo(f"# {key} is not set  # {source}")
        else:
            click.echo(f"{key} = {_toml(value)}  # {source}")
    click.echo("\n[limits]")
    for name, value in dataclasses.asdict(limits).items():
        click.echo(f"{name} = {value}  # {sources.get(name, 'default')}")


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_toml, value))}]"
    return str(value) if isinstance(value, int) else json.dumps(str(value), ensure_ascii=False)

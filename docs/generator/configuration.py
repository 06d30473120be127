"""docs/reference/configuration.md: the settings of a server, by each of their names."""

# ruff: noqa: E501 - a sentence or a row is one line, here as on the page
from __future__ import annotations

import click

from asha_server.cli import serve, settings
from docs.generator.markdown import heading, table


def page() -> str:
    """The page."""
    lines = heading("Configuration", "the options of `asha serve`")
    lines += [
        "Each setting of a server has three names: a flag, a variable of the environment, a key of a TOML file.",
        "The flag goes before the variable, that before the file, that before the default.",
        "The file is named by `--config` or `ASHA_CONFIG`; a key that there is not is refused, with the nearest that there is.",
        "A variable whose name is nearly that of a setting is refused too; others that begin with `ASHA_` are left alone.",
        "`asha serve --print-config` prints every setting with its source, as a file that means the same.",
        "",
        "Several addresses are a list in the file and stand with spaces between them in the variable.",
        "[Limits](limits.md) are `--limit NAME=VALUE`, `ASHA_LIMITS='NAME=VALUE NAME=VALUE'` and the file's table `[limits]`, each from its first source.",
        "",
    ]
    rows = []
    for param in serve.command.params:
        assert isinstance(param, click.Option)
        name = str(param.name)
        if name in ("config", "print_config", "limits"):
            continue
        default = param.default
        if isinstance(default, tuple):
            default = " ".join(default)
        is_set = default is not None and "UNSET" not in repr(default)
        shown = (
            f"`{str(default).lower() if isinstance(default, bool) else default}`" if is_set else ""
        )
        rows.append(
            [
                f"`{param.opts[0]}`",
                f"`{settings.PREFIX}_{name.upper()}`",
                f"`{name}`",
                shown,
                param.help or "",
            ]
        )
    lines += [*table(["flag", "variable", "key", "default", "what"], rows), ""]
    return "\n".join(lines).rstrip() + "\n"

"""docs/reference/cli.md: the help of every command, as the command prints it."""

from __future__ import annotations

import click

from asha_server.cli.program import SECTIONS, asha
from docs.generator.markdown import heading, link, table

WIDTH = 80


def page() -> str:
    """The page."""
    lines = heading("The command `asha`", "the commands' own `--help`")
    lines += [
        "Exit status: 0 done, 1 refused or failed, 2 wrong usage.",
        "`--json` prints facts for programs; `ASHA_SERVER` names the server once for all commands.",
        "First steps: [the tutorial](../tutorial/first-experiment.md).",
        "`asha run` beside the other ways to train: [write a worker](../howto/write-a-worker.md).",
        "`asha sidecar` and its files: [run a sidecar](../howto/sidecar.md).",
        "What `verify` proves: [determinism](../explanation/determinism.md#verify).",
        "",
    ]
    root = _context(asha, None, "asha")
    helps: list[str] = []
    for section, subcommands in SECTIONS.items():
        rows = [[link(f"asha {n}", f"asha {n}"), s.summary] for n, s in subcommands.items()]
        lines += [f"**{section}**", "", *table(["command", "what"], rows), ""]
        for name in subcommands:
            command = asha.get_command(root, name)
            assert command is not None
            text = command.get_help(_context(command, root, name))
            helps += [f"## asha {name}", "", *_block(text)]
            if isinstance(command, click.Group):
                context = _context(command, root, name)
                for inner in command.commands.values():
                    of_inner = inner.get_help(_context(inner, context, str(inner.name)))
                    helps += [f"### asha {name} {inner.name}", "", *_block(of_inner)]
    lines += helps
    return "\n".join(lines).rstrip() + "\n"


def _context(command: click.Command, parent: click.Context | None, name: str) -> click.Context:
    """The context in which a command prints its help at a fixed width."""
    context = command.make_context(name, [], parent, resilient_parsing=True)
    context.terminal_width = WIDTH
    return context


def _block(text: str) -> list[str]:
    return ["```text", *(line.rstrip() for line in text.splitlines()), "```", ""]

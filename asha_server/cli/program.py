"""The command `asha` and the list of its subcommands, each imported when it is called."""

from __future__ import annotations

import difflib
import importlib
from dataclasses import dataclass

import click

import asha_server


@dataclass(frozen=True, slots=True)
class Subcommand:
    """Where a subcommand is, and what `asha --help` says about it without importing it.

    Attributes:
        module: the module under `asha_server.cli` that holds it as `command`.
        summary: its short help.
    """

    module: str
    summary: str


SECTIONS: dict[str, dict[str, Subcommand]] = {
    "Search": {
        "preview": Subcommand("preview", "Show brackets, lengths and cost of a file."),
        "simulate": Subcommand("simulate", "Simulate a search with virtual workers."),
        "create": Subcommand("create", "Create an experiment from a file."),
        "run": Subcommand("run", "Train trials with any program."),
        "sidecar": Subcommand("sidecar", "Be the worker beside a training container."),
        "demo": Subcommand("demo", "A server, workers and a real search in one command."),
    },
    "Look": {
        "status": Subcommand("status", "Show experiments, or one with its brackets."),
        "watch": Subcommand("watch", "Print events as they happen."),
        "trials": Subcommand("trials", "List the trials of an experiment."),
        "best": Subcommand("best", "Show the best trials."),
        "explain": Subcommand("explain", "Tell why a trial is where it is."),
    },
    "Act": {
        "give": Subcommand("give", "Give configurations to be tried first."),
        "pause": Subcommand("pause", "Pause an experiment."),
        "resume": Subcommand("resume", "Resume a paused experiment."),
        "stop": Subcommand("stop", "End an experiment for good."),
        "cancel": Subcommand("cancel", "End one trial for good."),
        "delete": Subcommand("delete", "Delete an experiment and its history."),
    },
    "Server": {
        "serve": Subcommand("serve", "Run the server."),
        "health": Subcommand("health", "Tell whether the server takes calls."),
        "token": Subcommand("token", "Create, list and revoke access tokens."),
        "export": Subcommand("export", "Write an experiment's history as a file."),
        "import": Subcommand("import_", "Make an experiment of an exported file."),
        "replay": Subcommand("replay", "Decide an exported history anew."),
        "verify": Subcommand("verify", "Prove that a database file is whole."),
        "backup": Subcommand("backup", "Copy a database file, also a served one."),
        "compact": Subcommand("compact", "Give the room of deleted experiments back."),
    },
}
"""The sections of `asha --help` and their subcommands, in the order in which they are shown."""

SUBCOMMANDS: dict[str, Subcommand] = {
    name: subcommand for section in SECTIONS.values() for name, subcommand in section.items()
}


class LazyGroup(click.Group):
    """A group whose subcommands are imported when they are called, one by one."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all subcommands, as shown."""
        return list(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The subcommand of a name; None if there is none."""
        subcommand = SUBCOMMANDS.get(cmd_name)
        if subcommand is None:
            return None
        module = importlib.import_module(f"asha_server.cli.{subcommand.module}")
        command = module.command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The subcommand that the arguments call, and the arguments left for it."""
        if args[0] not in SUBCOMMANDS:
            near = difflib.get_close_matches(args[0], SUBCOMMANDS, n=1)
            guess = f" Did you mean {near[0]!r}?" if near else ""
            ctx.fail(f"No such command {args[0]!r}.{guess}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the subcommands by section, from their summaries alone."""
        for title, subcommands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, known.summary) for name, known in subcommands.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start here: asha demo. Every command has --help with an example.",
)
@click.version_option(asha_server.__version__, prog_name="asha", message="%(prog)s %(version)s")
def asha() -> None:
    """Asynchronous successive halving as a service.

    Training processes ask the server what to train and stream their metrics to it; it tells them to
    go on, to pause or to stop.
    """

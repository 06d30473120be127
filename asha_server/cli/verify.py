"""`asha verify`: replays every experiment of a database file and compares."""

from __future__ import annotations

from pathlib import Path

import click

from asha_server.cli.json_output import json_option, print_json
from asha_server.cli.refusal import Refusal
from asha_server.cli.table import Column, Table, show
from asha_server.store import StoreError
from asha_server.verify import verify_file


@click.command(
    short_help="Prove that a database file is whole.", epilog="Example: asha verify asha.db"
)
@click.argument(
    "path", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@json_option
def command(path: Path, is_json: bool) -> None:
    """Prove that a database file is whole: replay its history and compare it with its rows.

    Reads only; a server may have the file open. Exit status 1 if anything differs.
    """
    try:
        verification = verify_file(path)
    except StoreError as error:
        raise Refusal(str(error)) from error
    if is_json and verification.problems:
        print_json({"database": str(path), "problems": list(verification.problems)})
    table = Table(
        [
            Column("experiment"),
            Column("events", is_number=True),
            Column("trials", is_number=True),
            Column("", is_wide=True),
        ]
    )
    for found in verification.experiments:
        if is_json:
            print_json(
                {
                    "experiment_id": found.experiment_id,
                    "events": found.event_count,
                    "trials": found.trial_count,
                    "problems": list(found.problems),
                }
            )
        verdict = "; ".join(found.problems) or "whole"
        table.add(found.experiment_id, f"{found.event_count:,}", f"{found.trial_count:,}", verdict)
    if not is_json:
        show([table if table.rows else f"{path} holds no experiments."])
        show(verification.problems)
    if not verification.ok:
        raise Refusal(f"{path} is not whole: keep a copy of it, and report this")
